//! The gradient of a conditional: a conditional on the same predicate, over the gradients of the branches.
//!
//! A backward branch computes again what it needs of the forward one. Keeping that would give every value of either
//! branch memory in every run, and a value to make up where the other branch was taken; and for what branches are
//! meant for, steps that are mostly skipped, it would be the greater work.
//!
//! Only floats carry derivatives: results of other types give none, arguments of other types get none, and so does the
//! predicate, as the choice jumps. An argument that the taken branch does not use gets zeros, and nothing at all where
//! neither branch does. What the other branch would give is never computed: unlike that of `select`, this gradient has
//! no NaN from the side that was not taken.

use std::sync::Arc;

use super::compound::Received;
use super::pull_back;
use crate::builder::Builder;
use crate::compound::replay;
use crate::error::GradError;
use crate::expr::Expr;
use crate::graph::Graph;
use crate::ops::{Compound, Conditional};
use crate::passes::bodies::{kept, with_inputs};

/// What each argument of a conditional receives.
pub(super) fn received<'b>(
    conditional: &Conditional,
    of: &Received<'b>,
) -> Result<Vec<Option<Expr<'b>>>, GradError> {
    let Conditional { then, otherwise, .. } = conditional;
    let first = conditional.first_input();
    let is_wanted = |&input: &usize| of.wanted[first + input] && then.ty(then.inputs[input]).dtype.is_float();
    let wanted: Vec<usize> = (0..then.inputs.len()).filter(is_wanted).collect();
    let given: Vec<usize> = of.given.keys().copied().collect();
    let branches = [backward(then, &given, &wanted)?, backward(otherwise, &given, &wanted)?];
    let outputs: Vec<usize> =
        (0..wanted.len()).filter(|&place| branches.iter().any(|branch| branch.gives[place])).collect();

    let graphs = branches.map(|branch| branch.graph);
    let inputs = kept(&graphs, 0, &outputs, |_| true);
    let [then, otherwise] = graphs.map(|graph| Arc::new(with_inputs(&graph, &outputs, &inputs, 0)));
    let all: Vec<Expr<'b>> = of.args[first..].iter().chain(of.given.values()).copied().collect();
    let args: Vec<Expr<'b>> =
        std::iter::once(of.args[0]).chain(inputs.iter().map(|&input| all[input])).collect();
    let backward = Conditional { then, otherwise, output: 0 };
    let mut answer = vec![None; of.args.len()];
    for (output, &place) in outputs.iter().enumerate() {
        let result = of.b.apply(backward.with_output(output), &args);
        answer[first + wanted[place]] = Some(result);
    }
    Ok(answer)
}

/// The gradient of one branch.
struct Backward {
    /// Takes what the branch takes, then what its outputs have received; gives what the wanted inputs receive.
    graph: Graph,
    /// Which of those are more than zeros that fill the place.
    gives: Vec<bool>,
}

fn backward(branch: &Graph, given: &[usize], wanted: &[usize]) -> Result<Backward, GradError> {
    let inside = Builder::new();
    let input = |value| inside.input("", branch.ty(value).clone());
    let inputs: Vec<Expr<'_>> = branch.inputs.iter().map(|&value| input(value)).collect();
    let cotangents: Vec<Expr<'_>> = given.iter().map(|&output| input(branch.outputs[output])).collect();
    let made = replay(branch, &inputs, |op, args| inside.apply(op, args));
    let seeds = given.iter().map(|&output| made[branch.outputs[output].index()]);
    let seeds: Vec<(Expr<'_>, Expr<'_>)> = seeds.zip(cotangents).collect();
    let of: Vec<Expr<'_>> = wanted.iter().map(|&number| inputs[number]).collect();
    let pulled = pull_back(&seeds, &of)?;
    let outputs = of.iter().zip(&pulled).map(|(of, ct)| ct.unwrap_or_else(|| of.full_like(0.0)));
    let outputs: Vec<Expr<'_>> = outputs.collect();
    let graph = inside.finish(&outputs).expect("a well-typed branch has a well-typed gradient");
    Ok(Backward { graph, gives: pulled.iter().map(Option::is_some).collect() })
}
