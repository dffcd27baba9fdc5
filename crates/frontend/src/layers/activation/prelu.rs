//! PReLU: relu whose slope below zero is learned. Keras: `PReLU`.

use cornu_ir::Expr;
use serde_json::json;

use crate::activations;
use crate::error::{Error, Result};
use crate::layers::weight_options::{
    WeightOptions, weight_options, write_constraints, write_initializers, write_regularizers,
};
use crate::layers::{Config, Context, Layer, LayerConfig, Spec, Weights, only};

/// x where it is positive, `alpha`·x elsewhere: the shape stays.
///
/// Weight: `alpha`, of the sample's shape, with size 1 along shared axes; it begins at zero.
#[derive(Clone, Debug)]
pub struct PReLU {
    alpha: WeightOptions,
    shared_axes: Option<Vec<i64>>,
}

impl Default for PReLU {
    fn default() -> PReLU {
        PReLU { alpha: WeightOptions::new("zeros"), shared_axes: None }
    }
}

impl PReLU {
    /// With a slope for each element of a sample.
    pub fn new() -> PReLU {
        PReLU::default()
    }

    weight_options!("the slopes" alpha: alpha_initializer alpha_regularizer alpha_constraint);

    /// The axes along which one slope serves all, counted with the batch as axis 0: `[1, 2]` for a slope per channel
    /// of an image.
    pub fn shared_axes(mut self, axes: impl Into<Vec<i64>>) -> PReLU {
        self.shared_axes = Some(axes.into());
        self
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<PReLU> {
        Ok(PReLU {
            alpha: WeightOptions::from_config(config, "alpha", "zeros")?,
            shared_axes: config.integers("shared_axes")?,
        })
    }

    /// The shape of the slopes.
    fn slopes(&self, input: &Spec) -> Result<Vec<usize>> {
        let shared = self.shared_axes.as_deref().unwrap_or_default();
        if shared.iter().any(|axis| !(1..input.rank() as i64).contains(axis)) {
            let needed = format!("axes from 1 to {} of the input {input}", input.rank().saturating_sub(1));
            return Err(Error::config("PReLU", "shared_axes", json!(self.shared_axes), needed));
        }
        let axes = input.shape.iter().enumerate().skip(1);
        let sizes = axes.map(|(axis, &size)| if shared.contains(&(axis as i64)) { Some(1) } else { size });
        sizes.collect::<Option<_>>().ok_or_else(|| Error::Layer {
            path: String::new(),
            reason: format!(
                "PReLU needs sizes that are known along all axes that are not shared; it got {input}"
            ),
        })
    }
}

impl Layer for PReLU {
    fn class_name(&self) -> &str {
        "PReLU"
    }

    fn config(&self) -> Result<Config> {
        let (mut config, alpha) = (Config::new(), [("alpha", &self.alpha)]);
        write_initializers(&mut config, &alpha)?;
        write_regularizers(&mut config, &alpha)?;
        write_constraints(&mut config, &alpha)?;
        config.insert("shared_axes".into(), json!(self.shared_axes));
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        let shape = self.slopes(&only(inputs)?)?;
        self.alpha.add(weights, "alpha", shape)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?;
        let alpha = context.weight("alpha")?.expand(0);
        let relu = |x| activations::relu(x, 0.0, None, 0.0);
        Ok(vec![relu(x) - alpha * relu(-x)])
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
