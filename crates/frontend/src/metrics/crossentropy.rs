//! Metrics of predicted probabilities.

use cornu_ir::Expr;
use serde_json::{Map, Value, json};

use crate::config::Arguments;
use crate::error::Result;
use crate::losses::{self, Loss, kl_divergence, poisson};
use crate::metrics::mean_metric::means;
use crate::metrics::naming::{name_builder, own_name};
use crate::metrics::{Direction, MeanMetric};

means! {
    /// The mean of Σ t·ln(t/p).
    KLDivergence Unknown = kl_divergence;
    /// The mean of p - t·ln p.
    Poisson Unknown = poisson;
}

/// The mean of -t·ln p - (1 - t)·ln(1 - p).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BinaryCrossentropy {
    name: Option<String>,
    from_logits: bool,
    label_smoothing: f64,
}

impl BinaryCrossentropy {
    /// With Keras's defaults.
    pub fn new() -> BinaryCrossentropy {
        BinaryCrossentropy::default()
    }

    name_builder!(BinaryCrossentropy);

    /// True if the model gives logits, that is, has no sigmoid at its end.
    pub fn from_logits(mut self, from_logits: bool) -> BinaryCrossentropy {
        self.from_logits = from_logits;
        self
    }

    /// How far labels move towards ½.
    pub fn label_smoothing(mut self, label_smoothing: f64) -> BinaryCrossentropy {
        self.label_smoothing = label_smoothing;
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<BinaryCrossentropy> {
        Ok(BinaryCrossentropy::new()
            .from_logits(arguments.boolean_or("from_logits", false)?)
            .label_smoothing(arguments.number_or("label_smoothing", 0.0)?))
    }
}

impl MeanMetric for BinaryCrossentropy {
    fn class_name(&self) -> &str {
        "BinaryCrossentropy"
    }

    own_name!(MeanMetric);

    fn arguments(&self) -> Map<String, Value> {
        Map::from_iter([
            ("from_logits".to_string(), json!(self.from_logits)),
            ("label_smoothing".to_string(), smoothing(self.label_smoothing)),
        ])
    }

    fn values<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        losses::binary_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing, -1)
    }

    fn direction(&self) -> Direction {
        Direction::Down
    }
}

/// The mean of -Σ t·ln p over the classes, for one-hot labels.
#[derive(Clone, Debug, PartialEq)]
pub struct CategoricalCrossentropy {
    name: Option<String>,
    from_logits: bool,
    label_smoothing: f64,
    axis: i64,
}

impl CategoricalCrossentropy {
    /// With Keras's defaults.
    pub fn new() -> CategoricalCrossentropy {
        CategoricalCrossentropy { name: None, from_logits: false, label_smoothing: 0.0, axis: -1 }
    }

    name_builder!(CategoricalCrossentropy);

    /// True if the model gives logits, that is, has no softmax at its end.
    pub fn from_logits(mut self, from_logits: bool) -> CategoricalCrossentropy {
        self.from_logits = from_logits;
        self
    }

    /// The share of each label that is spread over all classes.
    pub fn label_smoothing(mut self, label_smoothing: f64) -> CategoricalCrossentropy {
        self.label_smoothing = label_smoothing;
        self
    }

    /// The axis of the classes.
    pub fn axis(mut self, axis: i64) -> CategoricalCrossentropy {
        self.axis = axis;
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<CategoricalCrossentropy> {
        Ok(CategoricalCrossentropy::new()
            .from_logits(arguments.boolean_or("from_logits", false)?)
            .label_smoothing(arguments.number_or("label_smoothing", 0.0)?)
            .axis(arguments.integer("axis")?.unwrap_or(-1)))
    }
}

impl Default for CategoricalCrossentropy {
    fn default() -> CategoricalCrossentropy {
        CategoricalCrossentropy::new()
    }
}

impl MeanMetric for CategoricalCrossentropy {
    fn class_name(&self) -> &str {
        "CategoricalCrossentropy"
    }

    own_name!(MeanMetric);

    fn arguments(&self) -> Map<String, Value> {
        Map::from_iter([
            ("from_logits".to_string(), json!(self.from_logits)),
            ("label_smoothing".to_string(), smoothing(self.label_smoothing)),
            ("axis".to_string(), json!(self.axis)),
        ])
    }

    fn values<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        losses::categorical_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing, self.axis)
    }

    fn direction(&self) -> Direction {
        Direction::Down
    }
}

/// The mean of -ln pₜ, for labels that are numbers of classes.
#[derive(Clone, Debug, PartialEq)]
pub struct SparseCategoricalCrossentropy {
    name: Option<String>,
    from_logits: bool,
    ignore_class: Option<i64>,
    axis: i64,
}

impl SparseCategoricalCrossentropy {
    /// With Keras's defaults.
    pub fn new() -> SparseCategoricalCrossentropy {
        SparseCategoricalCrossentropy { name: None, from_logits: false, ignore_class: None, axis: -1 }
    }

    name_builder!(SparseCategoricalCrossentropy);

    /// True if the model gives logits, that is, has no softmax at its end.
    pub fn from_logits(mut self, from_logits: bool) -> SparseCategoricalCrossentropy {
        self.from_logits = from_logits;
        self
    }

    /// A label that marks what counts as 0.
    pub fn ignore_class(mut self, ignore_class: Option<i64>) -> SparseCategoricalCrossentropy {
        self.ignore_class = ignore_class;
        self
    }

    /// The axis of the classes.
    pub fn axis(mut self, axis: i64) -> SparseCategoricalCrossentropy {
        self.axis = axis;
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<SparseCategoricalCrossentropy> {
        Ok(SparseCategoricalCrossentropy::new()
            .from_logits(arguments.boolean_or("from_logits", false)?)
            .ignore_class(arguments.integer("ignore_class")?)
            .axis(arguments.integer("axis")?.unwrap_or(-1)))
    }

    fn loss(&self) -> losses::SparseCategoricalCrossentropy {
        losses::SparseCategoricalCrossentropy::new()
            .from_logits(self.from_logits)
            .ignore_class(self.ignore_class)
            .axis(self.axis)
    }
}

impl Default for SparseCategoricalCrossentropy {
    fn default() -> SparseCategoricalCrossentropy {
        SparseCategoricalCrossentropy::new()
    }
}

impl MeanMetric for SparseCategoricalCrossentropy {
    fn class_name(&self) -> &str {
        "SparseCategoricalCrossentropy"
    }

    own_name!(MeanMetric);

    fn arguments(&self) -> Map<String, Value> {
        Map::from_iter([
            ("from_logits".to_string(), json!(self.from_logits)),
            ("ignore_class".to_string(), json!(self.ignore_class)),
            ("axis".to_string(), json!(self.axis)),
        ])
    }

    fn values<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        self.loss().call(y_true, y_pred)
    }

    fn mask<'b>(&self, y_true: Expr<'b>, values: Expr<'b>) -> Result<Option<Expr<'b>>> {
        self.loss().mask(y_true, values)
    }

    fn direction(&self) -> Direction {
        Direction::Down
    }
}

/// Keras's default is the whole number 0.
fn smoothing(value: f64) -> Value {
    if value == 0.0 { json!(0) } else { json!(value) }
}
