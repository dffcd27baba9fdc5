//! Metrics of regression.

use cornu_ir::Expr;
use serde_json::{Map, Value, json};

use crate::config::Arguments;
use crate::error::Result;
use crate::losses::{
    self, cosine_similarity, log_cosh, mean_absolute_error, mean_absolute_percentage_error,
    mean_squared_error, mean_squared_logarithmic_error,
};
use crate::metrics::mean_metric::means;
use crate::metrics::naming::{name_builder, own_name};
use crate::metrics::{Direction, MeanMetric};

means! {
    /// The mean of (t - p)².
    MeanSquaredError Down = mean_squared_error;
    /// The mean of |t - p|.
    MeanAbsoluteError Down = mean_absolute_error;
    /// The mean of 100·|t - p|/|t|.
    MeanAbsolutePercentageError Down = mean_absolute_percentage_error;
    /// The mean of (ln(1 + t) - ln(1 + p))².
    MeanSquaredLogarithmicError Down = mean_squared_logarithmic_error;
}

/// √ of the mean of (t - p)² over all samples so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RootMeanSquaredError {
    name: Option<String>,
}

impl RootMeanSquaredError {
    /// Under Keras's name.
    pub fn new() -> RootMeanSquaredError {
        RootMeanSquaredError::default()
    }

    name_builder!(RootMeanSquaredError);
}

impl MeanMetric for RootMeanSquaredError {
    fn class_name(&self) -> &str {
        "RootMeanSquaredError"
    }

    own_name!(MeanMetric);

    fn values<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        let (t, p) = losses::paired("root_mean_squared_error", y_true, y_pred)?;
        Ok((p - t).square())
    }

    fn finish<'b>(&self, mean: Expr<'b>) -> Expr<'b> {
        mean.sqrt()
    }

    fn direction(&self) -> Direction {
        Direction::Down
    }
}

/// The mean of ln cosh(p - t). Keras's one metric whose name is not that of its class: `logcosh`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogCoshError {
    name: Option<String>,
}

impl LogCoshError {
    /// Under Keras's name.
    pub fn new() -> LogCoshError {
        LogCoshError::default()
    }

    name_builder!(LogCoshError);
}

impl MeanMetric for LogCoshError {
    fn class_name(&self) -> &str {
        "LogCoshError"
    }

    fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| "logcosh".into())
    }

    fn values<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        log_cosh(y_true, y_pred)
    }

    fn direction(&self) -> Direction {
        Direction::Down
    }
}

/// The mean cosine of the angle between t and p: 1 for equal directions, where the loss of this name gives -1.
#[derive(Clone, Debug, PartialEq)]
pub struct CosineSimilarity {
    name: Option<String>,
    axis: i64,
}

impl CosineSimilarity {
    /// Along the last axis.
    pub fn new() -> CosineSimilarity {
        CosineSimilarity { name: None, axis: -1 }
    }

    name_builder!(CosineSimilarity);

    /// The axis of the vectors.
    pub fn axis(mut self, axis: i64) -> CosineSimilarity {
        self.axis = axis;
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<CosineSimilarity> {
        Ok(CosineSimilarity::new().axis(arguments.integer("axis")?.unwrap_or(-1)))
    }
}

impl Default for CosineSimilarity {
    fn default() -> CosineSimilarity {
        CosineSimilarity::new()
    }
}

impl MeanMetric for CosineSimilarity {
    fn class_name(&self) -> &str {
        "CosineSimilarity"
    }

    own_name!(MeanMetric);

    /// Keras forgets the axis; it reads it, so it is written where it is not the default.
    fn arguments(&self) -> Map<String, Value> {
        (self.axis != -1).then(|| ("axis".to_string(), json!(self.axis))).into_iter().collect()
    }

    fn values<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        cosine_similarity(y_true, y_pred, self.axis)
    }

    fn direction(&self) -> Direction {
        Direction::Up
    }
}
