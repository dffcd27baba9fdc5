//! Counts by themselves: how many predictions are right or wrong, and on which side.

use cornu_ir::{Expr, Type};
use serde_json::{Map, Value};

use super::thresholds::cuts_builders;
use super::{Counting, Cuts};
use crate::config::Arguments;
use crate::error::Result;
use crate::metrics::mean::{config, variables};
use crate::metrics::naming::{name_builder, own_name};
use crate::metrics::{Metric, StateSpec};

/// Makes metrics that are one of the counts.
macro_rules! conditions {
    ($($(#[$doc:meta])* $class:ident = $count:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// The sum of their weights at each threshold, a number if there is one. Labels and predictions have one
        /// shape.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $class {
            name: Option<String>,
            cuts: Option<Cuts>,
        }

        impl $class {
            /// At the threshold ½.
            pub fn new() -> $class {
                $class::default()
            }

            name_builder!($class);

            cuts_builders!($class);

            pub(in crate::metrics) fn from_config(arguments: &Arguments) -> Result<$class> {
                Ok($class { name: None, cuts: Cuts::from_config(arguments)? })
            }
        }

        impl Metric for $class {
            fn class_name(&self) -> &str {
                stringify!($class)
            }

            own_name!(Metric);

            fn config(&self) -> Map<String, Value> {
                config(&Metric::name(self), [("thresholds", Cuts::to_config(self.cuts.as_ref()))])
            }

            fn state(&self, _: &Type) -> Result<Vec<StateSpec>> {
                let thresholds = Cuts::thresholds(self.cuts.as_ref(), 0.5, self.class_name())?;
                Ok(vec![StateSpec::zeros("accumulator", [thresholds.count()])])
            }

            fn update<'b>(
                &self,
                state: &[Expr<'b>],
                y_true: Expr<'b>,
                y_pred: Expr<'b>,
                sample_weight: Option<Expr<'b>>,
            ) -> Result<Vec<Expr<'b>>> {
                let [accumulator] = variables(&self.name(), state)?;
                let thresholds = Cuts::thresholds(self.cuts.as_ref(), 0.5, self.class_name())?;
                let name = self.name();
                let counts = Counting::all(&name, &thresholds).count(y_true, y_pred, sample_weight)?;
                Ok(vec![accumulator + counts.$count])
            }

            fn result<'b>(&self, state: &[Expr<'b>]) -> Result<Expr<'b>> {
                let [accumulator] = variables(&self.name(), state)?;
                Ok(Cuts::thresholds(self.cuts.as_ref(), 0.5, self.class_name())?.results(accumulator))
            }
        }
    )*};
}

conditions! {
    /// Predictions above the threshold whose label is not 0.
    TruePositives = true_positives;
    /// Predictions above the threshold whose label is 0.
    FalsePositives = false_positives;
    /// Predictions not above the threshold whose label is 0.
    TrueNegatives = true_negatives;
    /// Predictions not above the threshold whose label is not 0.
    FalseNegatives = false_negatives;
}
