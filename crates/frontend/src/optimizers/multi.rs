//! MultiOptimizer: several optimizers, each for some of the weights.

use std::sync::Arc;

use cornu_ir::{DType, Expr};
use serde_json::{Map, Value, json};

use super::patterns;
use crate::config::{Arguments, Serialized};
use crate::error::{Error, Result};
use crate::optimizers::{
    Common, Optimizer, SlotSpec, Step, TrainedWeight, Updated, Variable, deserialize, serialize,
};
use crate::saving::snake_case::snake_case;

/// An optimizer for each weight, chosen by its path: `MultiOptimizer::new(Adam::new()).of("head/.*", SGD::new())`.
///
/// Each has its own learning rate, averages and clipping; a global norm is that of its own gradients.
#[derive(Clone, Debug)]
pub struct MultiOptimizer {
    common: Common,
    /// Each with the regular expression that describes the whole path of its weights; the default has none, and is
    /// last.
    inner: Vec<(Option<String>, Arc<dyn Optimizer>)>,
}

impl MultiOptimizer {
    /// With an optimizer for all weights that have no other.
    pub fn new(default: impl Optimizer + 'static) -> MultiOptimizer {
        MultiOptimizer { common: Common::new(0.0), inner: vec![(None, Arc::new(default))] }
    }

    /// With an optimizer for the weights whose path, such as `dense/kernel`, is this, or described by this regular
    /// expression from its beginning to its end.
    pub fn of(mut self, path: impl Into<String>, optimizer: impl Optimizer + 'static) -> MultiOptimizer {
        self.inner.insert(self.inner.len() - 1, (Some(path.into()), Arc::new(optimizer)));
        self
    }

    /// The name in files.
    pub fn name(mut self, name: impl Into<String>) -> MultiOptimizer {
        self.common.name = Some(name.into());
        self
    }

    /// What the loss is multiplied by before gradients are taken, which are divided by it again.
    pub fn loss_scale_factor(mut self, factor: f64) -> MultiOptimizer {
        self.common.loss_scale_factor = Some(factor);
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<MultiOptimizer> {
        let wrong = || arguments.wrong("optimizer_map", "an `OptimizerMap` with `default_optimizer`");
        let map = Serialized::read("optimizer map", arguments.value("optimizer_map").ok_or_else(wrong)?)?;
        let default = map.config.get("default_optimizer").ok_or_else(wrong)?;
        let named = map.config.get("optimizer_map").and_then(Value::as_object);
        let mut inner = Vec::new();
        for (path, optimizer) in named.into_iter().flatten() {
            inner.push((Some(path.clone()), deserialize(optimizer)?));
        }
        inner.push((None, deserialize(default)?));
        let common = Common {
            name: arguments.text("name")?.map(String::from),
            loss_scale_factor: arguments.number("loss_scale_factor")?,
            ..Common::new(0.0)
        };
        Ok(MultiOptimizer { common, inner })
    }

    /// The number of the optimizer for a weight: one whose path it is, or is described, or the last.
    fn chosen(&self, weight: &TrainedWeight) -> usize {
        let find = |fits: &dyn Fn(&str) -> bool| {
            self.inner.iter().position(|(path, _)| path.as_deref().is_some_and(fits))
        };
        find(&|path| path == weight.path)
            .or_else(|| find(&|path| patterns::is_all(path, &weight.path)))
            .unwrap_or(self.inner.len() - 1)
    }

    /// True if several patterns describe a path that is not itself among them.
    fn is_disputed(&self, weight: &TrainedWeight) -> bool {
        let paths = || self.inner.iter().filter_map(|(path, _)| path.as_deref());
        let fits = paths().filter(|path| patterns::is_all(path, &weight.path)).count();
        fits > 1 && paths().all(|path| path != weight.path)
    }

    /// For each optimizer the numbers of its weights, the weights, and where its slots begin and end. The first of
    /// these is its learning rate, which Keras keeps unless a schedule computes it.
    fn parts(&self, weights: &[TrainedWeight]) -> Vec<Part<'_>> {
        let mut parts = Vec::new();
        let mut first = 0;
        for (number, (_, optimizer)) in self.inner.iter().enumerate() {
            let is_own = |&index: &usize| self.chosen(&weights[index]) == number;
            let numbers: Vec<usize> = (0..weights.len()).filter(is_own).collect();
            // Constraints come after all of them.
            let free = |&index: &usize| TrainedWeight { constraint: None, ..weights[index].clone() };
            let weights: Vec<TrainedWeight> = numbers.iter().map(free).collect();
            // Keras makes no variables for one that has nothing to do.
            let slots = if weights.is_empty() { Vec::new() } else { optimizer.slots(&weights) };
            let end = first + 1 + slots.len();
            parts.push(Part { optimizer: &**optimizer, numbers, weights, slots, first });
            first = end;
        }
        parts
    }
}

/// What one of the optimizers has to do.
struct Part<'o> {
    optimizer: &'o dyn Optimizer,
    /// Which weights, by their numbers among all.
    numbers: Vec<usize>,
    weights: Vec<TrainedWeight>,
    slots: Vec<SlotSpec>,
    /// The number of its learning rate among all slots; its own slots follow.
    first: usize,
}

