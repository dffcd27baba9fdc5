//! What the cells of Keras have in common: activations, the three weights, dropout.

use cornu_ir::{Shape, Tensor, Type};
use serde_json::{Map, Value, json};

use crate::activations::Activation;
use crate::constraints::Constraint;
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::initializers::{self, Initializer};
use crate::layers::{Config, LayerConfig, Weights, constraint_config, regularizer_config};
use crate::regularizers::Regularizer;

/// The arguments of a cell beside its size.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) activation: Identifier<Activation>,
    pub(super) recurrent_activation: Identifier<Activation>,
    pub(super) use_bias: bool,
    pub(super) kernel_initializer: Identifier<dyn Initializer>,
    pub(super) recurrent_initializer: Identifier<dyn Initializer>,
    pub(super) bias_initializer: Identifier<dyn Initializer>,
    pub(super) kernel_regularizer: Option<Identifier<dyn Regularizer>>,
    pub(super) recurrent_regularizer: Option<Identifier<dyn Regularizer>>,
    pub(super) bias_regularizer: Option<Identifier<dyn Regularizer>>,
    pub(super) kernel_constraint: Option<Identifier<dyn Constraint>>,
    pub(super) recurrent_constraint: Option<Identifier<dyn Constraint>>,
    pub(super) bias_constraint: Option<Identifier<dyn Constraint>>,
    pub(super) dropout: f64,
    pub(super) recurrent_dropout: f64,
    pub(super) seed: Option<i64>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            activation: "tanh".into(),
            recurrent_activation: "sigmoid".into(),
            use_bias: true,
            kernel_initializer: "glorot_uniform".into(),
            recurrent_initializer: "orthogonal".into(),
            bias_initializer: "zeros".into(),
            kernel_regularizer: None,
            recurrent_regularizer: None,
            bias_regularizer: None,
            kernel_constraint: None,
            recurrent_constraint: None,
            bias_constraint: None,
            dropout: 0.0,
            recurrent_dropout: 0.0,
            seed: None,
        }
    }
}

/// The shapes of a cell's weights.
pub(super) struct WeightShapes {
    pub(super) kernel: Shape,
    pub(super) recurrent_kernel: Shape,
    pub(super) bias: Shape,
    /// With a second quarter of ones, for the gate that forgets.
    pub(super) forget_ones: bool,
}

impl Settings {
    pub(super) fn from_config(config: &LayerConfig<'_>) -> Result<Settings> {
        // Keras 3 always writes the activations; a missing one is the default, a null one is linear.
        let activation = |key: &str, default: &str| {
            if config.has(key) { config.activation(key) } else { Ok(default.into()) }
        };
        Ok(Settings {
            activation: activation("activation", "tanh")?,
            recurrent_activation: activation("recurrent_activation", "sigmoid")?,
            use_bias: config.boolean_or("use_bias", true)?,
            kernel_initializer: config.initializer("kernel_initializer", "glorot_uniform")?,
            recurrent_initializer: config.initializer("recurrent_initializer", "orthogonal")?,
            bias_initializer: config.initializer("bias_initializer", "zeros")?,
            kernel_regularizer: config.regularizer("kernel_regularizer")?,
            recurrent_regularizer: config.regularizer("recurrent_regularizer")?,
            bias_regularizer: config.regularizer("bias_regularizer")?,
            kernel_constraint: config.constraint("kernel_constraint")?,
            recurrent_constraint: config.constraint("recurrent_constraint")?,
            bias_constraint: config.constraint("bias_constraint")?,
            dropout: config.number_or("dropout", 0.0)?,
            recurrent_dropout: config.number_or("recurrent_dropout", 0.0)?,
            seed: config.seed("seed")?,
        })
    }

