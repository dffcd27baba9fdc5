//! LossScaleOptimizer: gradients of a loss multiplied so that small floats can hold them.

use std::sync::Arc;

use cornu_ir::ops::Reduction;
use cornu_ir::{DType, Expr};
use serde_json::{Map, Value, json};

use super::apply::only_where;
use crate::config::Arguments;
use crate::error::{Error, Result};
use crate::optimizers::{
    Common, Optimizer, SlotSpec, Step, Stepped, TrainedWeight, Updated, Variable, deserialize, serialize,
};

/// Multiplies the loss by a scale, so that 16-bit gradients do not vanish, and divides the gradients by it before they
/// go to an optimizer inside.
///
/// A step whose gradients are not all finite is left out and halves the scale: nothing else changes. After
/// `dynamic_growth_steps` finite steps in a row the scale doubles. Micikevicius et al. 2017,
/// <https://arxiv.org/abs/1710.03740>.
#[derive(Clone, Debug)]
pub struct LossScaleOptimizer {
    common: Common,
    inner: Arc<dyn Optimizer>,
    initial_scale: f64,
    dynamic_growth_steps: i64,
}

/// How many slots stand before those of the optimizer inside: its own steps and learning rate, which Keras stores
/// and does not use; finite steps since the scale has changed; the scale.
const OWN: usize = 4;

impl LossScaleOptimizer {
    /// The name of the class.
    pub(crate) const CLASS: &str = "LossScaleOptimizer";

    /// Around this optimizer, with Keras's defaults: the scale begins at 2¹⁵, and 2000 finite steps double it.
    pub fn new(inner: impl Optimizer + 'static) -> LossScaleOptimizer {
        LossScaleOptimizer::around(Arc::new(inner))
    }

    /// Around this optimizer, with Keras's defaults.
    pub fn around(inner: Arc<dyn Optimizer>) -> LossScaleOptimizer {
        let initial_scale = 32768.0;
        LossScaleOptimizer { common: Common::new(0.0), inner, initial_scale, dynamic_growth_steps: 2000 }
    }

    /// The name in files.
    pub fn name(mut self, name: impl Into<String>) -> LossScaleOptimizer {
        self.common.name = Some(name.into());
        self
    }

    /// The scale at the beginning.
    pub fn initial_scale(mut self, scale: f64) -> LossScaleOptimizer {
        self.initial_scale = scale;
        self
    }

    /// After how many finite steps in a row the scale doubles.
    pub fn dynamic_growth_steps(mut self, steps: usize) -> LossScaleOptimizer {
        self.dynamic_growth_steps = i64::try_from(steps).unwrap_or(i64::MAX);
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<LossScaleOptimizer> {
        if !arguments.boolean_or("dynamic", true)? {
            let needed = "true; for a fixed scale set `loss_scale_factor` on the optimizer inside";
            return Err(arguments.wrong("dynamic", needed));
        }
        let inner = arguments.value("inner_optimizer");
        let inner = inner.ok_or_else(|| arguments.wrong("inner_optimizer", "an optimizer"))?;
        let default = LossScaleOptimizer::around(deserialize(inner)?);
        let growth = arguments.integer("dynamic_growth_steps")?;
        Ok(LossScaleOptimizer {
            common: Common { name: arguments.text("name")?.map(String::from), ..default.common },
            inner: default.inner,
            initial_scale: arguments.number_or("initial_scale", default.initial_scale)?,
            dynamic_growth_steps: growth.unwrap_or(default.dynamic_growth_steps),
        })
    }

    /// Gradients of the loss itself, as the optimizer inside takes them: times the factor that it divides by.
    fn unscaled<'b>(&self, gradients: &[Option<Expr<'b>>], scale: Expr<'b>) -> Vec<Option<Expr<'b>>> {
        let factor = self.inner.common().loss_scale_factor;
        let one = |gradient: Expr<'b>| {
            let unscaled = gradient / scale.cast(gradient.dtype());
            factor.map_or(unscaled, |factor| unscaled * factor)
        };
        gradients.iter().map(|gradient| gradient.map(one)).collect()
    }

    /// The counter and the scale after a step.
    fn next_scale<'b>(&self, finite: Expr<'b>, counter: Expr<'b>, scale: Expr<'b>) -> (Expr<'b>, Expr<'b>) {
        let zero = counter.number(0.0);
        let grows = counter.eq(counter.number((self.dynamic_growth_steps - 1) as f64));
        let counted = grows.select(zero, counter + 1.0);
        let grown = grows.select(scale * 2.0, scale);
        (finite.select(counted, zero), finite.select(grown, scale * 0.5))
    }
}

/// True, a scalar, if all elements are finite.
fn are_finite<'b>(gradients: &[Option<Expr<'b>>]) -> Option<Expr<'b>> {
    let one = |gradient: Expr<'b>| {
        let axes: Vec<usize> = (0..gradient.rank()).collect();
        gradient.abs().lt(gradient.number(f64::INFINITY)).reduce(Reduction::Min, &axes)
    };
    gradients.iter().flatten().map(|&gradient| one(gradient)).reduce(|all, one| all.and(one))
}

