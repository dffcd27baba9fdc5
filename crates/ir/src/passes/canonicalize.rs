//! Dots become batches of plain matrix products, the one form that plans and kernels know.
//!
//! After this pass a dot's left argument is `[b,m,k]` or `[b,k,m]` and its right one `[b,k,n]` or `[b,n,k]`, all axes
//! present. Groups of axes that lie together are joined by a reshape, which is free; others are first moved by a
//! transpose, which is not.

use super::rewrite;
use crate::expr::Expr;
use crate::graph::Graph;
use crate::op::Op;
use crate::ops::Dot;

/// Rewrites every dot into a batch of matrix products.
pub fn canonicalize(graph: &Graph) -> Graph {
    rewrite(graph, |builder, node, args| match &node.op {
        Op::Dot(dot) => product(dot, args[0], args[1]).reshape(node.ty.shape.clone()),
        _ => builder.apply(node.op.clone(), args),
    })
}

fn product<'b>(dot: &Dot, lhs: Expr<'b>, rhs: Expr<'b>) -> Expr<'b> {
    let sizes = dot.sizes(&lhs.shape(), &rhs.shape());
    // Both sides list the contracted axes in one order: the one in which they lie on the larger side.
    let mut pairs: Vec<(usize, usize)> =
        dot.lhs_contract.iter().copied().zip(dot.rhs_contract.iter().copied()).collect();
    pairs.sort_unstable_by_key(|&(left, right)| if sizes.m >= sizes.n { left } else { right });
    let (left, right): (Vec<usize>, Vec<usize>) = pairs.into_iter().unzip();
    let (lhs, lhs_last) = joined(lhs, &dot.lhs_batch, &dot.lhs_free(lhs.rank()), &left, [sizes.m, sizes.k]);
    let (rhs, rhs_last) = joined(rhs, &dot.rhs_batch, &dot.rhs_free(rhs.rank()), &right, [sizes.n, sizes.k]);
    let axis = |last: bool| if last { 2 } else { 1 };
    lhs.dot(rhs, Dot::contracting([axis(lhs_last)], [axis(rhs_last)]).batched([0], [0]))
}

/// The argument as `[batch, free, contracted]`, and `true`; or as `[batch, contracted, free]`, and `false`, where its
/// axes lie so already.
fn joined<'b>(
    x: Expr<'b>,
    batch: &[usize],
    free: &[usize],
    contract: &[usize],
    sizes: [usize; 2],
) -> (Expr<'b>, bool) {
    let [free_size, contract_size] = sizes;
    let shape = x.shape();
    let batch_size = batch.iter().map(|&axis| shape[axis]).product();
    // Axes of size 1 lie anywhere.
    let lies =
        |groups: [&[usize]; 3]| groups.concat().into_iter().filter(|&axis| shape[axis] != 1).is_sorted();
    if !lies([batch, free, contract]) && lies([batch, contract, free]) {
        return (x.reshape([batch_size, contract_size, free_size]), false);
    }
    if lies([batch, free, contract]) {
        return (x.reshape([batch_size, free_size, contract_size]), true);
    }
    // The last axis stays the last: whole rows are moved then.
    if free.last() == Some(&(shape.rank() - 1)) {
        let x = x.transpose(&[batch, contract, free].concat());
        return (x.reshape([batch_size, contract_size, free_size]), false);
    }
    let x = x.transpose(&[batch, free, contract].concat());
    (x.reshape([batch_size, free_size, contract_size]), true)
}
