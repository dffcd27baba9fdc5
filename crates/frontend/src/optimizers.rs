//! Optimizers: how gradients change weights.

mod adadelta;
mod adafactor;
mod adagrad;
mod adam;
mod adamax;
mod adamw;
mod apply;
mod common;
mod ftrl;
mod lamb;
mod lion;
mod loss_scale;
mod multi;
mod muon;
mod nadam;
mod patterns;
mod registry;
mod rmsprop;
mod schedule;
mod schedule_free_adamw;
mod settings;
mod sgd;
mod slots;
mod step;

use std::fmt;

use cornu_ir::Expr;
use serde_json::{Map, Value};

pub use adadelta::Adadelta;
pub use adafactor::Adafactor;
pub use adagrad::Adagrad;
pub use adam::Adam;
pub use adamax::Adamax;
pub use adamw::AdamW;
pub use common::{Common, LearningRate};
pub use ftrl::Ftrl;
pub use lamb::Lamb;
pub use lion::Lion;
pub use loss_scale::LossScaleOptimizer;
pub use multi::MultiOptimizer;
pub use muon::Muon;
pub use nadam::Nadam;
pub use registry::{deserialize, get, serialize};
pub use rmsprop::RMSprop;
pub use schedule::{CustomSchedule, Schedule, register_schedule};
pub use schedule_free_adamw::ScheduleFreeAdamW;
pub use sgd::SGD;
pub use slots::{Initial, SlotSpec, each_weight, slots_of};
pub use step::{Step, Stepped, TrainedWeight, Updated, Variable};

pub(crate) use common::AVERAGE;
pub(crate) use nadam::momentum_product;
pub(crate) use registry::names as optimizer_names;
pub(crate) use schedule::names as schedule_names;

use crate::error::Result;
use crate::saving::snake_case::snake_case;

/// An optimizer: a rule, and what all of them have in common.
///
/// For one of your own write the first five methods; [`slots_of`] and [`each_weight`] do the bookkeeping.
pub trait Optimizer: fmt::Debug + Send + Sync {
    /// The name of the class: `Adam`.
    fn class_name(&self) -> &str;

    /// What it has in common with all others: learning rate, clipping, averages.
    fn common(&self) -> &Common;

    /// The arguments of its own, as Keras writes them.
    fn arguments(&self) -> Map<String, Value>;

    /// What the rule itself keeps between steps, in the order in which Keras stores it.
    fn rule_slots(&self, weights: &[TrainedWeight]) -> Vec<SlotSpec>;

    /// The rule: weights and its slots after a step. A weight without gradient stays as it is.
    fn update<'b>(
        &self,
        step: &Step<'_, 'b>,
        weights: &[Expr<'b>],
        gradients: &[Option<Expr<'b>>],
        slots: &[Expr<'b>],
    ) -> Result<Updated<'b>>;

    /// An error if an argument has a value that makes no sense.
    fn check(&self) -> Result<()> {
        self.common().check(self.class_name())
    }

    /// The share, times the learning rate, by which each step shrinks a weight.
    fn decay_of(&self, weight: &TrainedWeight) -> Option<f64> {
        self.common().weight_decay.filter(|_| !self.common().spares(weight))
    }

    /// All that is kept between steps besides iterations and learning rate: averages of weights, sums of gradients,
    /// the rule's slots.
    fn slots(&self, weights: &[TrainedWeight]) -> Vec<SlotSpec> {
        let mut slots = self.common().slots(weights);
        slots.extend(self.rule_slots(weights));
        slots
    }

    /// What files hold, in order: iterations, the learning rate unless a schedule computes it, the slots.
    fn variables(&self, _weights: &[TrainedWeight], slots: &[SlotSpec]) -> Vec<Variable> {
        let rate = (!self.common().learning_rate.is_schedule()).then_some(Variable::LEARNING_RATE);
        let places =
            [Variable::ITERATIONS].into_iter().chain(rate).chain((0..slots.len()).map(Variable::slot));
        places.map(|place| Variable { owner: self.name(), place, group: None }).collect()
    }

    /// What gradients are taken of: the loss, times a factor that [`Optimizer::apply`] takes out of them again.
    fn scale_loss<'b>(&self, loss: Expr<'b>, _slots: &[Expr<'b>]) -> Expr<'b> {
        self.common().loss_scale_factor.map_or(loss, |factor| loss * factor)
    }

    /// One step: gradients summed and clipped, weights decayed, updated by the rule, averaged and constrained, as
    /// `common` says.
    fn apply<'b>(
        &self,
        step: &Step<'_, 'b>,
        weights: &[Expr<'b>],
        gradients: &[Option<Expr<'b>>],
        slots: &[Expr<'b>],
    ) -> Result<Stepped<'b>> {
        apply::apply(self, step, weights, gradients, slots)
    }

    /// The learning rate of the first step.
    fn learning_rate(&self) -> f64 {
        self.common().learning_rate.first()
    }

    /// The name in files.
    fn name(&self) -> String {
        self.common().name.clone().unwrap_or_else(|| snake_case(self.class_name()))
    }

    /// The common arguments and its own, as Keras writes them.
    fn config(&self) -> Map<String, Value> {
        self.common().config(self.class_name()).into_iter().chain(self.arguments()).collect()
    }
}
