//! Compile: the loss, the optimizer and the metrics of a model, and what they keep between steps.

use std::sync::Arc;

use super::PerOutput;
use super::goals::Goals;
use crate::error::Result;
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
    pub(crate) metrics: PerOutput<Vec<MetricIdentifier>>,
    pub(crate) weighted_metrics: PerOutput<Vec<MetricIdentifier>>,
    pub(crate) auto_scale_loss: bool,
}

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

    /// With metrics for every output, which every sample counts in alike.
    pub fn metrics<M: Into<MetricIdentifier>>(mut self, metrics: impl IntoIterator<Item = M>) -> Compile {
        self.metrics = PerOutput::Every(metrics.into_iter().map(Into::into).collect());
        self
    }

    /// With metrics for one output, beside those of others.
    pub fn metrics_of<M: Into<MetricIdentifier>>(
        mut self,
        output: &str,
        metrics: impl IntoIterator<Item = M>,
    ) -> Compile {
        let mut named = match self.metrics {
            PerOutput::ByName(named) => named,
            PerOutput::Every(_) | PerOutput::InOrder(_) => Vec::new(),
        };
        named.push((output.to_string(), Some(metrics.into_iter().map(Into::into).collect())));
        self.metrics = PerOutput::ByName(named);
        self
    }

    /// With metrics for every output in which samples count by their weights.
    pub fn weighted_metrics<M: Into<MetricIdentifier>>(
        mut self,
        metrics: impl IntoIterator<Item = M>,
    ) -> Compile {
        self.weighted_metrics = PerOutput::Every(metrics.into_iter().map(Into::into).collect());
        self
    }
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