impl Part<'_> {
    /// The learning rate, then its slots, with the numbers of all weights.
    fn all_slots(&self) -> Vec<SlotSpec> {
        let rate = SlotSpec::scalar("learning_rate", DType::F32, self.optimizer.learning_rate());
        let renumbered = |slot: &SlotSpec| SlotSpec {
            weight: slot.weight.and_then(|weight| self.numbers.get(weight).copied()),
            ..slot.clone()
        };
        std::iter::once(rate).chain(self.slots.iter().map(renumbered)).collect()
    }

    /// Its variables, among those of all, in this group of files.
    fn variables(&self, group: &str) -> Vec<Variable> {
        let place = |variable: &Variable| match variable.place {
            Variable::LEARNING_RATE => Variable::slot(self.first),
            _ => variable.behind(self.first + 1),
        };
        let moved = |variable: Variable| Variable {
            place: place(&variable),
            group: Some(group.to_string()),
            ..variable
        };
        self.optimizer.variables(&self.weights, &self.slots).into_iter().map(moved).collect()
    }
}

/// The groups of files for the optimizers: by class, and numbered where there are several of one.
fn groups(parts: &[Part<'_>]) -> Vec<String> {
    let class = |part: &Part<'_>| snake_case(part.optimizer.class_name());
    let group = |number: usize| {
        let name = class(&parts[number]);
        match parts[..number].iter().filter(|part| class(part) == name).count() {
            0 => format!("optimizers/{name}"),
            before => format!("optimizers/{name}_{before}"),
        }
    };
    (0..parts.len()).map(group).collect()
}

impl Optimizer for MultiOptimizer {
    fn class_name(&self) -> &str {
        "MultiOptimizer"
    }

    fn common(&self) -> &Common {
        &self.common
    }

    fn arguments(&self) -> Map<String, Value> {
        let named =
            self.inner.iter().filter_map(|(path, optimizer)| Some((path.clone()?, serialize(&**optimizer))));
        let default = self.inner.last().map(|(_, optimizer)| serialize(&**optimizer));
        let map = Map::from_iter([
            ("default_optimizer".to_string(), default.unwrap_or_default()),
            ("optimizer_map".to_string(), Value::Object(named.collect())),
        ]);
        let map = Serialized::builtin("keras.optimizers", "OptimizerMap", map);
        Map::from_iter([("optimizer_map".to_string(), map)])
    }

    fn config(&self) -> Map<String, Value> {
        let own = [
            ("loss_scale_factor".to_string(), json!(self.common.loss_scale_factor)),
            ("name".to_string(), json!(Optimizer::name(self))),
        ];
        self.arguments().into_iter().chain(own).collect()
    }

    fn check(&self) -> Result<()> {
        let paths: Vec<String> = self.inner.iter().filter_map(|(path, _)| path.clone()).collect();
        patterns::check("MultiOptimizer", "optimizer_map", &paths)?;
        for (_, optimizer) in &self.inner {
            if ["MultiOptimizer", "LossScaleOptimizer"].contains(&optimizer.class_name()) {
                let needed = "optimizers that have none inside";
                return Err(Error::config("MultiOptimizer", "optimizer_map", optimizer.class_name(), needed));
            }
            optimizer.check()?;
        }
        Ok(())
    }

    fn rule_slots(&self, weights: &[TrainedWeight]) -> Vec<SlotSpec> {
        self.parts(weights).iter().flat_map(Part::all_slots).collect()
    }

    fn variables(&self, weights: &[TrainedWeight], _: &[SlotSpec]) -> Vec<Variable> {
        let own = [Variable::ITERATIONS, Variable::LEARNING_RATE];
        let own = own.map(|place| Variable { owner: Optimizer::name(self), place, group: None });
        let parts = self.parts(weights);
        let groups = groups(&parts);
        let inner = parts.iter().zip(&groups).flat_map(|(part, group)| part.variables(group));
        own.into_iter().chain(inner).collect()
    }

    fn update<'b>(
        &self,
        step: &Step<'_, 'b>,
        weights: &[Expr<'b>],
        gradients: &[Option<Expr<'b>>],
        slots: &[Expr<'b>],
    ) -> Result<Updated<'b>> {
        if let Some(weight) = step.weights.iter().find(|weight| self.is_disputed(weight)) {
            let needed = "patterns of which one at most describes a weight's path";
            return Err(Error::config("MultiOptimizer", "optimizer_map", &weight.path, needed));
        }
        let (mut new_weights, mut new_slots) = (weights.to_vec(), slots.to_vec());
        for part in self.parts(step.weights).iter().filter(|part| !part.numbers.is_empty()) {
            let Part { optimizer, numbers, weights: about, slots: kept, first } = part;
            let step = Step { learning_rate: slots[*first], weights: about, ..*step };
            let factor = optimizer.common().loss_scale_factor;
            let scaled = |gradient: Expr<'b>| factor.map_or(gradient, |factor| gradient * factor);
            let gradients: Vec<_> = numbers.iter().map(|&index| gradients[index].map(scaled)).collect();
            let weights: Vec<_> = numbers.iter().map(|&index| weights[index]).collect();
            let own = first + 1..first + 1 + kept.len();
            let stepped = optimizer.apply(&step, &weights, &gradients, &slots[own.clone()])?;
            numbers.iter().zip(stepped.weights).for_each(|(&index, weight)| new_weights[index] = weight);
            new_slots[own].copy_from_slice(&stepped.slots);
        }
        Ok((new_weights, new_slots))
    }
}
