//! Adam: momentum divided by the recent size of the gradients, both corrected for their beginning at 0. And AdamW.

use cornu_ir::{Expr, Type};
use serde_json::{Map, Value, json};

use crate::config::Arguments;
use crate::error::{Error, Result};
use crate::optimizers::common::common;
use crate::optimizers::{Common, Optimizer, SlotSpec, Step, Updated, each_weight, slots_of};

/// With weight w, gradient g, learning rate α, and t counting steps from 1:
///
/// - m ← m + (1 - β₁)·(g - m)
/// - v ← v + (1 - β₂)·(g² - v)
/// - w ← w - a·m/(√v + ε), with a = α·√(1 - β₂ᵗ)/(1 - β₁ᵗ)
///
/// With amsgrad: h ← max(h, v), which takes the place of v in the last line. The ε stands outside the root and is
/// not corrected. Kingma, Ba 2014, <https://arxiv.org/abs/1412.6980>; Reddi et al. 2018 (amsgrad).
#[derive(Clone, Debug, PartialEq)]
pub struct Adam {
    common: Common,
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
    amsgrad: bool,
}

common!(Adam);

impl Adam {
    /// With Keras's defaults: learning rate 0.001, betas 0.9 and 0.999.
    pub fn new() -> Adam {
        Adam { common: Common::new(0.001), beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: false }
    }

    /// The share of the old average in the new, of gradients.
    pub fn beta_1(mut self, beta_1: f64) -> Adam {
        self.beta_1 = beta_1;
        self
    }

    /// The share of the old average in the new, of squared gradients.
    pub fn beta_2(mut self, beta_2: f64) -> Adam {
        self.beta_2 = beta_2;
        self
    }

    /// What keeps the divisor from 0.
    pub fn epsilon(mut self, epsilon: f64) -> Adam {
        self.epsilon = epsilon;
        self
    }

    /// Whether the divisor never becomes smaller.
    pub fn amsgrad(mut self, amsgrad: bool) -> Adam {
        self.amsgrad = amsgrad;
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<Adam> {
        Adam::new().read(arguments)
    }

    fn read(self, arguments: &Arguments) -> Result<Adam> {
        Ok(Adam {
            common: self.common.read(arguments)?,
            beta_1: arguments.number_or("beta_1", 0.9)?,
            beta_2: arguments.number_or("beta_2", 0.999)?,
            epsilon: arguments.number_or("epsilon", 1e-7)?,
            amsgrad: arguments.boolean_or("amsgrad", false)?,
        })
    }

    fn groups(&self) -> &'static [&'static [&'static str]] {
        if self.amsgrad {
            &[&["momentum", "velocity"], &["velocity_hat"]]
        } else {
            &[&["momentum", "velocity"]]
        }
    }

    /// a: the learning rate with the correction for averages that began at 0, in the type of a weight.
    fn corrected_rate<'b>(&self, step: &Step<'b>, weight: Expr<'b>) -> Expr<'b> {
        let t = step.iterations.cast(weight.dtype()) + 1.0;
        let missing = |beta: f64| 1.0 - t.number(beta).pow(t);
        step.learning_rate.cast(weight.dtype()) * missing(self.beta_2).sqrt() / missing(self.beta_1)
    }

    fn step<'b>(
        &self,
        w: Expr<'b>,
        g: Expr<'b>,
        a: Expr<'b>,
        slots: &[Expr<'b>],
    ) -> (Expr<'b>, Vec<Expr<'b>>) {
        let m = slots[0] + (g - slots[0]) * (1.0 - self.beta_1);
        let v = slots[1] + (g.square() - slots[1]) * (1.0 - self.beta_2);
        let mut next = vec![m, v];
        let mut size = v;
        if self.amsgrad {
            size = slots[2].max(v);
            next.push(size);
        }
        (w - m * a / (size.sqrt() + self.epsilon), next)
    }
}

impl Default for Adam {
    fn default() -> Adam {
        Adam::new()
    }
}

impl Optimizer for Adam {
    fn class_name(&self) -> &str {
        "Adam"
    }

    fn common(&self) -> &Common {
        &self.common
    }

    fn arguments(&self) -> Map<String, Value> {
        Map::from_iter([
            ("beta_1".to_string(), json!(self.beta_1)),
            ("beta_2".to_string(), json!(self.beta_2)),
            ("epsilon".to_string(), json!(self.epsilon)),
            ("amsgrad".to_string(), json!(self.amsgrad)),
        ])
    }

    fn rule_slots(&self, weights: &[Type]) -> Vec<SlotSpec> {
        slots_of(weights, self.groups())
    }

    fn update<'b>(
        &self,
        step: &Step<'b>,
        weights: &[Expr<'b>],
        gradients: &[Option<Expr<'b>>],
        slots: &[Expr<'b>],
    ) -> Result<Updated<'b>> {
        each_weight(self.groups(), weights, gradients, slots, |w, g, slots| {
            self.step(w, g, self.corrected_rate(step, w), slots)
        })
    }
}

/// Adam with weight decay, 0.004 by default, which does not pass through the averages.
///
/// Loshchilov, Hutter 2019, <https://arxiv.org/abs/1711.05101>. All optimizers can decay weights this way; this one
/// must.
#[derive(Clone, Debug, PartialEq)]
pub struct AdamW(Adam);

impl AdamW {
    /// With Keras's defaults: those of [`Adam`] and weight decay 0.004.
    pub fn new() -> AdamW {
        AdamW(Adam::new().weight_decay(0.004))
    }

    /// The rest of the arguments, set on an [`Adam`].
    pub fn with(self, set: impl FnOnce(Adam) -> Adam) -> AdamW {
        AdamW(set(self.0))
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<AdamW> {
        Ok(AdamW(AdamW::new().0.read(arguments)?))
    }
}

impl Default for AdamW {
    fn default() -> AdamW {
        AdamW::new()
    }
}

impl Optimizer for AdamW {
    fn class_name(&self) -> &str {
        "AdamW"
    }

    fn common(&self) -> &Common {
        &self.0.common
    }

    fn arguments(&self) -> Map<String, Value> {
        self.0.arguments()
    }

    fn rule_slots(&self, weights: &[Type]) -> Vec<SlotSpec> {
        self.0.rule_slots(weights)
    }

    fn update<'b>(
        &self,
        step: &Step<'b>,
        weights: &[Expr<'b>],
        gradients: &[Option<Expr<'b>>],
        slots: &[Expr<'b>],
    ) -> Result<Updated<'b>> {
        self.0.update(step, weights, gradients, slots)
    }

    fn check(&self) -> Result<()> {
        if self.0.common.weight_decay.is_none() {
            return Err(Error::config("AdamW", "weight_decay", "null", "a number; without decay use Adam"));
        }
        self.0.common.check("AdamW")
    }
}
