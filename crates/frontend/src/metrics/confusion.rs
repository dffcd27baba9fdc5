//! Confusion: metrics that count where predictions above a threshold meet labels, and where they do not.

mod auc;
mod conditions;
mod constrained;
mod counts;
mod ratios;
mod thresholds;

pub use auc::{AUC, Curve, Summation};
pub use conditions::{FalseNegatives, FalsePositives, TrueNegatives, TruePositives};
pub use constrained::{
    PrecisionAtRecall, RecallAtPrecision, SensitivityAtSpecificity, SpecificityAtSensitivity,
};
pub use ratios::{Precision, Recall};

use counts::{Counting, Counts};
use thresholds::{Cuts, Thresholds};
