//! Common: the arguments that every optimizer has.

use serde_json::{Map, Value, json};

use crate::config::{Arguments, through_f32};
use crate::error::{Error, Result};
use crate::optimizers::{Schedule, SlotSpec, TrainedWeight, patterns, slots_of};
use crate::saving::snake_case::snake_case;

/// A number, or a function of the number of steps.
#[derive(Clone, Debug, PartialEq)]
pub enum LearningRate {
    /// The same until somebody changes it: it is a variable of the optimizer.
    Fixed(f64),
    /// Computed anew at each step.
    Schedule(Schedule),
}

impl LearningRate {
    /// That of the first step.
    pub(super) fn first(&self) -> f64 {
        match self {
            LearningRate::Fixed(rate) => *rate,
            LearningRate::Schedule(schedule) => schedule.initial(),
        }
    }

    /// True if it is computed from the number of steps, and no variable.
    pub fn is_schedule(&self) -> bool {
        matches!(self, LearningRate::Schedule(_))
    }
}

impl From<f64> for LearningRate {
    fn from(rate: f64) -> LearningRate {
        LearningRate::Fixed(rate)
    }
}

impl From<Schedule> for LearningRate {
    fn from(schedule: Schedule) -> LearningRate {
        LearningRate::Schedule(schedule)
    }
}

/// The arguments that every optimizer has. Each optimizer's builder has a method for each of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Common {
    /// The name in files, that of the class if there is none.
    pub name: Option<String>,
    /// How far a step goes.
    pub learning_rate: LearningRate,
    /// The share, times the learning rate, by which each step shrinks all weights.
    pub weight_decay: Option<f64>,
    /// Regular expressions: a weight in whose name one is found does not shrink. One with a `/` is looked for in the
    /// weight's path instead. Keras's files do not hold them.
    pub exclude_from_weight_decay: Vec<String>,
    /// The largest norm of each weight's gradient.
    pub clipnorm: Option<f64>,
    /// The largest norm of all gradients together.
    pub global_clipnorm: Option<f64>,
    /// The largest absolute value in a gradient.
    pub clipvalue: Option<f64>,
    /// Whether averages of the weights are kept.
    pub use_ema: bool,
    /// The share of the old average in the new.
    pub ema_momentum: f64,
    /// After how many steps, again and again, the weights become their averages.
    pub ema_overwrite_frequency: Option<i64>,
    /// What the loss is multiplied by before gradients are taken, which are divided by it again.
    pub loss_scale_factor: Option<f64>,
    /// Of how many steps the gradients are averaged before the weights change.
    pub gradient_accumulation_steps: Option<i64>,
}

impl Common {
    /// Keras's defaults with this learning rate.
    pub fn new(learning_rate: f64) -> Common {
        Common {
            name: None,
            learning_rate: LearningRate::Fixed(learning_rate),
            weight_decay: None,
            exclude_from_weight_decay: Vec::new(),
            clipnorm: None,
            global_clipnorm: None,
            clipvalue: None,
            use_ema: false,
            ema_momentum: 0.99,
            ema_overwrite_frequency: None,
            loss_scale_factor: None,
            gradient_accumulation_steps: None,
        }
    }

    pub(super) fn with_weight_decay(self, weight_decay: f64) -> Common {
        Common { weight_decay: Some(weight_decay), ..self }
    }

    /// True for a weight that is excluded from weight decay.
    pub(super) fn spares(&self, weight: &TrainedWeight) -> bool {
        let text = |pattern: &str| if pattern.contains('/') { &weight.path } else { weight.name() };
        self.exclude_from_weight_decay.iter().any(|pattern| patterns::is_found(pattern, text(pattern)))
    }

    /// Reads what stands in `arguments`, and leaves the rest as it is in `self`.
    pub(super) fn read(self, arguments: &Arguments) -> Result<Common> {
        Ok(Common {
            name: arguments.text("name")?.map(String::from),
            learning_rate: learning_rate(arguments, self.learning_rate)?,
            weight_decay: if arguments.has("weight_decay") {
                arguments.number("weight_decay")?
            } else {
                self.weight_decay
            },
            exclude_from_weight_decay: self.exclude_from_weight_decay,
            clipnorm: arguments.number("clipnorm")?,
            global_clipnorm: arguments.number("global_clipnorm")?,
            clipvalue: arguments.number("clipvalue")?,
            use_ema: arguments.boolean_or("use_ema", false)?,
            ema_momentum: arguments.number_or("ema_momentum", 0.99)?,
            ema_overwrite_frequency: arguments.integer("ema_overwrite_frequency")?,
            loss_scale_factor: arguments.number("loss_scale_factor")?,
            gradient_accumulation_steps: arguments.integer("gradient_accumulation_steps")?,
        })
    }

    /// As Keras writes it.
    pub(crate) fn config(&self, class_name: &str) -> Map<String, Value> {
        let learning_rate = match &self.learning_rate {
            LearningRate::Fixed(rate) => through_f32(*rate),
            LearningRate::Schedule(schedule) => schedule.serialize(),
        };
        let config = [
            ("name", json!(self.name.clone().unwrap_or_else(|| snake_case(class_name)))),
            ("learning_rate", learning_rate),
            ("weight_decay", json!(self.weight_decay)),
            ("clipnorm", json!(self.clipnorm)),
            ("global_clipnorm", json!(self.global_clipnorm)),
            ("clipvalue", json!(self.clipvalue)),
            ("use_ema", json!(self.use_ema)),
            ("ema_momentum", json!(self.ema_momentum)),
            ("ema_overwrite_frequency", json!(self.ema_overwrite_frequency)),
            ("loss_scale_factor", json!(self.loss_scale_factor)),
            ("gradient_accumulation_steps", json!(self.gradient_accumulation_steps)),
        ];
        config.into_iter().map(|(key, value)| (key.to_string(), value)).collect()
    }

