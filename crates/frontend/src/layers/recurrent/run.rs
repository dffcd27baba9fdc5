//! A cell run along time: what all recurrent layers do.

use cornu_ir::derived::{Loop, Step, try_along_time};
use cornu_ir::ops::stacked_type;
use cornu_ir::{DType, Expr, Type};

use super::{Cell, Flags};
use crate::error::{Error, Result};
use crate::initializers::Zeros;
use crate::layers::{AnyLayer, Context, Spec, Sublayer, Weights};

/// The cell in a layer, or the error that it is none.
pub(super) fn as_cell(cell: &AnyLayer) -> Result<&dyn Cell> {
    let needed = "a cell: a layer that takes one step";
    cell.layer().as_cell().ok_or_else(|| Error::config("RNN", "cell", cell.class_name(), needed))
}

/// The spec of one step of sequences of this spec.
fn step_spec(sequences: &Spec) -> Spec {
    let shape: Vec<Option<usize>> =
        sequences.shape.iter().enumerate().filter(|(axis, _)| *axis != 1).map(|(_, &size)| size).collect();
    Spec::new(sequences.dtype, shape)
}

/// Builds a cell for sequences of this spec, and what a stateful layer remembers.
pub(super) fn build(
    class: &str,
    cell: &AnyLayer,
    flags: &Flags,
    inputs: &[Spec],
    weights: &mut Weights,
) -> Result<()> {
    let wrong = |reason: String, weights: &Weights| Error::Layer { path: weights.scope(), reason };
    let sequences = inputs.first().filter(|sequences| sequences.rank() >= 3).ok_or_else(|| {
        let got = inputs.first().map_or("nothing".to_string(), |input| input.to_string());
        wrong(format!("{class} needs sequences (batch, time, features); it got {got}"), weights)
    })?;
    let step = step_spec(sequences);
    cell.name_unless_named(|| crate::saving::snake_case::snake_case(cell.class_name()));
    cell.build(std::slice::from_ref(&step), weights)?;
    if !flags.stateful {
        return Ok(());
    }
    let Some(batch) = sequences.shape[0] else {
        let reason = format!(
            "{class} with stateful=true needs a fixed batch size; the input is {sequences}. Give the `Input` one"
        );
        return Err(wrong(reason, weights));
    };
    for (index, shape) in as_cell(cell)?.state_shapes(&step)?.into_iter().enumerate() {
        let shape: Vec<usize> = std::iter::once(batch).chain(shape).collect();
        weights.add(&state_name(index), shape, std::sync::Arc::new(Zeros))?.unsaved();
    }
    Ok(())
}

fn state_name(index: usize) -> String {
    format!("rnn_state_{index}")
}

/// The layer around a cell as its sublayer.
pub(super) fn sublayer(cell: &AnyLayer) -> Vec<Sublayer<'_>> {
    vec![Sublayer::new("cell", cell)]
}

/// Runs the cell: the output, and with `return_state` the last states. The inputs are the sequences, and perhaps the
/// first states, which may be given by name too.
pub(super) fn run<'b>(
    cell: &AnyLayer,
    flags: &Flags,
    context: &mut Context<'_, 'b>,
    inputs: &[Expr<'b>],
) -> Result<Vec<Expr<'b>>> {
    let Some((&sequences, given)) = inputs.split_first().filter(|(sequences, _)| sequences.rank() >= 3)
    else {
        let reason = "takes sequences (batch, time, features)".to_string();
        return Err(Error::Layer { path: context.path(), reason });
    };
    let first = first_states(cell, flags, context, sequences, given)?;
    let mask = context.mask(0);
    if let Some(mask) = mask.filter(|mask| mask.shape()[..] != sequences.shape()[..2]) {
        let reason = format!("the mask {} does not fit the steps of {}", mask.ty(), sequences.ty());
        return Err(Error::Layer { path: context.path(), reason });
    }
    let Ran { output, states } = along_time(cell, flags, context, sequences, first, mask)?;
    if flags.stateful {
        for (index, &state) in states.iter().enumerate() {
            context.update_weight(&state_name(index), state);
        }
    }
    context.set_output_mask(0, mask.filter(|_| flags.return_sequences));
    if !flags.return_state {
        return Ok(vec![output]);
    }
    (1..=states.len()).for_each(|index| context.set_output_mask(index, None));
    Ok(std::iter::once(output).chain(states).collect())
}

