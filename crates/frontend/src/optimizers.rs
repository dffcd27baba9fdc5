//! Optimizers: how gradients change weights.

mod adam;
mod apply;
mod common;
mod registry;
mod rmsprop;
mod schedule;
mod sgd;
mod slots;

use std::fmt;

use cornu_ir::{Expr, Type};
use serde_json::{Map, Value};

pub use adam::{Adam, AdamW};
pub use common::{Common, LearningRate};
pub use registry::{deserialize, get, serialize};
pub use rmsprop::RMSprop;
pub use schedule::Schedule;
pub use sgd::SGD;
pub use slots::{SlotSpec, each_weight, slots_of};

use crate::error::Result;

/// New weights and new slots, in the order of the old ones.
pub type Updated<'b> = (Vec<Expr<'b>>, Vec<Expr<'b>>);

/// Where training stands: what a rule knows besides weights and gradients.
#[derive(Clone, Copy)]
pub struct Step<'b> {
    /// Updates made before this one: a whole number, a scalar.
    pub iterations: Expr<'b>,
    /// The learning rate, a float, a scalar.
    pub learning_rate: Expr<'b>,
}

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
    fn rule_slots(&self, weights: &[Type]) -> Vec<SlotSpec>;

    /// The rule: weights and its slots after a step. A weight without gradient stays as it is.
    fn update<'b>(
        &self,
        step: &Step<'b>,
        weights: &[Expr<'b>],
        gradients: &[Option<Expr<'b>>],
        slots: &[Expr<'b>],
    ) -> Result<Updated<'b>>;

    /// An error if an argument has a value that makes no sense.
    fn check(&self) -> Result<()> {
        self.common().check(self.class_name())
    }

    /// All that is kept between steps besides iterations and learning rate: averages of weights, sums of gradients,
    /// the rule's slots.
    fn slots(&self, weights: &[Type]) -> Vec<SlotSpec> {
        let mut slots = self.common().slots(weights);
        slots.extend(self.rule_slots(weights));
        slots
    }

    /// One step: gradients summed and clipped, weights decayed, updated by the rule and averaged, as `common` says.
    /// Constraints come after it.
    fn apply<'b>(
        &self,
        step: &Step<'b>,
        weights: &[Expr<'b>],
        gradients: &[Option<Expr<'b>>],
        slots: &[Expr<'b>],
    ) -> Result<Updated<'b>> {
        apply::apply(self, step, weights, gradients, slots)
    }

    /// The learning rate of the first step.
    fn learning_rate(&self) -> f64 {
        self.common().learning_rate.first()
    }

    /// The common arguments and its own, as Keras writes them.
    fn config(&self) -> Map<String, Value> {
        self.common().config(self.class_name()).into_iter().chain(self.arguments()).collect()
    }
}
