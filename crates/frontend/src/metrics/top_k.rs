//! Top-k accuracies: the share of samples whose class is among the k likeliest.

use cornu_ir::ops::{ArgReduction, Reduction};
use cornu_ir::{DType, Expr, derived};
use serde_json::{Map, Value, json};

use crate::config::Arguments;
use crate::error::{Error, Result};
use crate::losses;
use crate::metrics::naming::{name_builder, own_name};
use crate::metrics::{Direction, MeanMetric};
use crate::shapes;

/// Whether fewer than `k` classes are predicted likelier than the label. Labels `[batch, …]`, predictions
/// `[batch, …, classes]`.
fn in_top_k<'b>(labels: Expr<'b>, y_pred: Expr<'b>, k: usize) -> Expr<'b> {
    let last = y_pred.rank() - 1;
    let classes = y_pred.shape()[last];
    let never = y_pred.number(f64::NEG_INFINITY);
    let chosen = derived::one_hot(labels, classes, DType::Bool).select(y_pred, never);
    let score = chosen.reduce(Reduction::Max, &[last]);
    // NaN is above no number, so every class would rank below it.
    let score = score.eq(score).select(score, never);
    let likelier = y_pred.gt(score.expand(last)).cast(DType::I32).sum(&[last]);
    likelier.lt(likelier.number(k as f64)).cast(DType::F32)
}

fn read_k(arguments: &Arguments) -> Result<usize> {
    Ok(arguments.size("k")?.unwrap_or(5))
}

/// The share of samples whose class is among the k likeliest, for one-hot labels.
#[derive(Clone, Debug, PartialEq)]
pub struct TopKCategoricalAccuracy {
    name: Option<String>,
    k: usize,
}

impl TopKCategoricalAccuracy {
    /// Among the likeliest k classes, 5 by default.
    pub fn new(k: usize) -> TopKCategoricalAccuracy {
        TopKCategoricalAccuracy { name: None, k }
    }

    name_builder!(TopKCategoricalAccuracy);

    pub(super) fn from_config(arguments: &Arguments) -> Result<TopKCategoricalAccuracy> {
        Ok(TopKCategoricalAccuracy::new(read_k(arguments)?))
    }
}

impl Default for TopKCategoricalAccuracy {
    fn default() -> TopKCategoricalAccuracy {
        TopKCategoricalAccuracy::new(5)
    }
}

impl MeanMetric for TopKCategoricalAccuracy {
    fn class_name(&self) -> &str {
        "TopKCategoricalAccuracy"
    }

    own_name!(MeanMetric);

    fn arguments(&self) -> Map<String, Value> {
        Map::from_iter([("k".to_string(), json!(self.k))])
    }

    fn values<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        let last = shapes::axis("top_k_categorical_accuracy", -1, y_pred)?;
        if y_true.shape() != y_pred.shape() {
            return Err(Error::Shapes {
                what: "top_k_categorical_accuracy: y_true against y_pred".into(),
                left: y_true.ty().into(),
                right: y_pred.ty().into(),
                fix: "If the labels are numbers of classes, use sparse_top_k_categorical_accuracy".into(),
            });
        }
        Ok(in_top_k(y_true.arg_reduce(ArgReduction::Max, last), y_pred, self.k))
    }

    fn direction(&self) -> Direction {
        Direction::Up
    }
}

/// The share of samples whose class is among the k likeliest, for labels that are numbers of classes.
#[derive(Clone, Debug, PartialEq)]
pub struct SparseTopKCategoricalAccuracy {
    name: Option<String>,
    k: usize,
    from_sorted_ids: bool,
}

impl SparseTopKCategoricalAccuracy {
    /// Among the likeliest k classes, 5 by default.
    pub fn new(k: usize) -> SparseTopKCategoricalAccuracy {
        SparseTopKCategoricalAccuracy { name: None, k, from_sorted_ids: false }
    }

    name_builder!(SparseTopKCategoricalAccuracy);

    /// True if predictions are not scores but the numbers of classes, likeliest first.
    pub fn from_sorted_ids(mut self, from_sorted_ids: bool) -> SparseTopKCategoricalAccuracy {
        self.from_sorted_ids = from_sorted_ids;
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<SparseTopKCategoricalAccuracy> {
        let from_sorted_ids = arguments.boolean_or("from_sorted_ids", false)?;
        Ok(SparseTopKCategoricalAccuracy::new(read_k(arguments)?).from_sorted_ids(from_sorted_ids))
    }
}

impl Default for SparseTopKCategoricalAccuracy {
    fn default() -> SparseTopKCategoricalAccuracy {
        SparseTopKCategoricalAccuracy::new(5)
    }
}

impl MeanMetric for SparseTopKCategoricalAccuracy {
    fn class_name(&self) -> &str {
        "SparseTopKCategoricalAccuracy"
    }

    own_name!(MeanMetric);

    fn arguments(&self) -> Map<String, Value> {
        let sorted = self.from_sorted_ids.then(|| ("from_sorted_ids".to_string(), json!(true)));
        [("k".to_string(), json!(self.k))].into_iter().chain(sorted).collect()
    }

    fn values<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        let last = shapes::axis("sparse_top_k_categorical_accuracy", -1, y_pred)?;
        let labels = losses::class_numbers("sparse_top_k_categorical_accuracy", y_true, y_pred, last)?;
        if !self.from_sorted_ids {
            return Ok(in_top_k(labels, y_pred, self.k));
        }
        let first = y_pred.slice_axis(last, 0, self.k.min(y_pred.shape()[last])).cast(DType::I32);
        Ok(first.eq(labels.expand(last)).reduce(Reduction::Max, &[last]).cast(DType::F32))
    }

    fn direction(&self) -> Direction {
        Direction::Up
    }
}
