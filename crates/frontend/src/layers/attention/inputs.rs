//! What goes into an attention with heads: query, value and perhaps key, with their masks.

use cornu_ir::Expr;

use super::super::{Context, Masked, Spec};
use crate::error::{Error, Result};

/// Specs of query, value and key; of the value again, where there is no key. Refuses what cannot be attended over.
pub(super) fn specs(class: &str, inputs: &[Spec]) -> Result<[Spec; 3]> {
    let fail = |reason: String| Err(Error::Layer { path: String::new(), reason });
    let (query, value, key) = match inputs {
        [query, value] => (query, value, value),
        [query, value, key] => (query, value, key),
        _ => {
            return fail(format!(
                "{class} takes query, value and perhaps key; it got {} inputs",
                inputs.len()
            ));
        }
    };
    if query.rank() < 3 || query.rank() != value.rank() || query.rank() != key.rank() {
        return fail(format!(
            "{class} needs query, value and key of one number of axes, 3 or more; it got {query}, {value} and {key}"
        ));
    }
    let middle = |spec: &Spec| spec.shape[1..spec.rank() - 1].to_vec();
    if middle(value).iter().zip(&middle(key)).any(|(a, b)| a.is_some() && b.is_some() && a != b) {
        return fail(format!("{class} needs a key for each value; it got values {value} and keys {key}"));
    }
    Ok([query.clone(), value.clone(), key.clone()])
}

/// Query, value and key of a call.
pub(super) fn inputs<'b>(context: &Context<'_, 'b>, class: &str) -> Result<[Masked<'b>; 3]> {
    let query = context.argument(0, "query");
    let Some((query, value)) = query.zip(context.argument(1, "value")) else {
        let reason = format!("{class} is called with a query and a value");
        return Err(Error::Layer { path: context.path(), reason });
    };
    Ok([query, value, context.argument(2, "key").unwrap_or(value)])
}

/// The mask given by this name, or the one that came along.
pub(super) fn mask<'b>(
    context: &Context<'_, 'b>,
    position: usize,
    name: &str,
    input: Masked<'b>,
) -> Option<Expr<'b>> {
    context.argument(position, name).map(|mask| mask.value).or(input.mask)
}

/// The mask of the keys, if they are not the values.
pub(super) fn key_mask<'b>(context: &Context<'_, 'b>) -> Option<Expr<'b>> {
    let given = context.argument(5, "key_mask").map(|mask| mask.value);
    given.or_else(|| context.argument(2, "key").and_then(|key| key.mask))
}
