//! AUC: the area under a curve that the thresholds draw.

use cornu_ir::{Expr, Tensor, Type, derived};
use serde_json::{Map, Value, json};

use super::constrained::VARIABLES;
use super::{Counting, Counts, Thresholds};
use crate::config::Arguments;
use crate::error::{Error, Result};
use crate::losses::divide_no_nan;
use crate::metrics::mean::config;
use crate::metrics::naming::{name_builder, own_name};
use crate::metrics::{Direction, Metric, StateSpec};

const THRESHOLDS: usize = 200;

/// What the curve shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Curve {
    /// The true-positive rate over the false-positive rate.
    #[default]
    ROC,
    /// The precision over the recall.
    PR,
    /// The precision gain over the recall gain. Flach, Kull 2015, "Precision-Recall-Gain Curves".
    PRGain,
}

impl Curve {
    const ALL: [Curve; 3] = [Curve::ROC, Curve::PR, Curve::PRGain];

    /// Keras's word.
    pub fn name(self) -> &'static str {
        match self {
            Curve::ROC => "ROC",
            Curve::PR => "PR",
            Curve::PRGain => "PRGAIN",
        }
    }
}

/// How the area between two points of the curve is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Summation {
    /// At the middle height; on the PR curve by the interpolation of Davis, Goadrich 2006.
    #[default]
    Interpolation,
    /// At the greater height.
    Majoring,
    /// At the lesser height.
    Minoring,
}

impl Summation {
    const ALL: [Summation; 3] = [Summation::Interpolation, Summation::Majoring, Summation::Minoring];

    /// Keras's word.
    pub fn name(self) -> &'static str {
        match self {
            Summation::Interpolation => "interpolation",
            Summation::Majoring => "majoring",
            Summation::Minoring => "minoring",
        }
    }
}

/// The area under the curve of two ratios of counts at many thresholds: under the ROC curve the probability that a
/// sample of label 1 is predicted higher than one of label 0.
///
/// Labels and predictions have one shape, `[batch, labels]` with `multi_label`. Predictions are probabilities, or
/// logits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AUC {
    name: Option<String>,
    num_thresholds: Option<usize>,
    thresholds: Option<Vec<f64>>,
    curve: Curve,
    summation_method: Summation,
    multi_label: bool,
    num_labels: Option<usize>,
    label_weights: Option<Vec<f64>>,
    from_logits: bool,
}

impl AUC {
    /// Under the ROC curve at 200 thresholds.
    pub fn new() -> AUC {
        AUC::default()
    }

    name_builder!(AUC);

    /// Number of thresholds, 2 or more, at equal distances.
    pub fn num_thresholds(mut self, count: usize) -> AUC {
        self.num_thresholds = Some(count);
        self
    }

    /// Thresholds between 0 and 1 in place of those at equal distances; the ends are added.
    pub fn thresholds(mut self, thresholds: impl IntoIterator<Item = f64>) -> AUC {
        self.thresholds = Some(thresholds.into_iter().collect());
        self
    }

    /// Which curve.
    pub fn curve(mut self, curve: Curve) -> AUC {
        self.curve = curve;
        self
    }

    /// How the area is measured.
    pub fn summation_method(mut self, method: Summation) -> AUC {
        self.summation_method = method;
        self
    }

    /// Whether each column has a curve of its own; the result is the mean of their areas.
    pub fn multi_label(mut self, multi_label: bool) -> AUC {
        self.multi_label = multi_label;
        self
    }

    /// Number of columns with `multi_label`; read off the predictions if it is not given.
    pub fn num_labels(mut self, count: usize) -> AUC {
        self.num_labels = Some(count);
        self
    }

    /// How much each column counts: in the mean of areas, or, without `multi_label`, in the counts.
    pub fn label_weights(mut self, weights: impl IntoIterator<Item = f64>) -> AUC {
        self.label_weights = Some(weights.into_iter().collect());
        self
    }

    /// True if the model gives logits, that is, has no sigmoid at its end.
    pub fn from_logits(mut self, from_logits: bool) -> AUC {
        self.from_logits = from_logits;
        self
    }

