//! Nadam: Adam whose momentum looks one step ahead, as Nesterov's does.

use cornu_ir::Expr;

use super::adam::{groups, moments};
use crate::error::{Error, Result};
use crate::optimizers::settings::{described, settings};
use crate::optimizers::{Common, Optimizer, SlotSpec, Step, TrainedWeight, Updated, each_weight, slots_of};

settings! {
    /// With weight w, gradient g, learning rate α, t counting steps from 1, and uₜ = β₁·(1 - 0.96ᵗ/2):
    ///
    /// - U ← U·uₜ, the product of all u so far, kept once for all weights
    /// - m ← m + (1 - β₁)·(g - m)
    /// - v ← v + (1 - β₂)·(g² - v)
    /// - w ← w - α·(uₜ₊₁·m/(1 - U·uₜ₊₁) + (1 - uₜ)·g/(1 - U))/(√(v/(1 - β₂ᵗ)) + ε)
    ///
    /// Dozat 2015, "Incorporating Nesterov momentum into Adam".
    pub struct Nadam(Common::new(0.001)) {
        /// The share of the old average in the new, of gradients; in early steps less of it counts.
        beta_1: f64 = 0.9,
        /// The share of the old average in the new, of squared gradients.
        beta_2: f64 = 0.999,
        /// What keeps the divisor from 0.
        epsilon: f64 = 1e-7,
    }
}

impl Nadam {
    /// u of the step that comes `ahead` steps after the next.
    fn share<'b>(&self, step: &Step<'_, 'b>, like: Expr<'b>, ahead: f64) -> Expr<'b> {
        let t = step.count_for(like) + ahead;
        (1.0 - t.number(DECAY).pow(t) * 0.5) * self.beta_1
    }
}

/// How fast u comes near β₁.
const DECAY: f64 = 0.96;

/// U after so many steps, which files of Keras 1 and 2 do not hold.
pub(crate) fn momentum_product(beta_1: f64, steps: i64) -> f64 {
    let mut product = 1.0;
    for t in 1..=steps {
        product *= beta_1 * (1.0 - 0.5 * DECAY.powi(t.try_into().unwrap_or(i32::MAX)));
        // From here on it stays what it is, however many steps there were.
        if product < f64::from(f32::MIN_POSITIVE) {
            return 0.0;
        }
    }
    product
}

impl Optimizer for Nadam {
    described!("Nadam");

    fn rule_slots(&self, weights: &[TrainedWeight]) -> Vec<SlotSpec> {
        let mut slots = slots_of(weights, groups(false));
        if let Some(first) = weights.first() {
            slots.push(SlotSpec::scalar("u_product", first.ty.dtype, 1.0));
        }
        slots
    }

    fn update<'b>(
        &self,
        step: &Step<'_, 'b>,
        weights: &[Expr<'b>],
        gradients: &[Option<Expr<'b>>],
        slots: &[Expr<'b>],
    ) -> Result<Updated<'b>> {
        let Some((&product, slots)) = slots.split_last() else {
            return Err(Error::config("Nadam", "state", "no slots", "the product of its momenta"));
        };
        let product = product * self.share(step, product, 0.0);
        let (weights, mut slots) = each_weight(groups(false), weights, gradients, slots, |w, g, slots| {
            let next = moments(self.beta_1, self.beta_2, g, slots);
            let [u, ahead] = [0.0, 1.0].map(|steps| self.share(step, w, steps));
            let so_far = product.cast(w.dtype());
            let m = next[0] * (ahead / (1.0 - so_far * ahead)) + g * ((1.0 - u) / (1.0 - so_far));
            let size = (next[1] / step.missing(self.beta_2, w)).sqrt() + self.epsilon;
            (w - m * step.rate_for(w) / size, next)
        })?;
        slots.push(product);
        Ok((weights, slots))
    }
}
