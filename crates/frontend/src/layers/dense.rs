//! Dense: every output is a weighted sum of all inputs. Keras: `Dense`.

use cornu_ir::Expr;
use serde_json::{Value, json};

use super::{Config, Context, Layer, LayerConfig, LoraKernel, Spec, Weights, only};
use crate::activations::Activation;
use crate::constraints::Constraint;
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::initializers::Initializer;
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
    kernel_initializer: Identifier<dyn Initializer>,
    bias_initializer: Identifier<dyn Initializer>,
    kernel_regularizer: Option<Identifier<dyn Regularizer>>,
    bias_regularizer: Option<Identifier<dyn Regularizer>>,
    activity_regularizer: Option<Identifier<dyn Regularizer>>,
    kernel_constraint: Option<Identifier<dyn Constraint>>,
    bias_constraint: Option<Identifier<dyn Constraint>>,
    lora: LoraKernel,
}

impl Dense {
    /// A layer of `units` outputs.
    pub fn new(units: usize) -> Dense {
        Dense {
            units,
            activation: "linear".into(),
            use_bias: true,
            kernel_initializer: "glorot_uniform".into(),
            bias_initializer: "zeros".into(),
            kernel_regularizer: None,
            bias_regularizer: None,
            activity_regularizer: None,
            kernel_constraint: None,
            bias_constraint: None,
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

    /// How the kernel begins.
    pub fn kernel_initializer(mut self, initializer: impl Into<Identifier<dyn Initializer>>) -> Dense {
        self.kernel_initializer = initializer.into();
        self
    }

    /// How the bias begins.
    pub fn bias_initializer(mut self, initializer: impl Into<Identifier<dyn Initializer>>) -> Dense {
        self.bias_initializer = initializer.into();
        self
    }

    /// What the kernel's size costs.
    pub fn kernel_regularizer(mut self, regularizer: impl Into<Identifier<dyn Regularizer>>) -> Dense {
        self.kernel_regularizer = Some(regularizer.into());
        self
    }

    /// What the bias's size costs.
    pub fn bias_regularizer(mut self, regularizer: impl Into<Identifier<dyn Regularizer>>) -> Dense {
        self.bias_regularizer = Some(regularizer.into());
        self
    }

    /// What the output's size costs.
    pub fn activity_regularizer(mut self, regularizer: impl Into<Identifier<dyn Regularizer>>) -> Dense {
        self.activity_regularizer = Some(regularizer.into());
        self
    }

    /// What the kernel is projected to after each update.
    pub fn kernel_constraint(mut self, constraint: impl Into<Identifier<dyn Constraint>>) -> Dense {
        self.kernel_constraint = Some(constraint.into());
        self
    }

    /// What the bias is projected to after each update.
    pub fn bias_constraint(mut self, constraint: impl Into<Identifier<dyn Constraint>>) -> Dense {
        self.bias_constraint = Some(constraint.into());
        self
    }

    /// The rank of the matrices that training fits in place of the kernel: see [`Lora`](super::Lora).
    pub fn lora_rank(mut self, rank: usize) -> Dense {
        self.lora.set_rank(rank);
        self
    }

    /// What the product of these matrices counts, as a multiple of `1 / rank`; the rank by default.
    pub fn lora_alpha(mut self, alpha: f64) -> Dense {
        self.lora.set_alpha(alpha);
        self
    }

    pub(super) fn from_config(config: &LayerConfig<'_>) -> Result<Dense> {
        Ok(Dense {
            units: config.positive("units")?,
            activation: config.activation("activation")?,
            use_bias: config.boolean_or("use_bias", true)?,
            kernel_initializer: config.initializer("kernel_initializer", "glorot_uniform")?,
            bias_initializer: config.initializer("bias_initializer", "zeros")?,
            kernel_regularizer: config.regularizer("kernel_regularizer")?,
            bias_regularizer: config.regularizer("bias_regularizer")?,
            activity_regularizer: config.regularizer("activity_regularizer")?,
            kernel_constraint: config.constraint("kernel_constraint")?,
            bias_constraint: config.constraint("bias_constraint")?,
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
        config.insert("kernel_initializer".into(), super::initializer_config(&self.kernel_initializer)?);
        config.insert("bias_initializer".into(), super::initializer_config(&self.bias_initializer)?);
        config.insert("kernel_regularizer".into(), super::regularizer_config(&self.kernel_regularizer)?);
        config.insert("bias_regularizer".into(), super::regularizer_config(&self.bias_regularizer)?);
        config.insert("kernel_constraint".into(), super::constraint_config(&self.kernel_constraint)?);
        config.insert("bias_constraint".into(), super::constraint_config(&self.bias_constraint)?);
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
        weights
            .add("kernel", [features, self.units], self.kernel_initializer.resolve()?)?
            .regularizer(self.kernel_regularizer.as_ref())?
            .constraint(self.kernel_constraint.as_ref())?;
        if self.use_bias {
            weights
                .add("bias", [self.units], self.bias_initializer.resolve()?)?
                .regularizer(self.bias_regularizer.as_ref())?
                .constraint(self.bias_constraint.as_ref())?;
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
