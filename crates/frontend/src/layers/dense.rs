//! Dense: every output is a weighted sum of all inputs. Keras: `Dense`.

use cornu_ir::Expr;
use serde_json::{Value, json};

use super::lora::lora_options;
use super::weight_options::{
    WeightOptions, weight_options, write_constraints, write_initializers, write_regularizers,
};
use super::{Config, Context, Layer, LayerConfig, LoraKernel, Spec, Weights, only};
use crate::activations::Activation;
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::regularizers::Regularizer;

/// `activation(x·kernel + bias)` on the last axis: `(…, in)` becomes `(…, units)`.
///
/// Weights: `kernel` `[in, units]`, then `bias` `[units]`. By default the activation is linear, the kernel begins
/// glorot-uniform and the bias at zero. With a `lora_rank` the matrices `lora_kernel_a` `[in, rank]` and
/// `lora_kernel_b` `[rank, units]` come last, and the kernel is frozen.
#[derive(Clone, Debug)]
pub struct Dense {
    units: usize,
    activation: Identifier<Activation>,
    use_bias: bool,
    kernel: WeightOptions,
    bias: WeightOptions,
    activity_regularizer: Option<Identifier<dyn Regularizer>>,
    lora: LoraKernel,
}

impl Dense {
    /// A layer of `units` outputs.
    pub fn new(units: usize) -> Dense {
        Dense {
            units,
            activation: "linear".into(),
            use_bias: true,
            kernel: WeightOptions::new("glorot_uniform"),
            bias: WeightOptions::new("zeros"),
            activity_regularizer: None,
            lora: LoraKernel::new("kernel"),
        }
    }

    /// The function that the sums go through.
    pub fn activation(mut self, activation: impl Into<Identifier<Activation>>) -> Dense {
        self.activation = activation.into();
        self
    }

    /// Whether there is a bias.
    pub fn use_bias(mut self, use_bias: bool) -> Dense {
        self.use_bias = use_bias;
        self
    }

    weight_options!("the kernel" kernel: kernel_initializer kernel_regularizer kernel_constraint);
    weight_options!("the bias" bias: bias_initializer bias_regularizer bias_constraint);

    /// What the output's size costs.
    pub fn activity_regularizer(mut self, regularizer: impl Into<Identifier<dyn Regularizer>>) -> Dense {
        self.activity_regularizer = Some(regularizer.into());
        self
    }

    lora_options!(lora_rank lora_alpha);

    pub(super) fn from_config(config: &LayerConfig<'_>) -> Result<Dense> {
        Ok(Dense {
            units: config.positive("units")?,
            activation: config.activation("activation")?,
            use_bias: config.boolean_or("use_bias", true)?,
            kernel: WeightOptions::from_config(config, "kernel", "glorot_uniform")?,
            bias: WeightOptions::from_config(config, "bias", "zeros")?,
            activity_regularizer: config.regularizer("activity_regularizer")?,
            lora: LoraKernel::from_config(config, "kernel")?,
        })
    }
}

impl Layer for Dense {
    fn class_name(&self) -> &str {
        "Dense"
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        // Unlike others, Keras's Dense names it only where there is one.
        if self.activity_regularizer.is_some() {
            let regularizer = super::regularizer_config(&self.activity_regularizer)?;
            config.insert("activity_regularizer".into(), regularizer);
        }
        config.insert("units".into(), json!(self.units));
        config.insert("activation".into(), self.activation.resolve()?.serialize()?);
        config.insert("use_bias".into(), json!(self.use_bias));
        let both = [("kernel", &self.kernel), ("bias", &self.bias)];
        write_initializers(&mut config, &both)?;
        write_regularizers(&mut config, &both)?;
        write_constraints(&mut config, &both)?;
        config.insert("quantization_config".into(), Value::Null);
        self.lora.write(&mut config);
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        let input = only(inputs)?;
        self.activation.resolve()?;
        self.activity_regularizer.as_ref().map(|regularizer| regularizer.resolve()).transpose()?;
        if self.units == 0 {
            return Err(Error::config("Dense", "units", 0, "1 or more"));
        }
        let features = input.last().filter(|_| input.rank() >= 2).ok_or_else(|| Error::Layer {
            path: weights.scope(),
            reason: format!(
                "Dense needs an input of at least 2 axes whose last size is known; it got {input}"
            ),
        })?;
        self.kernel.add(weights, "kernel", [features, self.units])?;
        if self.use_bias {
            self.bias.add(weights, "bias", [self.units])?;
        }
        self.lora.build("Dense", weights)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let kernel = self.lora.value(context)?;
        // Whole numbers become what the kernel is, as in Keras.
        let sums = only(inputs)?.cast(kernel.dtype()).matmul(kernel);
        let sums = if self.use_bias {
            sums + context.weight("bias")?.broadcast_leading(&sums.shape())
        } else {
            sums
        };
        let output = self.activation.resolve()?.apply(sums)?;
        context.add_activity_loss(self.activity_regularizer.as_ref(), output)?;
        Ok(vec![output])
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn lora(&self) -> Option<&LoraKernel> {
        Some(&self.lora)
    }
}