    pub(in crate::metrics) fn from_config(arguments: &Arguments) -> Result<AUC> {
        let thresholds = arguments.numbers("thresholds")?;
        let word = |key: &str, words: &[&str]| -> Result<usize> {
            let Some(given) = arguments.text(key)? else { return Ok(0) };
            let found = words.iter().position(|word| word.eq_ignore_ascii_case(given));
            found.ok_or_else(|| arguments.wrong(key, format!("one of {}", words.join(", "))))
        };
        let label_weights = match arguments.value("label_weights").and_then(|value| value.get("config")) {
            // Keras writes an array, as an object with its type.
            Some(Value::Object(array)) => Arguments::new("AUC", array).numbers("value")?,
            Some(_) | None => arguments.numbers("label_weights")?,
        };
        Ok(AUC {
            name: None,
            num_thresholds: arguments.size("num_thresholds")?.filter(|_| thresholds.is_none()),
            thresholds,
            curve: Curve::ALL[word("curve", &Curve::ALL.map(Curve::name))?],
            summation_method: Summation::ALL[word("summation_method", &Summation::ALL.map(Summation::name))?],
            multi_label: arguments.boolean_or("multi_label", false)?,
            num_labels: arguments.size("num_labels")?,
            label_weights,
            from_logits: arguments.boolean_or("from_logits", false)?,
        })
    }

    fn thresholds_meant(&self) -> Result<Thresholds> {
        match (&self.thresholds, self.num_thresholds.unwrap_or(THRESHOLDS)) {
            (Some(inner), _) if inner.iter().all(|value| (0.0..=1.0).contains(value)) => {
                Ok(Thresholds::of_curve(inner.clone()))
            }
            (Some(inner), _) => {
                Err(Error::config("AUC", "thresholds", format!("{inner:?}"), "numbers from 0 to 1"))
            }
            (None, count @ (0 | 1)) => Err(Error::config("AUC", "num_thresholds", count, "2 or more")),
            (None, count) => Ok(Thresholds::of_even_curve(count)),
        }
    }

    /// Number of columns that have a curve of their own.
    fn labels(&self, y_pred: &Type) -> Result<Option<usize>> {
        if !self.multi_label {
            return match self.num_labels {
                Some(count) => Err(Error::config("AUC", "num_labels", count, "left out without multi_label")),
                None => Ok(None),
            };
        }
        let &[_, labels] = &*y_pred.shape else {
            let needed = "predictions `[batch, labels]`, for `multi_label` is set".to_string();
            return Err(Error::Shape { what: Metric::name(self), needed, got: y_pred.clone() });
        };
        if let Some(count) = self.num_labels.filter(|&count| count != labels) {
            let needed = format!("the number of columns of the predictions, {labels}");
            return Err(Error::config("AUC", "num_labels", count, needed));
        }
        Ok(Some(labels))
    }

    /// The curve's points: x falls from threshold to threshold.
    fn points<'b>(&self, of: &Counts<'b>) -> (Expr<'b>, Expr<'b>) {
        let Counts { true_positives, false_positives, true_negatives, false_negatives } = of;
        let (tp, fp, tn, fn_) = (*true_positives, *false_positives, *true_negatives, *false_negatives);
        let recall = divide_no_nan(tp, tp + fn_);
        match self.curve {
            Curve::ROC => (divide_no_nan(fp, fp + tn), recall),
            Curve::PR => (recall, divide_no_nan(tp, tp + fp)),
            Curve::PRGain => {
                let scale = divide_no_nan(tp + fn_, tn + fp);
                let none = tp.eq(tp.number(0.0));
                let gain = |wrong: Expr<'b>, without: f64| {
                    none.select(tp.number(without), 1.0 - scale * divide_no_nan(wrong, tp))
                };
                let recall_gain = gain(fn_, 0.0);
                (recall_gain.max(recall_gain.number(0.0)), gain(fp, 1.0))
            }
        }
    }

    /// The area between each two neighbouring points.
    fn areas<'b>(&self, of: &Counts<'b>) -> Expr<'b> {
        if self.curve == Curve::PR && self.summation_method == Summation::Interpolation {
            return interpolated_precision(of);
        }
        let (x, y) = self.points(of);
        let (left, right) = (before(y), after(y));
        let height = match self.summation_method {
            Summation::Interpolation => (left + right) / 2.0,
            Summation::Minoring => left.min(right),
            Summation::Majoring => left.max(right),
        };
        (before(x) - after(x)) * height
    }
}

