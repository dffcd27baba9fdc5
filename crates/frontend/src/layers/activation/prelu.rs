//! PReLU: relu whose slope below zero is learned. Keras: `PReLU`.

use cornu_ir::Expr;
use serde_json::json;

use crate::activations;
use crate::constraints::Constraint;
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::initializers::Initializer;
use crate::layers::{
    Config, Context, Layer, LayerConfig, Spec, Weights, constraint_config, initializer_config, only,
    regularizer_config,
};
use crate::regularizers::Regularizer;

/// x where it is positive, `alpha`·x elsewhere: the shape stays.
///
/// Weight: `alpha`, of the sample's shape, with size 1 along shared axes; it begins at zero.
#[derive(Clone, Debug)]
pub struct PReLU {
    alpha_initializer: Identifier<dyn Initializer>,
    alpha_regularizer: Option<Identifier<dyn Regularizer>>,
    alpha_constraint: Option<Identifier<dyn Constraint>>,
    shared_axes: Option<Vec<i64>>,
}

impl Default for PReLU {
    fn default() -> PReLU {
        PReLU {
            alpha_initializer: "zeros".into(),
            alpha_regularizer: None,
            alpha_constraint: None,
            shared_axes: None,
        }
    }
}

impl PReLU {
    /// With a slope for each element of a sample.
    pub fn new() -> PReLU {
        PReLU::default()
    }

    /// How the slopes begin.
    pub fn alpha_initializer(mut self, initializer: impl Into<Identifier<dyn Initializer>>) -> PReLU {
        self.alpha_initializer = initializer.into();
        self
    }

    /// What the slopes' size costs.
    pub fn alpha_regularizer(mut self, regularizer: impl Into<Identifier<dyn Regularizer>>) -> PReLU {
        self.alpha_regularizer = Some(regularizer.into());
        self
    }

    /// What the slopes are projected to after each update.
    pub fn alpha_constraint(mut self, constraint: impl Into<Identifier<dyn Constraint>>) -> PReLU {
        self.alpha_constraint = Some(constraint.into());
        self
    }

    /// The axes along which one slope serves all, counted with the batch as axis 0: `[1, 2]` for a slope per channel
    /// of an image.
    pub fn shared_axes(mut self, axes: impl Into<Vec<i64>>) -> PReLU {
        self.shared_axes = Some(axes.into());
        self
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<PReLU> {
        Ok(PReLU {
            alpha_initializer: config.initializer("alpha_initializer", "zeros")?,
            alpha_regularizer: config.regularizer("alpha_regularizer")?,
            alpha_constraint: config.constraint("alpha_constraint")?,
            shared_axes: config.integers("shared_axes")?,
        })
    }

    /// The shape of the slopes.
    fn slopes(&self, input: &Spec) -> Result<Vec<usize>> {
        let shared = self.shared_axes.as_deref().unwrap_or_default();
        if shared.iter().any(|axis| !(1..input.rank() as i64).contains(axis)) {
            let needed = format!("axes from 1 to {} of the input {input}", input.rank().saturating_sub(1));
            return Err(Error::config("PReLU", "shared_axes", json!(self.shared_axes), needed));
        }
        let axes = input.shape.iter().enumerate().skip(1);
        let sizes = axes.map(|(axis, &size)| if shared.contains(&(axis as i64)) { Some(1) } else { size });
        sizes.collect::<Option<_>>().ok_or_else(|| Error::Layer {
            path: String::new(),
            reason: format!(
                "PReLU needs sizes that are known along all axes that are not shared; it got {input}"
            ),
        })
    }
}

impl Layer for PReLU {
    fn class_name(&self) -> &str {
        "PReLU"
    }

    fn config(&self) -> Result<Config> {
        Ok(Config::from_iter([
            ("alpha_initializer".into(), initializer_config(&self.alpha_initializer)?),
            ("alpha_regularizer".into(), regularizer_config(&self.alpha_regularizer)?),
            ("alpha_constraint".into(), constraint_config(&self.alpha_constraint)?),
            ("shared_axes".into(), json!(self.shared_axes)),
        ]))
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        let shape = self.slopes(&only(inputs)?)?;
        weights
            .add("alpha", shape, self.alpha_initializer.resolve()?)?
            .regularizer(self.alpha_regularizer.as_ref())?
            .constraint(self.alpha_constraint.as_ref())?;
        Ok(())
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?;
        let alpha = context.weight("alpha")?.expand(0);
        let relu = |x| activations::relu(x, 0.0, None, 0.0);
        Ok(vec![relu(x) - alpha * relu(-x)])
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
