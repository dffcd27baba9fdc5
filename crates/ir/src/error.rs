//! What can go wrong between a model's layers and a plan: one error type per concern.

use std::fmt;

use crate::graph::Value;
use crate::types::Type;

/// An op was given arguments that it does not take.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("`{op}` needs {need}; it got {}", Got(.got))]
pub struct OpError {
    /// Name of the op.
    pub op: &'static str,
    /// The rule that was broken, to be read after "needs".
    pub need: String,
    /// Types of the arguments.
    pub got: Vec<Type>,
}

impl OpError {
    /// `op` needs `need`, and was given arguments of these types.
    pub fn new(op: &'static str, need: impl Into<String>, got: &[&Type]) -> OpError {
        OpError { op, need: need.into(), got: got.iter().map(|&ty| ty.clone()).collect() }
    }
}

/// Types as a sentence lists them: `f32[3] and f32[4]`.
struct Got<'a>(&'a [Type]);

impl fmt::Display for Got<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("no arguments"),
            [only] => write!(f, "{only}"),
            [first @ .., last] => {
                let first: Vec<String> = first.iter().map(Type::to_string).collect();
                write!(f, "{} and {last}", first.join(", "))
            }
        }
    }
}

/// A graph could not be built. The path names the layer that was being built.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}{source}", if .path.is_empty() { String::new() } else { format!("{}: ", .path) })]
pub struct BuildError {
    /// Scopes that were open in the builder, joined by `/`: `model/block_2/dense`.
    pub path: String,
    /// What was wrong.
    #[source]
    pub source: OpError,
}

/// A derivative was asked for that does not exist.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GradError {
    /// Only a number can be differentiated.
    #[error("only a float scalar can be differentiated; {value} is {ty}")]
    NotAScalar {
        /// The value.
        value: Value,
        /// Its type.
        ty: Type,
    },
    /// The path from the weights to the loss passes an op without a derivative.
    #[error("`{op}` ({value}) has no gradient: {reason}")]
    Undefined {
        /// The value on the path.
        value: Value,
        /// The op that makes it.
        op: &'static str,
        /// Why there is none.
        reason: &'static str,
    },
}

/// A graph that breaks the rules of the language.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum VerifyError {
    /// A node uses a value that is made later.
    #[error("{node} uses {argument}, which is not made before it")]
    Order {
        /// The node.
        node: Value,
        /// The argument.
        argument: Value,
    },
    /// The op refuses the types of its arguments.
    #[error("{node}: {source}")]
    Op {
        /// The node.
        node: Value,
        /// What the op says.
        #[source]
        source: OpError,
    },
    /// The program inside a node breaks them.
    #[error("inside {node}: {error}")]
    Inside {
        /// The node.
        node: Value,
        /// What is wrong with its program.
        error: Box<VerifyError>,
    },
    /// A node states another type than its op infers.
    #[error("{node} says {stated}, but `{op}` gives {inferred}")]
    Type {
        /// The node.
        node: Value,
        /// Its op.
        op: &'static str,
        /// What the node says.
        stated: Box<Type>,
        /// What the op infers.
        inferred: Box<Type>,
    },
    /// The list of inputs is not the list of `input` nodes.
    #[error("{value} stands in the list of inputs but is not input {index}")]
    Input {
        /// The value.
        value: Value,
        /// Its place in the list.
        index: usize,
    },
    /// An output names no node.
    #[error("output {output} is made by no node")]
    Output {
        /// The value.
        output: Value,
    },
    /// State goes in with one type and comes out with another, or not at all.
    #[error("state {index} has no next value of the same type among the outputs")]
    State {
        /// Its number.
        index: usize,
    },
}

/// The written form could not be read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ParseError {
    /// Counted from 1.
    pub line: usize,
    /// What was found and what is needed.
    pub message: String,
}

/// A backend could not do what it was asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BackendError {
    /// The device is not there.
    #[error("{backend}: no device: {reason}")]
    NoDevice {
        /// Name of the backend.
        backend: &'static str,
        /// What was looked for, and where.
        reason: String,
    },
    /// The device has too little memory.
    #[error("{backend}: out of memory: {bytes} bytes are needed")]
    OutOfMemory {
        /// Name of the backend.
        backend: &'static str,
        /// How much was asked for.
        bytes: usize,
    },
    /// A buffer of another type, or of another backend, was handed in.
    #[error("{backend}: {what} must be {need}; it is {got}")]
    Buffer {
        /// Name of the backend.
        backend: &'static str,
        /// Which buffer.
        what: String,
        /// What the plan says.
        need: String,
        /// What it is.
        got: String,
    },
    /// The backend has no kernel for a step.
    #[error("{backend}: no kernel for {what}")]
    Unsupported {
        /// Name of the backend.
        backend: &'static str,
        /// The step.
        what: String,
    },
    /// The device reported a failure.
    #[error("{backend}: {reason}")]
    Device {
        /// Name of the backend.
        backend: &'static str,
        /// In its own words.
        reason: String,
    },
}
