//! Batch renormalization: batch statistics corrected towards the running ones, within limits.

use std::fmt;
use std::sync::Arc;

use cornu_ir::{Expr, Tensor, Type};
use serde_json::{Map, Value, json};

use super::BatchNormalization;
use crate::error::{Error, Result};
use crate::initializers::{self, Initializer};
use crate::layers::{Config, Context, LayerConfig, Weights};

/// Limits of the two corrections of batch renormalization: the factor from `rmin` to `rmax`, the offset from -`dmax` to
/// `dmax`. What is absent does not limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RenormClipping {
    /// The smallest factor.
    pub rmin: Option<f64>,
    /// The largest factor.
    pub rmax: Option<f64>,
    /// The largest offset to either side.
    pub dmax: Option<f64>,
}

impl RenormClipping {
    const KEYS: [&'static str; 3] = ["rmin", "rmax", "dmax"];

    pub(super) fn from_config(config: &LayerConfig<'_>) -> Result<Option<RenormClipping>> {
        let Some(value) = config.value("renorm_clipping") else { return Ok(None) };
        let needed = "an object with numbers under rmin, rmax and dmax, or some of them";
        let object = value.as_object().ok_or_else(|| config.wrong("renorm_clipping", needed))?;
        let number = |key: &str| match object.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_f64().map(Some).ok_or_else(|| config.wrong("renorm_clipping", needed)),
        };
        if object.keys().any(|key| !RenormClipping::KEYS.contains(&key.as_str())) {
            return Err(config.wrong("renorm_clipping", needed));
        }
        Ok(Some(RenormClipping { rmin: number("rmin")?, rmax: number("rmax")?, dmax: number("dmax")? }))
    }

    /// As Keras writes it: what is absent is not named.
    pub(super) fn config(&self) -> Value {
        let limits = RenormClipping::KEYS.into_iter().zip([self.rmin, self.rmax, self.dmax]);
        let given = limits.filter_map(|(key, limit)| Some((key.to_string(), json!(limit?))));
        Value::Object(given.collect::<Config>())
    }

    pub(super) fn check(&self) -> Result<()> {
        let wrong =
            |needed| Err(Error::config("BatchNormalization", "renorm_clipping", self.config(), needed));
        if self.rmin.zip(self.rmax).is_some_and(|(rmin, rmax)| rmax < rmin) {
            return wrong("an rmax that is not below rmin");
        }
        if self.dmax.is_some_and(|dmax| dmax < 0.0) {
            return wrong("a dmax that is not negative");
        }
        Ok(())
    }
}

/// Begins as the square root of what another initializer makes: deviations beside variances.
#[derive(Clone)]
struct RootOf(Arc<dyn Initializer>);

impl fmt::Debug for RootOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the square root of {:?}", self.0)
    }
}

impl Initializer for RootOf {
    fn class_name(&self) -> &str {
        "RootOf"
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([("initializer".to_string(), initializers::serialize(&*self.0))])
    }

    fn generate(&self, ty: &Type, seed: u64) -> Result<Tensor> {
        let values = self.0.generate(ty, seed)?;
        Ok(Tensor::from_floats(ty, values.floats().into_iter().map(f64::sqrt)))
    }
}

/// Adds the statistics that the correction goes by, after the moving ones.
pub(super) fn build(layer: &BatchNormalization, channels: usize, weights: &mut Weights) -> Result<()> {
    let deviation: Arc<dyn Initializer> = Arc::new(RootOf(layer.moving_variance_initializer.resolve()?));
    weights.add("moving_stddev", [channels], deviation.clone())?.non_trainable();
    weights.add("renorm_mean", [channels], layer.moving_mean_initializer.resolve()?)?.non_trainable();
    weights.add("renorm_stddev", [channels], deviation)?.non_trainable();
    Ok(())
}

/// The factor r = σ/σᵣ and the offset d = (μ - μᵣ)/σᵣ of normalized values, taken as constants by the gradient; r is
/// the running value. Ioffe 2017, <https://arxiv.org/abs/1702.03275>.
pub(super) fn corrections<'b>(
    layer: &BatchNormalization,
    context: &Context<'_, 'b>,
    mean: Expr<'b>,
    variance: Expr<'b>,
) -> Result<(Expr<'b>, Expr<'b>)> {
    let deviation = (variance + layer.epsilon).sqrt();
    let running_mean = context.variable("renorm_mean")?.cast(mean.dtype());
    let running = context.variable("renorm_stddev")?.cast(mean.dtype());
    // Early in training it may be 0.
    let running = running.max(running.number(layer.epsilon.sqrt()));
    let (mut factor, mut offset) = (deviation / running, (mean - running_mean) / running);
    let limits = layer.renorm_clipping.unwrap_or_default();
    if let Some(rmin) = limits.rmin {
        factor = factor.max(factor.number(rmin));
    }
    if let Some(rmax) = limits.rmax {
        factor = factor.min(factor.number(rmax));
    }
    if let Some(dmax) = limits.dmax {
        offset = offset.clip(-dmax, dmax);
    }
    Ok((factor.detach(), offset.detach()))
}

/// Moves all statistics towards those of the batch.
pub(super) fn update<'b>(
    layer: &BatchNormalization,
    context: &mut Context<'_, 'b>,
    mean: Expr<'b>,
    variance: Expr<'b>,
) -> Result<()> {
    let deviation = (variance + layer.epsilon).sqrt();
    context.move_weight("renorm_mean", mean, layer.renorm_momentum)?;
    context.move_weight("renorm_stddev", deviation, layer.renorm_momentum)?;
    context.move_weight("moving_mean", mean, layer.momentum)?;
    let deviation = context.move_weight("moving_stddev", deviation, layer.momentum)?;
    let variance = deviation.square() - layer.epsilon;
    context.update_weight("moving_variance", variance.max(variance.number(0.0)));
    Ok(())
}
