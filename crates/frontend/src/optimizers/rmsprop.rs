//! RMSprop: each weight's step is divided by the recent size of its gradients.

use cornu_ir::Expr;

use crate::error::Result;
use crate::optimizers::settings::{described, settings};
use crate::optimizers::{Common, Optimizer, SlotSpec, Step, TrainedWeight, Updated, each_weight, slots_of};

settings! {
    /// With weight w, gradient g, learning rate α:
    ///
    /// - v ← ρ·v + (1 - ρ)·g²
    /// - d = v + ε, or if centered: a ← ρ·a + (1 - ρ)·g, d = v - a² + ε
    /// - w ← w - α·g/√d, or with momentum μ: b ← μ·b + α·g/√d, w ← w - b
    ///
    /// The ε stands inside the root. Tieleman, Hinton 2012, lecture 6.5 of "Neural networks for machine learning".
    pub struct RMSprop(Common::new(0.001)) {
        /// The share of the old average in the new.
        rho: f64 = 0.9,
        /// The share of the last step that is gone again.
        momentum: f64 = 0.0,
        /// What keeps the divisor from 0.
        epsilon: f64 = 1e-7,
        /// Whether the variance of the gradients is used instead of their mean square.
        centered: bool = false,
    }
}

impl RMSprop {
    fn groups(&self) -> &'static [&'static [&'static str]] {
        match (self.momentum > 0.0, self.centered) {
            (false, false) => &[&["velocity"]],
            (true, false) => &[&["velocity"], &["momentum"]],
            (false, true) => &[&["velocity"], &["average_gradient"]],
            (true, true) => &[&["velocity"], &["momentum"], &["average_gradient"]],
        }
    }

    fn step<'b>(
        &self,
        w: Expr<'b>,
        g: Expr<'b>,
        alpha: Expr<'b>,
        slots: &[Expr<'b>],
    ) -> (Expr<'b>, Vec<Expr<'b>>) {
        let average = |old: Expr<'b>, new: Expr<'b>| old * self.rho + new * (1.0 - self.rho);
        let v = average(slots[0], g.square());
        let mut next = vec![v];
        let mut divisor = v + self.epsilon;
        let centre = self.centered.then(|| average(slots[slots.len() - 1], g));
        if let Some(centre) = centre {
            divisor = v - centre.square() + self.epsilon;
        }
        let mut distance = alpha * g / divisor.sqrt();
        if self.momentum > 0.0 {
            distance = slots[1] * self.momentum + distance;
            next.push(distance);
        }
        next.extend(centre);
        (w - distance, next)
    }
}

impl Optimizer for RMSprop {
    described!("RMSprop");

    fn rule_slots(&self, weights: &[TrainedWeight]) -> Vec<SlotSpec> {
        slots_of(weights, self.groups())
    }

    fn update<'b>(
        &self,
        step: &Step<'_, 'b>,
        weights: &[Expr<'b>],
        gradients: &[Option<Expr<'b>>],
        slots: &[Expr<'b>],
    ) -> Result<Updated<'b>> {
        each_weight(self.groups(), weights, gradients, slots, |w, g, slots| {
            self.step(w, g, step.rate_for(w), slots)
        })
    }
}
