//! Recurrent: a layer that makes its own cell and runs it along time: `SimpleRNN`, `LSTM`, `GRU`.

use std::sync::OnceLock;

use cornu_ir::Expr;

use super::cell::{GatedCell, Kind, UnitsKind};
use super::flags::{Flags, flags};
use super::run;
use super::settings::cell_options;
use crate::activations::Activation;
use crate::error::Result;
use crate::identifier::Identifier;
use crate::layers::{
    AnyLayer, Config, Context, Layer, LayerConfig, Spec, Sublayer, Weights, regularizer_config,
};
use crate::regularizers::Regularizer;

/// A layer that runs a cell of its own along time.
///
/// Masked steps keep the state and repeat the output. Called with `initial_state`, it begins there; else with zeros.
#[derive(Clone)]
pub struct Recurrent<K: Kind> {
    pub(super) cell: GatedCell<K>,
    pub(super) flags: Flags,
    activity_regularizer: Option<Identifier<dyn Regularizer>>,
    /// The cell in its place, made when first asked for.
    placed: OnceLock<AnyLayer>,
}

impl<K: Kind> Recurrent<K> {
    pub(super) fn of(cell: GatedCell<K>) -> Recurrent<K> {
        Recurrent { cell, flags: Flags::default(), activity_regularizer: None, placed: OnceLock::new() }
    }

    cell_options!(cell.settings);
    flags!();

    /// What the output's size costs.
    pub fn activity_regularizer(mut self, regularizer: impl Into<Identifier<dyn Regularizer>>) -> Self {
        self.activity_regularizer = Some(regularizer.into());
        self
    }

    pub(crate) fn from_config(config: &LayerConfig<'_>) -> Result<Recurrent<K>> {
        Ok(Recurrent {
            flags: Flags::from_config(config)?,
            activity_regularizer: config.regularizer("activity_regularizer")?,
            ..Recurrent::of(GatedCell::from_config(config)?)
        })
    }

    fn placed(&self) -> &AnyLayer {
        self.placed.get_or_init(|| AnyLayer::from(self.cell.clone()).named(K::CELL_NAME))
    }
}

impl<K: UnitsKind> Recurrent<K> {
    /// A layer of `units` units.
    pub fn new(units: usize) -> Recurrent<K> {
        Recurrent::of(GatedCell::new(units))
    }
}

impl<K: Kind> Layer for Recurrent<K> {
    fn class_name(&self) -> &str {
        K::LAYER
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        if self.activity_regularizer.is_some() {
            // Keras puts a penalty that is set in front of all other arguments.
            config.insert("activity_regularizer".into(), regularizer_config(&self.activity_regularizer)?);
        }
        self.flags.write(&mut config);
        self.cell.write(&mut config, Some(regularizer_config(&self.activity_regularizer)?))?;
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        self.activity_regularizer.as_ref().map(|regularizer| regularizer.resolve()).transpose()?;
        run::build(K::LAYER, self.placed(), &self.flags, inputs, weights)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let outputs = run::run(self.placed(), &self.flags, context, inputs)?;
        for &output in &outputs {
            context.add_activity_loss(self.activity_regularizer.as_ref(), output)?;
        }
        Ok(outputs)
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn input_names(&self) -> &'static [&'static str] {
        &["sequences"]
    }

    fn sublayers(&self) -> Vec<Sublayer<'_>> {
        run::sublayer(self.placed())
    }
}
