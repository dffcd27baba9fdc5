//! The best of one ratio among the thresholds at which another is good enough.

use cornu_ir::ops::Reduction;
use cornu_ir::{Expr, Type};
use serde_json::{Map, Value, json};

use super::{Counting, Counts, Thresholds};
use crate::config::Arguments;
use crate::error::{Error, Result};
use crate::losses::divide_no_nan;
use crate::metrics::mean::{config, variables};
use crate::metrics::naming::{name_builder, own_name};
use crate::metrics::{Direction, Metric, StateSpec};

const THRESHOLDS: usize = 200;

/// A ratio of counts at each threshold.
type Ratio = for<'b> fn(&Counts<'b>) -> Expr<'b>;

/// TP / (TP + FN), also called sensitivity.
const RECALL: Ratio = |of| divide_no_nan(of.true_positives, of.true_positives + of.false_negatives);
/// TP / (TP + FP)
const PRECISION: Ratio = |of| divide_no_nan(of.true_positives, of.true_positives + of.false_positives);
/// TN / (TN + FP)
const SPECIFICITY: Ratio = |of| divide_no_nan(of.true_negatives, of.true_negatives + of.false_positives);

/// The variables of metrics that keep all four counts, in Keras's order.
pub(super) const VARIABLES: [&str; 4] =
    ["true_positives", "false_positives", "true_negatives", "false_negatives"];

impl<'b> Counts<'b> {
    /// The counts that variables in the order of [`VARIABLES`] hold.
    pub(super) fn of_state(metric: &str, state: &[Expr<'b>]) -> Result<Counts<'b>> {
        let [true_positives, false_positives, true_negatives, false_negatives] = variables(metric, state)?;
        Ok(Counts { true_positives, false_positives, true_negatives, false_negatives })
    }

    /// The variables with these counts added.
    pub(super) fn added_to(&self, metric: &str, state: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let before = Counts::of_state(metric, state)?;
        Ok(vec![
            before.true_positives + self.true_positives,
            before.false_positives + self.false_positives,
            before.true_negatives + self.true_negatives,
            before.false_negatives + self.false_negatives,
        ])
    }
}

/// Makes metrics that are the best value of one ratio where another is at least a given value.
macro_rules! constrained {
    ($($(#[$doc:meta])* $class:ident($argument:ident) = $best:ident where $bound:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// Among thresholds at equal distances from 0 to 1; 0 if there is none. Labels and predictions have one
        /// shape.
        #[derive(Clone, Debug, PartialEq)]
        pub struct $class {
            name: Option<String>,
            $argument: f64,
            num_thresholds: usize,
            class_id: Option<usize>,
        }

        impl $class {
            /// With the least value of the other ratio, and 200 thresholds.
            pub fn new($argument: f64) -> $class {
                $class { name: None, $argument, num_thresholds: THRESHOLDS, class_id: None }
            }

            name_builder!($class);

            /// Number of thresholds.
            pub fn num_thresholds(mut self, count: usize) -> $class {
                self.num_thresholds = count;
                self
            }

            /// Only this class counts.
            pub fn class_id(mut self, class: usize) -> $class {
                self.class_id = Some(class);
                self
            }

            pub(in crate::metrics) fn from_config(arguments: &Arguments) -> Result<$class> {
                let key = stringify!($argument);
                let least = arguments.number(key)?.ok_or_else(|| arguments.wrong(key, "a number from 0 to 1"))?;
                let num_thresholds = arguments.size("num_thresholds")?.unwrap_or(THRESHOLDS);
                Ok($class { num_thresholds, class_id: arguments.size("class_id")?, ..$class::new(least) })
            }
        }

        impl Metric for $class {
            fn class_name(&self) -> &str {
                stringify!($class)
            }

            own_name!(Metric);

            fn config(&self) -> Map<String, Value> {
                config(&self.name(), [
                    ("class_id", json!(self.class_id)),
                    ("num_thresholds", json!(self.num_thresholds)),
                    (stringify!($argument), json!(self.$argument)),
                ])
            }

            fn state(&self, _: &Type) -> Result<Vec<StateSpec>> {
                check(stringify!($class), (stringify!($argument), self.$argument), self.num_thresholds)?;
                Ok(VARIABLES.map(|name| StateSpec::zeros(name, [self.num_thresholds])).into())
            }

            fn update<'b>(
                &self,
                state: &[Expr<'b>],
                y_true: Expr<'b>,
                y_pred: Expr<'b>,
                sample_weight: Option<Expr<'b>>,
            ) -> Result<Vec<Expr<'b>>> {
                let (name, thresholds) = (self.name(), Thresholds::spread(self.num_thresholds));
                let counting = Counting { class_id: self.class_id, ..Counting::all(&name, &thresholds) };
                counting.count(y_true, y_pred, sample_weight)?.added_to(&name, state)
            }

            fn result<'b>(&self, state: &[Expr<'b>]) -> Result<Expr<'b>> {
                let counts = Counts::of_state(&self.name(), state)?;
                Ok(best($best(&counts), $bound(&counts), self.$argument))
            }

            fn direction(&self) -> Direction {
                Direction::Up
            }
        }
    )*};
}

constrained! {
    /// The highest sensitivity, TP / (TP + FN), where the specificity, TN / (TN + FP), is at least a given one.
    SensitivityAtSpecificity(specificity) = RECALL where SPECIFICITY;
    /// The highest specificity, TN / (TN + FP), where the sensitivity, TP / (TP + FN), is at least a given one.
    SpecificityAtSensitivity(sensitivity) = SPECIFICITY where RECALL;
    /// The highest precision, TP / (TP + FP), where the recall, TP / (TP + FN), is at least a given one.
    PrecisionAtRecall(recall) = PRECISION where RECALL;
    /// The highest recall, TP / (TP + FN), where the precision, TP / (TP + FP), is at least a given one.
    RecallAtPrecision(precision) = RECALL where PRECISION;
}

fn check(class: &str, (argument, value): (&str, f64), num_thresholds: usize) -> Result<()> {
    if !(0.0..=1.0).contains(&value) {
        return Err(Error::config(class, argument, value, "from 0 to 1"));
    }
    match num_thresholds {
        0 => Err(Error::config(class, "num_thresholds", 0, "1 or more")),
        _ => Ok(()),
    }
}

/// The largest of `values` where `bound` is at least `least`, or 0.
fn best<'b>(values: Expr<'b>, bound: Expr<'b>, least: f64) -> Expr<'b> {
    let nothing = values.number(0.0);
    bound.ge(bound.number(least)).select(values, nothing).reduce(Reduction::Max, &[0]).max(nothing)
}
