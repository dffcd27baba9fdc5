//! The gradient: one reverse walk that asks each op on the way what its arguments receive.

mod along_time;
mod compound;
mod conditional;
mod total;

use crate::error::GradError;
use crate::expr::Expr;
use crate::graph::Value;
use crate::op::{At, Grads};

/// The derivative of the scalar `of` with respect to each of `wrt`, as new nodes of the same graph.
///
/// `None` where `of` does not depend on the value, or only through steps whose derivative is zero. An op on the way
/// that has no derivative is an error.
pub fn gradients<'b>(of: Expr<'b>, wrt: &[Expr<'b>]) -> Result<Vec<Option<Expr<'b>>>, GradError> {
    let ty = of.ty();
    if ty.shape.rank() != 0 || !ty.dtype.is_float() {
        return Err(GradError::NotAScalar { value: of.value(), ty });
    }
    pull_back(&[(of, of.full_like(1.0))], wrt)
}

/// What each of `wrt` receives when values receive cotangents.
fn pull_back<'b>(
    seeds: &[(Expr<'b>, Expr<'b>)],
    wrt: &[Expr<'b>],
) -> Result<Vec<Option<Expr<'b>>>, GradError> {
    let Some(last) = seeds.iter().map(|(of, _)| *of).max_by_key(|of| of.value()) else {
        return Ok(vec![None; wrt.len()]);
    };
    let relevant = dependents(last, wrt);
    let mut cotangents: Cotangents<'b> = vec![None; relevant.len()];
    seeds.iter().for_each(|&(of, cotangent)| receive(&mut cotangents, of.value(), cotangent));
    for index in (0..relevant.len()).rev().filter(|&index| relevant[index]) {
        let at = last.builder().expr(Value::new(index));
        let node = at.node();
        at.builder().coming_from(node.origin.gradient(), || {
            if node.op.rules().compound().is_some() {
                compound::propagate(at, &node, &relevant, &mut cotangents)
            } else if let Some(cotangent) = cotangents[index] {
                propagate(at, cotangent, &relevant, &mut cotangents)
            } else {
                Ok(())
            }
        })?;
    }
    Ok(wrt.iter().map(|value| cotangents.get(value.value().index()).copied().flatten()).collect())
}

/// What each node has received so far.
type Cotangents<'b> = Vec<Option<Expr<'b>>>;

fn receive<'b>(cotangents: &mut Cotangents<'b>, value: Value, received: Expr<'b>) {
    let sum = &mut cotangents[value.index()];
    *sum = Some(sum.map_or(received, |before| before + received));
}

/// For every node up to `of`: whether it is one of `wrt`, or a float computed from one.
fn dependents(of: Expr<'_>, wrt: &[Expr<'_>]) -> Vec<bool> {
    let mut depends = vec![false; of.value().index() + 1];
    for value in wrt {
        if let Some(place) = depends.get_mut(value.value().index()) {
            *place = true;
        }
    }
    for index in 0..depends.len() {
        let node = of.builder().node(Value::new(index));
        depends[index] |= node.ty.dtype.is_float() && node.args.iter().any(|arg| depends[arg.index()]);
    }
    depends
}

/// Adds to the cotangents of a node's arguments what they receive from it.
fn propagate<'b>(
    at: Expr<'b>,
    cotangent: Expr<'b>,
    relevant: &[bool],
    cotangents: &mut Cotangents<'b>,
) -> Result<(), GradError> {
    let node = at.node();
    if !node.args.iter().any(|arg| relevant[arg.index()]) {
        return Ok(());
    }
    let args = node.args.iter().map(|&arg| at.builder().expr(arg)).collect();
    let rules = node.op.rules();
    let received = match rules.grad(&At { args, value: at }, cotangent) {
        Grads::Each(received) => received,
        Grads::Undefined(reason) => {
            return Err(GradError::Undefined { value: at.value(), op: rules.name(), reason });
        }
    };
    for (arg, received) in node.args.iter().zip(received) {
        if let Some(received) = received.filter(|_| relevant[arg.index()]) {
            receive(cotangents, *arg, received);
        }
    }
    Ok(())
}
