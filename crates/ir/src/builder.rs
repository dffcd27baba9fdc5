//! Builder: the only way to make nodes.

use std::cell::{Cell, RefCell};

use crate::error::{BuildError, OpError};
use crate::expr::Expr;
use crate::graph::{Graph, Node, Value};
use crate::op::Op;
use crate::ops::{Constant, Input, Iota, RandomBits};
use crate::origin::Origin;
use crate::tensor::Tensor;
use crate::types::{DType, Shape, Type};

/// A graph being built.
///
/// Nodes are made by methods and operators of [`Expr`]; every one is type-checked as it is made. The first mistake
/// is kept, with the path of the scope it happened in, and reported by [`Builder::finish`] or [`Builder::check`]: so a
/// formula can be written as a formula. What is built after a mistake is thrown away.
#[derive(Default)]
pub struct Builder {
    graph: RefCell<Graph>,
    scopes: RefCell<Vec<String>>,
    /// What nodes that are made now come from.
    origin: RefCell<Origin>,
    error: RefCell<Option<BuildError>>,
    inputs: Cell<usize>,
    notes: RefCell<Vec<(String, Value)>>,
}

impl Builder {
    /// An empty graph.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// The next input of the program. The name is for people who read the graph.
    pub fn input(&self, name: &str, ty: Type) -> Expr<'_> {
        let number = self.inputs.replace(self.inputs.get() + 1);
        let input = self.apply(Input { number, name: name.into(), ty }, &[]);
        self.graph.borrow_mut().inputs.push(input.value());
        input
    }

    /// A fixed value.
    pub fn constant(&self, tensor: Tensor) -> Expr<'_> {
        self.apply(Constant(tensor), &[])
    }

    /// A fixed number as a scalar of `dtype`.
    pub fn scalar(&self, dtype: DType, value: f64) -> Expr<'_> {
        self.constant(Tensor::from_floats(&Type::scalar(dtype), [value]))
    }

    /// `value` in every element.
    pub fn full(&self, ty: &Type, value: f64) -> Expr<'_> {
        self.scalar(ty.dtype, value).broadcast_scalar(&ty.shape)
    }

    /// Each element's coordinate along `axis`: 0, 1, 2, …
    pub fn iota(&self, ty: Type, axis: usize) -> Expr<'_> {
        self.apply(Iota { ty, axis }, &[])
    }

    /// Random 32-bit words, the same on every backend: see [`RandomBits`].
    pub fn random_bits<'b>(&'b self, shape: impl Into<Shape>, key: Expr<'b>, counter: Expr<'b>) -> Expr<'b> {
        self.apply(RandomBits { shape: shape.into() }, &[key, counter])
    }

    /// Applies an op. Methods of [`Expr`] are the usual way to write this.
    pub fn apply<'b>(&'b self, op: impl Into<Op>, args: &[Expr<'b>]) -> Expr<'b> {
        let op = op.into();
        let mut graph = self.graph.borrow_mut();
        let inferred = {
            let types: Vec<&Type> = args.iter().map(|arg| graph.ty(arg.value())).collect();
            op.rules().infer(&types)
        };
        let ty = inferred.unwrap_or_else(|error| {
            self.record(error);
            args.first().map_or(Type::scalar(DType::F32), |arg| graph.ty(arg.value()).clone())
        });
        let origin = self.origin.borrow().clone();
        graph.nodes.push(Node { op, args: args.iter().map(|arg| arg.value()).collect(), ty, origin });
        Expr::new(self, Value::new(graph.nodes.len() - 1))
    }

    /// Keeps the first mistake. For rules above the ops, such as those of [`crate::derived`].
    pub fn record(&self, error: OpError) {
        let mut first = self.error.borrow_mut();
        if first.is_none() {
            *first = Some(BuildError { path: self.scopes.borrow().join("/"), source: error });
        }
    }

    /// The first mistake so far.
    pub fn check(&self) -> Result<(), BuildError> {
        self.error.borrow().clone().map_or(Ok(()), Err)
    }

    /// Builds something under a name that errors will show.
    pub fn scope<T>(&self, name: &str, build: impl FnOnce() -> T) -> T {
        self.scopes.borrow_mut().push(name.to_string());
        let origin = Origin::of(&self.scopes.borrow().join("/"));
        let built = self.coming_from(origin, build);
        self.scopes.borrow_mut().pop();
        built
    }

    /// Builds something that is said to come from elsewhere.
    pub(crate) fn coming_from<T>(&self, origin: Origin, build: impl FnOnce() -> T) -> T {
        let around = self.origin.replace(origin);
        let built = build();
        self.origin.replace(around);
        built
    }

    /// Keeps a value under the path of the scope, for those who want to know later where it came up.
    pub fn note(&self, value: Expr<'_>) {
        self.notes.borrow_mut().push((self.scopes.borrow().join("/"), value.value()));
    }

    /// Paths and values that were noted, in order.
    pub fn notes(&self) -> Vec<(String, Value)> {
        self.notes.borrow().clone()
    }

    /// The type of a value.
    pub fn ty(&self, value: Value) -> Type {
        self.graph.borrow().ty(value).clone()
    }

    /// The node that makes a value.
    pub fn node(&self, value: Value) -> Node {
        self.graph.borrow().node(value).clone()
    }

    /// Puts another op in place of one that makes the same value: a loop asked for more results.
    pub(crate) fn replace_op(&self, value: Value, op: Op) {
        self.graph.borrow_mut().nodes[value.index()].op = op;
    }

    /// Number of nodes so far.
    pub fn len(&self) -> usize {
        self.graph.borrow().nodes.len()
    }

    /// True before the first node.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The expression for a value of this builder's graph.
    pub fn expr(&self, value: Value) -> Expr<'_> {
        Expr::new(self, value)
    }

    /// The finished program without state.
    pub fn finish(&self, outputs: &[Expr<'_>]) -> Result<Graph, BuildError> {
        self.finish_with_state(0, outputs)
    }

    /// The finished program. The first `state` inputs are state, and the first `state` outputs their next values.
    pub fn finish_with_state(&self, state: usize, outputs: &[Expr<'_>]) -> Result<Graph, BuildError> {
        self.check()?;
        let mut graph = self.graph.borrow().clone();
        graph.outputs = outputs.iter().map(|output| output.value()).collect();
        graph.state = state;
        for index in 0..state {
            let before = graph.inputs.get(index).map(|&value| graph.ty(value));
            let after = graph.outputs.get(index).map(|&value| graph.ty(value));
            if before.is_none() || before != after {
                let got: Vec<&Type> = before.into_iter().chain(after).collect();
                let need = format!("state {index} to keep its type");
                return Err(BuildError { path: String::new(), source: OpError::new("return", need, &got) });
            }
        }
        Ok(graph)
    }
}
