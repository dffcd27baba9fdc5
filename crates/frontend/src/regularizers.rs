//! Regularizers: penalties on weights or outputs that are added to the loss.

use std::fmt;
use std::sync::Arc;

use cornu_ir::ops::Dot;
use cornu_ir::{DType, Expr, derived};
use serde_json::{Map, Value, json};

use crate::EPSILON;
use crate::config::{Arguments, Serialized, through_f32};
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::saving::snake_case::snake_case;

/// Turns a tensor into a penalty.
pub trait Regularizer: fmt::Debug + Send + Sync {
    /// Keras's name of the class: `L2`.
    fn class_name(&self) -> &str;

    /// The arguments, as Keras writes them.
    fn config(&self) -> Map<String, Value>;

    /// The penalty, a scalar of the type of `x`. A wrong shape is reported when the graph is finished.
    fn penalty<'b>(&self, x: Expr<'b>) -> Expr<'b>;
}

/// l1·Σ|x|: many weights become exactly 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct L1(f64);

impl L1 {
    /// With this factor; Keras's default is 0.01.
    pub fn new(l1: f64) -> L1 {
        L1(l1)
    }
}

impl Default for L1 {
    fn default() -> L1 {
        L1(0.01)
    }
}

impl Regularizer for L1 {
    fn class_name(&self) -> &str {
        "L1"
    }

    /// Keras keeps this factor, and no other, in 32 bits.
    fn config(&self) -> Map<String, Value> {
        Map::from_iter([("l1".to_string(), through_f32(self.0))])
    }

    fn penalty<'b>(&self, x: Expr<'b>) -> Expr<'b> {
        x.abs().sum_all() * self.0
    }
}

/// l2·Σx²: large weights become small.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct L2(f64);

impl L2 {
    /// With this factor; Keras's default is 0.01.
    pub fn new(l2: f64) -> L2 {
        L2(l2)
    }
}

impl Default for L2 {
    fn default() -> L2 {
        L2(0.01)
    }
}

impl Regularizer for L2 {
    fn class_name(&self) -> &str {
        "L2"
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([("l2".to_string(), json!(self.0))])
    }

    fn penalty<'b>(&self, x: Expr<'b>) -> Expr<'b> {
        x.square().sum_all() * self.0
    }
}

/// l1·Σ|x| + l2·Σx². Both factors are 0 unless they are set.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct L1L2 {
    l1: f64,
    l2: f64,
}

impl L1L2 {
    /// With these factors.
    pub fn new(l1: f64, l2: f64) -> L1L2 {
        L1L2 { l1, l2 }
    }
}

impl Regularizer for L1L2 {
    fn class_name(&self) -> &str {
        "L1L2"
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([("l1".to_string(), json!(self.l1)), ("l2".to_string(), json!(self.l2))])
    }

    fn penalty<'b>(&self, x: Expr<'b>) -> Expr<'b> {
        let mut penalty = x.number(0.0);
        if self.l1 != 0.0 {
            penalty = penalty + x.abs().sum_all() * self.l1;
        }
        if self.l2 != 0.0 {
            penalty = penalty + x.square().sum_all() * self.l2;
        }
        penalty
    }
}

/// What [`OrthogonalRegularizer`] makes orthogonal to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vectors {
    /// The rows of the matrix.
    Rows,
    /// Its columns.
    Columns,
}

/// factor · the mean of |cos(u, v)| over all pairs of rows (or columns) of a matrix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrthogonalRegularizer {
    factor: f64,
    mode: Vectors,
}

impl OrthogonalRegularizer {
    /// With this factor, which is 0.01 by default.
    pub fn new(factor: f64, mode: Vectors) -> OrthogonalRegularizer {
        OrthogonalRegularizer { factor, mode }
    }
}

impl Default for OrthogonalRegularizer {
    fn default() -> OrthogonalRegularizer {
        OrthogonalRegularizer::new(0.01, Vectors::Rows)
    }
}

impl Regularizer for OrthogonalRegularizer {
    fn class_name(&self) -> &str {
        "OrthogonalRegularizer"
    }

