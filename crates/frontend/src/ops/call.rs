//! Call: one call of an operation: its operands and its attributes, read strictly.

use cornu_ir::{Builder, DType, Expr};
use serde_json::Value;

use super::operand::{self, Operand};
use crate::config::Arguments;
use crate::error::{Error, Result};
use crate::layers::{Argument, CallArguments, Config, Masked, keras_dtype};
use crate::shapes;

/// What an operation is called with.
pub(super) struct Call<'a, 'b> {
    pub(super) builder: &'b Builder,
    pub(super) class: &'a str,
    parameters: &'a [&'a str],
    arguments: &'a CallArguments<Masked<'b>>,
    /// The operation's own and those that this call says by name.
    attributes: Config,
}

impl<'a, 'b> Call<'a, 'b> {
    pub(super) fn new(
        builder: &'b Builder,
        class: &'a str,
        parameters: &'a [&'a str],
        arguments: &'a CallArguments<Masked<'b>>,
        attributes: &Config,
    ) -> Call<'a, 'b> {
        let mut attributes = attributes.clone();
        for (name, argument) in &arguments.keywords {
            match argument {
                Argument::Constant(value) if !value.is_null() => {
                    attributes.insert(name.clone(), value.clone());
                }
                Argument::Constant(_) | Argument::Tensor(_) | Argument::List(_) | Argument::Dict(_) => {}
            }
        }
        Call { builder, class, parameters, arguments, attributes }
    }

    /// The attributes, for what the methods below do not read.
    pub(super) fn attributes(&self) -> Arguments<'_> {
        Arguments::new(self.class, &self.attributes)
    }

    pub(super) fn fail(&self, reason: impl std::fmt::Display) -> Error {
        Error::Layer { path: String::new(), reason: format!("{} {reason}", self.class) }
    }

    /// The argument at a place, be it given by position or by name; null counts as not given.
    pub(super) fn argument(&self, place: usize) -> Option<&Argument<Masked<'b>>> {
        let by_name = || self.arguments.keyword(self.parameters.get(place)?);
        let given = self.arguments.positional.get(place).or_else(by_name);
        given.filter(|argument| !matches!(argument, Argument::Constant(Value::Null)))
    }

    fn name(&self, place: usize) -> &str {
        self.parameters.get(place).copied().unwrap_or("x")
    }

    /// The operand at a place, if it is given.
    pub(super) fn optional(&self, place: usize) -> Result<Option<Operand<'b>>> {
        let Some(argument) = self.argument(place) else { return Ok(None) };
        match Operand::read(self.builder, argument) {
            Some(operand) => Ok(Some(operand)),
            None => Err(self.fail(format!("needs a value or a number as `{}`", self.name(place)))),
        }
    }

    pub(super) fn operand(&self, place: usize) -> Result<Operand<'b>> {
        self.optional(place)?.ok_or_else(|| self.fail(format!("needs the argument `{}`", self.name(place))))
    }

    /// The operand at a place as a value.
    pub(super) fn value(&self, place: usize) -> Result<Expr<'b>> {
        Ok(self.operand(place)?.value(self.builder))
    }

    /// The first operand.
    pub(super) fn x(&self) -> Result<Expr<'b>> {
        self.value(0)
    }

    /// The first operand in floats.
    pub(super) fn float(&self) -> Result<Expr<'b>> {
        Ok(operand::float(self.x()?))
    }

    /// The first two operands in one type.
    pub(super) fn promoted(&self) -> Result<[Expr<'b>; 2]> {
        match operand::promoted(self.builder, &[self.operand(0)?, self.operand(1)?])[..] {
            [a, b] => Ok([a, b]),
            _ => unreachable!("two operands go in and come out"),
        }
    }

    /// The first two operands in one type and shape.
    pub(super) fn pair(&self) -> Result<[Expr<'b>; 2]> {
        match operand::broadcast(self.class, &self.promoted()?)?[..] {
            [a, b] => Ok([a, b]),
            _ => unreachable!("two values go in and come out"),
        }
    }

    /// All operands: those of lists, too, in one type.
    pub(super) fn all(&self) -> Result<Vec<Expr<'b>>> {
        let mut operands = Vec::new();
        for argument in &self.arguments.positional {
            let items = match argument {
                Argument::List(items) => items.as_slice(),
                other => std::slice::from_ref(other),
            };
            for item in items {
                let operand = Operand::read(self.builder, item);
                operands.push(operand.ok_or_else(|| self.fail("needs values or numbers"))?);
            }
        }
        if operands.is_empty() {
            return Err(self.fail("needs at least one value"));
        }
        Ok(operand::promoted(self.builder, &operands))
    }

    /// A function of each element.
    pub(super) fn map(&self, function: impl FnOnce(Expr<'b>) -> Expr<'b>) -> Result<Vec<Expr<'b>>> {
        Ok(vec![function(self.x()?)])
    }

    /// A function of each element as a float.
    pub(super) fn map_float(&self, function: impl FnOnce(Expr<'b>) -> Expr<'b>) -> Result<Vec<Expr<'b>>> {
        Ok(vec![function(self.float()?)])
    }

    /// A function of each two elements.
    pub(super) fn map_pair(
        &self,
        function: impl FnOnce(Expr<'b>, Expr<'b>) -> Expr<'b>,
    ) -> Result<Vec<Expr<'b>>> {
        let [a, b] = self.pair()?;
        Ok(vec![function(a, b)])
    }

    /// The attribute as an axis of a value.
    pub(super) fn axis(&self, key: &str, x: Expr<'b>) -> Result<usize> {
        let axis = self.attributes().integer(key)?;
        shapes::axis(self.class, axis.ok_or_else(|| self.attributes().wrong(key, "an axis"))?, x)
    }

    /// The attribute as axes of a value; null stands for all.
    pub(super) fn axes(&self, key: &str, x: Expr<'b>) -> Result<Vec<usize>> {
        match self.attributes().integers(key)? {
            Some(axes) => shapes::axes(self.class, &axes, x),
            None => Ok((0..x.rank()).collect()),
        }
    }

    /// A reduced value, with its axes put back if the operation keeps them.
    pub(super) fn kept(&self, reduced: Expr<'b>, axes: &[usize]) -> Result<Vec<Expr<'b>>> {
        let keep = self.attributes().boolean_or("keepdims", false)?;
        Ok(vec![if keep { shapes::keep_axes(reduced, axes) } else { reduced }])
    }

    /// The attribute as an element type, if it is given.
    pub(super) fn dtype(&self, key: &str) -> Result<Option<DType>> {
        let name = self.attributes().text(key)?;
        name.map(|name| {
            keras_dtype(name).ok_or_else(|| self.attributes().wrong(key, "an element type that Cornu has"))
        })
        .transpose()
    }

    /// The attribute as whole numbers.
    pub(super) fn integers(&self, key: &str) -> Result<Vec<i64>> {
        let given = self.attributes().integers(key)?;
        given.ok_or_else(|| self.attributes().wrong(key, "a whole number or a list of them"))
    }
}
