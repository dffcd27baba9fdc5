//! Options: what Keras lets one say of a layer's weights and output, the same for all convolutions.

use cornu_ir::Expr;
use serde_json::json;

use crate::activations::Activation;
use crate::error::Result;
use crate::identifier::Identifier;
use crate::layers::weight_options::{
    WeightOptions, write_constraints, write_initializers, write_regularizers,
};
use crate::layers::{Config, Context, LayerConfig, Weights, regularizer_config};
use crate::regularizers::Regularizer;

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
        let all: Vec<(&str, &WeightOptions)> =
            kernels.iter().copied().chain([("bias", &self.bias)]).collect();
        write_initializers(config, &all)?;
        write_regularizers(config, &all)?;
        config.insert("activity_regularizer".into(), regularizer_config(&self.activity_regularizer)?);
        write_constraints(config, &all)?;
        Ok(())
    }

    /// Adds the bias, if there is one, and checks the names.
    pub(super) fn build(&self, weights: &mut Weights, filters: usize) -> Result<()> {
        self.activation.resolve()?;
        self.activity_regularizer.as_ref().map(|regularizer| regularizer.resolve()).transpose()?;
        if self.use_bias {
            self.bias.add(weights, "bias", [filters])?;
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

        $crate::layers::weight_options::weight_options!(
            "the bias" output.bias: bias_initializer bias_regularizer bias_constraint
        );

        /// What the output's size costs.
        pub fn activity_regularizer(mut self, regularizer: impl Into<Identifier<dyn Regularizer>>) -> Self {
            self.output.activity_regularizer = Some(regularizer.into());
            self
        }
    };
}

pub(super) use output_options;
