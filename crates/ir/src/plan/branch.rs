//! Branches: state of the program that a conditional gives its next value becomes state of the branches.
//!
//! Then a branch changes it in place, or leaves it alone, as the program itself would: weights that a step does not
//! touch are not even copied.

use smallvec::SmallVec;

use super::emit::outputs_of;
use super::fuse::{Group, Groups};
use super::{BranchKernel, plan};
use crate::graph::{Graph, Value};
use crate::ops::{Compound, Conditional};
use crate::passes::bodies::with_inputs;

/// The kernel of a conditional whose results are a group's, and the arguments it reads, by their numbers.
pub(super) fn branch(
    graph: &Graph,
    groups: &Groups,
    group: &Group,
    conditional: &Conditional,
) -> (BranchKernel, Vec<usize>) {
    let results = outputs_of(graph, &group.outputs);
    let state = carried(graph, groups, group, conditional, &results);
    let (outputs, inputs): (Vec<usize>, Vec<usize>) = state.iter().copied().unzip();
    let first = |of: &[usize], count: usize| -> Vec<usize> {
        of.iter().copied().chain((0..count).filter(|number| !of.contains(number))).collect()
    };
    let (outputs, inputs) =
        (first(&outputs, conditional.then.outputs.len()), first(&inputs, conditional.then.inputs.len()));
    let planned = |body: &Graph| plan(&with_inputs(body, &outputs, &inputs, state.len()));
    let place = |result: &usize| outputs.iter().position(|output| output == result).expect("all are listed");
    let kernel = BranchKernel {
        then: planned(&conditional.then),
        otherwise: planned(&conditional.otherwise),
        outputs: results.iter().map(place).collect(),
    };
    let args = inputs.iter().map(|input| input + conditional.first_input());
    (kernel, std::iter::once(0).chain(args).collect())
}

/// The outputs of the branches that are next values of the program's state, each with the input that the state is.
fn carried(
    graph: &Graph,
    groups: &Groups,
    group: &Group,
    conditional: &Conditional,
    results: &[usize],
) -> SmallVec<[(usize, usize); 4]> {
    let base = |value: Value| groups.sources[value.index()].base;
    let root = group.root.expect("the first of its results roots the group of a conditional");
    let args = &graph.node(root).args[conditional.first_input()..];
    let body = &conditional.then;
    let mut pairs: SmallVec<[(usize, usize); 4]> = SmallVec::new();
    for (&state, &next) in graph.inputs.iter().zip(&graph.outputs[..graph.state]) {
        let result =
            group.outputs.iter().position(|&output| output == base(next)).map(|place| results[place]);
        let input = args.iter().position(|&arg| base(arg) == state);
        let (Some(output), Some(input)) = (result, input) else { continue };
        let is_new = pairs.iter().all(|&(other, _)| other != output);
        if is_new && body.ty(body.outputs[output]) == body.ty(body.inputs[input]) {
            pairs.push((output, input));
        }
    }
    pairs
}
