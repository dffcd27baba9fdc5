//! Loops inside out: of each loop only what is needed, with a body that went through the pipeline itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{optimize, rewrite};
use crate::graph::{Graph, Node, Value};
use crate::op::Op;
use crate::ops::Scan;

/// Leaves out of each loop the outputs that no node takes, the carries that no other output needs, and the arguments
/// that are then not read; and optimizes what is left of its body.
pub fn optimize_bodies(graph: &Graph) -> Graph {
    let mut loops: Vec<Loop> = Vec::new();
    let mut of: Vec<Option<usize>> = vec![None; graph.nodes.len()];
    for value in graph.values() {
        let node = graph.node(value);
        let Op::Scan(scan) = &node.op else { continue };
        let known = loops.iter().position(|other| other.is_of(node, scan));
        let index = known.unwrap_or_else(|| {
            loops.push(Loop { node: node.clone(), needed: BTreeSet::new() });
            loops.len() - 1
        });
        loops[index].needed.insert(scan.output);
        of[value.index()] = Some(index);
    }
    if loops.is_empty() {
        return graph.clone();
    }
    let slim: Vec<Slim> = loops.iter().map(Loop::slim).collect();
    let mut place = 0;
    rewrite(graph, |builder, node, args| {
        // The nodes that are emitted are those that are not inputs, in order.
        while matches!(graph.nodes[place].op, Op::Input(_)) {
            place += 1;
        }
        let index = of[place];
        place += 1;
        match (index, &node.op) {
            (Some(index), Op::Scan(scan)) => {
                let Slim { scan: after, args: kept, outputs } = &slim[index];
                let output = outputs.iter().position(|outputs| outputs.contains(&scan.output));
                let output = output.expect("an output that a node takes is kept");
                let args: Vec<_> = kept.iter().map(|&arg| args[arg]).collect();
                builder.apply(after.with_output(output), &args)
            }
            (_, op) => builder.apply(op.clone(), args),
        }
    })
}

/// A loop, by one of its nodes, and the outputs that nodes take.
struct Loop {
    node: Node,
    needed: BTreeSet<usize>,
}

/// What is left of a loop, the arguments it keeps, by their former numbers, and for each output the former numbers of
/// those that it now stands for.
struct Slim {
    scan: Scan,
    args: Vec<usize>,
    outputs: Vec<Vec<usize>>,
}

impl Loop {
    fn is_of(&self, node: &Node, scan: &Scan) -> bool {
        matches!(&self.node.op, Op::Scan(own) if own.is_same_loop(scan)) && self.node.args == node.args
    }

    fn slim(&self) -> Slim {
        let Op::Scan(scan) = &self.node.op else { unreachable!("loops are found by their nodes") };
        let body = &scan.body;
        let outputs = needed_outputs(body, &self.needed);
        let state = outputs.iter().filter(|&&output| output < body.state).count();
        let first = kept(body, &outputs, |carry| outputs.contains(&carry));
        let optimized = optimize(&with_inputs(body, &outputs, &first, state));
        // The passes may find out that results of a step are the same, and that still less is read.
        let mut different: Vec<usize> = (0..state).collect();
        let mut stands_for: Vec<Vec<usize>> = outputs[..state].iter().map(|&output| vec![output]).collect();
        for (place, &output) in outputs.iter().enumerate().skip(state) {
            let is_same = |other: &usize| optimized.outputs[*other] == optimized.outputs[place];
            match different[state..].iter().position(is_same) {
                Some(known) => stands_for[state + known].push(output),
                None => {
                    different.push(place);
                    stands_for.push(vec![output]);
                }
            }
        }
        let second = kept(&optimized, &different, |_| true);
        let optimized = with_inputs(&optimized, &different, &second, state);
        let args: Vec<usize> = second.into_iter().map(|input| first[input]).collect();
        let sequences = args.iter().filter(|&&arg| scan.sequence_range().contains(&arg)).count();
        Slim {
            scan: Scan { body: Arc::new(optimized), sequences, output: 0, ..scan.clone() },
            args,
            outputs: stands_for,
        }
    }
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

/// The inputs that these outputs read, and the carries that `keep` wants.
fn kept(body: &Graph, outputs: &[usize], keep: impl Fn(usize) -> bool) -> Vec<usize> {
    let read = inputs_read(body, outputs);
    (0..body.inputs.len())
        .filter(|&number| if number < body.state { keep(number) } else { read[number] })
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
