//! AdamW: Adam with weight decay that does not pass through its averages.

use cornu_ir::Expr;

use super::adam;
use crate::error::{Error, Result};
use crate::optimizers::settings::{described, settings};
use crate::optimizers::{Common, Optimizer, SlotSpec, Step, TrainedWeight, Updated, slots_of};

settings! {
    /// [`Adam`](crate::Adam) with weight decay, 0.004 by default: before its rule, w ← w - decay·α·w.
    ///
    /// Loshchilov, Hutter 2019, <https://arxiv.org/abs/1711.05101>. All optimizers can decay weights this way; this one
    /// must.
    pub struct AdamW(Common::new(0.001).with_weight_decay(0.004)) {
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

impl Optimizer for AdamW {
    described!("AdamW");

    fn rule_slots(&self, weights: &[TrainedWeight]) -> Vec<SlotSpec> {
        slots_of(weights, adam::groups(self.amsgrad))
    }

    fn update<'b>(
        &self,
        step: &Step<'_, 'b>,
        weights: &[Expr<'b>],
        gradients: &[Option<Expr<'b>>],
        slots: &[Expr<'b>],
    ) -> Result<Updated<'b>> {
        let AdamW { beta_1, beta_2, epsilon, amsgrad, .. } = *self;
        adam::Rule { beta_1, beta_2, epsilon, amsgrad }.update(step, weights, gradients, slots)
    }

    fn check(&self) -> Result<()> {
        if self.common.weight_decay.is_none() {
            return Err(Error::config("AdamW", "weight_decay", "null", "a number; without decay use Adam"));
        }
        self.common.check("AdamW")
    }
}
