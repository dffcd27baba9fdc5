//! Constraints: what is done to a weight after each update to keep it within bounds.

use std::fmt;
use std::sync::Arc;

use cornu_ir::Expr;
use serde_json::{Map, Value, json};

use crate::EPSILON;
use crate::config::{Arguments, Serialized};
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::saving::snake_case::snake_case;
use crate::shapes;

/// Moves a weight to the nearest value that is allowed, or near it.
pub trait Constraint: fmt::Debug + Send + Sync {
    /// Keras's name of the class: `MaxNorm`.
    fn class_name(&self) -> &str;

    /// The arguments, as Keras writes them.
    fn config(&self) -> Map<String, Value>;

    /// The allowed weight, of the type of `weight`. A wrong shape is reported when the graph is finished.
    fn project<'b>(&self, weight: Expr<'b>) -> Expr<'b>;
}

/// The axes along which a norm is taken: for a kernel `[in, out]`, axis 0 gives the norm of each unit's weights.
#[derive(Clone, Debug, PartialEq)]
struct Along(Vec<i64>);

impl Along {
    fn from_config(arguments: &Arguments) -> Result<Along> {
        Ok(Along(arguments.integers("axis")?.unwrap_or(vec![0])))
    }

    fn config(&self) -> Value {
        match self.0[..] {
            [axis] => json!(axis),
            _ => json!(self.0),
        }
    }

    /// √Σw² with the axes kept at size 1.
    fn norms<'b>(&self, class: &'static str, weight: Expr<'b>) -> Expr<'b> {
        match shapes::axes(class, &self.0, weight) {
            Ok(axes) => shapes::keep_axes(weight.square().sum(&axes).sqrt(), &axes),
            Err(_) => weight.fail(class, format!("a weight that has the axes {:?}", self.0)),
        }
    }
}

/// w·min(‖w‖, max)/(ε + ‖w‖): norms above a limit are cut to it.
///
/// Srivastava et al. 2014, "Dropout".
#[derive(Clone, Debug, PartialEq)]
pub struct MaxNorm {
    max_value: f64,
    axis: Along,
}

impl MaxNorm {
    /// With this limit, which is 2 by default, along axis 0.
    pub fn new(max_value: f64) -> MaxNorm {
        MaxNorm { max_value, axis: Along(vec![0]) }
    }

    /// The axes along which the norm is taken.
    pub fn axis(mut self, axis: impl Into<Vec<i64>>) -> MaxNorm {
        self.axis = Along(axis.into());
        self
    }
}

impl Default for MaxNorm {
    fn default() -> MaxNorm {
        MaxNorm::new(2.0)
    }
}

impl Constraint for MaxNorm {
    fn class_name(&self) -> &str {
        "MaxNorm"
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([
            ("max_value".to_string(), json!(self.max_value)),
            ("axis".to_string(), self.axis.config()),
        ])
    }

    fn project<'b>(&self, weight: Expr<'b>) -> Expr<'b> {
        let norms = self.axis.norms("MaxNorm", weight);
        weight * (norms.clip(0.0, self.max_value) / (norms + EPSILON))
    }
}

/// w/(ε + ‖w‖): every norm becomes 1.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitNorm {
    axis: Along,
}

impl UnitNorm {
    /// Along axis 0.
    pub fn new() -> UnitNorm {
        UnitNorm { axis: Along(vec![0]) }
    }

    /// The axes along which the norm is taken.
    pub fn axis(mut self, axis: impl Into<Vec<i64>>) -> UnitNorm {
        self.axis = Along(axis.into());
        self
    }
}

impl Default for UnitNorm {
    fn default() -> UnitNorm {
        UnitNorm::new()
    }
}

impl Constraint for UnitNorm {
    fn class_name(&self) -> &str {
        "UnitNorm"
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([("axis".to_string(), self.axis.config())])
    }

    fn project<'b>(&self, weight: Expr<'b>) -> Expr<'b> {
        weight / (self.axis.norms("UnitNorm", weight) + EPSILON)
    }
}

/// Norms move into an interval: all the way, or by a share `rate` of it at each step.
#[derive(Clone, Debug, PartialEq)]
pub struct MinMaxNorm {
    min_value: f64,
    max_value: f64,
    rate: f64,
    axis: Along,
}

