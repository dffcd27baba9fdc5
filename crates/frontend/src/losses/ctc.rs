//! Connectionist temporal classification.

use cornu_ir::derived::{Loop, Step, along_time};
use cornu_ir::{DType, Expr, Type, derived};

use crate::error::{Error, Result};
use crate::losses::pairing::in_float;
use crate::losses::settings::settings;
use crate::losses::{Loss, Settings};

/// The number of the class that is both "nothing" in predictions and padding in labels.
const BLANK: usize = 0;

/// The logarithm of a probability that is as good as 0. Keras's.
const IMPOSSIBLE: f64 = -1e5;

/// -ln P(labels | predictions): over all ways to spread a sequence of labels over more steps, with blanks between.
///
/// Labels are numbers of classes `[batch, length]`, where 0 is padding at the end; predictions are logits
/// `[batch, steps, classes]`, where class 0 is the blank; the result is `[batch]`.
/// Graves et al. 2006, <https://www.cs.toronto.edu/~graves/icml_2006.pdf>.
pub fn ctc<'b>(y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
    let (labels, logits) = (y_true.cast(DType::I32), in_float(y_pred));
    let (&[rows, length], &[batch, steps, _]) = (&*labels.shape(), &*logits.shape()) else {
        return Err(misfit(y_true, y_pred));
    };
    if rows != batch || length == 0 || steps == 0 {
        return Err(misfit(y_true, y_pred));
    }
    let b = logits.builder();
    let by_step = |x: Expr<'b>| x.transpose(&[1, 0, 2]);
    let log_probabilities = derived::log_softmax(logits, &[2]);
    // What each step says of each label, and of the blank.
    let emit = by_step(log_probabilities.gather(labels, 2, 1));
    let blank = by_step(log_probabilities.slice_axis(2, BLANK, BLANK + 1));
    let repeats = repeats(labels, logits.dtype());
    let start = |width: usize| b.full(&Type::new(logits.dtype(), [batch, width]), IMPOSSIBLE);
    let first = Expr::concat(&[start(1).full_like(0.0), start(length)], 1);
    let of = Loop {
        length: steps,
        reverse: false,
        carries: vec![first, start(length)],
        sequences: vec![emit, blank],
    };
    let (last, _) = along_time(b, of, |carries, slices| {
        let (blanks, labels) = next((carries[0], carries[1]), (slices[0], slices[1]), repeats);
        Step { carries: vec![blanks, labels], results: Vec::new() }
    });
    let ends = after(last[0], last[1]);
    let count = labels.ne(labels.number(BLANK as f64)).cast(DType::I32).sum(&[1]);
    let is_end = derived::one_hot(count, length + 1, DType::Bool);
    Ok(-is_end.select(ends, ends.number(0.0)).sum(&[1]))
}

/// The logarithms of the probabilities, a step on, that so many labels are said and the last step was a blank
/// (`[batch, length + 1]`), or that it was the last of them (`[batch, length]`).
fn next<'b>(
    (blanks, labels): (Expr<'b>, Expr<'b>),
    (emit, blank): (Expr<'b>, Expr<'b>),
    repeats: Expr<'b>,
) -> (Expr<'b>, Expr<'b>) {
    // A label follows another without a blank between, unless it is the same.
    let before = after(blanks, labels + repeats * IMPOSSIBLE);
    let width = labels.shape()[1];
    let emitted = add_probabilities(before.slice_axis(1, 0, width) + emit, labels + emit);
    // Between two that are the same there is a blank.
    let ended = labels + blank + (1.0 - repeats) * IMPOSSIBLE;
    (after(before + blank, ended), emitted)
}

/// Adds the probabilities of `more` to all but the first of those of `of`.
fn after<'b>(of: Expr<'b>, more: Expr<'b>) -> Expr<'b> {
    let width = of.shape()[1];
    Expr::concat(&[of.slice_axis(1, 0, 1), add_probabilities(of.slice_axis(1, 1, width), more)], 1)
}

/// ln(eᵃ + eᵇ). What is taken out of the sum cancels, so it carries no derivative.
fn add_probabilities<'b>(a: Expr<'b>, b: Expr<'b>) -> Expr<'b> {
    let larger = a.max(b).detach();
    ((a - larger).exp() + (b - larger).exp()).log() + larger
}

/// 1 where a label is the same as the next, else 0; the last has none.
fn repeats(labels: Expr<'_>, dtype: DType) -> Expr<'_> {
    let length = labels.shape()[1];
    let same = labels.slice_axis(1, 0, length - 1).eq(labels.slice_axis(1, 1, length)).cast(dtype);
    same.pad(same.number(0.0), &[0, 0], &[0, 1], &[0, 0])
}

fn misfit(y_true: Expr<'_>, y_pred: Expr<'_>) -> Error {
    Error::Shapes {
        what: "ctc: y_true against y_pred".into(),
        left: y_true.ty().into(),
        right: y_pred.ty().into(),
        fix: "Give labels [batch, length], numbers of classes padded with 0, and logits [batch, steps, classes]"
            .into(),
    }
}

/// [`ctc`] as a loss: for sequences of labels of which it is not known at which step each is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CTC {
    settings: Settings,
}

settings!(CTC);

impl Loss for CTC {
    fn class_name(&self) -> &str {
        "CTC"
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    fn call<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        ctc(y_true, y_pred)
    }
}
