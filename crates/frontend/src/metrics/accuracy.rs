//! Accuracies: the share of predictions that are right.

use cornu_ir::ops::ArgReduction;
use cornu_ir::{DType, Expr};
use serde_json::{Map, Value, json};

use crate::config::Arguments;
use crate::error::{Error, Result};
use crate::losses;
use crate::metrics::mean_metric::means;
use crate::metrics::naming::{name_builder, own_name};
use crate::metrics::{Direction, MeanMetric};
use crate::shapes;

means! {
    /// The share of predictions that equal the label.
    Accuracy Up = equal;
    /// The share of samples whose likeliest class is that of the one-hot label.
    CategoricalAccuracy Up = categorical;
    /// The share of samples whose likeliest class is the label, a number of a class.
    SparseCategoricalAccuracy Up = sparse_categorical;
}

fn equal<'b>(y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
    let (t, p) = losses::paired("accuracy", y_true, y_pred)?;
    Ok(t.eq(p).cast(DType::F32))
}

/// Labels and predictions `[batch, …, classes]`, result `[batch, …]`.
fn categorical<'b>(y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
    if y_true.shape() != y_pred.shape() {
        return Err(Error::Shapes {
            what: "categorical_accuracy: y_true against y_pred".into(),
            left: y_true.ty().into(),
            right: y_pred.ty().into(),
            fix: "If the labels are numbers of classes, use sparse_categorical_accuracy".into(),
        });
    }
    let last = shapes::axis("categorical_accuracy", -1, y_pred)?;
    let class = |x: Expr<'b>| x.arg_reduce(ArgReduction::Max, last);
    Ok(class(y_true).eq(class(y_pred)).cast(DType::F32))
}

/// Labels `[batch, …]` or `[batch, …, 1]`, predictions `[batch, …, classes]`, result `[batch, …]`.
fn sparse_categorical<'b>(y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
    let last = shapes::axis("sparse_categorical_accuracy", -1, y_pred)?;
    let labels = losses::class_numbers("sparse_categorical_accuracy", y_true, y_pred, last)?;
    let classes = y_pred.arg_reduce(ArgReduction::Max, last).cast(DType::I32);
    Ok(labels.eq(classes).cast(DType::F32))
}

/// The share of predictions on the label's side of a threshold. A prediction at the threshold counts as 0.
#[derive(Clone, Debug, PartialEq)]
pub struct BinaryAccuracy {
    name: Option<String>,
    threshold: f64,
}

impl BinaryAccuracy {
    /// With the threshold ½.
    pub fn new() -> BinaryAccuracy {
        BinaryAccuracy { name: None, threshold: 0.5 }
    }

    name_builder!(BinaryAccuracy);

    /// What a prediction must be above to count as 1.
    pub fn threshold(mut self, threshold: f64) -> BinaryAccuracy {
        self.threshold = threshold;
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<BinaryAccuracy> {
        Ok(BinaryAccuracy::new().threshold(arguments.number_or("threshold", 0.5)?))
    }
}

impl Default for BinaryAccuracy {
    fn default() -> BinaryAccuracy {
        BinaryAccuracy::new()
    }
}

impl MeanMetric for BinaryAccuracy {
    fn class_name(&self) -> &str {
        "BinaryAccuracy"
    }

    own_name!(MeanMetric);

    fn arguments(&self) -> Map<String, Value> {
        Map::from_iter([("threshold".to_string(), json!(self.threshold))])
    }

    fn values<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        let (t, p) = losses::paired("binary_accuracy", y_true, y_pred)?;
        let decided = p.gt(p.number(self.threshold)).cast(t.dtype());
        Ok(t.eq(decided).cast(DType::F32))
    }

    fn direction(&self) -> Direction {
        Direction::Up
    }
}
