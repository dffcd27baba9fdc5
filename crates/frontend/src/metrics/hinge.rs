//! Metrics of the hinge family.

use crate::losses::{categorical_hinge, hinge, squared_hinge};
use crate::metrics::mean_metric::means;

means! {
    /// The mean of max(1 - t·p, 0).
    Hinge Down = hinge;
    /// The mean of max(1 - t·p, 0)².
    SquaredHinge Down = squared_hinge;
    /// The mean of max(0, 1 + max((1 - t)·p) - Σ t·p).
    CategoricalHinge Down = categorical_hinge;
}
