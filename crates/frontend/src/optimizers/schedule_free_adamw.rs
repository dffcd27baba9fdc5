//! ScheduleFreeAdamW: Adam that averages its weights in place of a falling learning rate.

use cornu_ir::Expr;

use crate::error::{Error, Result};
use crate::optimizers::settings::{described, settings};
use crate::optimizers::{Common, Optimizer, SlotSpec, Step, TrainedWeight, Updated, each_weight, slots_of};

settings! {
    /// With weight w, gradient g, learning rate α, which grows up to its value in the first `warmup_steps`, and t
    /// counting steps from 1:
    ///
    /// - v ← v + (1 - β₂)·(g² - v)
    /// - x = (w - (1 - β₁)·z)/β₁, the average that w holds
    /// - z ← z - α·g/(√(v/(1 - β₂ᵗ)) + ε)
    /// - x ← (1 - 1/t)·x + z/t
    /// - w ← (1 - β₁)·z + β₁·x
    ///
    /// z, which files call momentum, begins as the weight. Defazio et al. 2024, <https://arxiv.org/abs/2405.15682>.
    pub struct ScheduleFreeAdamW(Common::new(0.0025)) {
        /// The share of the average in the weight. Above 0.
        beta_1: f64 = 0.9,
        /// The share of the old average in the new, of squared gradients.
        beta_2: f64 = 0.999,
        /// What keeps the divisor from 0.
        epsilon: f64 = 1e-8,
        /// In how many steps the learning rate grows from 0.
        warmup_steps: usize = 0,
    }
}

const GROUPS: &[&[&str]] = &[&["momentum", "velocity"]];

impl ScheduleFreeAdamW {
    fn rate<'b>(&self, step: &Step<'_, 'b>, weight: Expr<'b>) -> Expr<'b> {
        let rate = step.rate_for(weight);
        if self.warmup_steps == 0 {
            return rate;
        }
        let share = step.count_for(weight) / self.warmup_steps as f64;
        rate * share.min(share.number(1.0))
    }
}

impl Optimizer for ScheduleFreeAdamW {
    described!("ScheduleFreeAdamW");

    fn rule_slots(&self, weights: &[TrainedWeight]) -> Vec<SlotSpec> {
        let begin = |slot: SlotSpec| match slot.name.as_str() {
            "momentum" => slot.beginning_as_weight(),
            _velocity => slot,
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
        let [beta_1, beta_2] = [self.beta_1, self.beta_2];
        each_weight(GROUPS, weights, gradients, slots, |w, g, slots| {
            let z = slots[0];
            let v = slots[1] + (g.square() - slots[1]) * (1.0 - beta_2);
            let size = (v / step.missing(beta_2, w)).sqrt() + self.epsilon;
            let x = (w - z * (1.0 - beta_1)) / beta_1;
            let z = z - self.rate(step, w) * g / size;
            let share = 1.0 / step.count_for(w);
            let x = x * (1.0 - share) + z * share;
            (z * (1.0 - beta_1) + x * beta_1, vec![z, v])
        })
    }

    fn check(&self) -> Result<()> {
        if !(self.beta_1 > 0.0 && self.beta_1 <= 1.0) {
            return Err(Error::config("ScheduleFreeAdamW", "beta_1", self.beta_1, "above 0 and not above 1"));
        }
        self.common.check("ScheduleFreeAdamW")
    }
}
