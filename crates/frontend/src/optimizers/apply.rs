//! One step of any optimizer: what happens to gradients before its rule and to weights after it.

use cornu_ir::{DType, Expr};

use crate::error::{Error, Result};
use crate::optimizers::{Common, LearningRate, Optimizer, Step, Updated};

/// The whole step but for constraints, in Keras's order: unscale, accumulate, clip, decay, update, average.
pub(super) fn apply<'b, O: Optimizer + ?Sized>(
    optimizer: &O,
    step: &Step<'b>,
    weights: &[Expr<'b>],
    gradients: &[Option<Expr<'b>>],
    slots: &[Expr<'b>],
) -> Result<Updated<'b>> {
    if gradients.iter().all(Option::is_none) {
        return Err(Error::NotReady {
            what: "there is nothing to train: the loss depends on no trainable weight".into(),
            fix: "Set `trainable` on a layer that has weights, or look for a step without a derivative"
                .into(),
        });
    }
    let common = optimizer.common();
    let kept = Kept::split(common, weights.len(), slots);
    let step = Step { learning_rate: learning_rate(common, step), ..*step };
    let accumulation = Accumulation::of(common, &step);

    let gradients = unscaled(common, gradients);
    let (gradients, sums) = accumulation.gradients(&gradients, kept.sums);
    let gradients = clipped(common, gradients);
    let decayed = decayed(common, &step, weights, &gradients);
    let rule_step = Step { iterations: accumulation.updates, ..step };
    let (updated, rule_slots) = optimizer.update(&rule_step, &decayed, &gradients, kept.rule)?;
    let updated = accumulation.choose(updated, weights);
    let rule_slots = accumulation.choose(rule_slots, kept.rule);
    let (weights, averages) = averaged(common, accumulation.updates, updated, kept.averages);

    Ok((weights, averages.into_iter().chain(sums).chain(rule_slots).collect()))
}

/// The parts of an optimizer's state.
struct Kept<'s, 'b> {
    averages: &'s [Expr<'b>],
    sums: &'s [Expr<'b>],
    rule: &'s [Expr<'b>],
}

impl<'s, 'b> Kept<'s, 'b> {
    fn split(common: &Common, weights: usize, slots: &'s [Expr<'b>]) -> Kept<'s, 'b> {
        let count = |present: bool| if present { weights } else { 0 };
        let (averages, rest) = slots.split_at(count(common.use_ema).min(slots.len()));
        let (sums, rule) = rest.split_at(count(common.gradient_accumulation_steps.is_some()).min(rest.len()));
        Kept { averages, sums, rule }
    }
}

/// The variable, or the value of the schedule at the number of steps.
fn learning_rate<'b>(common: &Common, step: &Step<'b>) -> Expr<'b> {
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

/// Gradients summed over several steps, of which only the last changes the weights.
struct Accumulation<'b> {
    steps: Option<i64>,
    /// Whether this is the last of its steps; true if there is but one.
    is_last: Option<Expr<'b>>,
    /// Updates made before.
    updates: Expr<'b>,
}

impl<'b> Accumulation<'b> {
    fn of(common: &Common, step: &Step<'b>) -> Accumulation<'b> {
        let count = step.iterations;
        let Some(steps) = common.gradient_accumulation_steps else {
            return Accumulation { steps: None, is_last: None, updates: count };
        };
        let is_last = is_multiple(count + 1.0, steps);
        Accumulation { steps: Some(steps), is_last: Some(is_last), updates: count / steps as f64 }
    }

    /// The gradients to use if this step is the last, and the sums that are kept.
    fn gradients(
        &self,
        gradients: &[Option<Expr<'b>>],
        sums: &[Expr<'b>],
    ) -> (Vec<Option<Expr<'b>>>, Vec<Expr<'b>>) {
        let (Some(steps), Some(is_last)) = (self.steps, self.is_last) else {
            return (gradients.to_vec(), sums.to_vec());
        };
        let pairs = gradients.iter().zip(sums);
        let one = |(gradient, &kept): (&Option<Expr<'b>>, &Expr<'b>)| match gradient {
            Some(gradient) => {
                let sum = gradient.cast(kept.dtype()) + kept;
                (Some(sum / steps as f64), is_last.select(sum.full_like(0.0), sum))
            }
            None => (None, kept),
        };
        pairs.map(one).unzip()
    }

    /// The new values if this step is the last, else the old ones.
    fn choose(&self, new: Vec<Expr<'b>>, old: &[Expr<'b>]) -> Vec<Expr<'b>> {
        match self.is_last {
            Some(is_last) => new.into_iter().zip(old).map(|(new, &old)| is_last.select(new, old)).collect(),
            None => new,
        }
    }
}

fn is_multiple(count: Expr<'_>, of: i64) -> Expr<'_> {
    count.rem(count.number(of as f64)).eq(count.number(0.0))
}

fn clipped<'b>(common: &Common, gradients: Vec<Option<Expr<'b>>>) -> Vec<Option<Expr<'b>>> {
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
        let Some(total) = squares.reduce(|sum, square| sum + square) else { return gradients };
        let norm = total.sqrt();
        let scale = (1.0 / norm).min(norm.number(1.0 / limit)) * limit;
        // A norm that is not finite makes every gradient NaN, so that it is seen.
        let scale = scale + norm * 0.0;
        return each(&|gradient| gradient * scale.cast(gradient.dtype()));
    }
    if let Some(limit) = common.clipvalue.filter(|&limit| limit > 0.0) {
        return each(&|gradient| gradient.clip(-limit, limit));
    }
    gradients
}

/// w - w·decay·learning rate, for weights that have a gradient.
fn decayed<'b>(
    common: &Common,
    step: &Step<'b>,
    weights: &[Expr<'b>],
    gradients: &[Option<Expr<'b>>],
) -> Vec<Expr<'b>> {
    let Some(decay) = common.weight_decay else { return weights.to_vec() };
    let one = |(&weight, gradient): (&Expr<'b>, &Option<Expr<'b>>)| match gradient {
        Some(_) => weight - weight * decay * step.learning_rate.cast(weight.dtype()),
        None => weight,
    };
    weights.iter().zip(gradients).map(one).collect()
}

/// Moving averages of the weights, and the weights, which from time to time become their averages. The first average
/// is the weight.
fn averaged<'b>(
    common: &Common,
    updates: Expr<'b>,
    weights: Vec<Expr<'b>>,
    averages: &[Expr<'b>],
) -> (Vec<Expr<'b>>, Vec<Expr<'b>>) {
    if !common.use_ema {
        return (weights, averages.to_vec());
    }
    let started = updates.ne(updates.number(0.0));
    let one = |(weight, &average): (&Expr<'b>, &Expr<'b>)| {
        let momentum = started.cast(weight.dtype()) * common.ema_momentum;
        average * momentum + *weight * (1.0 - momentum)
    };
    let averages: Vec<Expr<'b>> = weights.iter().zip(averages).map(one).collect();
    let Some(frequency) = common.ema_overwrite_frequency else { return (weights, averages) };
    let now = is_multiple(updates + 1.0, frequency);
    let overwritten =
        weights.into_iter().zip(&averages).map(|(weight, &average)| now.select(average, weight));
    (overwritten.collect(), averages)
}
