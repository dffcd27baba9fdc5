//! MeanMetric: metrics that are the mean of a function of each sample.

use std::fmt;
use std::sync::Arc;

use cornu_ir::{DType, Expr, Type};
use serde_json::{Map, Value};

use crate::config::Serialized;
use crate::error::Result;
use crate::losses::{self, Loss};
use crate::metrics::mean::config;
use crate::metrics::{Direction, Mean, Metric, StateSpec};
use crate::saving::snake_case::snake_case;

/// A metric that is the mean of a value of each sample. Implement it to get [`Metric`] with it.
pub trait MeanMetric: fmt::Debug + Send + Sync {
    /// The name of the class: `MeanSquaredError`.
    fn class_name(&self) -> &str;

    /// The name that reports show; the class name in snake case if it is not changed.
    fn name(&self) -> String {
        snake_case(self.class_name())
    }

    /// The arguments of its own, as Keras writes them.
    fn arguments(&self) -> Map<String, Value> {
        Map::new()
    }

    /// The value of each sample: `[batch, …]`. Further axes are averaged as well.
    fn values<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>>;

    /// Which of the values count; all by default. Like Keras this is asked for weighted samples only.
    fn mask<'b>(&self, y_true: Expr<'b>, values: Expr<'b>) -> Result<Option<Expr<'b>>> {
        let _ = (y_true, values);
        Ok(None)
    }

    /// What is made of the mean in the end.
    fn finish<'b>(&self, mean: Expr<'b>) -> Expr<'b> {
        mean
    }

    /// Whether more is better.
    fn direction(&self) -> Direction {
        Direction::Unknown
    }
}

impl<M: MeanMetric> Metric for M {
    fn class_name(&self) -> &str {
        MeanMetric::class_name(self)
    }

    fn name(&self) -> String {
        MeanMetric::name(self)
    }

    fn config(&self) -> Map<String, Value> {
        config(&MeanMetric::name(self), []).into_iter().chain(self.arguments()).collect()
    }

    fn state(&self, _: &Type) -> Result<Vec<StateSpec>> {
        Ok(Mean::variables())
    }

    fn update<'b>(
        &self,
        state: &[Expr<'b>],
        y_true: Expr<'b>,
        y_pred: Expr<'b>,
        sample_weight: Option<Expr<'b>>,
    ) -> Result<Vec<Expr<'b>>> {
        let name = MeanMetric::name(self);
        let values = self.values(y_true, y_pred)?;
        let weight = match sample_weight {
            Some(weight) => {
                let mask = self.mask(y_true, values)?;
                losses::masked(&name, Some(weight), mask, DType::F32, false)?
            }
            None => None,
        };
        Mean::new(name).update_values(state, values, weight)
    }

    fn result<'b>(&self, state: &[Expr<'b>]) -> Result<Expr<'b>> {
        Ok(self.finish(Mean::new(MeanMetric::name(self)).result(state)?))
    }

    fn takes_mask(&self) -> bool {
        true
    }

    fn direction(&self) -> Direction {
        MeanMetric::direction(self)
    }
}

/// The mean of any loss, as a metric.
#[derive(Clone, Debug)]
pub struct MeanMetricWrapper {
    loss: Arc<dyn Loss>,
    name: String,
}

impl MeanMetricWrapper {
    /// The mean of this loss, under its name.
    pub fn new(loss: impl Loss + 'static) -> MeanMetricWrapper {
        MeanMetricWrapper::of(Arc::new(loss))
    }

    pub(super) fn of(loss: Arc<dyn Loss>) -> MeanMetricWrapper {
        MeanMetricWrapper { name: loss.name(), loss }
    }

    /// The name of the loss.
    pub(super) fn own_name(&self) -> String {
        self.loss.name()
    }

    /// The name that reports show.
    pub fn name(mut self, name: impl Into<String>) -> MeanMetricWrapper {
        self.name = name.into();
        self
    }
}

impl MeanMetric for MeanMetricWrapper {
    fn class_name(&self) -> &str {
        "MeanMetricWrapper"
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn arguments(&self) -> Map<String, Value> {
        let (own, given) = (self.loss.function(), self.loss.arguments());
        let function = own.map_or_else(|| snake_case(self.loss.class_name()), String::from);
        [("fn".to_string(), Serialized::function(&function))].into_iter().chain(given).collect()
    }

    fn values<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        self.loss.call(y_true, y_pred)
    }

    fn mask<'b>(&self, y_true: Expr<'b>, values: Expr<'b>) -> Result<Option<Expr<'b>>> {
        self.loss.mask(y_true, values)
    }

    /// Keras knows of its own losses that less is better, and nothing of others.
    fn direction(&self) -> Direction {
        if self.loss.function().is_some() { Direction::Unknown } else { Direction::Down }
    }
}

/// A metric that is the mean of a function of one's own: from labels and predictions `[batch, …, d]` the value of
/// each sample, `[batch, …]`.
///
/// As with [`losses::from_fn`], the name is the one that reports show and files name; [`losses::register_fn`] lets
/// files name it.
///
/// ```
/// use cornu::{Compile, losses, metrics};
///
/// let twice = metrics::from_fn("twice_the_error", |y_true, y_pred| {
///     Ok(losses::mean_absolute_error(y_true, y_pred)? * 2.0)
/// });
/// let how = Compile::new("adam", "mse").metrics([twice]);
/// ```
pub fn from_fn<F>(name: &str, function: F) -> MeanMetricWrapper
where
    F: for<'b> Fn(Expr<'b>, Expr<'b>) -> Result<Expr<'b>> + Send + Sync + 'static,
{
    MeanMetricWrapper::new(losses::from_fn(name, function))
}

/// Makes metrics without arguments: the mean of a function of labels and predictions.
macro_rules! means {
    ($($(#[$doc:meta])* $class:ident $direction:ident = $function:path;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $class {
            name: Option<String>,
        }

        impl $class {
            /// Under Keras's name.
            pub fn new() -> $class {
                $class::default()
            }

            $crate::metrics::naming::name_builder!($class);
        }

        impl $crate::metrics::MeanMetric for $class {
            fn class_name(&self) -> &str {
                stringify!($class)
            }

            $crate::metrics::naming::own_name!(MeanMetric);

            fn values<'b>(
                &self,
                y_true: cornu_ir::Expr<'b>,
                y_pred: cornu_ir::Expr<'b>,
            ) -> $crate::error::Result<cornu_ir::Expr<'b>> {
                $function(y_true, y_pred)
            }

            fn direction(&self) -> $crate::metrics::Direction {
                $crate::metrics::Direction::$direction
            }
        }
    )*};
}

pub(super) use means;