    /// `activation`, for a cell with gates `recurrent_activation`, and `use_bias`.
    pub(super) fn write_activations(&self, config: &mut Config, has_gates: bool) -> Result<()> {
        config.insert("activation".into(), self.activation.resolve()?.serialize()?);
        if has_gates {
            config.insert("recurrent_activation".into(), self.recurrent_activation.resolve()?.serialize()?);
        }
        config.insert("use_bias".into(), json!(self.use_bias));
        Ok(())
    }

    pub(super) fn write_initializers(&self, config: &mut Config) -> Result<()> {
        let all = [
            ("kernel_initializer", &self.kernel_initializer),
            ("recurrent_initializer", &self.recurrent_initializer),
            ("bias_initializer", &self.bias_initializer),
        ];
        for (key, initializer) in all {
            config.insert(key.into(), initializers::serialize(&*initializer.resolve()?));
        }
        Ok(())
    }

    pub(super) fn write_regularizers(&self, config: &mut Config) -> Result<()> {
        config.insert("kernel_regularizer".into(), regularizer_config(&self.kernel_regularizer)?);
        config.insert("recurrent_regularizer".into(), regularizer_config(&self.recurrent_regularizer)?);
        config.insert("bias_regularizer".into(), regularizer_config(&self.bias_regularizer)?);
        Ok(())
    }

    pub(super) fn write_rest(&self, config: &mut Config) -> Result<()> {
        config.insert("kernel_constraint".into(), constraint_config(&self.kernel_constraint)?);
        config.insert("recurrent_constraint".into(), constraint_config(&self.recurrent_constraint)?);
        config.insert("bias_constraint".into(), constraint_config(&self.bias_constraint)?);
        config.insert("dropout".into(), json!(self.dropout));
        config.insert("recurrent_dropout".into(), json!(self.recurrent_dropout));
        Ok(())
    }

    /// Adds the cell's weights, after a check of the arguments.
    pub(super) fn add_weights(&self, class: &str, shapes: WeightShapes, weights: &mut Weights) -> Result<()> {
        for (key, rate) in [("dropout", self.dropout), ("recurrent_dropout", self.recurrent_dropout)] {
            if !(0.0..=1.0).contains(&rate) {
                return Err(Error::config(class, key, rate, "a number from 0 to 1"));
            }
        }
        self.activation.resolve()?;
        self.recurrent_activation.resolve()?;
        weights
            .add("kernel", shapes.kernel, self.kernel_initializer.resolve()?)?
            .regularizer(self.kernel_regularizer.as_ref())?
            .constraint(self.kernel_constraint.as_ref())?;
        weights
            .add("recurrent_kernel", shapes.recurrent_kernel, self.recurrent_initializer.resolve()?)?
            .regularizer(self.recurrent_regularizer.as_ref())?
            .constraint(self.recurrent_constraint.as_ref())?;
        if self.use_bias {
            let initializer = self.bias_initializer.resolve()?;
            let initializer =
                if shapes.forget_ones { std::sync::Arc::new(ForgetOnes(initializer)) } else { initializer };
            weights
                .add("bias", shapes.bias, initializer)?
                .regularizer(self.bias_regularizer.as_ref())?
                .constraint(self.bias_constraint.as_ref())?;
        }
        Ok(())
    }
}

/// A bias of four gates of which the second begins at one, so that a cell first remembers.
#[derive(Debug)]
struct ForgetOnes(std::sync::Arc<dyn Initializer>);

impl Initializer for ForgetOnes {
    fn class_name(&self) -> &str {
        self.0.class_name()
    }

    fn config(&self) -> Map<String, Value> {
        self.0.config()
    }

    fn generate(&self, ty: &Type, seed: u64) -> Result<Tensor> {
        let units = ty.elements() / 4;
        let part = |units: usize| self.0.generate(&ty.with_shape([units]), seed);
        let (first, rest) = (part(units)?, part(2 * units)?);
        let ones = std::iter::repeat_n(1.0, units);
        Ok(Tensor::from_floats(ty, first.floats().into_iter().chain(ones).chain(rest.floats())))
    }
}
