//! Compile: the loss, the optimizer and the metrics of a model, and what they keep between steps.

use std::sync::Arc;

use super::PerOutput;
use super::goals::Goals;
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::layers::DTypePolicy;
use crate::losses::Loss;
use crate::metrics::MetricIdentifier;
use crate::model::Built;
use crate::optimizers::{LossScaleOptimizer, Optimizer, SlotSpec, TrainedWeight, Variable};

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
    pub(crate) loss: PerOutput<Identifier<dyn Loss>>,
    pub(crate) loss_weights: Option<PerOutput<f64>>,
    pub(crate) metrics: PerOutput<Metrics>,
    pub(crate) weighted_metrics: PerOutput<Metrics>,
    pub(crate) steps_per_execution: usize,
    pub(crate) auto_scale_loss: bool,
}

/// Metrics as they are given for one output.
type Metrics = Vec<MetricIdentifier>;

impl Compile {
    /// With an optimizer and a loss, which is that of every output.
    pub fn new(
        optimizer: impl Into<Identifier<dyn Optimizer>>,
        loss: impl Into<Identifier<dyn Loss>>,
    ) -> Compile {
        Compile::per_output(optimizer, PerOutput::Every(loss.into()))
    }

    /// With a loss for each output, by its name: `Compile::with_losses("adam", [("class", "bce"), ("box", "mse")])`.
    pub fn with_losses<'n, L: Into<Identifier<dyn Loss>>>(
        optimizer: impl Into<Identifier<dyn Optimizer>>,
        losses: impl IntoIterator<Item = (&'n str, L)>,
    ) -> Compile {
        let named = losses.into_iter().map(|(name, loss)| (name.to_string(), Some(loss.into())));
        Compile::per_output(optimizer, PerOutput::ByName(named.collect()))
    }

    /// With a loss for each output, in order: `Compile::with_losses_in_order("adam", ["bce", "mse"])`.
    pub fn with_losses_in_order<L: Into<Identifier<dyn Loss>>>(
        optimizer: impl Into<Identifier<dyn Optimizer>>,
        losses: impl IntoIterator<Item = L>,
    ) -> Compile {
        let ordered = losses.into_iter().map(|loss| Some(loss.into()));
        Compile::per_output(optimizer, PerOutput::InOrder(ordered.collect()))
    }

    /// Fails if something is said of an output that the model does not have.
    pub(super) fn check_outputs(&self, outputs: &[String]) -> Result<()> {
        self.loss.check_names(outputs)?;
        self.loss_weights.as_ref().map_or(Ok(()), |weights| weights.check_names(outputs))?;
        self.metrics.check_names(outputs)?;
        self.weighted_metrics.check_names(outputs)
    }

    pub(crate) fn per_output(
        optimizer: impl Into<Identifier<dyn Optimizer>>,
        loss: PerOutput<Identifier<dyn Loss>>,
    ) -> Compile {
        Compile {
            optimizer: optimizer.into(),
            loss,
            loss_weights: None,
            metrics: PerOutput::Every(Vec::new()),
            weighted_metrics: PerOutput::Every(Vec::new()),
            auto_scale_loss: true,
            steps_per_execution: 1,
        }
    }

    /// Whether the optimizer of a model made under the policy `mixed_float16` is put into a [`LossScaleOptimizer`],
    /// unless it is one; true by default. Gradients of 16 bits vanish without it.
    pub fn auto_scale_loss(mut self, auto_scale_loss: bool) -> Compile {
        self.auto_scale_loss = auto_scale_loss;
        self
    }

    /// The optimizer that a model of this policy is trained with.
    pub(super) fn optimizer_for(&self, policy: DTypePolicy) -> Result<Arc<dyn Optimizer>> {
        let optimizer = self.optimizer.resolve()?;
        let needs_scale = self.auto_scale_loss && policy == DTypePolicy::MIXED_FLOAT16;
        if !needs_scale || optimizer.class_name() == LossScaleOptimizer::CLASS {
            return Ok(optimizer);
        }
        Ok(Arc::new(LossScaleOptimizer::around(optimizer)))
    }

