//! RMSNormalization: by the root of the mean square. Keras: `RMSNormalization`.

use cornu_ir::{Expr, derived};
use serde_json::json;

use super::{LAST, beside, check_epsilon, widened};
use crate::error::Result;
use crate::initializers::Ones;
use crate::layers::{Axes, Config, Context, Layer, LayerConfig, Spec, Weights, only};
use crate::shapes;

/// x/√(mean x² + `epsilon`)·`scale`, with the mean along `axis`: the shape stays.
///
/// Weight: `scale`, of the sizes of the axes; it begins at 1.
/// (Zhang, Sennrich 2019, <https://arxiv.org/abs/1910.07467>.)
#[derive(Clone, Debug)]
pub struct RMSNormalization {
    axis: Axes,
    epsilon: f64,
}

impl Default for RMSNormalization {
    fn default() -> RMSNormalization {
        RMSNormalization { axis: LAST, epsilon: 1e-6 }
    }
}

impl RMSNormalization {
    /// Along the last axis, with an epsilon of 10⁻⁶.
    pub fn new() -> RMSNormalization {
        RMSNormalization::default()
    }

    /// Along these axes.
    pub fn axis(mut self, axis: impl Into<Axes>) -> RMSNormalization {
        self.axis = axis.into();
        self
    }

    /// What is added to the mean square.
    pub fn epsilon(mut self, epsilon: f64) -> RMSNormalization {
        self.epsilon = epsilon;
        self
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<RMSNormalization> {
        Ok(RMSNormalization {
            axis: Axes::from_config(config, "axis")?,
            epsilon: config.number_or("epsilon", 1e-6)?,
        })
    }
}

impl Layer for RMSNormalization {
    fn class_name(&self) -> &str {
        "RMSNormalization"
    }

    fn config(&self) -> Result<Config> {
        Ok(Config::from_iter([
            ("axis".into(), json!(self.axis.sorted())),
            ("epsilon".into(), json!(self.epsilon)),
        ]))
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        check_epsilon("RMSNormalization", self.epsilon)?;
        let sizes = self.axis.sizes("RMSNormalization", &only(inputs)?)?;
        let shape: Vec<usize> = sizes.into_iter().map(|(_, size)| size).collect();
        weights.add("scale", shape, std::sync::Arc::new(Ones))?;
        Ok(())
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = widened(only(inputs)?);
        let axes = self.axis.of("RMSNormalization", x)?;
        let square = shapes::keep_axes(derived::mean(x.square(), &axes), &axes);
        let scale = beside(context.weight("scale")?.cast(x.dtype()), x, &axes);
        Ok(vec![x * (square + self.epsilon).rsqrt() * scale])
    }
}