impl Optimizer for LossScaleOptimizer {
    fn class_name(&self) -> &str {
        LossScaleOptimizer::CLASS
    }

    fn common(&self) -> &Common {
        // Learning rate, averages and all the rest are those of the optimizer inside.
        self.inner.common()
    }

    fn arguments(&self) -> Map<String, Value> {
        Map::from_iter([
            ("inner_optimizer".to_string(), serialize(&*self.inner)),
            ("initial_scale".to_string(), json!(self.initial_scale)),
            ("dynamic_growth_steps".to_string(), json!(self.dynamic_growth_steps)),
        ])
    }

    fn config(&self) -> Map<String, Value> {
        [("name".to_string(), json!(self.name()))].into_iter().chain(self.arguments()).collect()
    }

    fn name(&self) -> String {
        self.common.name.clone().unwrap_or_else(|| "loss_scale_optimizer".to_string())
    }

    fn check(&self) -> Result<()> {
        let wrong = |key: &str, given: String, needed: &str| {
            Err(Error::config("LossScaleOptimizer", key, given, needed))
        };
        if !(self.initial_scale > 0.0 && self.initial_scale.is_finite()) {
            return wrong("initial_scale", self.initial_scale.to_string(), "above 0, and finite");
        }
        if self.dynamic_growth_steps < 1 {
            return wrong("dynamic_growth_steps", self.dynamic_growth_steps.to_string(), "1 or more");
        }
        if self.inner.class_name() == "LossScaleOptimizer" {
            return wrong("inner_optimizer", "LossScaleOptimizer".to_string(), "another optimizer");
        }
        self.inner.check()
    }

    fn decay_of(&self, weight: &TrainedWeight) -> Option<f64> {
        self.inner.decay_of(weight)
    }

    fn rule_slots(&self, weights: &[TrainedWeight]) -> Vec<SlotSpec> {
        self.inner.rule_slots(weights)
    }

    fn update<'b>(
        &self,
        step: &Step<'_, 'b>,
        weights: &[Expr<'b>],
        gradients: &[Option<Expr<'b>>],
        slots: &[Expr<'b>],
    ) -> Result<Updated<'b>> {
        self.inner.update(step, weights, gradients, slots)
    }

    fn slots(&self, weights: &[TrainedWeight]) -> Vec<SlotSpec> {
        let mut slots = vec![
            SlotSpec::scalar("iteration", DType::I32, 0.0),
            SlotSpec::scalar("learning_rate", DType::F32, 0.0),
            SlotSpec::scalar("step_counter", DType::I32, 0.0),
            SlotSpec::scalar("dynamic_scale", DType::F32, self.initial_scale),
        ];
        slots.extend(self.inner.slots(weights));
        slots
    }

    fn variables(&self, weights: &[TrainedWeight], slots: &[SlotSpec]) -> Vec<Variable> {
        let (own, inner) = slots.split_at(OWN.min(slots.len()));
        let own = (0..own.len()).map(|number| Variable {
            owner: self.name(),
            place: Variable::slot(number),
            group: None,
        });
        let group = || Some("inner_optimizer".to_string());
        let moved = |variable: Variable| Variable { place: variable.behind(OWN), group: group(), ..variable };
        own.chain(self.inner.variables(weights, inner).into_iter().map(moved)).collect()
    }

    fn scale_loss<'b>(&self, loss: Expr<'b>, slots: &[Expr<'b>]) -> Expr<'b> {
        slots.get(OWN - 1).map_or(loss, |scale| loss * scale.cast(loss.dtype()))
    }

    fn apply<'b>(
        &self,
        step: &Step<'_, 'b>,
        weights: &[Expr<'b>],
        gradients: &[Option<Expr<'b>>],
        slots: &[Expr<'b>],
    ) -> Result<Stepped<'b>> {
        let (&[steps, rate, counter, scale], Some(finite)) =
            (&slots[..OWN.min(slots.len())], are_finite(gradients))
        else {
            // Nothing to train, which the optimizer inside reports.
            return self.inner.apply(step, weights, gradients, slots);
        };
        let inner = &slots[OWN..];
        let then = || {
            let gradients = self.unscaled(gradients, scale);
            let Stepped { iterations, weights, slots } =
                self.inner.apply(step, weights, &gradients, inner)?;
            Ok([vec![iterations], weights, slots].concat())
        };
        let otherwise = || [&[step.iterations], weights, inner].concat();
        let values = only_where(finite, then, otherwise)?;
        let (counter, scale) = self.next_scale(finite, counter, scale);
        let (weights, inner) = values[1..].split_at(weights.len());
        let slots = [&[steps, rate, counter, scale], inner].concat();
        Ok(Stepped { iterations: values[0], weights: weights.to_vec(), slots })
    }
}
