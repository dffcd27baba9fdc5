//! Counts: true and false positives and negatives of a batch at each threshold.

use cornu_ir::ops::{Reduction, Scatter, ScatterKind};
use cornu_ir::{DType, Expr, Tensor, Type, derived};

use super::Thresholds;
use super::thresholds::NEVER;
use crate::error::{Error, Result};
use crate::losses;
use crate::metrics::weights;

/// The counts of a batch at each threshold, `[thresholds]`, or `[thresholds, labels]` where labels stay apart.
/// Samples count by their weights.
pub(super) struct Counts<'b> {
    pub(super) true_positives: Expr<'b>,
    pub(super) false_positives: Expr<'b>,
    pub(super) true_negatives: Expr<'b>,
    pub(super) false_negatives: Expr<'b>,
}

/// How to count.
pub(super) struct Counting<'a> {
    /// The metric, for errors.
    pub(super) metric: &'a str,
    pub(super) thresholds: &'a Thresholds,
    /// Only so many classes of each prediction can be positive, the likeliest.
    pub(super) top_k: Option<usize>,
    /// Only this class counts.
    pub(super) class_id: Option<usize>,
    /// Each column of labels and predictions is counted by itself.
    pub(super) multi_label: bool,
    /// How much each column counts, where they are counted together.
    pub(super) label_weights: Option<&'a [f64]>,
}

impl<'a> Counting<'a> {
    /// Everything counts.
    pub(super) fn all(metric: &'a str, thresholds: &'a Thresholds) -> Counting<'a> {
        Counting { metric, thresholds, top_k: None, class_id: None, multi_label: false, label_weights: None }
    }

    pub(super) fn count<'b>(
        &self,
        y_true: Expr<'b>,
        y_pred: Expr<'b>,
        sample_weight: Option<Expr<'b>>,
    ) -> Result<Counts<'b>> {
        let (t, p) = losses::paired(self.metric, y_true, y_pred)?;
        let p = self.likeliest(p.cast(DType::F32))?;
        let (t, p) = (self.of_class(t)?, self.of_class(p)?);
        let weight = match sample_weight {
            Some(weight) => weights::for_each(self.metric, weight, p)?,
            None => p.full_like(1.0),
        };
        let weight = self.by_label(weight)?;
        let (is_true, nothing) = (t.ne(t.number(0.0)), weight.number(0.0));
        let p = self.in_rows(p)?;
        let trues = self.in_rows(is_true.select(weight, nothing))?;
        let falses = self.in_rows(is_true.select(nothing, weight))?;
        let (true_positives, false_negatives) = self.divided(p, trues);
        let (false_positives, true_negatives) = self.divided(p, falses);
        Ok(Counts { true_positives, false_positives, true_negatives, false_negatives })
    }

    /// Predictions with all but the likeliest classes set to a number that is never above a threshold.
    fn likeliest<'b>(&self, p: Expr<'b>) -> Result<Expr<'b>> {
        let Some(k) = self.top_k else { return Ok(p) };
        let (last, classes) = (p.rank() - 1, p.shape().last().copied().unwrap_or(0));
        if k == 0 || k > classes {
            let needed = format!("from 1 to the number of classes, {classes}");
            return Err(Error::config(self.metric, "top_k", k, needed));
        }
        let places = p.arg_sort(last, true, k);
        let is_chosen = derived::one_hot(places, classes, DType::Bool).reduce(Reduction::Max, &[last]);
        Ok(is_chosen.select(p, p.number(NEVER)))
    }

    /// The column of the one class that counts.
    fn of_class<'b>(&self, x: Expr<'b>) -> Result<Expr<'b>> {
        let Some(class) = self.class_id else { return Ok(x) };
        let (last, classes) = (x.rank() - 1, x.shape().last().copied().unwrap_or(0));
        if last == 0 || class >= classes {
            let needed = format!("the number of a column of the predictions, which are {}", x.ty());
            return Err(Error::config(self.metric, "class_id", class, needed));
        }
        Ok(x.slice_axis(last, class, class + 1))
    }

    fn by_label<'b>(&self, weight: Expr<'b>) -> Result<Expr<'b>> {
        let Some(labels) = self.label_weights.filter(|_| !self.multi_label) else { return Ok(weight) };
        let shape = weight.shape();
        if shape.last() != Some(&labels.len()) {
            let needed = format!("one number for each column of the predictions, which are {}", weight.ty());
            return Err(Error::config(self.metric, "label_weights", format!("{labels:?}"), needed));
        }
        let labels = Tensor::vector(labels.iter().map(|&weight| weight as f32).collect());
        Ok(weight * weight.constant(labels).broadcast(shape.clone(), &[shape.rank() - 1]))
    }

    /// `[labels, samples]`, with one label for all where they are counted together.
    fn in_rows<'b>(&self, x: Expr<'b>) -> Result<Expr<'b>> {
        if !self.multi_label {
            return Ok(x.reshape([1, x.shape().elements()]));
        }
        if x.rank() != 2 {
            let needed = "predictions `[batch, labels]`, for `multi_label` is set".to_string();
            return Err(Error::Shape { what: self.metric.into(), needed, got: x.ty() });
        }
        Ok(x.transpose(&[1, 0]))
    }

    /// The sums of the values whose predictions are above each threshold, and of the others.
    fn divided<'b>(&self, p: Expr<'b>, values: Expr<'b>) -> (Expr<'b>, Expr<'b>) {
        let (above, below) = match self.thresholds.are_even {
            true => self.by_bucket(p, values),
            false => self.by_comparison(p, values),
        };
        if self.multi_label {
            return (above.transpose(&[1, 0]), below.transpose(&[1, 0]));
        }
        let count = self.thresholds.count();
        (above.reshape([count]), below.reshape([count]))
    }

    /// Each value goes into the bucket under the highest threshold that its prediction is above; sums over buckets
    /// give what is above each threshold. Work grows with values and thresholds, not with their product.
    fn by_bucket<'b>(&self, p: Expr<'b>, values: Expr<'b>) -> (Expr<'b>, Expr<'b>) {
        let count = self.thresholds.count();
        let bucket = (p.clip(0.0, 1.0) * (count - 1) as f64).ceil() - 1.0;
        let bucket =
            if self.thresholds.have_ends_outside() { bucket.max(bucket.number(0.0)) } else { bucket };
        let none = p.builder().full(&Type::new(DType::F32, [p.shape()[0], count]), 0.0);
        let scatter = Scatter { axis: 1, batch: 1, kind: ScatterKind::Add };
        let buckets = none.scatter(bucket.cast(DType::I32), values, scatter);
        let above = buckets.cumulative(Reduction::Sum, 1, true);
        (above, values.sum(&[1]).expand(1) - above)
    }

    fn by_comparison<'b>(&self, p: Expr<'b>, values: Expr<'b>) -> (Expr<'b>, Expr<'b>) {
        let thresholds = self.thresholds.values.iter().map(|&value| value as f32).collect();
        let thresholds = p.constant(Tensor::vector(thresholds)).reshape([1, self.thresholds.count(), 1]);
        let is_above = p.expand(1).gt(thresholds);
        let (values, nothing) = (values.expand(1), values.number(0.0));
        (is_above.select(values, nothing).sum(&[2]), is_above.select(nothing, values).sum(&[2]))
    }
}
