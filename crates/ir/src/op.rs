//! The table of ops, and `Rules`: all that the compiler knows about one op.

use smallvec::SmallVec;

use crate::error::OpError;
use crate::expr::Expr;
use crate::ops::*;
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::Type;

/// Everything the compiler knows about one op. Each op implements it in its own file under `ops/`.
pub trait Rules {
    /// The word in the written form: `dot`, `exp`.
    fn name(&self) -> &'static str;

    /// The type of the result, or which rule the arguments break.
    fn infer(&self, args: &[&Type]) -> Result<Type, OpError>;

    /// What each argument receives of the result's cotangent.
    fn grad<'b>(&self, at: &At<'b>, cotangent: Expr<'b>) -> Grads<'b>;

    /// The result, computed the slow and obvious way. `ty` is what `infer` said.
    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor;

    /// What the written form shows between braces.
    fn attributes(&self) -> Attributes {
        Attributes::default()
    }

    /// The op that the written form calls `name`; `None` when that is another op.
    fn parse(name: &str, attributes: &Attributes) -> Option<Result<Self, String>>
    where
        Self: Sized;

    /// How closely every backend has to agree with `eval`.
    fn exactness(&self) -> Exactness;

    /// Floating-point operations of the op as a kernel of its own, a fused multiply-add as two; `ty` is its result.
    fn flops(&self, args: &[&Type], ty: &Type) -> u64 {
        let _ = args;
        ty.elements() as u64
    }

    /// A cheaper expression of the same value, if there is one.
    fn simplify<'b>(&self, at: &At<'b>) -> Option<Expr<'b>> {
        let _ = at;
        None
    }

    /// What is to be known of an op that runs graphs of its own; `None` for others.
    fn compound(&self) -> Option<&dyn Compound> {
        None
    }
}

/// Where in a graph a rule is asked about: the op's arguments and its result.
pub struct At<'b> {
    /// The arguments.
    pub args: SmallVec<[Expr<'b>; 3]>,
    /// The result.
    pub value: Expr<'b>,
}

/// What a gradient rule answers.
pub enum Grads<'b> {
    /// For each argument its cotangent, or `None` where the derivative is zero everywhere.
    Each(SmallVec<[Option<Expr<'b>>; 3]>),
    /// The op has no derivative; the text says why.
    Undefined(&'static str),
}

impl<'b> Grads<'b> {
    /// One cotangent for each argument.
    pub fn of<const N: usize>(cotangents: [Expr<'b>; N]) -> Grads<'b> {
        Grads::Each(cotangents.into_iter().map(Some).collect())
    }

    /// The derivative is zero wherever it exists: comparisons, rounding, integers, leaves.
    pub fn none() -> Grads<'b> {
        Grads::Each(SmallVec::new())
    }

    /// A cotangent for the arguments that have one.
    pub fn some<const N: usize>(cotangents: [Option<Expr<'b>>; N]) -> Grads<'b> {
        Grads::Each(cotangents.into_iter().collect())
    }
}

/// How closely backends agree with the reference evaluator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exactness {
    /// Bit for bit.
    Exact,
    /// Up to rounding: operations may be reordered or contracted.
    Rounding,
}

/// Makes the enum `Op` and its dispatch from the list of structs in `ops/`.
macro_rules! table {
    ($($op:ident,)*) => {
        /// One op with its attributes: a line of the table for each struct in `ops/`.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum Op {
            $($op($op),)*
        }

        impl Op {
            /// The name of every line of the table.
            pub const TABLE: &[&str] = &[$(stringify!($op),)*];

            /// The rules of this op.
            pub fn rules(&self) -> &dyn Rules {
                match self {
                    $(Op::$op(op) => op,)*
                }
            }

            /// True if the result is the first argument with some elements changed, so that it may lie there.
            pub fn changes_in_place(&self) -> bool {
                matches!(self, Op::Scatter(_) | Op::DynamicUpdate(_))
            }

            /// True if a kernel of this op may go on with a fused expression of its result: see
            /// [`crate::plan::OpKernel`].
            pub fn takes_tail(&self) -> bool {
                let is_convolution = matches!(self, Op::Conv(_) | Op::ConvInputGrad(_) | Op::ConvKernelGrad(_));
                is_convolution || matches!(self, Op::Window(_) | Op::WindowSpread(_))
            }

            /// The op that the written form calls `name`.
            pub(crate) fn parse(name: &str, attributes: &Attributes) -> Result<Op, String> {
                $(if let Some(op) = $op::parse(name, attributes) {
                    return op.map(Op::$op);
                })*
                Err(format!("there is no op `{name}`"))
            }
        }

        $(impl From<$op> for Op {
            fn from(op: $op) -> Op {
                Op::$op(op)
            }
        })*
    };
}

table! {
    // Leaves: values from nothing.
    Input, Constant, Iota, RandomBits,
    // Element by element.
    Unary, Binary, Compare, Select, Cast, Detach,
    // The same elements in other places.
    Reshape, Transpose, Broadcast, Slice, Pad, Concat, Reverse,
    // Many elements into one.
    Dot, Reduce, ArgReduce, Cumulative, ArgSort,
    // A window that slides.
    Conv, ConvInputGrad, ConvKernelGrad, Window, WindowArgMax, WindowSpread,
    // Places computed at run time.
    Gather, Scatter, DynamicSlice, DynamicUpdate,
    // Graphs of their own: run along time, and one of two.
    Scan, Conditional,
}