impl MinMaxNorm {
    /// With this interval, which is 0 to 1 by default, along axis 0, all the way.
    pub fn new(min_value: f64, max_value: f64) -> MinMaxNorm {
        MinMaxNorm { min_value, max_value, rate: 1.0, axis: Along(vec![0]) }
    }

    /// The share of the way that is gone at each step.
    pub fn rate(mut self, rate: f64) -> MinMaxNorm {
        self.rate = rate;
        self
    }

    /// The axes along which the norm is taken.
    pub fn axis(mut self, axis: impl Into<Vec<i64>>) -> MinMaxNorm {
        self.axis = Along(axis.into());
        self
    }
}

impl Default for MinMaxNorm {
    fn default() -> MinMaxNorm {
        MinMaxNorm::new(0.0, 1.0)
    }
}

impl Constraint for MinMaxNorm {
    fn class_name(&self) -> &str {
        "MinMaxNorm"
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([
            ("min_value".to_string(), json!(self.min_value)),
            ("max_value".to_string(), json!(self.max_value)),
            ("rate".to_string(), json!(self.rate)),
            ("axis".to_string(), self.axis.config()),
        ])
    }

    fn project<'b>(&self, weight: Expr<'b>) -> Expr<'b> {
        let norms = self.axis.norms("MinMaxNorm", weight);
        let inside = norms.clip(self.min_value, self.max_value);
        let wanted = inside * self.rate + norms * (1.0 - self.rate);
        weight * (wanted / (norms + EPSILON))
    }
}

/// max(w, 0)
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NonNeg;

impl Constraint for NonNeg {
    fn class_name(&self) -> &str {
        "NonNeg"
    }

    fn config(&self) -> Map<String, Value> {
        Map::new()
    }

    fn project<'b>(&self, weight: Expr<'b>) -> Expr<'b> {
        weight.max(weight.number(0.0))
    }
}

/// Keras's classes, each with its name in snake case.
const CLASSES: [&str; 4] = ["MaxNorm", "UnitNorm", "MinMaxNorm", "NonNeg"];

/// Keras's classes.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    CLASSES.into_iter()
}

/// The constraint with this name and default arguments.
pub fn get(name: &str) -> Result<Arc<dyn Constraint>> {
    read(name, &Arguments::new(name, &Map::new()))
}

/// The form that stands in a Keras file.
pub fn serialize(constraint: &dyn Constraint) -> Value {
    Serialized::write("keras.constraints", names(), constraint.class_name(), constraint.config())
}

/// From a Keras file: a name or a serialized object.
pub fn deserialize(value: &Value) -> Result<Arc<dyn Constraint>> {
    let object = Serialized::read("constraint", value)?;
    read(&object.class_name, &object.arguments())
}

fn read(name: &str, arguments: &Arguments) -> Result<Arc<dyn Constraint>> {
    let class = CLASSES.into_iter().find(|class| *class == name || snake_case(class) == name);
    let axis = Along::from_config(arguments)?;
    Ok(match class {
        Some("MaxNorm") => Arc::new(MaxNorm { max_value: arguments.number_or("max_value", 2.0)?, axis }),
        Some("UnitNorm") => Arc::new(UnitNorm { axis }),
        Some("MinMaxNorm") => Arc::new(MinMaxNorm {
            min_value: arguments.number_or("min_value", 0.0)?,
            max_value: arguments.number_or("max_value", 1.0)?,
            rate: arguments.number_or("rate", 1.0)?,
            axis,
        }),
        Some("NonNeg") => Arc::new(NonNeg),
        _ => {
            return Err(Error::unknown(
                "constraint",
                name,
                CLASSES.map(snake_case).iter().map(String::as_str),
            ));
        }
    })
}

impl<C: Constraint + 'static> From<C> for Identifier<dyn Constraint> {
    fn from(constraint: C) -> Identifier<dyn Constraint> {
        Identifier::Object(Arc::new(constraint))
    }
}

impl Identifier<dyn Constraint> {
    /// The constraint that is meant.
    pub fn resolve(&self) -> Result<Arc<dyn Constraint>> {
        match self {
            Identifier::Name(name) => get(name),
            Identifier::Object(constraint) => Ok(constraint.clone()),
        }
    }
}
