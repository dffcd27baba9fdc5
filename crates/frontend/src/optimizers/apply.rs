//! One step of any optimizer: what happens to gradients before its rule and to weights after it.

use cornu_ir::{DType, Expr, derived};

use crate::error::{Error, Result};
use crate::optimizers::{Common, LearningRate, Optimizer, Step, Stepped};

/// The whole step, in Keras's order: unscale, accumulate, clip, decay, update, average, constrain.
pub(super) fn apply<'b, O: Optimizer + ?Sized>(
    optimizer: &O,
    step: &Step<'_, 'b>,
    weights: &[Expr<'b>],
    gradients: &[Option<Expr<'b>>],
    slots: &[Expr<'b>],
) -> Result<Stepped<'b>> {
    if gradients.iter().all(Option::is_none) {
        return Err(Error::NotReady {
            what: "there is nothing to train: the loss depends on no trainable weight".into(),
            fix: "Set `trainable` on a layer that has weights, or look for a step without a derivative"
                .into(),
        });
    }
    let common = optimizer.common();
    let gradients = unscaled(common, gradients);
    let before = State::split(common, weights, slots);
    let count = step.iterations;
    let rate = learning_rate(common, step);
    let next = match common.gradient_accumulation_steps {
        None => {
            let step = Step { learning_rate: rate, ..*step };
            let updated = updated(optimizer, &step, &gradients, &before)?;
            finished(common, &step, &gradients, updated)
        }
        Some(steps) => {
            let of_updates = Step { iterations: count / steps as f64, learning_rate: rate, ..*step };
            accumulated(optimizer, &of_updates, is_multiple(count + 1.0, steps), &gradients, &before)?
        }
    };
    let State { weights, averages, sums, rule } = next;
    let slots = averages.into_iter().chain(sums).chain(rule).collect();
    Ok(Stepped { iterations: count + 1.0, weights, slots })
}

/// `then`, computed only where the predicate, a scalar, holds; else `otherwise`. Both give as many values, of the same
/// types. Weights and slots that a branch leaves as they are cost nothing.
pub(super) fn only_where<'b>(
    predicate: Expr<'b>,
    then: impl FnOnce() -> Result<Vec<Expr<'b>>>,
    otherwise: impl FnOnce() -> Vec<Expr<'b>>,
) -> Result<Vec<Expr<'b>>> {
    let mut failed = Ok(());
    let then = || {
        then().unwrap_or_else(|error| {
            failed = Err(error);
            Vec::new()
        })
    };
    let values = derived::conditional(predicate.builder(), predicate, then, otherwise);
    failed.map(|()| values)
}

/// All that a step changes.
#[derive(Clone)]
struct State<'b> {
    weights: Vec<Expr<'b>>,
    averages: Vec<Expr<'b>>,
    sums: Vec<Expr<'b>>,
    rule: Vec<Expr<'b>>,
}

impl<'b> State<'b> {
    fn split(common: &Common, weights: &[Expr<'b>], slots: &[Expr<'b>]) -> State<'b> {
        let count = |present: bool| if present { weights.len() } else { 0 };
        let (averages, rest) = slots.split_at(count(common.use_ema).min(slots.len()));
        let (sums, rule) = rest.split_at(count(common.gradient_accumulation_steps.is_some()).min(rest.len()));
        let [weights, averages, sums, rule] = [weights, averages, sums, rule].map(<[_]>::to_vec);
        State { weights, averages, sums, rule }
    }

    fn joined(self) -> Vec<Expr<'b>> {
        let State { weights, averages, sums, rule } = self;
        [weights, averages, sums, rule].concat()
    }
}

/// The variable, or the value of the schedule at the number of steps.
fn learning_rate<'b>(common: &Common, step: &Step<'_, 'b>) -> Expr<'b> {
    match &common.learning_rate {
        LearningRate::Fixed(_) => step.learning_rate,
        LearningRate::Schedule(schedule) => schedule.value(step.iterations),
    }
}

fn unscaled<'b>(common: &Common, gradients: &[Option<Expr<'b>>]) -> Vec<Option<Expr<'b>>> {
    let unscaled = |gradient: Expr<'b>| match common.loss_scale_factor {
        Some(factor) => gradient / factor,
        None => gradient,
    };
    gradients.iter().map(|gradient| gradient.map(unscaled)).collect()
}

/// Gradients are clipped, weights decay, the rule is applied.
fn updated<'b, O: Optimizer + ?Sized>(
    optimizer: &O,
    step: &Step<'_, 'b>,
    gradients: &[Option<Expr<'b>>],
    before: &State<'b>,
) -> Result<State<'b>> {
    let gradients = clipped(optimizer.common(), gradients);
    let decayed = decayed(optimizer, step, &before.weights, &gradients);
    let (weights, rule) = optimizer.update(step, &decayed, &gradients, &before.rule)?;
    Ok(State { weights, rule, ..before.clone() })
}

/// What follows every step, whether it has changed the weights or only added to sums.
fn finished<'b>(
    common: &Common,
    step: &Step<'_, 'b>,
    gradients: &[Option<Expr<'b>>],
    state: State<'b>,
) -> State<'b> {
    let averaged = averaged(common, step.iterations, state);
    State { weights: constrained(step, gradients, averaged.weights), ..averaged }
}

