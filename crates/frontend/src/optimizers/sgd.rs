//! SGD: gradient descent, plain or with momentum.

use cornu_ir::Expr;

use crate::error::{Error, Result};
use crate::optimizers::settings::{described, settings};
use crate::optimizers::{Common, Optimizer, SlotSpec, Step, TrainedWeight, Updated, each_weight, slots_of};

settings! {
    /// Gradient descent. With weight w, gradient g, learning rate α and momentum μ:
    ///
    /// - plain: w ← w - α·g
    /// - momentum: m ← μ·m - α·g, w ← w + m
    /// - Nesterov: m ← μ·m - α·g, w ← w + μ·m - α·g
    ///
    /// Sutskever, Martens, Dahl, Hinton 2013, "On the importance of initialization and momentum in deep learning".
    pub struct SGD(Common::new(0.01)) {
        /// The share of the last step that is gone again.
        momentum: f64 = 0.0,
        /// Whether the gradient counts as if it were measured one step ahead.
        nesterov: bool = false,
    }
}

impl SGD {
    fn groups(&self) -> &'static [&'static [&'static str]] {
        if self.momentum == 0.0 { &[] } else { &[&["momentum"]] }
    }

    fn step<'b>(
        &self,
        w: Expr<'b>,
        g: Expr<'b>,
        alpha: Expr<'b>,
        slots: &[Expr<'b>],
    ) -> (Expr<'b>, Vec<Expr<'b>>) {
        let [m] = slots else { return (w - g * alpha, Vec::new()) };
        let m = *m * self.momentum - g * alpha;
        let w = if self.nesterov { w + (m * self.momentum - g * alpha) } else { w + m };
        (w, vec![m])
    }
}

impl Optimizer for SGD {
    described!("SGD");

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

    fn check(&self) -> Result<()> {
        if !(0.0..=1.0).contains(&self.momentum) {
            return Err(Error::config("SGD", "momentum", self.momentum, "from 0 to 1"));
        }
        self.common.check("SGD")
    }
}
