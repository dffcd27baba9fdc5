//! Affine: the learned scale and offset after a normalization.

use cornu_ir::Expr;
use serde_json::json;

use super::beside;
use crate::error::Result;
use crate::layers::weight_options::{
    WeightOptions, write_constraints, write_initializers, write_regularizers,
};
use crate::layers::{Config, Context, LayerConfig, Weights};

/// x·`gamma` + `beta`, each if it is wanted.
#[derive(Clone, Debug)]
pub(super) struct Affine {
    pub(super) center: bool,
    pub(super) scale: bool,
    pub(super) beta: WeightOptions,
    pub(super) gamma: WeightOptions,
}

impl Default for Affine {
    fn default() -> Affine {
        let (beta, gamma) = (WeightOptions::new("zeros"), WeightOptions::new("ones"));
        Affine { center: true, scale: true, beta, gamma }
    }
}

impl Affine {
    pub(super) fn from_config(config: &LayerConfig<'_>) -> Result<Affine> {
        Ok(Affine {
            center: config.boolean_or("center", true)?,
            scale: config.boolean_or("scale", true)?,
            beta: WeightOptions::from_config(config, "beta", "zeros")?,
            gamma: WeightOptions::from_config(config, "gamma", "ones")?,
        })
    }

    fn both(&self) -> [(&'static str, &WeightOptions); 2] {
        [("beta", &self.beta), ("gamma", &self.gamma)]
    }

    /// Keras writes the arguments in three stretches, with others between them: here whether there is what.
    pub(super) fn write_flags(&self, config: &mut Config) {
        config.insert("center".into(), json!(self.center));
        config.insert("scale".into(), json!(self.scale));
    }

    /// How both begin.
    pub(super) fn write_initializers(&self, config: &mut Config) -> Result<()> {
        write_initializers(config, &self.both())
    }

    /// What both cost and are projected to.
    pub(super) fn write_limits(&self, config: &mut Config) -> Result<()> {
        write_regularizers(config, &self.both())?;
        write_constraints(config, &self.both())
    }

    /// Adds `gamma`, then `beta`, of this shape.
    pub(super) fn build(&self, shape: &[usize], weights: &mut Weights) -> Result<()> {
        if self.scale {
            self.gamma.add(weights, "gamma", shape)?;
        }
        if self.center {
            self.beta.add(weights, "beta", shape)?;
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
        Ok(beside(context.variable(name)?.cast(x.dtype()), x, axes))
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

            $crate::layers::weight_options::weight_options!(
                "the offset" affine.beta: beta_initializer beta_regularizer beta_constraint
            );
            $crate::layers::weight_options::weight_options!(
                "the factor" affine.gamma: gamma_initializer gamma_regularizer gamma_constraint
            );
        }
    };
}

pub(super) use affine_settings;
