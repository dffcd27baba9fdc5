//! LayerNormalization: each sample by its own mean and deviation. Keras: `LayerNormalization`.

use cornu_ir::Expr;
use serde_json::json;

use super::affine::{Affine, affine_settings};
use super::{LAST, check_epsilon, moments, widened};
use crate::error::Result;
use crate::layers::{Autocast, Axes, Config, Context, Layer, LayerConfig, Spec, Weights, only};

/// (x - mean)/√(variance + `epsilon`)·`gamma` + `beta`, with mean and variance along `axis`: the shape stays.
///
/// Weights: `gamma`, which begins at 1, then `beta`, which begins at 0, of the sizes of the axes.
/// (Ba, Kiros, Hinton 2016, <https://arxiv.org/abs/1607.06450>.)
#[derive(Clone, Debug)]
pub struct LayerNormalization {
    axis: Axes,
    epsilon: f64,
    rms_scaling: bool,
    affine: Affine,
}

impl Default for LayerNormalization {
    fn default() -> LayerNormalization {
        LayerNormalization { axis: LAST, epsilon: 1e-3, rms_scaling: false, affine: Affine::default() }
    }
}

affine_settings!(LayerNormalization);

impl LayerNormalization {
    /// Along the last axis, with an epsilon of 0.001.
    pub fn new() -> LayerNormalization {
        LayerNormalization::default()
    }

    /// Along these axes.
    pub fn axis(mut self, axis: impl Into<Axes>) -> LayerNormalization {
        self.axis = axis.into();
        self
    }

    /// What is added to the variance.
    pub fn epsilon(mut self, epsilon: f64) -> LayerNormalization {
        self.epsilon = epsilon;
        self
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<LayerNormalization> {
        Ok(LayerNormalization {
            axis: Axes::from_config(config, "axis")?,
            epsilon: config.number_or("epsilon", 1e-3)?,
            rms_scaling: config.boolean_or("rms_scaling", false)?,
            affine: Affine::from_config(config)?,
        })
    }

    /// The factor and offset that there are: Keras's deprecated `rms_scaling` always has the first alone.
    fn affine(&self) -> Affine {
        let affine = self.affine.clone();
        if self.rms_scaling { Affine { center: false, scale: true, ..affine } } else { affine }
    }
}

impl Layer for LayerNormalization {
    fn class_name(&self) -> &str {
        "LayerNormalization"
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::from_iter([
            ("axis".into(), json!(self.axis.sorted())),
            ("epsilon".into(), json!(self.epsilon)),
        ]);
        self.affine.write_flags(&mut config);
        config.insert("rms_scaling".into(), json!(self.rms_scaling));
        self.affine.write_initializers(&mut config)?;
        self.affine.write_limits(&mut config)?;
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        check_epsilon("LayerNormalization", self.epsilon)?;
        let sizes = self.axis.sizes("LayerNormalization", &only(inputs)?)?;
        let shape: Vec<usize> = sizes.into_iter().map(|(_, size)| size).collect();
        self.affine().build(&shape, weights)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = widened(only(inputs)?);
        let axes = self.axis.of("LayerNormalization", x)?;
        let (mean, variance) = moments(x, &axes);
        let centred = if self.rms_scaling { x } else { x - mean };
        let normalized = centred * (variance + self.epsilon).rsqrt();
        Ok(vec![self.affine().apply(context, normalized, &axes)?])
    }

    fn autocast(&self) -> Autocast {
        Autocast::Outputs
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