    /// How much the loss of each output counts, by its name; 1 for outputs that are not named.
    pub fn loss_weights<'n>(mut self, weights: impl IntoIterator<Item = (&'n str, f64)>) -> Compile {
        let named = weights.into_iter().map(|(name, weight)| (name.to_string(), Some(weight)));
        self.loss_weights = Some(PerOutput::ByName(named.collect()));
        self
    }

    /// How much the loss of every output counts.
    pub fn loss_weight(mut self, weight: f64) -> Compile {
        self.loss_weights = Some(PerOutput::Every(weight));
        self
    }

    /// How much the loss of each output counts, in order.
    pub fn loss_weights_in_order(mut self, weights: impl IntoIterator<Item = f64>) -> Compile {
        self.loss_weights = Some(PerOutput::InOrder(weights.into_iter().map(Some).collect()));
        self
    }

    /// With metrics for every output, which every sample counts in alike.
    pub fn metrics<M: Into<MetricIdentifier>>(mut self, metrics: impl IntoIterator<Item = M>) -> Compile {
        self.metrics = PerOutput::Every(list(metrics));
        self
    }

    /// With metrics for each output, in order: `metrics_in_order([vec!["accuracy"], vec!["mae", "mse"]])`.
    pub fn metrics_in_order<I: IntoIterator<Item: Into<MetricIdentifier>>>(
        mut self,
        metrics: impl IntoIterator<Item = I>,
    ) -> Compile {
        self.metrics = PerOutput::InOrder(metrics.into_iter().map(|metrics| Some(list(metrics))).collect());
        self
    }

    /// With metrics for one output, beside those of others.
    pub fn metrics_of<M: Into<MetricIdentifier>>(
        mut self,
        output: &str,
        metrics: impl IntoIterator<Item = M>,
    ) -> Compile {
        self.metrics = with_one(self.metrics, output, list(metrics));
        self
    }

    /// With metrics for every output in which samples count by their weights.
    pub fn weighted_metrics<M: Into<MetricIdentifier>>(
        mut self,
        metrics: impl IntoIterator<Item = M>,
    ) -> Compile {
        self.weighted_metrics = PerOutput::Every(list(metrics));
        self
    }

    /// [`Compile::metrics_in_order`] for metrics in which samples count by their weights.
    pub fn weighted_metrics_in_order<I: IntoIterator<Item: Into<MetricIdentifier>>>(
        mut self,
        metrics: impl IntoIterator<Item = I>,
    ) -> Compile {
        let ordered = metrics.into_iter().map(|metrics| Some(list(metrics)));
        self.weighted_metrics = PerOutput::InOrder(ordered.collect());
        self
    }

    /// [`Compile::metrics_of`] for metrics in which samples count by their weights.
    pub fn weighted_metrics_of<M: Into<MetricIdentifier>>(
        mut self,
        output: &str,
        metrics: impl IntoIterator<Item = M>,
    ) -> Compile {
        self.weighted_metrics = with_one(self.weighted_metrics, output, list(metrics));
        self
    }

    /// How many steps `fit` and `evaluate` run before callbacks are told of them, as of one: with the logs of the
    /// last. Numbers are the same. In Keras this spares a model's calls from Python; here a call costs next to
    /// nothing, so it only spares what callbacks do.
    pub fn steps_per_execution(mut self, steps: usize) -> Compile {
        self.steps_per_execution = steps;
        self
    }

    /// Fails for a number of steps that means nothing.
    pub(super) fn check_steps(&self) -> Result<()> {
        match self.steps_per_execution {
            0 => Err(Error::config("compile", "steps_per_execution", 0, "1 or more")),
            _ => Ok(()),
        }
    }
}

fn list<M: Into<MetricIdentifier>>(metrics: impl IntoIterator<Item = M>) -> Metrics {
    metrics.into_iter().map(Into::into).collect()
}

/// Metrics by name with those of one output more.
fn with_one(all: PerOutput<Metrics>, output: &str, metrics: Metrics) -> PerOutput<Metrics> {
    let mut named = match all {
        PerOutput::ByName(named) => named,
        PerOutput::Every(_) | PerOutput::InOrder(_) => Vec::new(),
    };
    named.push((output.to_string(), Some(metrics)));
    PerOutput::ByName(named)
}

/// A compiled model's choices.
pub(crate) struct Compiled {
    pub(crate) given: Compile,
    pub(crate) optimizer: Arc<dyn Optimizer>,
    /// The weights that are trained; known once the weights are.
    pub(crate) trained: Vec<TrainedWeight>,
    /// The optimizer's variables beside `iterations` and `learning_rate`; known once the weights are.
    pub(crate) slots: Vec<SlotSpec>,
    /// Decided when the types of targets and outputs are first seen, for names like "accuracy" depend on them.
    pub(crate) goals: Option<Goals>,
}

impl Compiled {
    /// The optimizer's variables as files hold them.
    pub(crate) fn variables(&self) -> Vec<Variable> {
        self.optimizer.variables(&self.trained, &self.slots)
    }
}

/// Where each part of a training step's state begins.
///
/// In order: the saved weights; `iterations` and `learning_rate`; the optimizer's slots; the random state (seed and
/// step); what layers remember from batch to batch; the running losses; the metrics' variables. From what layers
/// remember on, it is the state of a test step. Before `compile`, what layers remember follows the weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) iterations: usize,
    pub(crate) random: usize,
    pub(crate) remembered: usize,
    pub(crate) metrics: usize,
}

impl Layout {
    pub(crate) fn of(built: &Built, compiled: Option<&Compiled>) -> Layout {
        let iterations = built.saved();
        let Some(compiled) = compiled else {
            let metrics = built.weights.len();
            return Layout { iterations, random: iterations, remembered: iterations, metrics };
        };
        let random = iterations + 2 + compiled.slots.len();
        let remembered = random + 1;
        Layout { iterations, random, remembered, metrics: remembered + built.weights.len() - iterations }
    }
}
