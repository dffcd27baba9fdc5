//! Adadelta: steps as large as the recent ones, relative to the recent gradients.

use cornu_ir::Expr;

use crate::error::Result;
use crate::optimizers::settings::{described, settings};
use crate::optimizers::{Common, Optimizer, SlotSpec, Step, TrainedWeight, Updated, each_weight, slots_of};

settings! {
    /// With weight w, gradient g, learning rate α:
    ///
    /// - a ← ρ·a + (1 - ρ)·g²
    /// - Δ = -g·√(d + ε)/√(a + ε)
    /// - d ← ρ·d + (1 - ρ)·Δ²
    /// - w ← w + α·Δ
    ///
    /// Zeiler 2012, <https://arxiv.org/abs/1212.5701>, where α is 1.
    pub struct Adadelta(Common::new(0.001)) {
        /// The share of the old averages in the new.
        rho: f64 = 0.95,
        /// What keeps roots from 0, and the first steps from being none.
        epsilon: f64 = 1e-7,
    }
}

const GROUPS: &[&[&str]] = &[&["accumulated_grad", "accumulated_delta_var"]];

impl Optimizer for Adadelta {
    described!("Adadelta");

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
        let average = |old: Expr<'b>, new: Expr<'b>| old * self.rho + new.square() * (1.0 - self.rho);
        let root = |mean_square: Expr<'b>| (mean_square + self.epsilon).sqrt();
        each_weight(GROUPS, weights, gradients, slots, |w, g, slots| {
            let a = average(slots[0], g);
            let delta = root(slots[1]) * g / root(a);
            (w - step.rate_for(w) * delta, vec![a, average(slots[1], delta)])
        })
    }
}
