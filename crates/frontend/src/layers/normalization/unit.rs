//! UnitNormalization: vectors of length 1. Keras: `UnitNormalization`.

use cornu_ir::{Expr, derived};

use super::{LAST, widened};
use crate::error::Result;
use crate::layers::{Axes, Config, Context, Layer, LayerConfig, only};

/// x/√Σx² with the sum along `axis`: the shape stays. The zero vector stays what it is.
#[derive(Clone, Debug)]
pub struct UnitNormalization {
    axis: Axes,
}

impl Default for UnitNormalization {
    fn default() -> UnitNormalization {
        UnitNormalization { axis: LAST }
    }
}

impl UnitNormalization {
    /// Along the last axis.
    pub fn new() -> UnitNormalization {
        UnitNormalization::default()
    }

    /// Along these axes.
    pub fn axis(mut self, axis: impl Into<Axes>) -> UnitNormalization {
        self.axis = axis.into();
        self
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<UnitNormalization> {
        Ok(UnitNormalization { axis: Axes::from_config(config, "axis")? })
    }
}

impl Layer for UnitNormalization {
    fn class_name(&self) -> &str {
        "UnitNormalization"
    }

    fn config(&self) -> Result<Config> {
        Ok(Config::from_iter([("axis".into(), self.axis.config())]))
    }

    fn call<'b>(&self, _: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = widened(only(inputs)?);
        let axes = self.axis.of("UnitNormalization", x)?;
        Ok(vec![derived::l2_normalize(x, &axes, 1e-12)])
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
