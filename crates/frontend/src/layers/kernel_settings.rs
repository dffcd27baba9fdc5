//! KernelSettings: what is said of a kernel and a bias by every layer that has both.

use super::{Config, LayerConfig};
use crate::constraints::Constraint;
use crate::error::Result;
use crate::identifier::Identifier;
use crate::initializers::{self, Initializer};
use crate::regularizers::Regularizer;

/// How kernel and bias begin, what their sizes cost, and what they are projected to.
#[derive(Clone, Debug)]
pub(super) struct KernelSettings {
    pub kernel_initializer: Identifier<dyn Initializer>,
    pub bias_initializer: Identifier<dyn Initializer>,
    pub kernel_regularizer: Option<Identifier<dyn Regularizer>>,
    pub bias_regularizer: Option<Identifier<dyn Regularizer>>,
    pub activity_regularizer: Option<Identifier<dyn Regularizer>>,
    pub kernel_constraint: Option<Identifier<dyn Constraint>>,
    pub bias_constraint: Option<Identifier<dyn Constraint>>,
}

impl Default for KernelSettings {
    fn default() -> KernelSettings {
        KernelSettings {
            kernel_initializer: "glorot_uniform".into(),
            bias_initializer: "zeros".into(),
            kernel_regularizer: None,
            bias_regularizer: None,
            activity_regularizer: None,
            kernel_constraint: None,
            bias_constraint: None,
        }
    }
}

impl KernelSettings {
    pub(super) fn from_config(config: &LayerConfig<'_>) -> Result<KernelSettings> {
        Ok(KernelSettings {
            kernel_initializer: config.initializer("kernel_initializer", "glorot_uniform")?,
            bias_initializer: config.initializer("bias_initializer", "zeros")?,
            kernel_regularizer: config.regularizer("kernel_regularizer")?,
            bias_regularizer: config.regularizer("bias_regularizer")?,
            activity_regularizer: config.regularizer("activity_regularizer")?,
            kernel_constraint: config.constraint("kernel_constraint")?,
            bias_constraint: config.constraint("bias_constraint")?,
        })
    }

    /// Writes the settings in Keras's order.
    pub(super) fn write(&self, config: &mut Config) -> Result<()> {
        let kernel_initializer = initializers::serialize(&*self.kernel_initializer.resolve()?);
        let bias_initializer = initializers::serialize(&*self.bias_initializer.resolve()?);
        config.insert("kernel_initializer".into(), kernel_initializer);
        config.insert("bias_initializer".into(), bias_initializer);
        config.insert("kernel_regularizer".into(), super::regularizer_config(&self.kernel_regularizer)?);
        config.insert("bias_regularizer".into(), super::regularizer_config(&self.bias_regularizer)?);
        config.insert("activity_regularizer".into(), super::regularizer_config(&self.activity_regularizer)?);
        config.insert("kernel_constraint".into(), super::constraint_config(&self.kernel_constraint)?);
        config.insert("bias_constraint".into(), super::constraint_config(&self.bias_constraint)?);
        Ok(())
    }
}

/// The builder methods of a layer whose field `settings` is a [`KernelSettings`].
macro_rules! kernel_setters {
    () => {
        /// How kernels begin.
        pub fn kernel_initializer(mut self, initializer: impl Into<Identifier<dyn Initializer>>) -> Self {
            self.settings.kernel_initializer = initializer.into();
            self
        }

        /// How biases begin.
        pub fn bias_initializer(mut self, initializer: impl Into<Identifier<dyn Initializer>>) -> Self {
            self.settings.bias_initializer = initializer.into();
            self
        }

        /// What the size of a kernel costs.
        pub fn kernel_regularizer(mut self, regularizer: impl Into<Identifier<dyn Regularizer>>) -> Self {
            self.settings.kernel_regularizer = Some(regularizer.into());
            self
        }

        /// What the size of a bias costs.
        pub fn bias_regularizer(mut self, regularizer: impl Into<Identifier<dyn Regularizer>>) -> Self {
            self.settings.bias_regularizer = Some(regularizer.into());
            self
        }

        /// What the size of an output costs.
        pub fn activity_regularizer(mut self, regularizer: impl Into<Identifier<dyn Regularizer>>) -> Self {
            self.settings.activity_regularizer = Some(regularizer.into());
            self
        }

        /// What a kernel is projected to after each update.
        pub fn kernel_constraint(mut self, constraint: impl Into<Identifier<dyn Constraint>>) -> Self {
            self.settings.kernel_constraint = Some(constraint.into());
            self
        }

        /// What a bias is projected to after each update.
        pub fn bias_constraint(mut self, constraint: impl Into<Identifier<dyn Constraint>>) -> Self {
            self.settings.bias_constraint = Some(constraint.into());
            self
        }
    };
}

pub(super) use kernel_setters;
