//! Compile: the loss, the optimizer and the metrics of a model, and what they keep between steps.

use std::sync::Arc;

use crate::identifier::Identifier;
use crate::losses::Loss;
use crate::metrics::{Metric, MetricIdentifier};
use crate::model::Built;
use crate::optimizers::{LearningRate, Optimizer, SlotSpec};

/// What [`crate::Model::compile`] takes: optimizer and loss, by Keras's names or as values, and optional metrics.
///
/// ```
/// use cornu::{Adam, Compile};
///
/// let short = Compile::new("adam", "mse");
/// let long = Compile::new(Adam::new().learning_rate(3e-4), "sparse_categorical_crossentropy").metrics(["accuracy"]);
/// ```
#[derive(Clone)]
pub struct Compile {
    pub(crate) optimizer: Identifier<dyn Optimizer>,
    pub(crate) loss: Identifier<dyn Loss>,
    pub(crate) metrics: Vec<MetricIdentifier>,
    pub(crate) weighted_metrics: Vec<MetricIdentifier>,
}

impl Compile {
    /// With an optimizer and a loss.
    pub fn new(
        optimizer: impl Into<Identifier<dyn Optimizer>>,
        loss: impl Into<Identifier<dyn Loss>>,
    ) -> Compile {
        Compile {
            optimizer: optimizer.into(),
            loss: loss.into(),
            metrics: Vec::new(),
            weighted_metrics: Vec::new(),
        }
    }

    /// With metrics, which every sample counts in alike.
    pub fn metrics<M: Into<MetricIdentifier>>(mut self, metrics: impl IntoIterator<Item = M>) -> Compile {
        self.metrics = metrics.into_iter().map(Into::into).collect();
        self
    }

    /// With metrics in which samples count by their weights.
    pub fn weighted_metrics<M: Into<MetricIdentifier>>(
        mut self,
        metrics: impl IntoIterator<Item = M>,
    ) -> Compile {
        self.weighted_metrics = metrics.into_iter().map(Into::into).collect();
        self
    }
}

/// A compiled model's choices.
pub(crate) struct Compiled {
    pub(crate) given: Compile,
    pub(crate) optimizer: Arc<dyn Optimizer>,
    /// The optimizer's variables beside `iterations` and `learning_rate`; known once the weights are.
    pub(crate) slots: Vec<SlotSpec>,
    /// Decided when the types of targets and outputs are first seen, for names like "accuracy" depend on them.
    pub(crate) goals: Option<Goals>,
}

/// What is made small, and what is watched.
pub(crate) struct Goals {
    pub(crate) loss: Arc<dyn Loss>,
    pub(crate) metrics: Vec<TrackedMetric>,
}

/// A metric with the name it is reported under.
#[derive(Clone)]
pub(crate) struct TrackedMetric {
    pub(crate) name: String,
    pub(crate) metric: Arc<dyn Metric>,
    pub(crate) weighted: bool,
}

impl Compiled {
    /// True if the learning rate is computed from the number of steps, and no variable.
    pub(crate) fn has_schedule(&self) -> bool {
        matches!(self.optimizer.common().learning_rate, LearningRate::Schedule(_))
    }

    /// The metrics, once they are decided.
    pub(crate) fn metrics(&self) -> &[TrackedMetric] {
        self.goals.as_ref().map_or(&[], |goals| &goals.metrics)
    }
}

/// Where each part of a training step's state begins.
///
/// In order: the weights; `iterations` and `learning_rate`; the optimizer's slots; the random state (seed and step);
/// the running loss; the metrics' variables. The last two are the state of a test step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) iterations: usize,
    pub(crate) random: usize,
    pub(crate) metrics: usize,
}

impl Layout {
    pub(crate) fn of(built: &Built, compiled: &Compiled) -> Layout {
        let iterations = built.weights.len();
        let random = iterations + 2 + compiled.slots.len();
        Layout { iterations, random, metrics: random + 1 }
    }
}
