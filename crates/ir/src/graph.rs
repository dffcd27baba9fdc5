//! Value, Node, Graph: a program as plain data.

use std::fmt;
use std::hash::{Hash, Hasher};

use smallvec::SmallVec;

use crate::op::Op;
use crate::origin::Origin;
use crate::types::Type;

/// The result of one node, written `%7`: an index into [`Graph::nodes`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(u32);

impl Value {
    /// The value made by node number `index`.
    pub fn new(index: usize) -> Value {
        Value(u32::try_from(index).expect("a graph has fewer than 2^32 nodes"))
    }

    /// The number of the node that makes it.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Arguments of a node: rarely more than three.
pub type Args = SmallVec<[Value; 3]>;

/// One op applied to earlier values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// What is computed.
    pub op: Op,
    /// From which values; each has a smaller index than this node.
    pub args: Args,
    /// Type of the result, as the op infers it from its arguments.
    pub ty: Type,
    /// What it was written by.
    pub origin: Origin,
}

/// A pure program: nodes in execution order, inputs, outputs.
///
/// The first `state` inputs are state (weights, optimizer slots, counters): output `i < state` is the next value of
/// input `i`, has its type, and takes its memory when the program runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// Every node after the nodes whose values it uses.
    pub nodes: Vec<Node>,
    /// The values made by `Input` ops, in the order of their numbers.
    pub inputs: Vec<Value>,
    /// What the program gives back, new state first.
    pub outputs: Vec<Value>,
    /// How many leading inputs are state.
    pub state: usize,
}

/// By its sizes alone: each result of a compound op has the graphs inside it as part of itself, and passes that look
/// for equal nodes hash them all.
impl Hash for Graph {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.nodes.len(), &self.inputs, &self.outputs, self.state).hash(state);
    }
}

impl Graph {
    /// The node that makes `value`.
    pub fn node(&self, value: Value) -> &Node {
        &self.nodes[value.index()]
    }

    /// The type of `value`.
    pub fn ty(&self, value: Value) -> &Type {
        &self.node(value).ty
    }

    /// Every value, in execution order.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = Value> + use<> {
        (0..self.nodes.len()).map(Value::new)
    }

    /// Types of the inputs, in order.
    pub fn input_types(&self) -> Vec<Type> {
        self.inputs.iter().map(|&value| self.ty(value).clone()).collect()
    }

    /// Types of the outputs, in order.
    pub fn output_types(&self) -> Vec<Type> {
        self.outputs.iter().map(|&value| self.ty(value).clone()).collect()
    }
}
