//! Operations between values of a model, as files record them: `x + 1`, `ops.mean(x, axis=1)`, `x[:, 0]`.
//!
//! Each is a [`Layer`] without weights that reads its operands off the call, numbers among them; shapes are broadcast
//! as NumPy does and element types meet as JAX's do. `table.rs` lists all of them: a new one is a line there.

mod call;
mod elementwise;
mod indexing;
mod operand;
mod products;
mod reductions;
mod shaping;
mod table;

use cornu_ir::Expr;
use serde_json::{Value, json};

use call::Call;
use table::{Entry, TABLE};

pub(crate) use indexing::take;

use crate::error::{Error, Result};
use crate::layers::{AnyLayer, Config, Context, Layer};

/// An operation with its attributes.
#[derive(Clone)]
pub struct Op {
    entry: &'static Entry,
    attributes: Config,
}

/// The operation of this class of Keras's, with its defaults: `op("Mean")?.attribute("axis", 1)`.
pub fn op(class: &str) -> Result<Op> {
    let entry = TABLE.iter().find(|entry| entry.class == class);
    let entry =
        entry.ok_or_else(|| Error::unknown("operation", class, TABLE.iter().map(|entry| entry.class)))?;
    let default = |(name, value): &(&str, &str)| {
        let value = serde_json::from_str(value)
            .unwrap_or_else(|_| unreachable!("{class}: the default of {name} is JSON"));
        (name.to_string(), value)
    };
    Ok(Op { entry, attributes: entry.attributes.iter().map(default).collect() })
}

/// The operation that a file names. `module` is `keras.src.ops.numpy` or a sister of it.
pub(crate) fn from_config(module: &str, class: &str, config: &Config) -> Result<AnyLayer> {
    let op = op(class)?;
    let known = format!("keras.src.ops.{}", op.entry.module);
    // Absolute is in two of Keras's modules of old; none of ours is.
    if !module.starts_with("keras.src.ops.") && !module.starts_with("keras.ops") {
        return Err(Error::config(class, "module", format!("\"{module}\""), format!("\"{known}\"")));
    }
    let given = config.iter().filter(|(key, _)| op.attributes.contains_key(*key));
    Ok(given.fold(op.clone(), |op, (key, value)| op.attribute(key, value.clone())).into())
}

/// True for the modules that [`from_config`] reads.
pub(crate) fn is_module(module: &str) -> bool {
    module.starts_with("keras.src.ops.") || module == "keras.ops" || module.starts_with("keras.ops.")
}

impl Op {
    /// With this attribute.
    pub fn attribute(mut self, name: &str, value: impl Into<Value>) -> Op {
        self.attributes.insert(name.to_string(), value.into());
        self
    }
}

impl Layer for Op {
    fn class_name(&self) -> &str {
        self.entry.class
    }

    fn registered_name(&self) -> Option<&str> {
        Some(self.entry.class)
    }

    fn module(&self) -> Option<&str> {
        Some(self.entry.path)
    }

    fn config(&self) -> Result<Config> {
        Ok(self.attributes.clone())
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, _: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let arguments = context.arguments().clone();
        let call = Call::new(
            context.builder(),
            self.entry.class,
            self.entry.parameters,
            &arguments,
            &self.attributes,
        );
        (self.entry.write)(&call)
    }
}

/// A slice between brackets as files write it; `None` is an end left out.
pub fn slice(start: Option<i64>, stop: Option<i64>, step: Option<i64>) -> Value {
    json!({"class_name": "__slice__", "config": {"start": start, "stop": stop, "step": step}})
}

/// `...` between brackets as files write it.
pub fn ellipsis() -> Value {
    json!({"class_name": "__ellipsis__", "config": {}})
}
