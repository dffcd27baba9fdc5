//! What the cells of Keras have in common: activations, the three weights, dropout.

use cornu_ir::{Shape, Tensor, Type};
use serde_json::{Map, Value, json};

use crate::activations::Activation;
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::initializers::Initializer;
use crate::layers::weight_options::{
    WeightOptions, write_constraints, write_initializers, write_regularizers,
};
use crate::layers::{Config, LayerConfig, Weights};

/// The arguments of a cell beside its size.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) activation: Identifier<Activation>,
    pub(super) recurrent_activation: Identifier<Activation>,
    pub(super) use_bias: bool,
    pub(super) kernel: WeightOptions,
    pub(super) recurrent: WeightOptions,
    pub(super) bias: WeightOptions,
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
            kernel: WeightOptions::new("glorot_uniform"),
            recurrent: WeightOptions::new("orthogonal"),
            bias: WeightOptions::new("zeros"),
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
            kernel: WeightOptions::from_config(config, "kernel", "glorot_uniform")?,
            recurrent: WeightOptions::from_config(config, "recurrent", "orthogonal")?,
            bias: WeightOptions::from_config(config, "bias", "zeros")?,
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

    fn all(&self) -> [(&'static str, &WeightOptions); 3] {
        [("kernel", &self.kernel), ("recurrent", &self.recurrent), ("bias", &self.bias)]
    }

    pub(super) fn write_initializers(&self, config: &mut Config) -> Result<()> {
        write_initializers(config, &self.all())
    }

    pub(super) fn write_regularizers(&self, config: &mut Config) -> Result<()> {
        write_regularizers(config, &self.all())
    }

    pub(super) fn write_rest(&self, config: &mut Config) -> Result<()> {
        write_constraints(config, &self.all())?;
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
        self.kernel.add(weights, "kernel", shapes.kernel)?;
        self.recurrent.add(weights, "recurrent_kernel", shapes.recurrent_kernel)?;
        if self.use_bias {
            let initializer = self.bias.initializer.resolve()?;
            let initializer =
                if shapes.forget_ones { std::sync::Arc::new(ForgetOnes(initializer)) } else { initializer };
            self.bias.add_begun(weights, "bias", shapes.bias, initializer)?;
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

/// The builder methods that a cell and its layer share, by the place of their [`Settings`].
macro_rules! cell_options {
    ($($at:ident).+) => {
        /// The function of the new state.
        pub fn activation(mut self, activation: impl Into<Identifier<Activation>>) -> Self {
            self.$($at).+.activation = activation.into();
            self
        }

        /// The function of the gates, for cells that have some.
        pub fn recurrent_activation(mut self, activation: impl Into<Identifier<Activation>>) -> Self {
            self.$($at).+.recurrent_activation = activation.into();
            self
        }

        /// Whether there is a bias.
        pub fn use_bias(mut self, use_bias: bool) -> Self {
            self.$($at).+.use_bias = use_bias;
            self
        }

        $crate::layers::weight_options::weight_options!(
            "the kernel of the input" $($at).+.kernel: kernel_initializer kernel_regularizer kernel_constraint
        );
        $crate::layers::weight_options::weight_options!(
            "the kernel of the state"
            $($at).+.recurrent: recurrent_initializer recurrent_regularizer recurrent_constraint
        );
        $crate::layers::weight_options::weight_options!(
            "the bias" $($at).+.bias: bias_initializer bias_regularizer bias_constraint
        );

        /// The share of the input's elements that training drops, the same ones at every step.
        pub fn dropout(mut self, rate: f64) -> Self {
            self.$($at).+.dropout = rate;
            self
        }

        /// The share of the state's elements that training drops, the same ones at every step.
        pub fn recurrent_dropout(mut self, rate: f64) -> Self {
            self.$($at).+.recurrent_dropout = rate;
            self
        }

        /// Drops by random numbers of its own.
        pub fn seed(mut self, seed: i64) -> Self {
            self.$($at).+.seed = Some(seed);
            self
        }
    };
}
pub(super) use cell_options;
