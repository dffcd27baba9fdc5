//! The checker: whether a graph keeps the rules that everything downstream relies on.

use std::collections::HashSet;

use crate::error::VerifyError;
use crate::graph::{Graph, Value};
use crate::op::Op;
use crate::ops::Compound;
use crate::types::Type;

/// Checks order, types, inputs, outputs and state. Run after every pass in debug builds, and on parsed programs.
pub fn verify(graph: &Graph) -> Result<(), VerifyError> {
    let mut known = HashSet::new();
    for value in graph.values() {
        // First what is inside: rules look into it.
        verify_bodies(graph, value, &mut known)?;
        verify_node(graph, value)?;
    }
    verify_inputs(graph)?;
    verify_outputs(graph)
}

fn verify_node(graph: &Graph, value: Value) -> Result<(), VerifyError> {
    let node = graph.node(value);
    if let Some(&argument) = node.args.iter().find(|arg| arg.index() >= value.index()) {
        return Err(VerifyError::Order { node: value, argument });
    }
    let types: Vec<&Type> = node.args.iter().map(|&arg| graph.ty(arg)).collect();
    let rules = node.op.rules();
    let inferred = rules.infer(&types).map_err(|source| VerifyError::Op { node: value, source })?;
    if inferred != node.ty {
        let (stated, inferred) = (Box::new(node.ty.clone()), Box::new(inferred));
        return Err(VerifyError::Type { node: value, op: rules.name(), stated, inferred });
    }
    Ok(())
}

/// Checks the graphs inside a node, but for those that another result of the same run has led to.
fn verify_bodies(graph: &Graph, value: Value, known: &mut HashSet<*const Graph>) -> Result<(), VerifyError> {
    for body in graph.node(value).op.rules().compound().into_iter().flat_map(Compound::bodies) {
        if known.insert(std::ptr::from_ref(body)) {
            let inside = |error| VerifyError::Inside { node: value, error: Box::new(error) };
            verify(body).map_err(inside)?;
        }
    }
    Ok(())
}

fn verify_inputs(graph: &Graph) -> Result<(), VerifyError> {
    for (index, &value) in graph.inputs.iter().enumerate() {
        let listed = graph
            .nodes
            .get(value.index())
            .is_some_and(|node| matches!(&node.op, Op::Input(input) if input.number == index));
        if !listed {
            return Err(VerifyError::Input { value, index });
        }
    }
    let is_listed = |value: &Value| match &graph.node(*value).op {
        Op::Input(input) => graph.inputs.get(input.number) == Some(value),
        _ => true,
    };
    match graph.values().find(|value| !is_listed(value)) {
        Some(value) => Err(VerifyError::Input { value, index: graph.inputs.len() }),
        None => Ok(()),
    }
}

fn verify_outputs(graph: &Graph) -> Result<(), VerifyError> {
    if let Some(&output) = graph.outputs.iter().find(|output| output.index() >= graph.nodes.len()) {
        return Err(VerifyError::Output { output });
    }
    let same = |index: &usize| match (graph.inputs.get(*index), graph.outputs.get(*index)) {
        (Some(&before), Some(&after)) => graph.ty(before) == graph.ty(after),
        (_, _) => false,
    };
    match (0..graph.state).find(|index| !same(index)) {
        Some(index) => Err(VerifyError::State { index }),
        None => Ok(()),
    }
}
