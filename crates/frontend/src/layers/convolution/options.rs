//! Options: what Keras lets one say of a layer's weights and output, the same for all convolutions.

use cornu_ir::Expr;
use serde_json::json;

use crate::activations::Activation;
use crate::constraints::Constraint;
use crate::error::Result;
use crate::identifier::Identifier;
use crate::initializers::{self, Initializer};
use crate::layers::{Config, Context, LayerConfig, Weights, constraint_config, regularizer_config};
use crate::regularizers::Regularizer;

/// How a weight begins, what its size costs, and what it is projected to after each update.
#[derive(Clone, Debug)]
pub(super) struct WeightOptions {
    pub(super) initializer: Identifier<dyn Initializer>,
    pub(super) regularizer: Option<Identifier<dyn Regularizer>>,
    pub(super) constraint: Option<Identifier<dyn Constraint>>,
}

impl WeightOptions {
    pub(super) fn new(initializer: &str) -> WeightOptions {
        WeightOptions { initializer: initializer.into(), regularizer: None, constraint: None }
    }

    /// Reads `{prefix}_initializer`, `{prefix}_regularizer` and `{prefix}_constraint`.
    pub(super) fn from_config(
        config: &LayerConfig<'_>,
        prefix: &str,
        initializer: &str,
    ) -> Result<WeightOptions> {
        Ok(WeightOptions {
            initializer: config.initializer(&format!("{prefix}_initializer"), initializer)?,
            regularizer: config.regularizer(&format!("{prefix}_regularizer"))?,
            constraint: config.constraint(&format!("{prefix}_constraint"))?,
        })
    }

    /// Adds the weight.
    pub(super) fn add(&self, weights: &mut Weights, name: &str, shape: &[usize]) -> Result<()> {
        weights
            .add(name, shape, self.initializer.resolve()?)?
            .regularizer(self.regularizer.as_ref())?
            .constraint(self.constraint.as_ref())?;
        Ok(())
    }
}

/// What becomes of the sums: a bias is added, and they go through an activation.
#[derive(Clone, Debug)]
pub(super) struct OutputOptions {
    pub(super) activation: Identifier<Activation>,
    pub(super) use_bias: bool,
    pub(super) bias: WeightOptions,
    pub(super) activity_regularizer: Option<Identifier<dyn Regularizer>>,
}

impl OutputOptions {
    pub(super) fn new() -> OutputOptions {
        OutputOptions {
            activation: "linear".into(),
            use_bias: true,
            bias: WeightOptions::new("zeros"),
            activity_regularizer: None,
        }
    }

    pub(super) fn from_config(config: &LayerConfig<'_>) -> Result<OutputOptions> {
        Ok(OutputOptions {
            activation: config.activation("activation")?,
            use_bias: config.boolean_or("use_bias", true)?,
            bias: WeightOptions::from_config(config, "bias", "zeros")?,
            activity_regularizer: config.regularizer("activity_regularizer")?,
        })
    }

    /// The beginning of a configuration: an activity regularizer comes first, as in Keras, where there is one.
    pub(super) fn begin(&self) -> Result<Config> {
        let mut config = Config::new();
        if self.activity_regularizer.is_some() {
            config.insert("activity_regularizer".into(), regularizer_config(&self.activity_regularizer)?);
        }
        Ok(config)
    }

    /// Writes these options and those of the kernels, by their prefixes, in Keras's order.
    pub(super) fn write(&self, config: &mut Config, kernels: &[(&str, &WeightOptions)]) -> Result<()> {
        config.insert("activation".into(), self.activation.resolve()?.serialize()?);
        config.insert("use_bias".into(), json!(self.use_bias));
        let all = || kernels.iter().copied().chain([("bias", &self.bias)]);
        for (prefix, options) in all() {
            let initializer = initializers::serialize(&*options.initializer.resolve()?);
            config.insert(format!("{prefix}_initializer"), initializer);
        }
        for (prefix, options) in all() {
            config.insert(format!("{prefix}_regularizer"), regularizer_config(&options.regularizer)?);
        }
        config.insert("activity_regularizer".into(), regularizer_config(&self.activity_regularizer)?);
        for (prefix, options) in all() {
            config.insert(format!("{prefix}_constraint"), constraint_config(&options.constraint)?);
        }
        Ok(())
    }

    /// Adds the bias, if there is one, and checks the names.
    pub(super) fn build(&self, weights: &mut Weights, filters: usize) -> Result<()> {
        self.activation.resolve()?;
        self.activity_regularizer.as_ref().map(|regularizer| regularizer.resolve()).transpose()?;
        if self.use_bias {
            self.bias.add(weights, "bias", &[filters])?;
        }
        Ok(())
    }

    /// The output of sums whose channels are last; `arrange` brings it into the layer's format.
    pub(super) fn apply<'b>(
        &self,
        context: &mut Context<'_, 'b>,
        sums: Expr<'b>,
        arrange: impl Fn(Expr<'b>) -> Expr<'b>,
    ) -> Result<Vec<Expr<'b>>> {
        let sums = if self.use_bias {
            sums + context.weight("bias")?.broadcast_leading(&sums.shape())
        } else {
            sums
        };
        // An activation may look along the last axis, whatever it holds.
        let output = self.activation.resolve()?.apply(arrange(sums))?;
        context.add_activity_loss(self.activity_regularizer.as_ref(), output)?;
        Ok(vec![output])
    }
}

/// The methods that set what a layer does with its sums.
macro_rules! output_options {
    () => {
        /// The function that the sums go through.
        pub fn activation(mut self, activation: impl Into<Identifier<Activation>>) -> Self {
            self.output.activation = activation.into();
            self
        }

        /// Whether there is a bias.
        pub fn use_bias(mut self, use_bias: bool) -> Self {
            self.output.use_bias = use_bias;
            self
        }

        /// How the bias begins.
        pub fn bias_initializer(mut self, initializer: impl Into<Identifier<dyn Initializer>>) -> Self {
            self.output.bias.initializer = initializer.into();
            self
        }

        /// What the bias's size costs.
        pub fn bias_regularizer(mut self, regularizer: impl Into<Identifier<dyn Regularizer>>) -> Self {
            self.output.bias.regularizer = Some(regularizer.into());
            self
        }

        /// What the bias is projected to after each update.
        pub fn bias_constraint(mut self, constraint: impl Into<Identifier<dyn Constraint>>) -> Self {
            self.output.bias.constraint = Some(constraint.into());
            self
        }

        /// What the output's size costs.
        pub fn activity_regularizer(mut self, regularizer: impl Into<Identifier<dyn Regularizer>>) -> Self {
            self.output.activity_regularizer = Some(regularizer.into());
            self
        }
    };
}

/// The methods that set the options of one kernel.
macro_rules! weight_options {
    ($field:ident: $initializer:ident $regularizer:ident $constraint:ident) => {
        /// How the kernel begins.
        pub fn $initializer(mut self, initializer: impl Into<Identifier<dyn Initializer>>) -> Self {
            self.$field.initializer = initializer.into();
            self
        }

        /// What the kernel's size costs.
        pub fn $regularizer(mut self, regularizer: impl Into<Identifier<dyn Regularizer>>) -> Self {
            self.$field.regularizer = Some(regularizer.into());
            self
        }

        /// What the kernel is projected to after each update.
        pub fn $constraint(mut self, constraint: impl Into<Identifier<dyn Constraint>>) -> Self {
            self.$field.constraint = Some(constraint.into());
            self
        }
    };
}

pub(super) use {output_options, weight_options};
