//! Metrics: what is measured of a model while it is trained and tested, computed inside the step's own program.

mod accuracy;
mod confusion;
mod correlation;
mod crossentropy;
mod f_score;
mod hinge;
mod iou;
mod mean;
mod mean_metric;
mod naming;
mod r2_score;
mod registry;
mod regression;
mod top_k;
mod weights;

use std::fmt;

use cornu_ir::{DType, Expr, Shape, Type};
use serde_json::{Map, Value};

pub use accuracy::{Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy};
pub use confusion::{
    AUC, Curve, FalseNegatives, FalsePositives, Precision, PrecisionAtRecall, Recall, RecallAtPrecision,
    SensitivityAtSpecificity, SpecificityAtSensitivity, Summation, TrueNegatives, TruePositives,
};
pub use correlation::{
    ConcordanceCorrelation, PearsonCorrelation, concordance_correlation, pearson_correlation,
};
pub use crossentropy::{
    BinaryCrossentropy, CategoricalCrossentropy, KLDivergence, Poisson, SparseCategoricalCrossentropy,
};
pub use f_score::{Average, F1Score, FBetaScore};
pub use hinge::{CategoricalHinge, Hinge, SquaredHinge};
pub use iou::{BinaryIoU, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU};
pub use mean::{Mean, Sum};
pub use mean_metric::{MeanMetric, MeanMetricWrapper, from_fn};
pub use r2_score::{ClassAggregation, R2Score};
pub use registry::{deserialize, get, register, serialize};

pub(crate) use registry::{is_of_keras, metric_names};
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

    /// Its variables for predictions of this type, whose first axis may have any size. They have these values before
    /// each epoch. An argument that cannot be used, or predictions that are of no use, are an error.
    fn state(&self, y_pred: &Type) -> Result<Vec<StateSpec>>;

    /// The variables after a batch. A weight of 0 leaves a sample out.
    fn update<'b>(
        &self,
        state: &[Expr<'b>],
        y_true: Expr<'b>,
        y_pred: Expr<'b>,
        sample_weight: Option<Expr<'b>>,
    ) -> Result<Vec<Expr<'b>>>;

    /// What the variables say: a scalar, or a vector of several numbers.
    fn result<'b>(&self, state: &[Expr<'b>]) -> Result<Expr<'b>>;

    /// What files call a class of one's own, `package>Name`; `Custom>Name` if nothing is said. See [`register`].
    fn registered_name(&self) -> Option<&str> {
        None
    }

    /// Whether predictions that a mask says are no real ones are left out, by a weight of 0. In Keras means do so;
    /// all others count everything.
    fn takes_mask(&self) -> bool {
        false
    }

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
        StateSpec::zeros(name, [])
    }

    /// Numbers in this shape that begin at 0.
    pub fn zeros(name: &str, shape: impl Into<Shape>) -> StateSpec {
        StateSpec { name: name.to_string(), ty: Type::new(DType::F32, shape), initial: 0.0 }
    }
}
