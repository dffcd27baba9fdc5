//! Compound ops inside out: of each only what is needed, with bodies that went through the pipeline themselves.

use std::borrow::Borrow;
use std::collections::BTreeSet;

use super::{optimize, rewrite, simplified};
use crate::compound::is_one_run;
use crate::graph::{Graph, Node, Value};
use crate::op::Op;
use crate::ops::Compound;

/// Leaves out of each loop and conditional the outputs that no node takes, the carries that no other output needs, and
/// the arguments that are then not read; and optimizes what is left of the bodies.
pub fn optimize_bodies(graph: &Graph) -> Graph {
    let mut runs: Vec<Run> = Vec::new();
    let mut of: Vec<Option<usize>> = vec![None; graph.nodes.len()];
    for value in graph.values() {
        let node = graph.node(value);
        let Some(compound) = node.op.rules().compound() else { continue };
        let known = runs.iter().position(|other| is_one_run(&other.node, node));
        let index = known.unwrap_or_else(|| {
            runs.push(Run { node: node.clone(), needed: BTreeSet::new() });
            runs.len() - 1
        });
        runs[index].needed.insert(compound.output());
        of[value.index()] = Some(index);
    }
    if runs.is_empty() {
        return graph.clone();
    }
    let slim: Vec<Slim> = runs.iter().map(Run::slim).collect();
    let mut place = 0;
    rewrite(graph, |builder, node, args| {
        // The nodes that are emitted are those that are not inputs, in order.
        while matches!(graph.nodes[place].op, Op::Input(_)) {
            place += 1;
        }
        let index = of[place];
        place += 1;
        match (index, node.op.rules().compound()) {
            (Some(index), Some(compound)) => {
                let Slim { op, args: kept, outputs } = &slim[index];
                let output = outputs.iter().position(|outputs| outputs.contains(&compound.output()));
                let output = output.expect("an output that a node takes is kept");
                let args: Vec<_> = kept.iter().map(|&arg| args[arg]).collect();
                // Branches that have become the same need no choice any more.
                simplified(builder, compound_of(op).for_output(output), &args)
            }
            (_, _) => builder.apply(node.op.clone(), args),
        }
    })
}

/// One run of a compound op, by one of its nodes, and the outputs that nodes take.
struct Run {
    node: Node,
    needed: BTreeSet<usize>,
}

/// What is left of a run, the arguments it keeps, by their former numbers, and for each output the former numbers of
/// those that it now stands for.
struct Slim {
    op: Op,
    args: Vec<usize>,
    outputs: Vec<Vec<usize>>,
}

impl Run {
    fn slim(&self) -> Slim {
        let compound = compound_of(&self.node.op);
        let bodies = compound.bodies();
        // Only a loop has state, and it has one body.
        let state = bodies[0].state;
        let outputs = needed_outputs(bodies[0], &self.needed);
        let first = kept(&bodies, state, &outputs, |carry| outputs.contains(&carry));
        let state = outputs.iter().filter(|&&output| output < state).count();
        let optimized: Vec<Graph> =
            bodies.iter().map(|body| optimize(&with_inputs(body, &outputs, &first, state))).collect();
        // The passes may find out that results are the same, and that still less is read.
        let (different, stands_for) = joined(&optimized, &outputs, state);
        let second = kept(&optimized, state, &different, |_| true);
        let inputs: Vec<usize> = second.iter().map(|&input| first[input]).collect();
        let slim = optimized.iter().map(|body| with_inputs(body, &different, &second, state)).collect();
        let before = 0..compound.first_input();
        Slim {
            op: compound.with_bodies(slim, &inputs),
            args: before.chain(inputs.iter().map(|input| input + compound.first_input())).collect(),
            outputs: stands_for,
        }
    }
}

fn compound_of(op: &Op) -> &dyn Compound {
    match op.rules().compound() {
        Some(compound) => compound,
        None => unreachable!("`{}` has no bodies to look into", op.rules().name()),
    }
}

