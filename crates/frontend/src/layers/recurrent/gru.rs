//! GRU: a state with gates. Keras: `GRUCell`, `GRU`.

use cornu_ir::Expr;

use super::cell::{GatedCell, Kind, UnitsKind};
use super::layer::Recurrent;
use super::project::{self, Step, gate, with_bias};
use super::settings::Settings;
use crate::error::Result;
use crate::layers::{Config, Context, LayerConfig, Spec, Weights};

/// `h' = z·h + (1 - z)·g`, where the gates `z` and `r` are `σ(x·kernel + h·recurrent_kernel + bias)`, and the candidate
/// `g` is `tanh(x·K + r·(h·R + b))` or, without `reset_after`, `tanh(x·K + (r·h)·R)`. (Cho et al., 2014.)
pub type GRUCell = GatedCell<Gru>;

/// Runs a [`GRUCell`] along time: `(batch, time, in)` becomes `(batch, units)`, or `(batch, time, units)`.
///
/// Weights: `kernel` `[in, 3·units]`, `recurrent_kernel` `[units, 3·units]`, `bias` `[2, 3·units]`, one row for the
/// input and one for the state, or `[3·units]` without `reset_after`.
pub type GRU = Recurrent<Gru>;

/// The kind of [`GRUCell`].
#[derive(Clone, Debug)]
pub struct Gru {
    units: usize,
    reset_after: bool,
}

impl UnitsKind for Gru {
    fn of_units(units: usize) -> Gru {
        Gru { units, reset_after: true }
    }
}

impl GRUCell {
    /// Whether the state is reset after its product with the kernel, or before.
    pub fn reset_after(mut self, reset_after: bool) -> GRUCell {
        self.kind.reset_after = reset_after;
        self
    }
}

impl GRU {
    /// Whether the state is reset after its product with the kernel, or before.
    pub fn reset_after(mut self, reset_after: bool) -> GRU {
        self.cell.kind.reset_after = reset_after;
        self
    }
}

impl Kind for Gru {
    const CELL: &'static str = "GRUCell";
    const LAYER: &'static str = "GRU";
    const CELL_NAME: &'static str = "gru_cell";
    const HAS_GATES: bool = true;

    fn from_config(config: &LayerConfig<'_>) -> Result<Gru> {
        Ok(Gru { units: project::units(config)?, reset_after: config.boolean_or("reset_after", true)? })
    }

    fn write_size(&self, config: &mut Config) {
        project::write_units(self.units, config);
    }

    fn reset_after(&self) -> Option<bool> {
        Some(self.reset_after)
    }

    fn build(&self, settings: &Settings, step: &Spec, weights: &mut Weights) -> Result<()> {
        let biases = self.reset_after.then_some(2);
        project::build(Self::CELL, [self.units, 3], biases, false, settings, step, weights)
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
        let (units, h) = (self.units, states[0]);
        let step = Step::begin(settings, context, [x, h], [units, 3])?;
        let row = |index: usize| step.bias.map(|bias| bias.slice_axis(0, index, index + 1).squeeze(&[0]));
        let (input_bias, state_bias) = if self.reset_after { (row(0), row(1)) } else { (step.bias, None) };
        let from_input = with_bias(step.input_product(), input_bias);
        let (activation, opening) =
            (settings.activation.resolve()?, settings.recurrent_activation.resolve()?);
        let open = |from_state: Expr<'b>, index: usize| {
            opening.apply(gate(from_input, index, units) + gate(from_state, index, units))
        };
        let (update, candidate) = if self.reset_after {
            let from_state = with_bias(step.state_product(step.recurrent), state_bias);
            let reset = open(from_state, 1)?;
            let sums = gate(from_input, 2, units) + reset * gate(from_state, 2, units);
            (open(from_state, 0)?, activation.apply(sums)?)
        } else {
            let from_state = step.state_product(step.recurrent.slice_axis(1, 0, 2 * units));
            let reset = open(from_state, 1)?;
            let left = reset * step.recurrent_dropped.apply(h, 2);
            let sums = gate(from_input, 2, units) + left.matmul(gate(step.recurrent, 2, units));
            (open(from_state, 0)?, activation.apply(sums)?)
        };
        Ok(vec![update * h + (1.0 - update) * candidate])
    }
}
