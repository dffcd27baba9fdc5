//! RMSprop: each weight's step is divided by the recent size of its gradients.

use cornu_ir::{Expr, Type};
use serde_json::{Map, Value, json};

use crate::config::Arguments;
use crate::error::Result;
use crate::optimizers::common::common;
use crate::optimizers::{Common, Optimizer, SlotSpec, Step, Updated, each_weight, slots_of};

/// With weight w, gradient g, learning rate α:
///
/// - v ← ρ·v + (1 - ρ)·g²
/// - d = v + ε, or if centered: a ← ρ·a + (1 - ρ)·g, d = v - a² + ε
/// - w ← w - α·g/√d, or with momentum μ: b ← μ·b + α·g/√d, w ← w - b
///
/// The ε stands inside the root. Tieleman, Hinton 2012, lecture 6.5 of "Neural networks for machine learning".
#[derive(Clone, Debug, PartialEq)]
pub struct RMSprop {
    common: Common,
    rho: f64,
    momentum: f64,
    epsilon: f64,
    centered: bool,
}

common!(RMSprop);

impl RMSprop {
    /// With Keras's defaults: learning rate 0.001, rho 0.9, no momentum, not centered.
    pub fn new() -> RMSprop {
        RMSprop { common: Common::new(0.001), rho: 0.9, momentum: 0.0, epsilon: 1e-7, centered: false }
    }

    /// The share of the old average in the new.
    pub fn rho(mut self, rho: f64) -> RMSprop {
        self.rho = rho;
        self
    }

    /// The share of the last step that is gone again.
    pub fn momentum(mut self, momentum: f64) -> RMSprop {
        self.momentum = momentum;
        self
    }

    /// What keeps the divisor from 0.
    pub fn epsilon(mut self, epsilon: f64) -> RMSprop {
        self.epsilon = epsilon;
        self
    }

    /// Whether the variance of the gradients is used instead of their mean square.
    pub fn centered(mut self, centered: bool) -> RMSprop {
        self.centered = centered;
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<RMSprop> {
        Ok(RMSprop {
            common: RMSprop::new().common.read(arguments)?,
            rho: arguments.number_or("rho", 0.9)?,
            momentum: arguments.number_or("momentum", 0.0)?,
            epsilon: arguments.number_or("epsilon", 1e-7)?,
            centered: arguments.boolean_or("centered", false)?,
        })
    }

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

impl Default for RMSprop {
    fn default() -> RMSprop {
        RMSprop::new()
    }
}

impl Optimizer for RMSprop {
    fn class_name(&self) -> &str {
        "RMSprop"
    }

    fn common(&self) -> &Common {
        &self.common
    }

    fn arguments(&self) -> Map<String, Value> {
        Map::from_iter([
            ("rho".to_string(), json!(self.rho)),
            ("momentum".to_string(), json!(self.momentum)),
            ("epsilon".to_string(), json!(self.epsilon)),
            ("centered".to_string(), json!(self.centered)),
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
}
