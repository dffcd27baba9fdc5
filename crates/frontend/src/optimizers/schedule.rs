//! Schedules: learning rates that depend on the number of steps, computed inside the step.

mod config;
mod custom;

use std::f64::consts::PI;

use cornu_ir::interpret::interpret;
use cornu_ir::{Builder, DType, Expr, Tensor};

pub use custom::{CustomSchedule, register_schedule};

/// A learning rate as a function of s, the number of steps made so far. The variants are Keras's classes.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Schedule {
    /// rate·decay_rate^(s/decay_steps); in a staircase the exponent is rounded down.
    ExponentialDecay { initial_learning_rate: f64, decay_steps: f64, decay_rate: f64, staircase: bool },
    /// Each value up to its boundary, the last value beyond the last boundary.
    PiecewiseConstantDecay { boundaries: Vec<f64>, values: Vec<f64> },
    /// (rate - end)·(1 - s/decay_steps)^power + end, and end from there on, or again with longer steps in cycles.
    PolynomialDecay {
        initial_learning_rate: f64,
        decay_steps: f64,
        end_learning_rate: f64,
        power: f64,
        cycle: bool,
    },
    /// rate/(1 + decay_rate·s/decay_steps); in a staircase the quotient is rounded down.
    InverseTimeDecay { initial_learning_rate: f64, decay_steps: f64, decay_rate: f64, staircase: bool },
    /// Half a cosine from rate (from the target, after a linear warm-up) down to alpha times that.
    ///
    /// Loshchilov, Hutter 2016, <https://arxiv.org/abs/1608.03983>.
    CosineDecay {
        initial_learning_rate: f64,
        decay_steps: f64,
        alpha: f64,
        warmup_target: Option<f64>,
        warmup_steps: f64,
    },
    /// Half cosines, each `t_mul` times as long and `m_mul` times as high as the last.
    CosineDecayRestarts {
        initial_learning_rate: f64,
        first_decay_steps: f64,
        t_mul: f64,
        m_mul: f64,
        alpha: f64,
    },
    /// A function: see [`Schedule::custom`].
    Custom(CustomSchedule),
}

const CLASSES: [&str; 6] = [
    "ExponentialDecay",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "InverseTimeDecay",
    "CosineDecay",
    "CosineDecayRestarts",
];

/// Keras's classes.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    CLASSES.into_iter()
}

