//! Adamax: Adam with the largest of the recent gradients in place of their mean square.

use cornu_ir::Expr;

use crate::error::Result;
use crate::optimizers::settings::{described, settings};
use crate::optimizers::{Common, Optimizer, SlotSpec, Step, TrainedWeight, Updated, each_weight, slots_of};

settings! {
    /// With weight w, gradient g, learning rate α, and t counting steps from 1:
    ///
    /// - m ← m + (1 - β₁)·(g - m)
    /// - u ← max(β₂·u, |g|)
    /// - w ← w - α·m/((1 - β₁ᵗ)·(u + ε))
    ///
    /// Kingma, Ba 2014, <https://arxiv.org/abs/1412.6980>, section 7.
    pub struct Adamax(Common::new(0.001)) {
        /// The share of the old average in the new.
        beta_1: f64 = 0.9,
        /// What is left of the largest gradient after a step.
        beta_2: f64 = 0.999,
        /// What keeps the divisor from 0.
        epsilon: f64 = 1e-7,
    }
}

const GROUPS: &[&[&str]] = &[&["momentum", "norm"]];

impl Optimizer for Adamax {
    described!("Adamax");

    fn rule_slots(&self, weights: &[TrainedWeight]) -> Vec<SlotSpec> {
        slots_of(weights, GROUPS)
    }

    fn update<'b>(
        &self,
        step: &Step<'_, 'b>,
        weights: &[Expr<'b>],
        gradients: &[Option<Expr<'b>>],
        slots: &[Expr<'b>],
    ) -> Result<Updated<'b>> {
        each_weight(GROUPS, weights, gradients, slots, |w, g, slots| {
            let m = slots[0] + (g - slots[0]) * (1.0 - self.beta_1);
            let u = (slots[1] * self.beta_2).max(g.abs());
            let distance = step.rate_for(w) * m / (step.missing(self.beta_1, w) * (u + self.epsilon));
            (w - distance, vec![m, u])
        })
    }
}
