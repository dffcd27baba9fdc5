//! Lamb: Adam whose step is as long, for each weight, as the weight itself.

use cornu_ir::Expr;

use super::adam::{groups, moments};
use crate::error::Result;
use crate::optimizers::settings::{described, settings};
use crate::optimizers::{Common, Optimizer, SlotSpec, Step, TrainedWeight, Updated, each_weight, slots_of};

settings! {
    /// With weight w, gradient g, learning rate α, and t counting steps from 1:
    ///
    /// - m ← m + (1 - β₁)·(g - m)
    /// - v ← v + (1 - β₂)·(g² - v)
    /// - u = m/(1 - β₁ᵗ)/(√(v/(1 - β₂ᵗ)) + ε)
    /// - w ← w - α·r·u, with r = ‖w‖/‖u‖, or 1 where one of them is 0
    ///
    /// You et al. 2019, <https://arxiv.org/abs/1904.00962>. The norms are over the whole weight, so it is read twice.
    pub struct Lamb(Common::new(0.001)) {
        /// The share of the old average in the new, of gradients.
        beta_1: f64 = 0.9,
        /// The share of the old average in the new, of squared gradients.
        beta_2: f64 = 0.999,
        /// What keeps the divisor from 0.
        epsilon: f64 = 1e-7,
    }
}

impl Optimizer for Lamb {
    described!("Lamb");

    fn rule_slots(&self, weights: &[TrainedWeight]) -> Vec<SlotSpec> {
        slots_of(weights, groups(false))
    }

    fn update<'b>(
        &self,
        step: &Step<'_, 'b>,
        weights: &[Expr<'b>],
        gradients: &[Option<Expr<'b>>],
        slots: &[Expr<'b>],
    ) -> Result<Updated<'b>> {
        each_weight(groups(false), weights, gradients, slots, |w, g, slots| {
            let next = moments(self.beta_1, self.beta_2, g, slots);
            let size = (next[1] / step.missing(self.beta_2, w)).sqrt() + self.epsilon;
            let u = next[0] / step.missing(self.beta_1, w) / size;
            (w - u * (ratio(w, u) * step.rate_for(w)), next)
        })
    }
}

/// ‖w‖/‖u‖, or 1 where one of them is 0.
fn ratio<'b>(w: Expr<'b>, u: Expr<'b>) -> Expr<'b> {
    let [w, u] = [w, u].map(|x| x.square().sum_all().sqrt());
    let is_there = |norm: Expr<'b>| norm.gt(norm.number(0.0));
    is_there(w).and(is_there(u)).select(w / u, w.number(1.0))
}
