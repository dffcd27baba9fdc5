//! SimpleRNN: the output is fed back. Keras: `SimpleRNNCell`, `SimpleRNN`.

use cornu_ir::Expr;

use super::cell::{GatedCell, Kind, UnitsKind};
use super::layer::Recurrent;
use super::project::{self, Step};
use super::settings::Settings;
use crate::error::Result;
use crate::layers::{Config, Context, LayerConfig, Spec, Weights};

/// `h' = activation(x·kernel + bias + h·recurrent_kernel)`, which is the output too.
pub type SimpleRNNCell = GatedCell<Simple>;

/// Runs a [`SimpleRNNCell`] along time: `(batch, time, in)` becomes `(batch, units)`, or `(batch, time, units)`.
///
/// Weights: `kernel` `[in, units]`, `recurrent_kernel` `[units, units]`, `bias` `[units]`.
pub type SimpleRNN = Recurrent<Simple>;

/// The kind of [`SimpleRNNCell`].
#[derive(Clone, Debug)]
pub struct Simple {
    units: usize,
}

impl UnitsKind for Simple {
    fn of_units(units: usize) -> Simple {
        Simple { units }
    }
}

impl Kind for Simple {
    const CELL: &'static str = "SimpleRNNCell";
    const LAYER: &'static str = "SimpleRNN";
    const CELL_NAME: &'static str = "simple_rnn_cell";
    const HAS_GATES: bool = false;

    fn from_config(config: &LayerConfig<'_>) -> Result<Simple> {
        Ok(Simple { units: project::units(config)? })
    }

    fn write_size(&self, config: &mut Config) {
        project::write_units(self.units, config);
    }

    fn build(&self, settings: &Settings, step: &Spec, weights: &mut Weights) -> Result<()> {
        project::build(Self::CELL, [self.units, 1], None, false, settings, step, weights)
    }

    fn state_shapes(&self, _: &Spec) -> Result<Vec<Vec<usize>>> {
        Ok(vec![vec![self.units]])
    }

    fn step<'b>(
        &self,
        settings: &Settings,
        context: &mut Context<'_, 'b>,
        x: Expr<'b>,
        states: &[Expr<'b>],
    ) -> Result<Vec<Expr<'b>>> {
        let sums = Step::begin(settings, context, [x, states[0]], [self.units, 1])?.sums();
        Ok(vec![settings.activation.resolve()?.apply(sums)?])
    }
}
