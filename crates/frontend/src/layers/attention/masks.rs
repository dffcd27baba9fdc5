//! Masks of scores: which query may look at which key.

use cornu_ir::{DType, Expr, Type};

use super::super::Context;
use crate::error::{Error, Result};
use crate::shapes;

/// True where a mask lets something pass, whatever its element type.
pub(super) fn as_bool(mask: Expr<'_>) -> Expr<'_> {
    if mask.dtype() == DType::Bool { mask } else { mask.ne(mask.number(0.0)) }
}

/// Both masks hold. Shapes are lined up as NumPy does.
pub(super) fn both<'b>(a: Option<Expr<'b>>, b: Expr<'b>) -> Result<Expr<'b>> {
    let Some(a) = a else { return Ok(b) };
    if shapes::common(&a.shape(), &b.shape()).is_none() {
        return Err(Error::Shapes {
            what: "two masks of an attention".to_string(),
            left: Box::new(a.ty()),
            right: Box::new(b.ty()),
            fix: "Their sizes must be equal or 1, from the last axis on".to_string(),
        });
    }
    let (a, b) = shapes::lined_up(a, b);
    Ok(a.and(b))
}

/// The coordinates of queries and of keys, `[1, queries, keys]`.
fn places<'b>(beside: Expr<'b>, queries: usize, keys: usize) -> (Expr<'b>, Expr<'b>) {
    let ty = Type::new(DType::I32, [1, queries, keys]);
    (beside.builder().iota(ty.clone(), 1), beside.builder().iota(ty, 2))
}

/// No query looks at keys after its own place: `[1, queries, keys]`.
pub(super) fn causal(beside: Expr<'_>, queries: usize, keys: usize) -> Expr<'_> {
    let (query, key) = places(beside, queries, keys);
    query.ge(key)
}

/// Each query looks at keys less than `width` places away: `[1, queries, keys]`.
pub(super) fn sliding(beside: Expr<'_>, queries: usize, keys: usize, width: usize) -> Expr<'_> {
    let (query, key) = places(beside, queries, keys);
    let distance = (query - key).abs();
    distance.lt(distance.number(width as f64))
}

/// The mask of multi-head scores from all that a call says of it: `[batch, queries, keys]`, or what broadcasts to it.
pub(super) fn of_call<'b>(
    context: &Context<'_, 'b>,
    [query, value]: [Expr<'b>; 2],
    [query_mask, value_mask, key_mask]: [Option<Expr<'b>>; 3],
    sliding_window: Option<usize>,
) -> Result<Option<Expr<'b>>> {
    let (queries, keys) = (query.shape()[1], value.shape()[1]);
    let mut mask = context.argument(6, "attention_mask").map(|mask| as_bool(mask.value));
    let query_mask = query_mask.map(|mask| as_bool(mask).expand(mask.rank()));
    let over_keys = [value_mask, key_mask].into_iter().flatten();
    let over_keys = over_keys.map(|mask| as_bool(mask).expand(mask.rank().saturating_sub(1)));
    let causal = context.flag("use_causal_mask").then(|| causal(query, queries, keys));
    let sliding = sliding_window.map(|width| sliding(query, queries, keys, width));
    for other in query_mask.into_iter().chain(over_keys).chain(causal).chain(sliding) {
        mask = Some(both(mask, other)?);
    }
    Ok(mask)
}
