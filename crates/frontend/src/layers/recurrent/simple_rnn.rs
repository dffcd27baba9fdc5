//! SimpleRNN: the output is fed back. Keras: `SimpleRNNCell`, `SimpleRNN`.

use cornu_ir::Expr;

use super::cell::{GatedCell, Kind};
use super::layer::Recurrent;
use super::project::{self, Drops, with_bias};
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

impl SimpleRNNCell {
    /// A cell of `units` units.
    pub fn new(units: usize) -> SimpleRNNCell {
        GatedCell::of(Simple { units })
    }
}

impl SimpleRNN {
    /// A layer of `units` units.
    pub fn new(units: usize) -> SimpleRNN {
        Recurrent::of(SimpleRNNCell::new(units))
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
        let (kernel, recurrent) = (context.weight("kernel")?, context.weight("recurrent_kernel")?);
        let x = x.cast(kernel.dtype());
        let dropped = Drops::draw(context, x, settings.dropout, settings.seed, 1)?;
        let recurrent_dropped =
            Drops::draw(context, states[0], settings.recurrent_dropout, settings.seed, 1)?;
        let bias = settings.use_bias.then(|| context.weight("bias")).transpose()?;
        let from_input = with_bias(dropped.product(x, kernel, self.units), bias);
        let sums = from_input + recurrent_dropped.product(states[0], recurrent, self.units);
        Ok(vec![settings.activation.resolve()?.apply(sums)?])
    }
}
