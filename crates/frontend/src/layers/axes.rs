//! Axes: one axis or several, as arguments of layers name them.

use cornu_ir::Expr;
use serde_json::{Value, json};

use super::{LayerConfig, Spec};
use crate::error::{Error, Result};
use crate::shapes;

/// One axis or several; negative ones count from the end. Keras writes one as a number, several as a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Axes {
    /// A single axis.
    One(i64),
    /// A list, be it of one.
    Several(Vec<i64>),
}

impl From<i64> for Axes {
    fn from(axis: i64) -> Axes {
        Axes::One(axis)
    }
}

impl From<Vec<i64>> for Axes {
    fn from(axes: Vec<i64>) -> Axes {
        Axes::Several(axes)
    }
}

impl<const N: usize> From<[i64; N]> for Axes {
    fn from(axes: [i64; N]) -> Axes {
        Axes::Several(axes.to_vec())
    }
}

impl Axes {
    /// The argument under `key`, or the last axis.
    pub(super) fn from_config(config: &LayerConfig<'_>, key: &str) -> Result<Axes> {
        let axes = config.integers(key)?.unwrap_or(vec![-1]);
        Ok(match (config.value(key), &axes[..]) {
            (Some(Value::Array(_)), _) => Axes::Several(axes),
            (_, &[axis]) => Axes::One(axis),
            (_, _) => Axes::Several(axes),
        })
    }

    /// As it was given.
    pub(super) fn config(&self) -> Value {
        match self {
            Axes::One(axis) => json!(axis),
            Axes::Several(axes) => json!(axes),
        }
    }

    /// As a list in ascending order, as Keras's normalizations write it once they are built.
    pub(super) fn sorted(&self) -> Vec<i64> {
        let mut axes = self.list().to_vec();
        axes.sort_unstable();
        axes
    }

    fn list(&self) -> &[i64] {
        match self {
            Axes::One(axis) => std::slice::from_ref(axis),
            Axes::Several(axes) => axes,
        }
    }

    /// The axes of `x` that are meant, ascending.
    pub(super) fn of(&self, class: &str, x: Expr<'_>) -> Result<Vec<usize>> {
        shapes::axes(class, self.list(), x)
    }

    /// The axes that are meant of an input, in the order of [`Axes::sorted`], with their sizes.
    pub(super) fn sizes(&self, class: &str, input: &Spec) -> Result<Vec<(usize, usize)>> {
        self.sorted().into_iter().map(|axis| axis_with_size(class, axis, input)).collect()
    }
}

/// The axis of the input that is meant, and its size, which must be known.
pub(super) fn axis_with_size(class: &str, axis: i64, input: &Spec) -> Result<(usize, usize)> {
    let rank = input.rank() as i64;
    let counted = usize::try_from(if axis < 0 { axis + rank } else { axis }).ok();
    let size = counted.and_then(|axis| Some((axis, (*input.shape.get(axis)?)?)));
    size.ok_or_else(|| Error::Layer {
        path: String::new(),
        reason: format!("{class} needs an input whose axis {axis} has a known size; it got {input}"),
    })
}
