//! Sparse categorical crossentropy.

use cornu_ir::{DType, Expr, derived};
use serde_json::{Map, Value, json};

use crate::config::Arguments;
use crate::error::Result;
use crate::losses::categorical_crossentropy::kept_inside;
use crate::losses::pairing::in_float;
use crate::losses::settings::settings;
use crate::losses::{Loss, Settings, class_numbers};
use crate::shapes;

/// -ln pₜ, where t is the number of the class and the classes lie along `axis`.
///
/// Predictions are `[batch, …, classes]`, labels `[batch, …]` or `[batch, …, 1]`, the result is `[batch, …]`.
/// Predictions are probabilities (divided by their sum, kept within [ε, 1 - ε]) or logits. Where a label is
/// `ignore_class` the loss is 0; so it is for a label that is no class.
pub fn sparse_categorical_crossentropy<'b>(
    y_true: Expr<'b>,
    y_pred: Expr<'b>,
    from_logits: bool,
    ignore_class: Option<i64>,
    axis: i64,
) -> Result<Expr<'b>> {
    let y_pred = in_float(y_pred);
    let axis = shapes::axis("sparse_categorical_crossentropy", axis, y_pred)?;
    let labels = class_numbers("sparse_categorical_crossentropy", y_true, y_pred, axis)?;
    let classes = y_pred.builder().iota(y_pred.ty().with_dtype(DType::I32), axis);
    let hits = classes.eq(labels.expand(axis));
    let chosen = |of: Expr<'b>| hits.select(of, of.number(0.0)).sum(&[axis]);
    // One logarithm for each label: that of the class it names.
    let values = if from_logits {
        let shifted = derived::below_zero(y_pred, &[axis]);
        shifted.exp().sum(&[axis]).log() - chosen(shifted)
    } else {
        -kept_inside(chosen(y_pred) / y_pred.sum(&[axis])).log()
    };
    let (zero, count) = (labels.number(0.0), labels.number(y_pred.shape()[axis] as f64));
    let is_class = labels.ge(zero).and(labels.lt(count));
    let values = is_class.select(values, values.number(0.0));
    Ok(match ignore_class {
        Some(class) => counted(labels, class).select(values, values.number(0.0)),
        None => values,
    })
}

/// Which labels are not to be ignored.
fn counted(labels: Expr<'_>, ignore_class: i64) -> Expr<'_> {
    labels.ne(labels.number(ignore_class as f64))
}

/// [`sparse_categorical_crossentropy`] as a loss: for one of several classes, with class numbers as labels.
#[derive(Clone, Debug, PartialEq)]
pub struct SparseCategoricalCrossentropy {
    settings: Settings,
    from_logits: bool,
    ignore_class: Option<i64>,
    axis: i64,
}

settings!(SparseCategoricalCrossentropy);

impl Default for SparseCategoricalCrossentropy {
    fn default() -> SparseCategoricalCrossentropy {
        let settings = Settings::default();
        SparseCategoricalCrossentropy { settings, from_logits: false, ignore_class: None, axis: -1 }
    }
}

impl SparseCategoricalCrossentropy {
    /// True if the model gives logits, that is, has no softmax at its end.
    pub fn from_logits(mut self, from_logits: bool) -> SparseCategoricalCrossentropy {
        self.from_logits = from_logits;
        self
    }

    /// A label that marks what does not count: -1 or 255, for example.
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
}

impl Loss for SparseCategoricalCrossentropy {
    fn class_name(&self) -> &str {
        "SparseCategoricalCrossentropy"
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    /// Keras forgets the axis; it reads it, so it is written where it is not the default.
    fn arguments(&self) -> Map<String, Value> {
        let always = [
            ("from_logits".to_string(), json!(self.from_logits)),
            ("ignore_class".to_string(), json!(self.ignore_class)),
        ];
        let axis = (self.axis != -1).then(|| ("axis".to_string(), json!(self.axis)));
        always.into_iter().chain(axis).collect()
    }

    fn call<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        sparse_categorical_crossentropy(y_true, y_pred, self.from_logits, self.ignore_class, self.axis)
    }

    fn mask<'b>(&self, y_true: Expr<'b>, values: Expr<'b>) -> Result<Option<Expr<'b>>> {
        let labels = y_true.cast(DType::I32).reshape(values.shape());
        Ok(self.ignore_class.map(|class| counted(labels, class)))
    }
}
