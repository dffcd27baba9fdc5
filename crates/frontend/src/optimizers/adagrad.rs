//! Adagrad: each weight's step is divided by the size of all its gradients so far.

use cornu_ir::Expr;

use crate::error::Result;
use crate::optimizers::settings::{described, settings};
use crate::optimizers::{Common, Optimizer, SlotSpec, Step, TrainedWeight, Updated, each_weight, slots_of};

settings! {
    /// With weight w, gradient g, learning rate α:
    ///
    /// - a ← a + g²
    /// - w ← w - α·g/√(a + ε)
    ///
    /// Duchi, Hazan, Singer 2011, "Adaptive subgradient methods for online learning and stochastic optimization".
    pub struct Adagrad(Common::new(0.001)) {
        /// What the sums of squares begin at.
        initial_accumulator_value: f64 = 0.1,
        /// What keeps the divisor from 0.
        epsilon: f64 = 1e-7,
    }
}

const GROUPS: &[&[&str]] = &[&["accumulator"]];

impl Optimizer for Adagrad {
    described!("Adagrad");

    fn rule_slots(&self, weights: &[TrainedWeight]) -> Vec<SlotSpec> {
        let slots = slots_of(weights, GROUPS).into_iter();
        slots.map(|slot| slot.beginning_at(self.initial_accumulator_value)).collect()
    }

    fn update<'b>(
        &self,
        step: &Step<'_, 'b>,
        weights: &[Expr<'b>],
        gradients: &[Option<Expr<'b>>],
        slots: &[Expr<'b>],
    ) -> Result<Updated<'b>> {
        each_weight(GROUPS, weights, gradients, slots, |w, g, slots| {
            let a = slots[0] + g.square();
            (w - step.rate_for(w) * g / (a + self.epsilon).sqrt(), vec![a])
        })
    }
}
