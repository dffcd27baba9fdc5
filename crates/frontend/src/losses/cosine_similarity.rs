//! Cosine similarity.

use cornu_ir::{Expr, derived};
use serde_json::{Map, Value, json};

use crate::EPSILON;
use crate::config::Arguments;
use crate::error::Result;
use crate::losses::settings::settings;
use crate::losses::{Loss, Settings, paired};
use crate::shapes;

/// The cosine of the angle between t and p along `axis`, which disappears: 1 for equal directions.
///
/// The loss of this name is its negation, the metric is not.
pub fn cosine_similarity<'b>(y_true: Expr<'b>, y_pred: Expr<'b>, axis: i64) -> Result<Expr<'b>> {
    let (t, p) = paired("cosine_similarity", y_true, y_pred)?;
    let along = [shapes::axis("cosine_similarity", axis, t)?];
    let unit = |x: Expr<'b>| derived::l2_normalize(x, &along, EPSILON);
    Ok((unit(t) * unit(p)).sum(&along))
}

/// -[`cosine_similarity`] as a loss: for directions, whatever their lengths.
#[derive(Clone, Debug, PartialEq)]
pub struct CosineSimilarity {
    settings: Settings,
    axis: i64,
}

settings!(CosineSimilarity);

impl Default for CosineSimilarity {
    fn default() -> CosineSimilarity {
        CosineSimilarity { settings: Settings::default(), axis: -1 }
    }
}

impl CosineSimilarity {
    /// The axis of the vectors.
    pub fn axis(mut self, axis: i64) -> CosineSimilarity {
        self.axis = axis;
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<CosineSimilarity> {
        Ok(CosineSimilarity::new().axis(arguments.integer("axis")?.unwrap_or(-1)))
    }
}

impl Loss for CosineSimilarity {
    fn class_name(&self) -> &str {
        "CosineSimilarity"
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    /// Keras forgets the axis; it reads it, so it is written where it is not the default.
    fn arguments(&self) -> Map<String, Value> {
        (self.axis != -1).then(|| ("axis".to_string(), json!(self.axis))).into_iter().collect()
    }

    fn call<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        Ok(-cosine_similarity(y_true, y_pred, self.axis)?)
    }
}
