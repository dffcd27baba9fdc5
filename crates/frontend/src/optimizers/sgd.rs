//! SGD: gradient descent, plain or with momentum.

use cornu_ir::{Expr, Type};
use serde_json::{Map, Value, json};

use crate::config::Arguments;
use crate::error::{Error, Result};
use crate::optimizers::common::common;
use crate::optimizers::{Common, Optimizer, SlotSpec, Step, Updated, each_weight, slots_of};

/// Gradient descent. With weight w, gradient g, learning rate α and momentum μ:
///
/// - plain: w ← w - α·g
/// - momentum: m ← μ·m - α·g, w ← w + m
/// - Nesterov: m ← μ·m - α·g, w ← w + μ·m - α·g
///
/// Sutskever, Martens, Dahl, Hinton 2013, "On the importance of initialization and momentum in deep learning".
#[derive(Clone, Debug, PartialEq)]
pub struct SGD {
    common: Common,
    momentum: f64,
    nesterov: bool,
}

common!(SGD);

impl SGD {
    /// With Keras's defaults: learning rate 0.01, no momentum.
    pub fn new() -> SGD {
        SGD { common: Common::new(0.01), momentum: 0.0, nesterov: false }
    }

    /// The share of the last step that is gone again.
    pub fn momentum(mut self, momentum: f64) -> SGD {
        self.momentum = momentum;
        self
    }

    /// Whether the gradient counts as if it were measured one step ahead.
    pub fn nesterov(mut self, nesterov: bool) -> SGD {
        self.nesterov = nesterov;
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<SGD> {
        Ok(SGD {
            common: SGD::new().common.read(arguments)?,
            momentum: arguments.number_or("momentum", 0.0)?,
            nesterov: arguments.boolean_or("nesterov", false)?,
        })
    }

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

impl Default for SGD {
    fn default() -> SGD {
        SGD::new()
    }
}

impl Optimizer for SGD {
    fn class_name(&self) -> &str {
        "SGD"
    }

    fn common(&self) -> &Common {
        &self.common
    }

    fn arguments(&self) -> Map<String, Value> {
        Map::from_iter([
            ("momentum".to_string(), json!(self.momentum)),
            ("nesterov".to_string(), json!(self.nesterov)),
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
            self.step(w, g, step.learning_rate.cast(w.dtype()), slots)
        })
    }

    fn check(&self) -> Result<()> {
        if !(0.0..=1.0).contains(&self.momentum) {
            return Err(Error::config("SGD", "momentum", self.momentum, "from 0 to 1"));
        }
        self.common.check("SGD")
    }
}