    pub(super) fn check(&self, class: &str) -> Result<()> {
        let rules = [
            ("learning_rate", self.learning_rate.first() >= 0.0, "0 or more"),
            ("ema_momentum", (0.0..=1.0).contains(&self.ema_momentum), "from 0 to 1"),
            ("ema_overwrite_frequency", self.ema_overwrite_frequency.is_none_or(|n| n >= 1), "1 or more"),
            (
                "gradient_accumulation_steps",
                self.gradient_accumulation_steps.is_none_or(|n| n >= 2),
                "2 or more",
            ),
            ("loss_scale_factor", self.loss_scale_factor.is_none_or(|factor| factor > 0.0), "above 0"),
            ("clipnorm", self.clippings() <= 1, "the only one of clipnorm, clipvalue and global_clipnorm"),
        ];
        patterns::check(class, "exclude_from_weight_decay", &self.exclude_from_weight_decay)?;
        let config = self.config(class);
        match rules.into_iter().find(|(_, holds, _)| !holds) {
            Some((key, _, needed)) => Err(Error::config(class, key, &config[key], needed)),
            None => Ok(()),
        }
    }

    fn clippings(&self) -> usize {
        [self.clipnorm, self.clipvalue, self.global_clipnorm].iter().flatten().count()
    }

    /// What is kept before the rule's slots.
    pub(super) fn slots(&self, weights: &[TrainedWeight]) -> Vec<SlotSpec> {
        let averages = self.use_ema.then(|| slots_of(weights, &[&[AVERAGE]]));
        let sums = self.gradient_accumulation_steps.map(|_| slots_of(weights, &[&["gradient_accumulator"]]));
        averages.into_iter().chain(sums).flatten().collect()
    }
}

/// The name of the slot in which the average of a weight is kept.
pub(crate) const AVERAGE: &str = "average";

/// `learning_rate`: a number, a schedule, or, in Keras 1 and 2, `lr` and a `decay` that a schedule expresses.
fn learning_rate(arguments: &Arguments, default: LearningRate) -> Result<LearningRate> {
    let rate = match (arguments.value("learning_rate"), arguments.value("lr")) {
        (Some(schedule @ Value::Object(_)), _) => return Ok(Schedule::deserialize(schedule)?.into()),
        (Some(_), _) => arguments.number("learning_rate")?,
        (None, _) => arguments.number("lr")?,
    };
    let rate = rate.map_or(default, LearningRate::Fixed);
    match (arguments.number("decay")?, &rate) {
        (Some(decay_rate), LearningRate::Fixed(initial_learning_rate)) if decay_rate != 0.0 => {
            let initial_learning_rate = *initial_learning_rate;
            let decay_steps = 1.0;
            Ok(Schedule::InverseTimeDecay {
                initial_learning_rate,
                decay_steps,
                decay_rate,
                staircase: false,
            }
            .into())
        }
        _ => Ok(rate),
    }
}

/// The builder methods that every optimizer has.
macro_rules! common {
    ($class:ident) => {
        impl $class {
            /// The name in files.
            pub fn name(mut self, name: impl Into<String>) -> $class {
                self.common.name = Some(name.into());
                self
            }

            /// How far a step goes: a number, or a schedule.
            pub fn learning_rate(
                mut self,
                learning_rate: impl Into<$crate::optimizers::LearningRate>,
            ) -> $class {
                self.common.learning_rate = learning_rate.into();
                self
            }

            /// The share, times the learning rate, by which each step shrinks all weights.
            pub fn weight_decay(mut self, weight_decay: f64) -> $class {
                self.common.weight_decay = Some(weight_decay);
                self
            }

            /// Weights that do not shrink: those in whose name, such as `bias`, one of these regular expressions is
            /// found, or in whose path, such as `dense/bias`, if the expression has a `/`. Files do not hold them.
            pub fn exclude_from_weight_decay<'p>(
                mut self,
                patterns: impl IntoIterator<Item = &'p str>,
            ) -> $class {
                self.common.exclude_from_weight_decay = patterns.into_iter().map(String::from).collect();
                self
            }

            /// The largest norm of each weight's gradient.
            pub fn clipnorm(mut self, clipnorm: f64) -> $class {
                self.common.clipnorm = Some(clipnorm);
                self
            }

            /// The largest norm of all gradients together.
            pub fn global_clipnorm(mut self, global_clipnorm: f64) -> $class {
                self.common.global_clipnorm = Some(global_clipnorm);
                self
            }

            /// The largest absolute value in a gradient.
            pub fn clipvalue(mut self, clipvalue: f64) -> $class {
                self.common.clipvalue = Some(clipvalue);
                self
            }

            /// Keeps averages of the weights, with this share of the old average in the new (Keras: 0.99).
            pub fn ema(mut self, momentum: f64) -> $class {
                self.common.use_ema = true;
                self.common.ema_momentum = momentum;
                self
            }

            /// After how many steps, again and again, the weights become their averages.
            pub fn ema_overwrite_frequency(mut self, steps: usize) -> $class {
                self.common.ema_overwrite_frequency = i64::try_from(steps).ok();
                self
            }

            /// What the loss is multiplied by before gradients are taken, which are divided by it again.
            pub fn loss_scale_factor(mut self, factor: f64) -> $class {
                self.common.loss_scale_factor = Some(factor);
                self
            }

            /// Of how many steps the gradients are averaged before the weights change.
            pub fn gradient_accumulation_steps(mut self, steps: usize) -> $class {
                self.common.gradient_accumulation_steps = i64::try_from(steps).ok();
                self
            }
        }
    };
}

pub(super) use common;
