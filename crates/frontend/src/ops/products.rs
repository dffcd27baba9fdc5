//! Operations that are sums of products.

use cornu_ir::Expr;
use cornu_ir::ops::Dot;
use serde_json::Value;

use super::call::Call;
use super::elementwise::Outputs;
use super::operand::number;
use crate::einsum::einsum;
use crate::error::{Error, Result};
use crate::shapes;

/// Matrix products over the last two axes, broadcast over all before them.
pub(super) fn matmul<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let [a, b] = call.promoted()?.map(number);
    let equation = match (a.rank(), b.rank()) {
        (0, _) | (_, 0) => return Err(misfit(call, a, b, "Neither may be a single number")),
        (1, 1) => "j,j->",
        (1, _) => "j,...jk->...k",
        (_, 1) => "...ij,j->...i",
        (_, _) => "...ij,...jk->...ik",
    };
    let inner = if b.rank() == 1 { b.shape()[0] } else { b.shape()[b.rank() - 2] };
    if a.shape().last() != Some(&inner) {
        return Err(misfit(call, a, b, "The last size of the first is the last but one of the second"));
    }
    let product = einsum(equation, &[a, b]);
    Ok(vec![product.map_err(|_| misfit(call, a, b, "The sizes before the matrices must be equal or 1"))?])
}

fn misfit(call: &Call<'_, '_>, a: Expr<'_>, b: Expr<'_>, fix: &str) -> Error {
    Error::Shapes {
        what: call.class.to_string(),
        left: Box::new(a.ty()),
        right: Box::new(b.ty()),
        fix: fix.to_string(),
    }
}

/// The last axis of the first with the last but one of the second.
pub(super) fn dot<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let [a, b] = call.promoted()?.map(number);
    if a.rank() == 0 || b.rank() == 0 {
        return Ok(vec![a * b]);
    }
    contracted(call, a, b, &[a.rank() - 1], &[b.rank().saturating_sub(2)])
}

/// The last axes of both.
pub(super) fn inner<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let [a, b] = call.promoted()?.map(number);
    if a.rank() == 0 || b.rank() == 0 {
        return Ok(vec![a * b]);
    }
    contracted(call, a, b, &[a.rank() - 1], &[b.rank() - 1])
}

/// Every element of the first with every one of the second.
pub(super) fn outer<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let [a, b] = call.promoted()?.map(|x| number(x).reshape([x.shape().elements()]));
    contracted(call, a, b, &[], &[])
}

/// Given axes of both, or the last of the first with as many of the first of the second.
pub(super) fn tensordot<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let [a, b] = call.promoted()?.map(number);
    let needed = "a number of axes, or two lists of axes";
    let (left, right): (Vec<i64>, Vec<i64>) = match call.attributes().value("axes") {
        Some(Value::Array(lists)) if lists.len() == 2 => {
            let list = |value: &Value| match value {
                Value::Array(items) => items.iter().map(Value::as_i64).collect::<Option<Vec<i64>>>(),
                other => other.as_i64().map(|axis| vec![axis]),
            };
            list(&lists[0]).zip(list(&lists[1])).ok_or_else(|| call.attributes().wrong("axes", needed))?
        }
        _ => {
            let count = call.attributes().size("axes")?.unwrap_or(2) as i64;
            ((-count..0).collect(), (0..count).collect())
        }
    };
    let axes = |given: &[i64], x: Expr<'b>| {
        given.iter().map(|&axis| shapes::axis(call.class, axis, x)).collect::<Result<Vec<usize>>>()
    };
    contracted(call, a, b, &axes(&left, a)?, &axes(&right, b)?)
}

fn contracted<'b>(
    call: &Call<'_, 'b>,
    a: Expr<'b>,
    b: Expr<'b>,
    left: &[usize],
    right: &[usize],
) -> Outputs<'b> {
    let sizes =
        |x: Expr<'b>, axes: &[usize]| axes.iter().map(|&axis| x.shape()[axis]).collect::<Vec<usize>>();
    if sizes(a, left) != sizes(b, right) {
        return Err(misfit(call, a, b, "The sizes of the contracted axes must be equal"));
    }
    Ok(vec![a.dot(b, Dot::contracting(left.to_vec(), right.to_vec()))])
}

/// By an equation.
pub(super) fn einsum_op<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let equation = call.attributes().text("subscripts")?.unwrap_or_default().to_string();
    let operands: Vec<Expr<'b>> = call.all()?.into_iter().map(number).collect();
    Ok(vec![einsum(&equation, &operands)?])
}
