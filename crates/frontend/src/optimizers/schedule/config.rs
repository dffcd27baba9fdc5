//! Schedules in Keras's JSON.

use serde_json::{Map, Value, json};

use super::{CLASSES, Schedule, custom};
use crate::config::{Arguments, Serialized};
use crate::error::{Error, Result};

impl Schedule {
    /// The form that stands in a Keras file.
    pub fn serialize(&self) -> Value {
        if let Schedule::Custom(custom) = self {
            return custom.serialize();
        }
        Serialized::builtin("keras.optimizers.schedules", self.class_name(), self.config())
    }

    pub(crate) fn config(&self) -> Map<String, Value> {
        let config = match self {
            Schedule::ExponentialDecay { initial_learning_rate, decay_steps, decay_rate, staircase }
            | Schedule::InverseTimeDecay { initial_learning_rate, decay_steps, decay_rate, staircase } => {
                json!({
                    "initial_learning_rate": initial_learning_rate, "decay_steps": steps(*decay_steps),
                    "decay_rate": decay_rate, "staircase": staircase, "name": self.class_name(),
                })
            }
            Schedule::PiecewiseConstantDecay { boundaries, values } => json!({
                "boundaries": boundaries.iter().map(|&boundary| steps(boundary)).collect::<Vec<_>>(),
                "values": values, "name": "PiecewiseConstant",
            }),
            Schedule::PolynomialDecay {
                initial_learning_rate,
                decay_steps,
                end_learning_rate,
                power,
                cycle,
            } => {
                json!({
                    "initial_learning_rate": initial_learning_rate, "decay_steps": steps(*decay_steps),
                    "end_learning_rate": end_learning_rate, "power": power, "cycle": cycle,
                    "name": "PolynomialDecay",
                })
            }
            Schedule::CosineDecay {
                initial_learning_rate,
                decay_steps,
                alpha,
                warmup_target,
                warmup_steps,
            } => json!({
                "initial_learning_rate": initial_learning_rate, "decay_steps": steps(*decay_steps), "alpha": alpha,
                "name": "CosineDecay", "warmup_target": warmup_target, "warmup_steps": steps(*warmup_steps),
            }),
            Schedule::CosineDecayRestarts {
                initial_learning_rate,
                first_decay_steps,
                t_mul,
                m_mul,
                alpha,
            } => json!({
                "initial_learning_rate": initial_learning_rate, "first_decay_steps": steps(*first_decay_steps),
                "t_mul": t_mul, "m_mul": m_mul, "alpha": alpha, "name": "SGDRDecay",
            }),
            Schedule::Custom(_) => Value::Null,
        };
        match config {
            Value::Object(config) => config,
            _ => Map::new(),
        }
    }

    /// From a Keras file.
    pub fn deserialize(value: &Value) -> Result<Schedule> {
        if let Some(custom) = custom::read(value) {
            return custom;
        }
        let object = Serialized::read("learning rate schedule", value)?;
        let a = object.arguments();
        let required = |key: &str| a.number(key)?.ok_or_else(|| a.wrong(key, "a number"));
        let above_zero = |key: &str| {
            let steps = required(key)?;
            if steps > 0.0 { Ok(steps) } else { Err(a.wrong(key, "above 0")) }
        };
        Ok(match object.class_name.as_str() {
            "ExponentialDecay" => Schedule::ExponentialDecay {
                initial_learning_rate: required("initial_learning_rate")?,
                decay_steps: above_zero("decay_steps")?,
                decay_rate: required("decay_rate")?,
                staircase: a.boolean_or("staircase", false)?,
            },
            "PiecewiseConstantDecay" => piecewise_from(&a)?,
            "PolynomialDecay" => Schedule::PolynomialDecay {
                initial_learning_rate: required("initial_learning_rate")?,
                decay_steps: above_zero("decay_steps")?,
                end_learning_rate: a.number_or("end_learning_rate", 1e-4)?,
                power: a.number_or("power", 1.0)?,
                cycle: a.boolean_or("cycle", false)?,
            },
            "InverseTimeDecay" => Schedule::InverseTimeDecay {
                initial_learning_rate: required("initial_learning_rate")?,
                decay_steps: above_zero("decay_steps")?,
                decay_rate: required("decay_rate")?,
                staircase: a.boolean_or("staircase", false)?,
            },
            "CosineDecay" => Schedule::CosineDecay {
                initial_learning_rate: required("initial_learning_rate")?,
                decay_steps: above_zero("decay_steps")?,
                alpha: a.number_or("alpha", 0.0)?,
                warmup_target: a.number("warmup_target")?,
                warmup_steps: a.number_or("warmup_steps", 0.0)?,
            },
            "CosineDecayRestarts" => Schedule::CosineDecayRestarts {
                initial_learning_rate: required("initial_learning_rate")?,
                first_decay_steps: above_zero("first_decay_steps")?,
                t_mul: a.number_or("t_mul", 2.0)?,
                m_mul: a.number_or("m_mul", 1.0)?,
                alpha: a.number_or("alpha", 0.0)?,
            },
            other => return Err(Error::unknown("learning rate schedule", other, CLASSES)),
        })
    }
}

fn piecewise_from(a: &Arguments) -> Result<Schedule> {
    let list = |key: &str| a.numbers(key)?.ok_or_else(|| a.wrong(key, "a list of numbers"));
    let (boundaries, values) = (list("boundaries")?, list("values")?);
    if boundaries.is_empty() || values.len() != boundaries.len() + 1 {
        return Err(a.wrong(
            "values",
            format!("a list of {} numbers, one more than boundaries", boundaries.len() + 1),
        ));
    }
    Ok(Schedule::PiecewiseConstantDecay { boundaries, values })
}

/// A number of steps, which Keras users write without a point.
fn steps(steps: f64) -> Value {
    if steps.fract() == 0.0 { json!(steps as i64) } else { json!(steps) }
}
