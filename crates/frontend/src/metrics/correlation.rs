//! Metrics of correlation.

use cornu_ir::{Expr, derived};
use serde_json::{Map, Value, json};

use crate::EPSILON;
use crate::config::Arguments;
use crate::error::Result;
use crate::losses;
use crate::metrics::naming::{name_builder, own_name};
use crate::metrics::{Direction, MeanMetric};
use crate::shapes;

/// Pearson's correlation of labels and predictions along `axis`: the mean of the product of both after they are
/// shifted and scaled to mean 0 and variance 1.
///
/// Both are `[batch, …, d]`, the result is `[batch, …]` for the last axis.
pub fn pearson_correlation<'b>(y_true: Expr<'b>, y_pred: Expr<'b>, axis: i64) -> Result<Expr<'b>> {
    let (t, p) = losses::paired("pearson_correlation", y_true, y_pred)?;
    let axis = shapes::axis("pearson_correlation", axis, p)?;
    let standard = |x: Expr<'b>| {
        let shifted = x - derived::mean(x, &[axis]).expand(axis);
        shifted / derived::mean(shifted.square(), &[axis]).sqrt().expand(axis)
    };
    Ok(derived::mean(standard(t) * standard(p), &[axis]))
}

/// Lin's concordance correlation along `axis`, 2·cov / (var t + var p + (t̄ - p̄)² + ε), with the products
/// (t - p̄)·(p - p̄) for cov, as Keras computes it.
///
/// Both are `[batch, …, d]`, the result is `[batch, …]` for the last axis.
pub fn concordance_correlation<'b>(y_true: Expr<'b>, y_pred: Expr<'b>, axis: i64) -> Result<Expr<'b>> {
    let (t, p) = losses::paired("concordance_correlation", y_true, y_pred)?;
    let axis = shapes::axis("concordance_correlation", axis, p)?;
    let mean = |x: Expr<'b>| derived::mean(x, &[axis]).expand(axis);
    let (mean_t, mean_p) = (mean(t), mean(p));
    let variances = mean((t - mean_t).square()) + mean((p - mean_p).square());
    let products = (t - mean_p) * (p - mean_p);
    let norm = variances + (mean_t - mean_p).square() + EPSILON;
    Ok(derived::mean(products * 2.0 / norm, &[axis]))
}

/// Makes metrics that are the mean of a correlation.
macro_rules! correlations {
    ($($(#[$doc:meta])* $class:ident = $function:path;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $class {
            name: Option<String>,
            axis: i64,
        }

        impl $class {
            /// Along the last axis.
            pub fn new() -> $class {
                $class { name: None, axis: -1 }
            }

            name_builder!($class);

            /// The axis along which both are compared.
            pub fn axis(mut self, axis: i64) -> $class {
                self.axis = axis;
                self
            }

            pub(super) fn from_config(arguments: &Arguments) -> Result<$class> {
                Ok($class::new().axis(arguments.integer("axis")?.unwrap_or(-1)))
            }
        }

        impl Default for $class {
            fn default() -> $class {
                $class::new()
            }
        }

        impl MeanMetric for $class {
            fn class_name(&self) -> &str {
                stringify!($class)
            }

            own_name!(MeanMetric);

            fn arguments(&self) -> Map<String, Value> {
                Map::from_iter([("axis".to_string(), json!(self.axis))])
            }

            fn values<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
                $function(y_true, y_pred, self.axis)
            }

            fn direction(&self) -> Direction {
                Direction::Up
            }
        }
    )*};
}

correlations! {
    /// The mean of [`pearson_correlation`] over samples: from -1 to 1.
    PearsonCorrelation = pearson_correlation;
    /// The mean of [`concordance_correlation`] over samples.
    ConcordanceCorrelation = concordance_correlation;
}
