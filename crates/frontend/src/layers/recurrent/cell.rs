//! Cells: one step of a recurrent layer.

use cornu_ir::Expr;
use serde_json::json;

use super::settings::{Settings, cell_options};
use crate::activations::Activation;
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::layers::{Config, Context, Layer, LayerConfig, Spec, Weights};

/// A layer that takes one step: called with the input of one step, `(batch, …)`, and the states, it gives an output
/// and the next states. [`super::RNN`] runs it along time. Implement [`Layer::as_cell`] to answer `Some(self)`.
///
/// What does not depend on the states is computed for all steps at once, before the loop.
pub trait Cell: Layer {
    /// The shapes of the states of one sample, for steps of this shape.
    fn state_shapes(&self, step: &Spec) -> Result<Vec<Vec<usize>>>;

    /// Which state the output of a masked step repeats: where the last output is kept.
    fn output_state(&self) -> usize {
        0
    }
}

/// What kind of cell a [`GatedCell`] is: how large its weights are, and the formula of a step.
pub trait Kind: Clone + Send + Sync + 'static {
    /// Keras's name of the cell.
    const CELL: &'static str;
    /// Keras's name of the layer that runs it.
    const LAYER: &'static str;
    /// Keras's name for a cell that the layer makes.
    const CELL_NAME: &'static str;
    /// Whether gates have an activation of their own.
    const HAS_GATES: bool;

    /// From the arguments that this kind has beside the settings.
    fn from_config(config: &LayerConfig<'_>) -> Result<Self>;

    /// The first arguments: the size.
    fn write_size(&self, config: &mut Config);

    /// `unit_forget_bias`, if there is one.
    fn forget_bias(&self) -> Option<bool> {
        None
    }

    /// `reset_after`, if there is one.
    fn reset_after(&self) -> Option<bool> {
        None
    }

    /// Adds the weights.
    fn build(&self, settings: &Settings, step: &Spec, weights: &mut Weights) -> Result<()>;

    /// The shapes of the states of one sample.
    fn state_shapes(&self, step: &Spec) -> Result<Vec<Vec<usize>>>;

    /// The next states, the output first.
    fn step<'b>(
        &self,
        settings: &Settings,
        context: &mut Context<'_, 'b>,
        x: Expr<'b>,
        states: &[Expr<'b>],
    ) -> Result<Vec<Expr<'b>>>;
}

/// A kind whose size is a number of units.
pub trait UnitsKind: Kind {
    /// With so many units.
    fn of_units(units: usize) -> Self;
}

/// A cell with a kernel for its input and one for its state.
#[derive(Clone, Debug)]
pub struct GatedCell<K> {
    pub(super) kind: K,
    pub(super) settings: Settings,
}

impl<K: Kind> GatedCell<K> {
    pub(super) fn of(kind: K) -> GatedCell<K> {
        GatedCell { kind, settings: Settings::default() }
    }

    cell_options!(settings);

    pub(crate) fn from_config(config: &LayerConfig<'_>) -> Result<GatedCell<K>> {
        Ok(GatedCell { kind: K::from_config(config)?, settings: Settings::from_config(config)? })
    }

    /// The arguments. `in_layer` gives them in the order in which the layer around the cell has them, and
    /// `activity_regularizer` where that belongs.
    pub(super) fn write(&self, config: &mut Config, in_layer: Option<serde_json::Value>) -> Result<()> {
        let forget = |config: &mut Config| {
            if let Some(forget) = self.kind.forget_bias() {
                config.insert("unit_forget_bias".into(), json!(forget));
            }
        };
        let of_layer = in_layer.is_some();
        self.kind.write_size(config);
        self.settings.write_activations(config, K::HAS_GATES)?;
        if !of_layer {
            forget(config);
        }
        self.settings.write_initializers(config)?;
        if of_layer {
            forget(config);
        }
        self.settings.write_regularizers(config)?;
        if let Some(activity) = in_layer {
            config.insert("activity_regularizer".into(), activity);
        }
        self.settings.write_rest(config)?;
        if let Some(reset_after) = self.kind.reset_after() {
            config.insert("reset_after".into(), json!(reset_after));
        }
        // `SimpleRNN` alone leaves its seed out of its configuration.
        if !of_layer || K::HAS_GATES {
            config.insert("seed".into(), json!(self.settings.seed));
        }
        Ok(())
    }
}

impl<K: UnitsKind> GatedCell<K> {
    /// A cell of `units` units.
    pub fn new(units: usize) -> GatedCell<K> {
        GatedCell::of(K::of_units(units))
    }
}

impl<K: Kind> Layer for GatedCell<K> {
    fn class_name(&self) -> &str {
        K::CELL
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        self.write(&mut config, None)?;
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        let step = inputs.first().ok_or_else(|| Error::Layer {
            path: weights.scope(),
            reason: format!("{} takes the input of a step", K::CELL),
        })?;
        self.kind.build(&self.settings, step, weights)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let count = match inputs.first() {
            Some(x) => self.kind.state_shapes(&Spec::of(&x.ty()))?.len(),
            None => 1,
        };
        match inputs {
            [x, states @ ..] if states.len() == count => {
                let states = self.kind.step(&self.settings, context, *x, states)?;
                Ok(std::iter::once(states[0]).chain(states.iter().copied()).collect())
            }
            _ => Err(Error::Layer {
                path: context.path(),
                reason: format!("{} takes an input and {count} states; it got {}", K::CELL, inputs.len()),
            }),
        }
    }

    fn as_cell(&self) -> Option<&dyn Cell> {
        Some(self)
    }
}

impl<K: Kind> Cell for GatedCell<K> {
    fn state_shapes(&self, step: &Spec) -> Result<Vec<Vec<usize>>> {
        self.kind.state_shapes(step)
    }
}
