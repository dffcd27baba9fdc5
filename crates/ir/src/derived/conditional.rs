//! Conditionals, written as the formulas of their branches.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::part::{Part, is_free};
use crate::builder::Builder;
use crate::compound::listed;
use crate::expr::Expr;
use crate::graph::Value;
use crate::op::Op;
use crate::ops::Conditional;
use crate::types::Type;

/// The values of `then` where the predicate, a `bool` scalar, holds; else those of `otherwise`.
///
/// Both are called once, and give as many values, of the same types. They may use whatever stands outside; what they
/// make themselves is computed only where their branch is taken, at run time. An outside value that a branch gives as
/// it is costs a copy; state of the program that becomes its own next value costs nothing. So what changes state in
/// some steps alone is best written inside a branch, and changes it in place.
///
/// ```
/// # use cornu_ir::{Builder, DType, Type, derived::conditional};
/// let b = Builder::new();
/// let (sum, term) = (b.input("sum", Type::scalar(DType::F32)), b.input("term", Type::scalar(DType::F32)));
/// let is_last = b.input("is_last", Type::scalar(DType::Bool));
/// let next = conditional(&b, is_last, || vec![sum.full_like(0.0)], || vec![sum + term]);
/// assert_eq!(next[0].ty(), sum.ty());
/// ```
pub fn conditional<'b>(
    b: &'b Builder,
    predicate: Expr<'b>,
    then: impl FnOnce() -> Vec<Expr<'b>>,
    otherwise: impl FnOnce() -> Vec<Expr<'b>>,
) -> Vec<Expr<'b>> {
    let branches = [Branch::traced(b, then), Branch::traced(b, otherwise)];
    let [given, others] = branches.each_ref().map(Branch::types);
    if given != others {
        let (given, others) = (listed(&given), listed(&others));
        let need = format!("branches that give the same types, not {given} and {others}");
        predicate.fail("conditional", need);
    }
    let [then, otherwise] = branches;
    if b.check().is_err() {
        // What is built after a mistake is thrown away.
        return then.outputs;
    }
    let taken: BTreeSet<Value> = then.part.taken.iter().chain(&otherwise.part.taken).copied().collect();
    let inputs: Vec<Value> = taken.into_iter().collect();
    let op = Conditional {
        then: Arc::new(then.part.graph(b, &inputs, 0, &then.outputs)),
        otherwise: Arc::new(otherwise.part.graph(b, &inputs, 0, &otherwise.outputs)),
        output: 0,
    };
    let inputs = inputs.into_iter().map(|value| b.expr(value));
    let args: Vec<Expr<'b>> = std::iter::once(predicate).chain(inputs).collect();
    (0..then.outputs.len()).map(|output| b.apply(op.with_output(output), &args)).collect()
}

/// A branch as it stands in the graph around it. What is not needed of it there is left behind.
struct Branch<'b> {
    outputs: Vec<Expr<'b>>,
    part: Part,
}

impl<'b> Branch<'b> {
    fn traced(b: &'b Builder, write: impl FnOnce() -> Vec<Expr<'b>>) -> Branch<'b> {
        let first = b.len();
        let outputs = write();
        // The program has its inputs outside, wherever they are asked for.
        let part = Part::new(b, &outputs, |value, node| {
            let is_own = value.index() >= first && !matches!(node.op, Op::Input(_));
            is_own || is_free(b, value, node)
        });
        Branch { outputs, part }
    }

    fn types(&self) -> Vec<Type> {
        self.outputs.iter().map(|output| output.ty()).collect()
    }
}