/// Joins results that are the same in every body, as their carries are not. Answers which are left, and for each the
/// names, from `outputs`, of those that it stands for.
fn joined(bodies: &[Graph], outputs: &[usize], state: usize) -> (Vec<usize>, Vec<Vec<usize>>) {
    let mut different: Vec<usize> = (0..state).collect();
    let mut stands_for: Vec<Vec<usize>> = outputs[..state].iter().map(|&output| vec![output]).collect();
    for (place, &output) in outputs.iter().enumerate().skip(state) {
        let is_same = |other: &usize| bodies.iter().all(|body| body.outputs[*other] == body.outputs[place]);
        match different[state..].iter().position(is_same) {
            Some(known) => stands_for[state + known].push(output),
            None => {
                different.push(place);
                stands_for.push(vec![output]);
            }
        }
    }
    (different, stands_for)
}

/// The outputs in `needed`, and the next values of all carries that they depend on, in order.
fn needed_outputs(body: &Graph, needed: &BTreeSet<usize>) -> Vec<usize> {
    let mut needed = needed.clone();
    loop {
        let roots: Vec<Value> = needed.iter().map(|&output| body.outputs[output]).collect();
        let live = live(body, &roots);
        let carries = (0..body.state).filter(|&carry| live[body.inputs[carry].index()]);
        let before = needed.len();
        needed.extend(carries.collect::<Vec<_>>());
        if needed.len() == before {
            return needed.into_iter().collect();
        }
    }
}

/// For each node whether one of `roots` depends on it.
fn live(body: &Graph, roots: &[Value]) -> Vec<bool> {
    let mut live = vec![false; body.nodes.len()];
    roots.iter().for_each(|root| live[root.index()] = true);
    for index in (0..body.nodes.len()).rev() {
        if live[index] {
            body.nodes[index].args.iter().for_each(|arg| live[arg.index()] = true);
        }
    }
    live
}

/// The inputs that these outputs read in any of the bodies, and the carries that `keep` wants.
pub(crate) fn kept(
    bodies: &[impl Borrow<Graph>],
    state: usize,
    outputs: &[usize],
    keep: impl Fn(usize) -> bool,
) -> Vec<usize> {
    let read: Vec<Vec<bool>> = bodies.iter().map(|body| inputs_read(body.borrow(), outputs)).collect();
    (0..read[0].len())
        .filter(|&number| if number < state { keep(number) } else { read.iter().any(|read| read[number]) })
        .collect()
}

/// For each input whether these outputs read it.
pub(crate) fn inputs_read(graph: &Graph, outputs: &[usize]) -> Vec<bool> {
    let roots: Vec<Value> = outputs.iter().map(|&output| graph.outputs[output]).collect();
    let live = live(graph, &roots);
    graph.inputs.iter().map(|input| live[input.index()]).collect()
}

/// The graph with these outputs alone, and these inputs, among them all that the outputs read. Both are named by their
/// former numbers.
pub(crate) fn with_inputs(graph: &Graph, outputs: &[usize], inputs: &[usize], state: usize) -> Graph {
    let roots: Vec<Value> = outputs.iter().map(|&output| graph.outputs[output]).collect();
    let live = live(graph, &roots);
    let mut after = Graph { state, ..Graph::default() };
    let mut renamed: Vec<Option<Value>> = vec![None; graph.nodes.len()];
    // The inputs come first, in their order: passes number them as they meet them.
    let given = inputs.iter().map(|&number| graph.inputs[number]);
    let is_input = |value: &Value| matches!(graph.node(*value).op, Op::Input(_));
    let computed = graph.values().filter(|value| live[value.index()] && !is_input(value));
    for (place, value) in given.chain(computed).enumerate() {
        let mut node = graph.node(value).clone();
        if let Op::Input(input) = &mut node.op {
            input.number = place;
        }
        for arg in &mut node.args {
            *arg = renamed[arg.index()].expect("what a live node reads is live");
        }
        after.nodes.push(node);
        renamed[value.index()] = Some(Value::new(after.nodes.len() - 1));
    }
    let made = |value: &Value| renamed[value.index()].expect("kept above");
    after.inputs = inputs.iter().map(|&number| made(&graph.inputs[number])).collect();
    after.outputs = roots.iter().map(made).collect();
    after
}
