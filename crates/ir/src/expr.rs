//! Expr: a value of a graph under construction, with the methods and operators that make further nodes.
//!
//! Binary operators take operands of one element type. Shapes must be equal, or a scalar meets any shape, or the ranks
//! are equal and an axis of size 1 meets any size. Ranks never adapt by themselves: `(n,)` against `(n, 1)` is an
//! error, not an `(n, n)`.
//!
//! The methods stand in `expr/` by kind; those of convolutions and windows in `ops/`, beside their op.

mod arithmetic;
mod indexing;
mod logic;
mod reductions;
mod shape;

use crate::builder::Builder;
use crate::error::OpError;
use crate::graph::{Node, Value};
use crate::op::Op;
use crate::ops::{Cast, Constant, Detach};
use crate::tensor::Tensor;
use crate::types::{DType, Shape, Type};

/// A value together with the builder that its graph grows in.
#[derive(Clone, Copy)]
pub struct Expr<'b> {
    builder: &'b Builder,
    value: Value,
}

impl<'b> Expr<'b> {
    pub(crate) fn new(builder: &'b Builder, value: Value) -> Expr<'b> {
        Expr { builder, value }
    }

    /// The builder it belongs to.
    pub fn builder(self) -> &'b Builder {
        self.builder
    }

    /// Its index in the graph.
    pub fn value(self) -> Value {
        self.value
    }

    /// The node that makes it.
    pub fn node(self) -> Node {
        self.builder.node(self.value)
    }

    /// Element type and shape.
    pub fn ty(self) -> Type {
        self.builder.ty(self.value)
    }

    /// Element type.
    pub fn dtype(self) -> DType {
        self.ty().dtype
    }

    /// Size of every axis.
    pub fn shape(self) -> Shape {
        self.ty().shape
    }

    /// Number of axes.
    pub fn rank(self) -> usize {
        self.shape().rank()
    }

    /// The value of a constant, seen through broadcasts, reshapes and casts of one number.
    pub fn as_number(self) -> Option<f64> {
        let mut node = self.node();
        while let Op::Broadcast(_) | Op::Reshape(_) = node.op {
            node = self.builder.node(node.args[0]);
        }
        match &node.op {
            Op::Constant(Constant(tensor)) if tensor.shape().elements() == 1 => Some(tensor.floats()[0]),
            _ => None,
        }
    }

    /// A number of this element type, as a scalar.
    pub fn number(self, value: f64) -> Expr<'b> {
        self.builder.scalar(self.dtype(), value)
    }

    /// `value` in the type of this expression.
    pub fn full_like(self, value: f64) -> Expr<'b> {
        self.builder.full(&self.ty(), value)
    }

    /// A constant beside this value.
    pub fn constant(self, tensor: Tensor) -> Expr<'b> {
        self.builder.constant(tensor)
    }

    /// The same numbers in another element type.
    pub fn cast(self, dtype: DType) -> Expr<'b> {
        if dtype == self.dtype() { self } else { self.builder.apply(Cast { dtype }, &[self]) }
    }

    /// The same value, taken as a constant by the gradient.
    pub fn detach(self) -> Expr<'b> {
        self.builder.apply(Detach, &[self])
    }

    /// Keeps a mistake made with this value for [`Builder::finish`].
    pub fn fail(self, op: &'static str, need: impl Into<String>) -> Expr<'b> {
        self.builder.record(OpError::new(op, need, &[&self.ty()]));
        self
    }
}