impl Schedule {
    /// A function of the number of steps made so far, an `f32` scalar, that gives the learning rate, another: it is
    /// written into the step's graph.
    ///
    /// A file holds the name alone. Who reads it gives the function to [`register_schedule`] first.
    ///
    /// ```
    /// use cornu::optimizers::{Adam, Schedule};
    ///
    /// let warm = Schedule::custom("warm", |step| (step / 100.0).min(step.number(1.0)) * 1e-3);
    /// assert!((warm.at(50) - 5e-4).abs() < 1e-9);
    /// let adam = Adam::new().learning_rate(warm);
    /// ```
    pub fn custom(
        name: impl Into<String>,
        function: impl for<'b> Fn(Expr<'b>) -> Expr<'b> + Send + Sync + 'static,
    ) -> Schedule {
        Schedule::Custom(CustomSchedule::new(name, function))
    }

    /// Keras's name of the class.
    pub fn class_name(&self) -> &'static str {
        match self {
            Schedule::ExponentialDecay { .. } => "ExponentialDecay",
            Schedule::PiecewiseConstantDecay { .. } => "PiecewiseConstantDecay",
            Schedule::PolynomialDecay { .. } => "PolynomialDecay",
            Schedule::InverseTimeDecay { .. } => "InverseTimeDecay",
            Schedule::CosineDecay { .. } => "CosineDecay",
            Schedule::CosineDecayRestarts { .. } => "CosineDecayRestarts",
            Schedule::Custom(_) => "function",
        }
    }

    /// The learning rate of the first step.
    pub fn initial(&self) -> f64 {
        match self {
            Schedule::ExponentialDecay { initial_learning_rate, .. } => *initial_learning_rate,
            Schedule::PiecewiseConstantDecay { values, .. } => values.first().copied().unwrap_or(0.0),
            Schedule::PolynomialDecay { initial_learning_rate, .. } => *initial_learning_rate,
            Schedule::InverseTimeDecay { initial_learning_rate, .. } => *initial_learning_rate,
            Schedule::CosineDecay { initial_learning_rate, .. } => *initial_learning_rate,
            Schedule::CosineDecayRestarts { initial_learning_rate, .. } => *initial_learning_rate,
            Schedule::Custom(_) => self.at(0),
        }
    }

    /// The learning rate after so many steps; NaN where a function of one's own is no graph.
    pub fn at(&self, iterations: i32) -> f64 {
        let builder = Builder::new();
        let rate = self.value(builder.constant(Tensor::scalar(iterations)));
        let values = builder.finish(&[rate]).map(|graph| interpret(&graph, &[]));
        values.ok().and_then(|values| values.first()?.floats().first().copied()).unwrap_or(f64::NAN)
    }

    /// The learning rate after `iterations` steps, an `f32` scalar.
    pub fn value<'b>(&self, iterations: Expr<'b>) -> Expr<'b> {
        let s = iterations.cast(DType::F32);
        let stair = |p: Expr<'b>, staircase: bool| if staircase { p.floor() } else { p };
        match self {
            Schedule::ExponentialDecay { initial_learning_rate, decay_steps, decay_rate, staircase } => {
                let exponent = stair(s / *decay_steps, *staircase);
                s.number(*decay_rate).pow(exponent) * *initial_learning_rate
            }
            Schedule::PiecewiseConstantDecay { boundaries, values } => {
                piecewise(iterations, boundaries, values)
            }
            Schedule::PolynomialDecay {
                initial_learning_rate,
                decay_steps,
                end_learning_rate,
                power,
                cycle,
            } => {
                let left = 1.0 - polynomial_progress(s, *decay_steps, *cycle);
                left.pow(left.number(*power)) * (initial_learning_rate - end_learning_rate)
                    + *end_learning_rate
            }
            Schedule::InverseTimeDecay { initial_learning_rate, decay_steps, decay_rate, staircase } => {
                *initial_learning_rate / (stair(s / *decay_steps, *staircase) * *decay_rate + 1.0)
            }
            Schedule::CosineDecay {
                initial_learning_rate,
                decay_steps,
                alpha,
                warmup_target,
                warmup_steps,
            } => {
                let Some(target) = *warmup_target else {
                    return half_cosine(s.min(s.number(*decay_steps)) / *decay_steps, *alpha)
                        * *initial_learning_rate;
                };
                let s = s.min(s.number(decay_steps + warmup_steps));
                let warming = s / *warmup_steps * (target - initial_learning_rate) + *initial_learning_rate;
                let cooling = half_cosine((s - *warmup_steps) / *decay_steps, *alpha) * target;
                s.lt(s.number(*warmup_steps)).select(warming, cooling)
            }
            Schedule::CosineDecayRestarts {
                initial_learning_rate,
                first_decay_steps,
                t_mul,
                m_mul,
                alpha,
            } => {
                let (restarts, fraction) = restarts(s / *first_decay_steps, *t_mul);
                let height = s.number(*m_mul).pow(restarts) * 0.5;
                ((height * ((fraction * PI).cos() + 1.0)) * (1.0 - alpha) + *alpha) * *initial_learning_rate
            }
            Schedule::Custom(custom) => custom.value(s),
        }
    }
}

/// From the last value backwards: each boundary that s has not passed puts its own value in place.
fn piecewise<'b>(s: Expr<'b>, boundaries: &[f64], values: &[f64]) -> Expr<'b> {
    let number = |value: f64| s.builder().scalar(DType::F32, value);
    let last = number(values.last().copied().unwrap_or(0.0));
    let pairs = boundaries.iter().zip(values).rev();
    pairs.fold(last, |rate, (&boundary, &value)| s.le(s.number(boundary)).select(number(value), rate))
}

/// s/decay_steps, at most 1, or with decay_steps multiplied so that it is at most 1.
fn polynomial_progress(s: Expr<'_>, decay_steps: f64, cycle: bool) -> Expr<'_> {
    if !cycle {
        return s.min(s.number(decay_steps)) / decay_steps;
    }
    let cycles = (s / decay_steps).ceil();
    s / (cycles.max(cycles.number(1.0)) * decay_steps)
}

/// From 1 at 0 to alpha at 1.
fn half_cosine(fraction: Expr<'_>, alpha: f64) -> Expr<'_> {
    (((fraction * PI).cos() + 1.0) * 0.5) * (1.0 - alpha) + alpha
}

/// How many times the cosine has begun anew, and the fraction of the present one that is over.
fn restarts(completed: Expr<'_>, t_mul: f64) -> (Expr<'_>, Expr<'_>) {
    if t_mul == 1.0 {
        let restarts = completed.floor();
        return (restarts, completed - restarts);
    }
    let restarts = ((1.0 - completed * (1.0 - t_mul)).log() / t_mul.ln()).floor();
    let length = restarts.number(t_mul).pow(restarts);
    let before = (1.0 - length) / (1.0 - t_mul);
    (restarts, (completed - before) / length)
}
