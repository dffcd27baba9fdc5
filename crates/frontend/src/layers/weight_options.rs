//! WeightOptions: what Keras lets one say of a weight.

use std::sync::Arc;

use cornu_ir::Shape;

use super::{Config, LayerConfig, Weights, constraint_config, initializer_config, regularizer_config};
use crate::constraints::Constraint;
use crate::error::Result;
use crate::identifier::Identifier;
use crate::initializers::Initializer;
use crate::regularizers::Regularizer;

/// How a weight begins, what its size costs, and what it is projected to after each update.
#[derive(Clone, Debug)]
pub(super) struct WeightOptions {
    pub(super) initializer: Identifier<dyn Initializer>,
    pub(super) regularizer: Option<Identifier<dyn Regularizer>>,
    pub(super) constraint: Option<Identifier<dyn Constraint>>,
}

impl WeightOptions {
    /// With this initializer and nothing else.
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
    pub(super) fn add(&self, weights: &mut Weights, name: &str, shape: impl Into<Shape>) -> Result<()> {
        self.add_begun(weights, name, shape, self.initializer.resolve()?)
    }

    /// Adds the weight, which begins as this initializer says: the given one, or what a layer makes of it.
    pub(super) fn add_begun(
        &self,
        weights: &mut Weights,
        name: &str,
        shape: impl Into<Shape>,
        initializer: Arc<dyn Initializer>,
    ) -> Result<()> {
        weights
            .add(name, shape, initializer)?
            .regularizer(self.regularizer.as_ref())?
            .constraint(self.constraint.as_ref())?;
        Ok(())
    }
}

/// Weights with the prefixes of their arguments, in Keras's order, which has all initializers side by side, then all
/// regularizers, then all constraints.
type Prefixed<'a> = [(&'a str, &'a WeightOptions)];

pub(super) fn write_initializers(config: &mut Config, weights: &Prefixed<'_>) -> Result<()> {
    for (prefix, options) in weights {
        config.insert(format!("{prefix}_initializer"), initializer_config(&options.initializer)?);
    }
    Ok(())
}

pub(super) fn write_regularizers(config: &mut Config, weights: &Prefixed<'_>) -> Result<()> {
    for (prefix, options) in weights {
        config.insert(format!("{prefix}_regularizer"), regularizer_config(&options.regularizer)?);
    }
    Ok(())
}

pub(super) fn write_constraints(config: &mut Config, weights: &Prefixed<'_>) -> Result<()> {
    for (prefix, options) in weights {
        config.insert(format!("{prefix}_constraint"), constraint_config(&options.constraint)?);
    }
    Ok(())
}

/// The builder methods for the options of one weight, by its place in the layer.
macro_rules! weight_options {
    ($what:literal $($field:ident).+: $initializer:ident $regularizer:ident $constraint:ident) => {
        #[doc = concat!("How ", $what, " begins.")]
        pub fn $initializer(
            mut self,
            initializer: impl Into<$crate::identifier::Identifier<dyn $crate::initializers::Initializer>>,
        ) -> Self {
            self.$($field).+.initializer = initializer.into();
            self
        }

        #[doc = concat!("What the size of ", $what, " costs.")]
        pub fn $regularizer(
            mut self,
            regularizer: impl Into<$crate::identifier::Identifier<dyn $crate::regularizers::Regularizer>>,
        ) -> Self {
            self.$($field).+.regularizer = Some(regularizer.into());
            self
        }

        #[doc = concat!("What ", $what, " is projected to after each update.")]
        pub fn $constraint(
            mut self,
            constraint: impl Into<$crate::identifier::Identifier<dyn $crate::constraints::Constraint>>,
        ) -> Self {
            self.$($field).+.constraint = Some(constraint.into());
            self
        }
    };
}
pub(super) use weight_options;