    fn config(&self) -> Map<String, Value> {
        let mode = match self.mode {
            Vectors::Rows => "rows",
            Vectors::Columns => "columns",
        };
        Map::from_iter([("factor".to_string(), through_f32(self.factor)), ("mode".to_string(), json!(mode))])
    }

    fn penalty<'b>(&self, x: Expr<'b>) -> Expr<'b> {
        if x.rank() != 2 {
            return x.fail("OrthogonalRegularizer", "a matrix").sum_all();
        }
        let along = match self.mode {
            Vectors::Rows => 1,
            Vectors::Columns => 0,
        };
        let size = x.shape()[1 - along];
        let unit = derived::l2_normalize(x, &[along], EPSILON);
        let cosines = unit.dot(unit, Dot::contracting([along], [along]));
        let places = x.builder().iota(cosines.ty().with_dtype(DType::I32), 0);
        let others = places.ne(places.transpose(&[1, 0]));
        let pairs = size as f64 * (size as f64 - 1.0);
        others.select(cosines.abs(), cosines.number(0.0)).sum_all() * (self.factor / pairs)
    }
}

/// Keras's classes, each with its name in snake case.
const CLASSES: [&str; 4] = ["L1", "L2", "L1L2", "OrthogonalRegularizer"];

/// Keras's classes.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    CLASSES.into_iter()
}

/// The regularizer with this name and default arguments.
pub fn get(name: &str) -> Result<Arc<dyn Regularizer>> {
    read(name, &Arguments::new(name, &Map::new()))
}

/// The form that stands in a Keras file.
pub fn serialize(regularizer: &dyn Regularizer) -> Value {
    Serialized::write("keras.regularizers", names(), regularizer.class_name(), regularizer.config())
}

/// From a Keras file: a name or a serialized object.
pub fn deserialize(value: &Value) -> Result<Arc<dyn Regularizer>> {
    let object = Serialized::read("regularizer", value)?;
    read(&object.class_name, &object.arguments())
}

fn read(name: &str, arguments: &Arguments) -> Result<Arc<dyn Regularizer>> {
    let class = CLASSES.into_iter().find(|class| *class == name || snake_case(class) == name);
    Ok(match class {
        Some("L1") => Arc::new(L1(factor(arguments, "l1", 0.01)?)),
        Some("L2") => Arc::new(L2(factor(arguments, "l2", 0.01)?)),
        Some("L1L2") => {
            Arc::new(L1L2 { l1: factor(arguments, "l1", 0.0)?, l2: factor(arguments, "l2", 0.0)? })
        }
        Some("OrthogonalRegularizer") => Arc::new(OrthogonalRegularizer {
            factor: factor(arguments, "factor", 0.01)?,
            mode: match arguments.text("mode")?.unwrap_or("rows") {
                "rows" => Vectors::Rows,
                "columns" => Vectors::Columns,
                _ => return Err(arguments.wrong("mode", "`rows` or `columns`")),
            },
        }),
        _ => {
            return Err(Error::unknown(
                "regularizer",
                name,
                CLASSES.map(snake_case).iter().map(String::as_str),
            ));
        }
    })
}

fn factor(arguments: &Arguments, key: &str, default: f64) -> Result<f64> {
    let factor = arguments.number_or(key, default)?;
    let valid = factor.is_finite() && factor >= 0.0;
    valid.then_some(factor).ok_or_else(|| arguments.wrong(key, "a finite number that is not negative"))
}

impl<R: Regularizer + 'static> From<R> for Identifier<dyn Regularizer> {
    fn from(regularizer: R) -> Identifier<dyn Regularizer> {
        Identifier::Object(Arc::new(regularizer))
    }
}

impl Identifier<dyn Regularizer> {
    /// The regularizer that is meant.
    pub fn resolve(&self) -> Result<Arc<dyn Regularizer>> {
        match self {
            Identifier::Name(name) => get(name),
            Identifier::Object(regularizer) => Ok(regularizer.clone()),
        }
    }
}
