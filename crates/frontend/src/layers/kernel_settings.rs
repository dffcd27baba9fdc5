//! KernelSettings: what is said of a kernel and a bias by every layer that has both.

use super::weight_options::{WeightOptions, write_constraints, write_initializers, write_regularizers};
use super::{Config, LayerConfig, regularizer_config};
use crate::error::Result;
use crate::identifier::Identifier;
use crate::regularizers::Regularizer;

/// How kernel and bias begin, what their sizes cost, and what they are projected to.
#[derive(Clone, Debug)]
pub(super) struct KernelSettings {
    pub kernel: WeightOptions,
    pub bias: WeightOptions,
    pub activity_regularizer: Option<Identifier<dyn Regularizer>>,
}

impl Default for KernelSettings {
    fn default() -> KernelSettings {
        KernelSettings {
            kernel: WeightOptions::new("glorot_uniform"),
            bias: WeightOptions::new("zeros"),
            activity_regularizer: None,
        }
    }
}

impl KernelSettings {
    pub(super) fn from_config(config: &LayerConfig<'_>) -> Result<KernelSettings> {
        Ok(KernelSettings {
            kernel: WeightOptions::from_config(config, "kernel", "glorot_uniform")?,
            bias: WeightOptions::from_config(config, "bias", "zeros")?,
            activity_regularizer: config.regularizer("activity_regularizer")?,
        })
    }

    /// Writes the settings in Keras's order.
    pub(super) fn write(&self, config: &mut Config) -> Result<()> {
        let both = [("kernel", &self.kernel), ("bias", &self.bias)];
        write_initializers(config, &both)?;
        write_regularizers(config, &both)?;
        config.insert("activity_regularizer".into(), regularizer_config(&self.activity_regularizer)?);
        write_constraints(config, &both)
    }
}

/// The builder methods of a layer whose field `settings` is a [`KernelSettings`].
macro_rules! kernel_setters {
    () => {
        $crate::layers::weight_options::weight_options!(
            "a kernel" settings.kernel: kernel_initializer kernel_regularizer kernel_constraint
        );
        $crate::layers::weight_options::weight_options!(
            "a bias" settings.bias: bias_initializer bias_regularizer bias_constraint
        );

        /// What the size of an output costs.
        pub fn activity_regularizer(mut self, regularizer: impl Into<Identifier<dyn Regularizer>>) -> Self {
            self.settings.activity_regularizer = Some(regularizer.into());
            self
        }
    };
}

pub(super) use kernel_setters;
