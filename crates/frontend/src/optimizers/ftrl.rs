//! Ftrl: follow the regularized leader, made for sparse linear models.

use cornu_ir::Expr;

use crate::error::{Error, Result};
use crate::optimizers::settings::{described, settings};
use crate::optimizers::{Common, Optimizer, SlotSpec, Step, TrainedWeight, Updated, each_weight, slots_of};

settings! {
    /// With weight w, gradient g, learning rate α, and p = -learning_rate_power:
    ///
    /// - n' = n + g²
    /// - z ← z + g + 2·shrinkage·w - (n'ᵖ - nᵖ)/α·w
    /// - w ← (clip(z, -l1, l1) - z)/(n'ᵖ/α + 2·(l2 + β/(2·α)))
    /// - n ← n'
    ///
    /// McMahan et al. 2013, "Ad click prediction: a view from the trenches".
    pub struct Ftrl(Common::new(0.001)) {
        /// How the learning rate falls as gradients add up: 0 not at all, -0.5 by the root. Not above 0.
        learning_rate_power: f64 = -0.5,
        /// What the sums of squares begin at.
        initial_accumulator_value: f64 = 0.1,
        /// Weights that would not pass this stay at 0.
        l1_regularization_strength: f64 = 0.0,
        /// How much large weights cost.
        l2_regularization_strength: f64 = 0.0,
        /// How much large weights cost where their gradient is not 0.
        l2_shrinkage_regularization_strength: f64 = 0.0,
        /// The β of the paper.
        beta: f64 = 0.0,
    }
}

const GROUPS: &[&[&str]] = &[&["accumulator", "linear"]];

impl Ftrl {
    /// nᵖ
    fn power<'b>(&self, n: Expr<'b>) -> Expr<'b> {
        // The usual one, a root, costs a fraction of what any other power does.
        if self.learning_rate_power == -0.5 { n.sqrt() } else { n.pow(n.number(-self.learning_rate_power)) }
    }
}

impl Optimizer for Ftrl {
    described!("Ftrl");

    fn rule_slots(&self, weights: &[TrainedWeight]) -> Vec<SlotSpec> {
        let begin = |slot: SlotSpec| match slot.name.as_str() {
            "accumulator" => slot.beginning_at(self.initial_accumulator_value),
            _linear => slot,
        };
        slots_of(weights, GROUPS).into_iter().map(begin).collect()
    }

    fn update<'b>(
        &self,
        step: &Step<'_, 'b>,
        weights: &[Expr<'b>],
        gradients: &[Option<Expr<'b>>],
        slots: &[Expr<'b>],
    ) -> Result<Updated<'b>> {
        let [l1, l2] = [self.l1_regularization_strength, self.l2_regularization_strength];
        let shrinkage = 2.0 * self.l2_shrinkage_regularization_strength;
        each_weight(GROUPS, weights, gradients, slots, |w, g, slots| {
            let alpha = step.rate_for(w);
            let n = slots[0] + g.square();
            let grown = self.power(n);
            let z = slots[1] + (g + w * shrinkage - (grown - self.power(slots[0])) / alpha * w);
            let quadratic = grown / alpha + (self.beta / (alpha * 2.0) + l2) * 2.0;
            ((z.clip(-l1, l1) - z) / quadratic, vec![n, z])
        })
    }

    fn check(&self) -> Result<()> {
        let rules = [
            ("initial_accumulator_value", self.initial_accumulator_value),
            ("learning_rate_power", -self.learning_rate_power),
            ("l1_regularization_strength", self.l1_regularization_strength),
            ("l2_regularization_strength", self.l2_regularization_strength),
            ("l2_shrinkage_regularization_strength", self.l2_shrinkage_regularization_strength),
        ];
        if let Some((key, _)) = rules.into_iter().find(|&(_, value)| value.is_nan() || value < 0.0) {
            let needed = if key == "learning_rate_power" { "0 or less" } else { "0 or more" };
            return Err(Error::config("Ftrl", key, &self.settings()[key], needed));
        }
        self.common.check("Ftrl")
    }
}
