//! RNN: any cell, run along time. Keras: `RNN`.

use cornu_ir::Expr;

use super::flags::{Flags, flags};
use super::{StackedRNNCells, run};
use crate::error::Result;
use crate::layers::{AnyLayer, Config, Context, Layer, LayerConfig, Spec, Sublayer, Weights};

/// Runs a cell, Keras's or one of your own ([`super::Cell`]), along time.
///
/// Masked steps keep the state and repeat the output. Called with `initial_state`, it begins there; else with zeros.
#[derive(Clone)]
pub struct RNN {
    cell: AnyLayer,
    flags: Flags,
}

impl RNN {
    /// Runs this cell.
    pub fn new(cell: impl Into<AnyLayer>) -> RNN {
        RNN { cell: cell.into(), flags: Flags::default() }
    }

    /// Runs these cells, each on what the one before gives: [`StackedRNNCells`].
    pub fn stacked(cells: impl IntoIterator<Item = AnyLayer>) -> RNN {
        RNN::new(StackedRNNCells::new(cells))
    }

    flags!();

    pub(crate) fn from_config(config: &LayerConfig<'_>) -> Result<RNN> {
        let cell = config.value("cell").ok_or_else(|| config.wrong("cell", "a cell, or a list of cells"))?;
        let cell = match cell.as_array() {
            Some(cells) => {
                let cells: Vec<AnyLayer> = cells.iter().map(AnyLayer::deserialize).collect::<Result<_>>()?;
                StackedRNNCells::new(cells).into()
            }
            None => AnyLayer::deserialize(cell)?,
        };
        Ok(RNN { cell, flags: Flags::from_config(config)? })
    }
}

impl Layer for RNN {
    fn class_name(&self) -> &str {
        "RNN"
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        self.flags.write(&mut config);
        config.insert("cell".into(), self.cell.serialize()?);
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        run::build("RNN", &self.cell, &self.flags, inputs, weights)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        run::run(&self.cell, &self.flags, context, inputs)
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn input_names(&self) -> &'static [&'static str] {
        &["sequences"]
    }

    fn sublayers(&self) -> Vec<Sublayer<'_>> {
        run::sublayer(&self.cell)
    }
}
