//! Precision and recall.

use cornu_ir::{Expr, Type};
use serde_json::{Map, Value, json};

use super::thresholds::{NEVER, cuts_builders};
use super::{Counting, Cuts, Thresholds};
use crate::config::Arguments;
use crate::error::Result;
use crate::losses::divide_no_nan;
use crate::metrics::mean::{config, variables};
use crate::metrics::naming::{name_builder, own_name};
use crate::metrics::{Direction, Metric, StateSpec};

/// Makes metrics that are the share of true positives in these and another count.
macro_rules! ratios {
    ($($(#[$doc:meta])* $class:ident = $other:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// At each threshold, a number if there is one; 0 where there is nothing to divide by. Labels and predictions
        /// have one shape.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $class {
            name: Option<String>,
            cuts: Option<Cuts>,
            top_k: Option<usize>,
            class_id: Option<usize>,
        }

        impl $class {
            /// At the threshold ½, of all classes.
            pub fn new() -> $class {
                $class::default()
            }

            name_builder!($class);

            cuts_builders!($class);

            /// Only the `k` likeliest classes of each prediction count as 1, all of them if no threshold is given.
            pub fn top_k(mut self, k: usize) -> $class {
                self.top_k = Some(k);
                self
            }

            /// Only this class counts.
            pub fn class_id(mut self, class: usize) -> $class {
                self.class_id = Some(class);
                self
            }

            pub(in crate::metrics) fn from_config(arguments: &Arguments) -> Result<$class> {
                Ok($class {
                    name: None,
                    cuts: Cuts::from_config(arguments)?,
                    top_k: arguments.size("top_k")?,
                    class_id: arguments.size("class_id")?,
                })
            }

            fn thresholds_meant(&self) -> Result<Thresholds> {
                let default = if self.top_k.is_some() { NEVER } else { 0.5 };
                Cuts::thresholds(self.cuts.as_ref(), default, stringify!($class))
            }
        }

        impl Metric for $class {
            fn class_name(&self) -> &str {
                stringify!($class)
            }

            own_name!(Metric);

            fn config(&self) -> Map<String, Value> {
                config(&self.name(), [
                    ("thresholds", Cuts::to_config(self.cuts.as_ref())),
                    ("top_k", json!(self.top_k)),
                    ("class_id", json!(self.class_id)),
                ])
            }

            fn state(&self, _: &Type) -> Result<Vec<StateSpec>> {
                let count = self.thresholds_meant()?.count();
                Ok(["true_positives", stringify!($other)].map(|name| StateSpec::zeros(name, [count])).into())
            }

            fn update<'b>(
                &self,
                state: &[Expr<'b>],
                y_true: Expr<'b>,
                y_pred: Expr<'b>,
                sample_weight: Option<Expr<'b>>,
            ) -> Result<Vec<Expr<'b>>> {
                let (name, thresholds) = (self.name(), self.thresholds_meant()?);
                let [true_positives, others] = variables(&name, state)?;
                let counting = Counting {
                    top_k: self.top_k,
                    class_id: self.class_id,
                    ..Counting::all(&name, &thresholds)
                };
                let counts = counting.count(y_true, y_pred, sample_weight)?;
                Ok(vec![true_positives + counts.true_positives, others + counts.$other])
            }

            fn result<'b>(&self, state: &[Expr<'b>]) -> Result<Expr<'b>> {
                let [true_positives, others] = variables(&self.name(), state)?;
                let ratio = divide_no_nan(true_positives, true_positives + others);
                Ok(self.thresholds_meant()?.results(ratio))
            }

            fn direction(&self) -> Direction {
                Direction::Up
            }
        }
    )*};
}

ratios! {
    /// The share of positive predictions whose label is not 0: TP / (TP + FP).
    Precision = false_positives;
    /// The share of labels other than 0 that are predicted positive: TP / (TP + FN).
    Recall = false_negatives;
}
