//! Metrics: what is measured of a model while it is trained and tested, computed inside the step's own program.

mod accuracy;
mod crossentropy;
mod hinge;
mod mean;
mod mean_metric;
mod registry;
mod regression;
mod top_k;

use std::fmt;

use cornu_ir::{DType, Expr, Type};
use serde_json::{Map, Value};

pub use accuracy::{Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy};
pub use crossentropy::{
    BinaryCrossentropy, CategoricalCrossentropy, KLDivergence, Poisson, SparseCategoricalCrossentropy,
};
pub use hinge::{CategoricalHinge, Hinge, SquaredHinge};
pub use mean::{Mean, Sum};
pub use mean_metric::{MeanMetric, MeanMetricWrapper};
pub use registry::{deserialize, get, serialize};
pub use regression::{
    CosineSimilarity, LogCoshError, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredError,
    MeanSquaredLogarithmicError, RootMeanSquaredError,
};
pub use top_k::{SparseTopKCategoricalAccuracy, TopKCategoricalAccuracy};

use crate::error::Result;
use crate::identifier::Identifier;

/// A metric as `compile` takes it: `"accuracy"`, `"mae"` or an object.
pub type MetricIdentifier = Identifier<dyn Metric>;

/// A metric: variables, how a batch changes them, and what they say.
///
/// Most metrics are means over samples: implement [`MeanMetric`] for these and get this trait with it.
pub trait Metric: fmt::Debug + Send + Sync {
    /// The name of the class: `MeanSquaredError`.
    fn class_name(&self) -> &str;

    /// The name that reports show.
    fn name(&self) -> String;

    /// Name and arguments, as Keras writes them.
    fn config(&self) -> Map<String, Value>;

    /// Its variables. They have these values before each epoch.
    fn state(&self) -> Vec<StateSpec>;

    /// The variables after a batch. A weight of 0 leaves a sample out.
    fn update<'b>(
        &self,
        state: &[Expr<'b>],
        y_true: Expr<'b>,
        y_pred: Expr<'b>,
        sample_weight: Option<Expr<'b>>,
    ) -> Result<Vec<Expr<'b>>>;

    /// What the variables say, usually a scalar.
    fn result<'b>(&self, state: &[Expr<'b>]) -> Result<Expr<'b>>;

    /// Whether more is better, for callbacks that keep the best model.
    fn direction(&self) -> Direction {
        Direction::Unknown
    }
}

/// Which way a metric should go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// More is better.
    Up,
    /// Less is better.
    Down,
    /// Nobody said.
    Unknown,
}

/// A variable of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct StateSpec {
    /// `total`, `count`.
    pub name: String,
    /// Element type and shape.
    pub ty: Type,
    /// The value of all elements at the beginning.
    pub initial: f64,
}

impl StateSpec {
    /// A number that begins at 0.
    pub fn scalar(name: &str) -> StateSpec {
        StateSpec { name: name.to_string(), ty: Type::scalar(DType::F32), initial: 0.0 }
    }
}