impl Metric for AUC {
    fn class_name(&self) -> &str {
        "AUC"
    }

    own_name!(Metric);

    fn config(&self) -> Map<String, Value> {
        let count = self.thresholds.as_ref().map(|inner| inner.len() + 2).or(self.num_thresholds);
        let array = |weights: &Vec<f64>| {
            let config = json!({"value": weights, "dtype": "float32"});
            json!({"class_name": "__tensor__", "config": config})
        };
        let mut config = config(
            &Metric::name(self),
            [
                ("num_thresholds", json!(count.unwrap_or(THRESHOLDS))),
                ("curve", json!(self.curve.name())),
                ("summation_method", json!(self.summation_method.name())),
                ("multi_label", json!(self.multi_label)),
                ("num_labels", json!(self.num_labels)),
                ("label_weights", self.label_weights.as_ref().map_or(Value::Null, array)),
                ("from_logits", json!(self.from_logits)),
            ],
        );
        if let Some(inner) = &self.thresholds {
            let mut sorted = inner.clone();
            sorted.sort_by(f64::total_cmp);
            config.insert("thresholds".into(), json!(sorted));
        }
        config
    }

    fn state(&self, y_pred: &Type) -> Result<Vec<StateSpec>> {
        let count = self.thresholds_meant()?.count();
        let shape: Vec<usize> = [count].into_iter().chain(self.labels(y_pred)?).collect();
        Ok(VARIABLES.map(|name| StateSpec::zeros(name, shape.clone())).into())
    }

    fn update<'b>(
        &self,
        state: &[Expr<'b>],
        y_true: Expr<'b>,
        y_pred: Expr<'b>,
        sample_weight: Option<Expr<'b>>,
    ) -> Result<Vec<Expr<'b>>> {
        let (name, thresholds) = (Metric::name(self), self.thresholds_meant()?);
        let counting = Counting {
            multi_label: self.multi_label,
            label_weights: self.label_weights.as_deref(),
            ..Counting::all(&name, &thresholds)
        };
        let y_pred = if self.from_logits { y_pred.logistic() } else { y_pred };
        counting.count(y_true, y_pred, sample_weight)?.added_to(&name, state)
    }

    fn result<'b>(&self, state: &[Expr<'b>]) -> Result<Expr<'b>> {
        let by_label = self.areas(&Counts::of_state(&Metric::name(self), state)?).sum(&[0]);
        let Some(weights) = self.label_weights.as_ref().filter(|_| self.multi_label) else {
            return Ok(derived::mean_all(by_label));
        };
        if by_label.shape().first() != Some(&weights.len()) {
            let needed = format!("one number for each of {} labels", by_label.ty().elements());
            return Err(Error::config("AUC", "label_weights", format!("{weights:?}"), needed));
        }
        let weights = by_label.constant(Tensor::vector(weights.iter().map(|&x| x as f32).collect()));
        Ok(divide_no_nan((by_label * weights).sum_all(), weights.sum_all()))
    }

    fn direction(&self) -> Direction {
        Direction::Up
    }
}

/// All but the last along the thresholds.
fn before(x: Expr<'_>) -> Expr<'_> {
    x.slice_axis(0, 0, x.shape()[0] - 1)
}

/// All but the first along the thresholds.
fn after(x: Expr<'_>) -> Expr<'_> {
    x.slice_axis(0, 1, x.shape()[0])
}

/// The areas under the PR curve where true and false positives, not precisions, lie on a line between two points.
fn interpolated_precision<'b>(of: &Counts<'b>) -> Expr<'b> {
    let positive = of.true_positives + of.false_positives;
    let not_negative = |x: Expr<'b>| x.max(x.number(0.0));
    let (left, right) = (before(positive), after(positive));
    let gained = before(of.true_positives) - after(of.true_positives);
    let slope = divide_no_nan(gained, not_negative(left - right));
    let intercept = after(of.true_positives) - slope * right;
    let zero = left.number(0.0);
    let both = left.gt(zero).and(right.gt(zero));
    let ratio = both.select(divide_no_nan(left, not_negative(right)), left.number(1.0));
    let labelled = not_negative(after(of.true_positives) + after(of.false_negatives));
    divide_no_nan(slope * (gained + intercept * ratio.log()), labelled)
}
