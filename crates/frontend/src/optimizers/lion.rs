//! Lion: steps of one size, whose direction alone the gradients decide.

use cornu_ir::Expr;

use crate::error::{Error, Result};
use crate::optimizers::settings::{described, settings};
use crate::optimizers::{Common, Optimizer, SlotSpec, Step, TrainedWeight, Updated, each_weight, slots_of};

settings! {
    /// With weight w, gradient g, learning rate α:
    ///
    /// - w ← w - α·sign(β₁·m + (1 - β₁)·g)
    /// - m ← β₂·m + (1 - β₂)·g
    ///
    /// Chen et al. 2023, <https://arxiv.org/abs/2302.06675>. It wants a smaller learning rate than Adam, and more
    /// decay.
    pub struct Lion(Common::new(0.001)) {
        /// The share of the momentum in a step's direction. Above 0.
        beta_1: f64 = 0.9,
        /// The share of the old momentum in the new.
        beta_2: f64 = 0.99,
    }
}

const GROUPS: &[&[&str]] = &[&["momentum"]];

impl Optimizer for Lion {
    described!("Lion");

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
        let mix = |m: Expr<'b>, g: Expr<'b>, beta: f64| m * beta + g * (1.0 - beta);
        each_weight(GROUPS, weights, gradients, slots, |w, g, slots| {
            let direction = mix(slots[0], g, self.beta_1).sign();
            (w - step.rate_for(w) * direction, vec![mix(slots[0], g, self.beta_2)])
        })
    }

    fn check(&self) -> Result<()> {
        if !(self.beta_1 > 0.0 && self.beta_1 <= 1.0) {
            return Err(Error::config("Lion", "beta_1", self.beta_1, "above 0 and not above 1"));
        }
        self.common.check("Lion")
    }
}
