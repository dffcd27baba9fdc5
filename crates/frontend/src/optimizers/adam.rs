//! Adam: momentum divided by the recent size of the gradients, both corrected for their beginning at 0.

use cornu_ir::Expr;

use crate::error::Result;
use crate::optimizers::settings::{described, settings};
use crate::optimizers::{Common, Optimizer, SlotSpec, Step, TrainedWeight, Updated, each_weight, slots_of};

settings! {
    /// With weight w, gradient g, learning rate α, and t counting steps from 1:
    ///
    /// - m ← m + (1 - β₁)·(g - m)
    /// - v ← v + (1 - β₂)·(g² - v)
    /// - w ← w - a·m/(√v + ε), with a = α·√(1 - β₂ᵗ)/(1 - β₁ᵗ)
    ///
    /// With amsgrad: h ← max(h, v), which takes the place of v in the last line. The ε stands outside the root and is
    /// not corrected. Kingma, Ba 2014, <https://arxiv.org/abs/1412.6980>; Reddi et al. 2018 (amsgrad).
    pub struct Adam(Common::new(0.001)) {
        /// The share of the old average in the new, of gradients.
        beta_1: f64 = 0.9,
        /// The share of the old average in the new, of squared gradients.
        beta_2: f64 = 0.999,
        /// What keeps the divisor from 0.
        epsilon: f64 = 1e-7,
        /// Whether the divisor never becomes smaller.
        amsgrad: bool = false,
    }
}

impl Optimizer for Adam {
    described!("Adam");

    fn rule_slots(&self, weights: &[TrainedWeight]) -> Vec<SlotSpec> {
        slots_of(weights, groups(self.amsgrad))
    }

    fn update<'b>(
        &self,
        step: &Step<'_, 'b>,
        weights: &[Expr<'b>],
        gradients: &[Option<Expr<'b>>],
        slots: &[Expr<'b>],
    ) -> Result<Updated<'b>> {
        let Adam { beta_1, beta_2, epsilon, amsgrad, .. } = *self;
        Rule { beta_1, beta_2, epsilon, amsgrad }.update(step, weights, gradients, slots)
    }
}

/// What is kept: two averages of each weight, and with amsgrad then the largest of the second.
pub(super) fn groups(amsgrad: bool) -> &'static [&'static [&'static str]] {
    if amsgrad { &[&["momentum", "velocity"], &["velocity_hat"]] } else { &[&["momentum", "velocity"]] }
}

/// The rule of [`Adam`], which others share.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    pub(super) beta_1: f64,
    pub(super) beta_2: f64,
    pub(super) epsilon: f64,
    pub(super) amsgrad: bool,
}

impl Rule {
    pub(super) fn update<'b>(
        &self,
        step: &Step<'_, 'b>,
        weights: &[Expr<'b>],
        gradients: &[Option<Expr<'b>>],
        slots: &[Expr<'b>],
    ) -> Result<Updated<'b>> {
        each_weight(groups(self.amsgrad), weights, gradients, slots, |w, g, slots| {
            self.step(w, g, self.corrected_rate(step, w), slots)
        })
    }

    /// a: the learning rate with the correction for averages that began at 0, in the type of a weight.
    pub(super) fn corrected_rate<'b>(&self, step: &Step<'_, 'b>, weight: Expr<'b>) -> Expr<'b> {
        let missing = |beta: f64| step.missing(beta, weight);
        step.rate_for(weight) * missing(self.beta_2).sqrt() / missing(self.beta_1)
    }

    /// One weight, its gradient, the corrected learning rate, and its averages.
    pub(super) fn step<'b>(
        &self,
        w: Expr<'b>,
        g: Expr<'b>,
        a: Expr<'b>,
        slots: &[Expr<'b>],
    ) -> (Expr<'b>, Vec<Expr<'b>>) {
        let mut next = moments(self.beta_1, self.beta_2, g, slots);
        let mut size = next[1];
        if self.amsgrad {
            size = slots[2].max(size);
            next.push(size);
        }
        (w - next[0] * a / (size.sqrt() + self.epsilon), next)
    }
}

/// The next averages, of gradients and of their squares.
pub(super) fn moments<'b>(beta_1: f64, beta_2: f64, g: Expr<'b>, slots: &[Expr<'b>]) -> Vec<Expr<'b>> {
    let m = slots[0] + (g - slots[0]) * (1.0 - beta_1);
    let v = slots[1] + (g.square() - slots[1]) * (1.0 - beta_2);
    vec![m, v]
}
