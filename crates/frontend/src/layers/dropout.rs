//! Dropout: sets random elements to zero in training. Keras: `Dropout`.

use cornu_ir::{Expr, Shape};
use serde_json::{Value, json};

use super::{Config, Context, Layer, LayerConfig, Spec, Weights, only};
use crate::error::{Error, Result};

/// In training, sets each element to zero with probability `rate` and multiplies the others by `1 / (1 - rate)`, so
/// that the expected sum stays. Does nothing otherwise. (Srivastava et al., 2014.)
#[derive(Clone, Debug)]
pub struct Dropout {
    rate: f64,
    noise_shape: Option<Vec<Option<usize>>>,
    seed: Option<i64>,
}

impl Dropout {
    /// Drops a share of `rate`, from 0 to 1, of the elements.
    pub fn new(rate: f64) -> Dropout {
        Dropout { rate, noise_shape: None, seed: None }
    }

    /// One decision for all elements along each axis of size 1 of this shape; `None` is the input's own size.
    pub fn noise_shape(mut self, shape: impl Into<Vec<Option<usize>>>) -> Dropout {
        self.noise_shape = Some(shape.into());
        self
    }

    /// With random numbers of its own.
    pub fn seed(mut self, seed: i64) -> Dropout {
        self.seed = Some(seed);
        self
    }

    pub(super) fn from_config(config: &LayerConfig<'_>) -> Result<Dropout> {
        let noise_shape =
            config.value("noise_shape").map(|_| config.unknown_sizes("noise_shape")).transpose()?;
        let rate = config.number("rate")?.ok_or_else(|| config.wrong("rate", "a number from 0 to 1"))?;
        Ok(Dropout { rate, noise_shape, seed: config.seed("seed")? })
    }
}

/// The shape of the decisions for an input of this shape.
pub(super) fn decisions(noise_shape: Option<&[Option<usize>]>, input: &Shape) -> Shape {
    let Some(shape) = noise_shape else { return input.clone() };
    shape.iter().zip(input.iter()).map(|(given, &own)| given.unwrap_or(own)).collect()
}

/// Fails unless the decisions have as many axes as the input.
pub(super) fn check_noise_shape(class: &str, shape: Option<&[Option<usize>]>, input: &Spec) -> Result<()> {
    if shape.is_some_and(|shape| shape.len() != input.rank()) {
        let needed = format!("a shape of {} axes, as the input {input} has", input.rank());
        return Err(Error::config(class, "noise_shape", json!(shape), needed));
    }
    Ok(())
}

/// In training, x with elements dropped by decisions of this shape, whose axes of size 1 serve all.
pub(super) fn dropped<'b>(
    context: &mut Context<'_, 'b>,
    x: Expr<'b>,
    rate: f64,
    decisions: &Shape,
    seed: Option<i64>,
) -> Result<Expr<'b>> {
    if !context.training() || rate == 0.0 {
        return Ok(x);
    }
    if rate == 1.0 {
        return Ok(x.full_like(0.0));
    }
    let draw = context.random_uniform(decisions, seed)?;
    Ok(draw.ge(draw.number(rate)).select(x / (1.0 - rate), x.number(0.0)))
}

impl Layer for Dropout {
    fn class_name(&self) -> &str {
        "Dropout"
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        config.insert("rate".into(), json!(self.rate));
        config.insert("seed".into(), json!(self.seed));
        config.insert(
            "noise_shape".into(),
            self.noise_shape.as_ref().map_or(Value::Null, |shape| json!(shape)),
        );
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], _: &mut Weights) -> Result<()> {
        let input = only(inputs)?;
        if !(0.0..=1.0).contains(&self.rate) {
            return Err(Error::config("Dropout", "rate", self.rate, "a number from 0 to 1"));
        }
        check_noise_shape("Dropout", self.noise_shape.as_deref(), &input)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?;
        let decisions = decisions(self.noise_shape.as_deref(), &x.shape());
        Ok(vec![dropped(context, x, self.rate, &decisions, self.seed)?])
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
