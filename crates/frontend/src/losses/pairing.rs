//! Labels and predictions brought to one type and shape, or a refusal that says what to change.

use cornu_ir::{DType, Expr, Shape, Type};

use crate::error::{Error, Result};
use crate::shapes::same_rank;

/// How the shape of labels relates to that of predictions, which decides what "accuracy" and "crossentropy" mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Labels {
    /// One prediction for each sample.
    Binary,
    /// The number of a class.
    Sparse,
    /// A probability for each class.
    Categorical,
}

impl Labels {
    /// Keras's rule.
    pub(crate) fn of(y_true: &Type, y_pred: &Type) -> Labels {
        let last = |ty: &Type| ty.shape.last().copied();
        if last(y_pred) == Some(1) {
            Labels::Binary
        } else if y_true.shape.rank() < y_pred.shape.rank() || last(y_true) == Some(1) {
            Labels::Sparse
        } else {
            Labels::Categorical
        }
    }
}

/// Labels and predictions in the predictions' type (at least 32 bits) and in one shape of at least one axis.
///
/// `[n]` beside `[n, 1]` is the only pair of different shapes that is taken, as [`same_rank`] does: everything else
/// that could be stretched to fit is more often a mistake than meant.
pub(crate) fn paired<'b>(loss: &str, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<(Expr<'b>, Expr<'b>)> {
    let y_pred = in_float(y_pred);
    let (t, p) = same_rank(y_true.cast(y_pred.dtype()), y_pred);
    if t.shape() == p.shape() && t.rank() > 0 {
        return Ok((t, p));
    }
    let (left, right) = (Box::new(y_true.ty()), Box::new(y_pred.ty()));
    let fix = fix(&left.shape, &right.shape);
    Err(Error::Shapes { what: format!("{loss}: y_true against y_pred"), left, right, fix })
}

/// Labels that are numbers of classes, in the shape of the predictions without `axis`, where the classes lie. An axis
/// of size 1 may stand in its place.
pub(crate) fn class_numbers<'b>(
    what: &str,
    y_true: Expr<'b>,
    y_pred: Expr<'b>,
    axis: usize,
) -> Result<Expr<'b>> {
    let needed = y_pred.shape().without(&[axis]);
    let has_axis = y_true.rank() == y_pred.rank() && y_true.shape()[axis] == 1;
    let labels = if has_axis { y_true.squeeze(&[axis]) } else { y_true };
    if labels.shape() == needed {
        return Ok(labels.cast(DType::I32));
    }
    let fix = if y_true.shape() == y_pred.shape() {
        "If the labels are one-hot, use the function of this name without `sparse_`".to_string()
    } else {
        format!("Give one class number for each prediction: labels of the shape {needed}")
    };
    let what = format!("{what}: y_true against y_pred");
    Err(Error::Shapes { what, left: y_true.ty().into(), right: y_pred.ty().into(), fix })
}

/// Whole numbers and halves as `f32`; `f32` and `f64` as they are.
pub(crate) fn in_float(x: Expr<'_>) -> Expr<'_> {
    match x.dtype() {
        DType::F32 | DType::F64 => x,
        DType::BF16 | DType::F16 | DType::I32 | DType::I64 | DType::U8 | DType::U32 | DType::Bool => {
            x.cast(DType::F32)
        }
    }
}

fn fix(y_true: &Shape, y_pred: &Shape) -> String {
    let classes = y_pred.last().copied().unwrap_or(1);
    let before: Shape = y_pred[..y_pred.rank().saturating_sub(1)].into();
    let one_each =
        y_true.rank() == y_pred.rank() && y_true.without(&[y_true.rank().wrapping_sub(1)]) == before;
    if classes > 1 && (*y_true == before || (one_each && y_true.last() == Some(&1))) {
        return format!(
            "If the labels are numbers of classes, use sparse_categorical_crossentropy; \
             else give the last layer as many units as the labels have columns, or the labels {classes} columns"
        );
    }
    "Give both the same shape: change the units of the last layer, or reshape the labels".into()
}
