//! Affine: the learned scale and offset after a normalization.

use cornu_ir::Expr;
use serde_json::json;

use super::beside;
use crate::constraints::Constraint;
use crate::error::Result;
use crate::identifier::Identifier;
use crate::initializers::Initializer;
use crate::layers::{
    Config, Context, LayerConfig, Weights, constraint_config, initializer_config, regularizer_config,
};
use crate::regularizers::Regularizer;

/// x·`gamma` + `beta`, each if it is wanted.
#[derive(Clone, Debug)]
pub(super) struct Affine {
    pub(super) center: bool,
    pub(super) scale: bool,
    pub(super) beta_initializer: Identifier<dyn Initializer>,
    pub(super) gamma_initializer: Identifier<dyn Initializer>,
    pub(super) beta_regularizer: Option<Identifier<dyn Regularizer>>,
    pub(super) gamma_regularizer: Option<Identifier<dyn Regularizer>>,
    pub(super) beta_constraint: Option<Identifier<dyn Constraint>>,
    pub(super) gamma_constraint: Option<Identifier<dyn Constraint>>,
}

impl Default for Affine {
    fn default() -> Affine {
        Affine {
            center: true,
            scale: true,
            beta_initializer: "zeros".into(),
            gamma_initializer: "ones".into(),
            beta_regularizer: None,
            gamma_regularizer: None,
            beta_constraint: None,
            gamma_constraint: None,
        }
    }
}

impl Affine {
    pub(super) fn from_config(config: &LayerConfig<'_>) -> Result<Affine> {
        Ok(Affine {
            center: config.boolean_or("center", true)?,
            scale: config.boolean_or("scale", true)?,
            beta_initializer: config.initializer("beta_initializer", "zeros")?,
            gamma_initializer: config.initializer("gamma_initializer", "ones")?,
            beta_regularizer: config.regularizer("beta_regularizer")?,
            gamma_regularizer: config.regularizer("gamma_regularizer")?,
            beta_constraint: config.constraint("beta_constraint")?,
            gamma_constraint: config.constraint("gamma_constraint")?,
        })
    }

    /// Keras writes the arguments in three stretches, with others between them: here whether there is what.
    pub(super) fn write_flags(&self, config: &mut Config) {
        config.insert("center".into(), json!(self.center));
        config.insert("scale".into(), json!(self.scale));
    }

    /// How both begin.
    pub(super) fn write_initializers(&self, config: &mut Config) -> Result<()> {
        config.insert("beta_initializer".into(), initializer_config(&self.beta_initializer)?);
        config.insert("gamma_initializer".into(), initializer_config(&self.gamma_initializer)?);
        Ok(())
    }

    /// What both cost and are projected to.
    pub(super) fn write_limits(&self, config: &mut Config) -> Result<()> {
        config.insert("beta_regularizer".into(), regularizer_config(&self.beta_regularizer)?);
        config.insert("gamma_regularizer".into(), regularizer_config(&self.gamma_regularizer)?);
        config.insert("beta_constraint".into(), constraint_config(&self.beta_constraint)?);
        config.insert("gamma_constraint".into(), constraint_config(&self.gamma_constraint)?);
        Ok(())
    }

    /// Adds `gamma`, then `beta`, of this shape.
    pub(super) fn build(&self, shape: &[usize], weights: &mut Weights) -> Result<()> {
        if self.scale {
            weights
                .add("gamma", shape, self.gamma_initializer.resolve()?)?
                .regularizer(self.gamma_regularizer.as_ref())?
                .constraint(self.gamma_constraint.as_ref())?;
        }
        if self.center {
            weights
                .add("beta", shape, self.beta_initializer.resolve()?)?
                .regularizer(self.beta_regularizer.as_ref())?
                .constraint(self.beta_constraint.as_ref())?;
        }
        Ok(())
    }

    /// x·gamma + beta, whose sizes are those of `axes`.
    pub(super) fn apply<'b>(
        &self,
        context: &Context<'_, 'b>,
        x: Expr<'b>,
        axes: &[usize],
    ) -> Result<Expr<'b>> {
        let y = if self.scale { x * self.weight(context, "gamma", x, axes)? } else { x };
        self.offset(context, y, axes)
    }

    /// x·factor·gamma + beta, for a factor that has the sizes of `axes`, too: both are multiplied first, so that `x` is
    /// multiplied once, as in Keras.
    pub(super) fn apply_scaled<'b>(
        &self,
        context: &Context<'_, 'b>,
        x: Expr<'b>,
        factor: Expr<'b>,
        axes: &[usize],
    ) -> Result<Expr<'b>> {
        let factor = if self.scale { factor * self.weight(context, "gamma", x, axes)? } else { factor };
        self.offset(context, x * factor, axes)
    }

    fn offset<'b>(&self, context: &Context<'_, 'b>, x: Expr<'b>, axes: &[usize]) -> Result<Expr<'b>> {
        Ok(if self.center { x + self.weight(context, "beta", x, axes)? } else { x })
    }

    /// A weight beside `x`.
    fn weight<'b>(
        &self,
        context: &Context<'_, 'b>,
        name: &str,
        x: Expr<'b>,
        axes: &[usize],
    ) -> Result<Expr<'b>> {
        Ok(beside(context.weight(name)?.cast(x.dtype()), x, axes))
    }
}

/// The builder methods of a layer with a field `affine`.
macro_rules! affine_settings {
    ($layer:ident) => {
        impl $layer {
            /// Whether an offset `beta` is added.
            pub fn center(mut self, center: bool) -> $layer {
                self.affine.center = center;
                self
            }

            /// Whether there is a factor `gamma`.
            pub fn scale(mut self, scale: bool) -> $layer {
                self.affine.scale = scale;
                self
            }

            /// How the offset begins.
            pub fn beta_initializer(
                mut self,
                initializer: impl Into<$crate::identifier::Identifier<dyn $crate::initializers::Initializer>>,
            ) -> $layer {
                self.affine.beta_initializer = initializer.into();
                self
            }

            /// How the factor begins.
            pub fn gamma_initializer(
                mut self,
                initializer: impl Into<$crate::identifier::Identifier<dyn $crate::initializers::Initializer>>,
            ) -> $layer {
                self.affine.gamma_initializer = initializer.into();
                self
            }

            /// What the offset's size costs.
            pub fn beta_regularizer(
                mut self,
                regularizer: impl Into<$crate::identifier::Identifier<dyn $crate::regularizers::Regularizer>>,
            ) -> $layer {
                self.affine.beta_regularizer = Some(regularizer.into());
                self
            }

            /// What the factor's size costs.
            pub fn gamma_regularizer(
                mut self,
                regularizer: impl Into<$crate::identifier::Identifier<dyn $crate::regularizers::Regularizer>>,
            ) -> $layer {
                self.affine.gamma_regularizer = Some(regularizer.into());
                self
            }

            /// What the offset is projected to after each update.
            pub fn beta_constraint(
                mut self,
                constraint: impl Into<$crate::identifier::Identifier<dyn $crate::constraints::Constraint>>,
            ) -> $layer {
                self.affine.beta_constraint = Some(constraint.into());
                self
            }

            /// What the factor is projected to after each update.
            pub fn gamma_constraint(
                mut self,
                constraint: impl Into<$crate::identifier::Identifier<dyn $crate::constraints::Constraint>>,
            ) -> $layer {
                self.affine.gamma_constraint = Some(constraint.into());
                self
            }
        }
    };
}

pub(super) use affine_settings;