/// The states that the first step gets: those given, those remembered, or zeros.
fn first_states<'b>(
    cell: &AnyLayer,
    flags: &Flags,
    context: &mut Context<'_, 'b>,
    sequences: Expr<'b>,
    given: &[Expr<'b>],
) -> Result<Vec<Expr<'b>>> {
    let step = step_spec(&Spec::of(&sequences.ty()));
    let batch = sequences.shape()[0];
    let dtype = cell.compute_dtype_in(context)?;
    let types: Vec<Type> = as_cell(cell)?
        .state_shapes(&step)?
        .into_iter()
        .map(|shape| Type::new(dtype, std::iter::once(batch).chain(shape).collect::<Vec<_>>()))
        .collect();
    let by_name = context.keywords("initial_state");
    let given = if by_name.is_empty() { given.to_vec() } else { by_name };
    if given.is_empty() && flags.stateful {
        let state = |index| Ok(context.variable(&state_name(index))?.cast(dtype));
        return (0..types.len()).map(state).collect();
    }
    if given.is_empty() {
        return Ok(types.iter().map(|ty| context.builder().full(ty, 0.0)).collect());
    }
    if !given.iter().map(|state| state.shape()).eq(types.iter().map(|ty| ty.shape.clone())) {
        let listed = |types: Vec<Type>| types.iter().map(Type::to_string).collect::<Vec<_>>().join(", ");
        let got = listed(given.iter().map(|state| state.ty()).collect());
        let reason = format!("needs the initial states {}; it got {got}", listed(types));
        return Err(Error::Layer { path: context.path(), reason });
    }
    Ok(given.into_iter().map(|state| state.cast(dtype)).collect())
}

/// What a layer has run: its output, and the last states.
struct Ran<'b> {
    output: Expr<'b>,
    states: Vec<Expr<'b>>,
}

fn along_time<'b>(
    cell: &AnyLayer,
    flags: &Flags,
    context: &mut Context<'_, 'b>,
    sequences: Expr<'b>,
    first: Vec<Expr<'b>>,
    mask: Option<Expr<'b>>,
) -> Result<Ran<'b>> {
    let b = context.builder();
    let length = sequences.shape()[1];
    let kept = as_cell(cell)?.output_state();
    // Where the output is a state, the last output is the last of that state, and needs no results of all steps.
    let mut output_is_state = None;
    let mut output_type = None;
    let steps = Loop {
        length,
        reverse: flags.go_backwards,
        carries: first.clone(),
        sequences: std::iter::once(sequences).chain(mask).map(time_first).collect(),
    };
    let (states, results) = try_along_time(b, steps, |states, slices| {
        let inputs: Vec<Expr<'b>> = std::iter::once(slices[0]).chain(states.iter().copied()).collect();
        let given = cell.call(context, &inputs)?;
        let Some((&output, next)) = given.split_first().filter(|(_, next)| next.len() == states.len()) else {
            let reason = format!("the cell gives {} values, not an output and its states", given.len());
            return Err(Error::Layer { path: context.path(), reason });
        };
        let step = match slices.get(1) {
            Some(&counts) => masked(counts, output, next, states, kept, flags.zero_output_for_mask),
            None => (output, next.to_vec()),
        };
        let (output, next) = step;
        output_type = Some(output.ty());
        output_is_state = next.iter().position(|state| state.value() == output.value());
        let wanted = flags.return_sequences || output_is_state.is_none();
        Ok(Step { carries: next, results: if wanted { vec![output] } else { Vec::new() } })
    })?;
    let output = match (results.first(), output_is_state) {
        (Some(&results), _) if flags.return_sequences => {
            let in_order = if flags.go_backwards { results.reverse(&[0]) } else { results };
            time_first(in_order)
        }
        (Some(&results), _) if length > 0 => {
            let last = if flags.go_backwards { 0 } else { length - 1 };
            results.slice_axis(0, last, last + 1).squeeze(&[0])
        }
        (_, Some(state)) => states[state],
        (_, None) => match output_type {
            Some(ty) => b.full(&ty, 0.0),
            None => b.full(&stacked_type(&sequences.ty(), 0), 0.0),
        },
    };
    Ok(Ran { output, states })
}

/// A step where some samples are masked: their states stay, and the output is the one before, or zero.
fn masked<'b>(
    counts: Expr<'b>,
    output: Expr<'b>,
    next: &[Expr<'b>],
    states: &[Expr<'b>],
    kept: usize,
    zero: bool,
) -> (Expr<'b>, Vec<Expr<'b>>) {
    let choose =
        |yes: Expr<'b>, no: Expr<'b>| counts.cast(DType::Bool).broadcast(yes.shape(), &[0]).select(yes, no);
    let chosen: Vec<Expr<'b>> = next.iter().zip(states).map(|(&next, &state)| choose(next, state)).collect();
    let before = states.get(kept).copied().filter(|state| !zero && state.ty() == output.ty());
    let same = next.get(kept).is_some_and(|next| next.value() == output.value());
    match before {
        Some(_) if same => (chosen[kept], chosen),
        Some(before) => (choose(output, before), chosen),
        None => (choose(output, output.full_like(0.0)), chosen),
    }
}

/// Batch and time change places.
fn time_first(x: Expr<'_>) -> Expr<'_> {
    let order: Vec<usize> = [1, 0].into_iter().chain(2..x.rank()).collect();
    x.transpose(&order)
}
