//! LSTM: a memory with gates. Keras: `LSTMCell`, `LSTM`.

use cornu_ir::Expr;

use super::cell::{GatedCell, Kind, UnitsKind};
use super::layer::Recurrent;
use super::project::{self, Step, gate};
use super::settings::Settings;
use crate::error::Result;
use crate::layers::{Config, Context, LayerConfig, Spec, Weights};

/// `c' = σ(f)·c + σ(i)·tanh(g)`, `h' = σ(o)·tanh(c')`, where `[i, f, g, o] = x·kernel + h·recurrent_kernel + bias`; the
/// output is `h'`. (Hochreiter and Schmidhuber, 1997.)
pub type LSTMCell = GatedCell<Lstm>;

/// Runs an [`LSTMCell`] along time: `(batch, time, in)` becomes `(batch, units)`, or `(batch, time, units)`.
///
/// Weights: `kernel` `[in, 4·units]`, `recurrent_kernel` `[units, 4·units]`, `bias` `[4·units]`. States: `h`, `c`.
pub type LSTM = Recurrent<Lstm>;

/// The kind of [`LSTMCell`].
#[derive(Clone, Debug)]
pub struct Lstm {
    units: usize,
    unit_forget_bias: bool,
}

impl UnitsKind for Lstm {
    fn of_units(units: usize) -> Lstm {
        Lstm { units, unit_forget_bias: true }
    }
}

impl LSTMCell {
    /// Whether the bias of the gate that forgets begins at one.
    pub fn unit_forget_bias(mut self, unit_forget_bias: bool) -> LSTMCell {
        self.kind.unit_forget_bias = unit_forget_bias;
        self
    }
}

impl LSTM {
    /// Whether the bias of the gate that forgets begins at one.
    pub fn unit_forget_bias(mut self, unit_forget_bias: bool) -> LSTM {
        self.cell.kind.unit_forget_bias = unit_forget_bias;
        self
    }
}

impl Kind for Lstm {
    const CELL: &'static str = "LSTMCell";
    const LAYER: &'static str = "LSTM";
    const CELL_NAME: &'static str = "lstm_cell";
    const HAS_GATES: bool = true;

    fn from_config(config: &LayerConfig<'_>) -> Result<Lstm> {
        let unit_forget_bias = config.boolean_or("unit_forget_bias", true)?;
        Ok(Lstm { units: project::units(config)?, unit_forget_bias })
    }

    fn write_size(&self, config: &mut Config) {
        project::write_units(self.units, config);
    }

    fn forget_bias(&self) -> Option<bool> {
        Some(self.unit_forget_bias)
    }

    fn build(&self, settings: &Settings, step: &Spec, weights: &mut Weights) -> Result<()> {
        project::build(Self::CELL, [self.units, 4], None, self.unit_forget_bias, settings, step, weights)
    }

    fn state_shapes(&self, _: &Spec) -> Result<Vec<Vec<usize>>> {
        Ok(vec![vec![self.units]; 2])
    }

    fn step<'b>(
        &self,
        settings: &Settings,
        context: &mut Context<'_, 'b>,
        x: Expr<'b>,
        states: &[Expr<'b>],
    ) -> Result<Vec<Expr<'b>>> {
        let gates = Step::begin(settings, context, [x, states[0]], [self.units, 4])?.sums();
        lstm_step(settings, gates, states[1], |gates, index| gate(gates, index, self.units))
    }
}

/// The next states from the sums of the four gates.
pub(super) fn lstm_step<'b>(
    settings: &Settings,
    gates: Expr<'b>,
    memory: Expr<'b>,
    gate: impl Fn(Expr<'b>, usize) -> Expr<'b>,
) -> Result<Vec<Expr<'b>>> {
    let (activation, opening) = (settings.activation.resolve()?, settings.recurrent_activation.resolve()?);
    let (input, forget) = (opening.apply(gate(gates, 0))?, opening.apply(gate(gates, 1))?);
    let memory = forget * memory + input * activation.apply(gate(gates, 2))?;
    let output = opening.apply(gate(gates, 3))? * activation.apply(memory)?;
    Ok(vec![output, memory])
}
