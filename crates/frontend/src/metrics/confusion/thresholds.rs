//! Thresholds: above which predictions count as 1.

use cornu_ir::Expr;
use serde_json::{Value, json};

use crate::EPSILON;
use crate::config::Arguments;
use crate::error::{Error, Result};

/// What a prediction must be above to be positive if only the likeliest classes can be: anything else is set to it.
pub(super) const NEVER: f64 = -1e10;

/// The argument `thresholds` as it was given: one number or a list. One gives one number as the result.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cuts {
    One(f64),
    Many(Vec<f64>),
}

impl Cuts {
    pub(super) fn from_config(arguments: &Arguments) -> Result<Option<Cuts>> {
        match arguments.value("thresholds") {
            Some(Value::Array(_)) => Ok(arguments.numbers("thresholds")?.map(Cuts::Many)),
            Some(_) => Ok(arguments.number("thresholds")?.map(Cuts::One)),
            None => Ok(None),
        }
    }

    pub(super) fn to_config(cuts: Option<&Cuts>) -> Value {
        match cuts {
            None => Value::Null,
            Some(Cuts::One(one)) => json!(one),
            Some(Cuts::Many(many)) => json!(many),
        }
    }

    /// The thresholds that are meant. `class` is for errors.
    pub(super) fn thresholds(cuts: Option<&Cuts>, default: f64, class: &str) -> Result<Thresholds> {
        let values = match cuts {
            None => return Ok(Thresholds::of(vec![default])),
            Some(Cuts::One(one)) => vec![*one],
            Some(Cuts::Many(many)) => many.clone(),
        };
        if values.is_empty() || !values.iter().all(|value| (0.0..=1.0).contains(value)) {
            let needed = "one number from 0 to 1 or several";
            return Err(Error::config(class, "thresholds", format!("{values:?}"), needed));
        }
        Ok(Thresholds::of(values))
    }
}

/// The builder methods of a metric with `cuts`.
macro_rules! cuts_builders {
    ($class:ident) => {
        /// What a prediction must be above to count as 1.
        pub fn threshold(mut self, threshold: f64) -> $class {
            self.cuts = Some($crate::metrics::confusion::Cuts::One(threshold));
            self
        }

        /// Several thresholds; the result is a vector.
        pub fn thresholds(mut self, thresholds: impl IntoIterator<Item = f64>) -> $class {
            self.cuts = Some($crate::metrics::confusion::Cuts::Many(thresholds.into_iter().collect()));
            self
        }
    };
}

pub(super) use cuts_builders;

/// Thresholds in the order of the results.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Thresholds {
    pub(super) values: Vec<f64>,
    /// Whether they lie at equal distances from 0 to 1, where a prediction's place follows by one multiplication.
    pub(super) are_even: bool,
}

impl Thresholds {
    pub(super) fn of(values: Vec<f64>) -> Thresholds {
        let are_even = are_even(&values);
        Thresholds { values, are_even }
    }

    /// So many from 0 to 1; ½ alone.
    pub(super) fn spread(count: usize) -> Thresholds {
        match count {
            1 => Thresholds { values: vec![0.5], are_even: false },
            _ => Thresholds { values: spread(count), are_even: true },
        }
    }

    /// Those of a curve: `inner`, and one at each end that is a little outside of 0 and 1, so that the curve begins
    /// where all predictions are positive and ends where none is.
    pub(super) fn of_curve(mut inner: Vec<f64>) -> Thresholds {
        inner.sort_by(f64::total_cmp);
        let with_ends = |low: f64, high: f64| [&[low], inner.as_slice(), &[high]].concat();
        Thresholds { are_even: are_even(&with_ends(0.0, 1.0)), values: with_ends(-EPSILON, 1.0 + EPSILON) }
    }

    /// As [`Thresholds::of_curve`], at so many equal distances.
    pub(super) fn of_even_curve(count: usize) -> Thresholds {
        let inner = spread(count).into_iter().skip(1).take(count.saturating_sub(2)).collect();
        Thresholds { are_even: true, ..Thresholds::of_curve(inner) }
    }

    pub(super) fn count(&self) -> usize {
        self.values.len()
    }

    /// Whether the ends lie outside of 0 and 1, so that every prediction is above the lowest.
    pub(super) fn have_ends_outside(&self) -> bool {
        self.values.first().is_some_and(|&low| low < 0.0)
            || self.values.last().is_some_and(|&high| high > 1.0)
    }

    /// Results, one for each threshold: a number if there is one.
    pub(super) fn results<'b>(&self, values: Expr<'b>) -> Expr<'b> {
        if self.count() == 1 { values.squeeze(&[0]) } else { values }
    }
}

fn spread(count: usize) -> Vec<f64> {
    (0..count).map(|index| index as f64 / (count - 1) as f64).collect()
}

/// NumPy's `allclose` to equal distances, as Keras asks it.
fn are_even(values: &[f64]) -> bool {
    let even = spread(values.len().max(2));
    let is_close = |(&value, &even): (&f64, &f64)| (value - even).abs() <= EPSILON + 1e-5 * even.abs();
    values.len() >= 3 && values.iter().zip(&even).all(is_close)
}