/// A step whose gradients are added to sums, and of which only every so many-th changes the weights, by the mean.
fn accumulated<'b, O: Optimizer + ?Sized>(
    optimizer: &O,
    step: &Step<'_, 'b>,
    is_last: Expr<'b>,
    gradients: &[Option<Expr<'b>>],
    before: &State<'b>,
) -> Result<State<'b>> {
    let common = optimizer.common();
    let steps = common.gradient_accumulation_steps.unwrap_or(1) as f64;
    let sum = |(gradient, &sum): (&Option<Expr<'b>>, &Expr<'b>)| {
        gradient.map_or(sum, |gradient| gradient.cast(sum.dtype()) + sum)
    };
    let sums = || -> Vec<Expr<'b>> { gradients.iter().zip(&before.sums).map(sum).collect() };
    let then = || {
        let pairs = gradients.iter().zip(sums());
        let means: Vec<_> = pairs.map(|(gradient, sum)| gradient.map(|_| sum / steps)).collect();
        let empty = before.sums.iter().map(|sum| sum.full_like(0.0)).collect();
        let updated = updated(optimizer, step, &means, before)?;
        Ok(finished(common, step, gradients, State { sums: empty, ..updated }).joined())
    };
    let otherwise = || {
        let added = State { sums: sums(), ..before.clone() };
        finished(common, step, gradients, added).joined()
    };
    let values = only_where(is_last, then, otherwise)?;
    let (weights, slots) = values.split_at(before.weights.len().min(values.len()));
    Ok(State::split(common, weights, slots))
}

fn is_multiple(count: Expr<'_>, of: i64) -> Expr<'_> {
    count.rem(count.number(of as f64)).eq(count.number(0.0))
}

fn clipped<'b>(common: &Common, gradients: &[Option<Expr<'b>>]) -> Vec<Option<Expr<'b>>> {
    let each =
        |clip: &dyn Fn(Expr<'b>) -> Expr<'b>| gradients.iter().map(|gradient| gradient.map(clip)).collect();
    if let Some(limit) = common.clipnorm.filter(|&limit| limit > 0.0) {
        return each(&|gradient| {
            let norm = gradient.square().sum_all().sqrt();
            gradient * limit / norm.max(norm.number(limit))
        });
    }
    if let Some(limit) = common.global_clipnorm.filter(|&limit| limit > 0.0) {
        let squares = gradients.iter().flatten().map(|gradient| gradient.square().sum_all().cast(DType::F32));
        let Some(total) = squares.reduce(|sum, square| sum + square) else { return gradients.to_vec() };
        let norm = total.sqrt();
        let scale = (1.0 / norm).min(norm.number(1.0 / limit)) * limit;
        // A norm that is not finite makes all gradients NaN, in place of hiding it.
        let scale = scale + norm * 0.0;
        return each(&|gradient| gradient * scale.cast(gradient.dtype()));
    }
    if let Some(limit) = common.clipvalue.filter(|&limit| limit > 0.0) {
        return each(&|gradient| gradient.clip(-limit, limit));
    }
    gradients.to_vec()
}

/// w - w·decay·learning rate, for weights that have a gradient.
fn decayed<'b, O: Optimizer + ?Sized>(
    optimizer: &O,
    step: &Step<'_, 'b>,
    weights: &[Expr<'b>],
    gradients: &[Option<Expr<'b>>],
) -> Vec<Expr<'b>> {
    let decays = step.weights.iter().map(|about| optimizer.decay_of(about));
    let one = |((&weight, gradient), decay): ((&Expr<'b>, &Option<Expr<'b>>), Option<f64>)| match decay
        .filter(|_| gradient.is_some())
    {
        Some(decay) => weight - weight * decay * step.rate_for(weight),
        None => weight,
    };
    weights.iter().zip(gradients).zip(decays).map(one).collect()
}

/// Moving averages of the weights, and the weights, which from time to time become their averages. The first average
/// is the weight.
fn averaged<'b>(common: &Common, updates: Expr<'b>, state: State<'b>) -> State<'b> {
    if !common.use_ema {
        return state;
    }
    let started = updates.ne(updates.number(0.0));
    let one = |(weight, &average): (&Expr<'b>, &Expr<'b>)| {
        let momentum = started.cast(weight.dtype()) * common.ema_momentum;
        average * momentum + *weight * (1.0 - momentum)
    };
    let averages: Vec<Expr<'b>> = state.weights.iter().zip(&state.averages).map(one).collect();
    let Some(frequency) = common.ema_overwrite_frequency else { return State { averages, ..state } };
    let now = is_multiple(updates + 1.0, frequency);
    let pairs = state.weights.iter().zip(&averages);
    let weights = pairs.map(|(&weight, &average)| now.select(average, weight)).collect();
    State { weights, averages, ..state }
}

/// The weights that have a gradient, as their constraints allow them.
fn constrained<'b>(
    step: &Step<'_, 'b>,
    gradients: &[Option<Expr<'b>>],
    weights: Vec<Expr<'b>>,
) -> Vec<Expr<'b>> {
    let one =
        |((weight, gradient), about): ((Expr<'b>, &Option<Expr<'b>>), &super::TrainedWeight)| match about
            .constraint
            .as_ref()
            .filter(|_| gradient.is_some())
        {
            Some(constraint) => constraint.project(weight),
            None => weight,
        };
    weights.into_iter().zip(gradients).zip(step.weights).map(one).collect()
}
