//! StackedRNNCells: cells one after another, as one cell. Keras: `StackedRNNCells`.

use cornu_ir::Expr;
use serde_json::{Value, json};

use super::Cell;
use super::run::as_cell;
use crate::error::{Error, Result};
use crate::layers::{AnyLayer, Config, Context, Layer, LayerConfig, Spec, Sublayer, Weights};
use crate::model::unused_name;

/// At each step, each cell takes what the one before it gives. The states are those of all cells, in order.
#[derive(Clone)]
pub struct StackedRNNCells {
    cells: Vec<AnyLayer>,
}

/// A cell, the spec of its input, and the shapes of its states.
type Stacked<'a> = (&'a AnyLayer, Spec, Vec<Vec<usize>>);

impl StackedRNNCells {
    /// These cells.
    pub fn new(cells: impl IntoIterator<Item = AnyLayer>) -> StackedRNNCells {
        let cells: Vec<AnyLayer> = cells.into_iter().collect();
        for (index, cell) in cells.iter().enumerate() {
            cell.name_unless_named(|| unused_name(cell.class_name(), cells[..index].iter()));
        }
        StackedRNNCells { cells }
    }

    pub(crate) fn from_config(config: &LayerConfig<'_>) -> Result<StackedRNNCells> {
        let cells = config.value("cells").and_then(Value::as_array);
        let cells = cells.ok_or_else(|| config.wrong("cells", "a list of cells"))?;
        let cells: Vec<AnyLayer> = cells.iter().map(AnyLayer::deserialize).collect::<Result<_>>()?;
        Ok(StackedRNNCells::new(cells))
    }

    /// Each cell with the spec of its input and the shapes of its states.
    fn walk(&self, step: &Spec) -> Result<Vec<Stacked<'_>>> {
        let mut step = step.clone();
        let mut walked = Vec::with_capacity(self.cells.len());
        for cell in &self.cells {
            let taken = as_cell(cell)?;
            let states = taken.state_shapes(&step)?;
            let output = states.get(taken.output_state()).cloned().unwrap_or_default();
            let shape: Vec<Option<usize>> =
                step.shape.iter().take(1).copied().chain(output.into_iter().map(Some)).collect();
            let next = Spec::new(step.dtype, shape);
            walked.push((cell, std::mem::replace(&mut step, next), states));
        }
        Ok(walked)
    }
}

impl Layer for StackedRNNCells {
    fn class_name(&self) -> &str {
        "StackedRNNCells"
    }

    fn config(&self) -> Result<Config> {
        let cells: Vec<Value> = self.cells.iter().map(AnyLayer::serialize).collect::<Result<_>>()?;
        Ok(Config::from_iter([("cells".into(), json!(cells))]))
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        let Some(step) = inputs.first().filter(|_| !self.cells.is_empty()) else {
            return Err(Error::config("StackedRNNCells", "cells", "none", "one cell or more"));
        };
        self.walk(step)?.into_iter().try_for_each(|(cell, step, _)| cell.build(&[step], weights))
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let wrong = |context: &Context<'_, 'b>, reason: &str| Error::Layer {
            path: context.path(),
            reason: format!("StackedRNNCells {reason}; it got {} values", inputs.len()),
        };
        let Some((&x, mut states)) = inputs.split_first() else {
            return Err(wrong(context, "takes an input and the states of all cells"));
        };
        let (mut x, mut next) = (x, Vec::new());
        for (cell, _, shapes) in self.walk(&Spec::of(&x.ty()))? {
            if states.len() < shapes.len() {
                return Err(wrong(context, "takes an input and the states of all cells"));
            }
            let (own, rest) = states.split_at(shapes.len());
            let inputs: Vec<Expr<'b>> = std::iter::once(x).chain(own.iter().copied()).collect();
            let mut given = cell.call(context, &inputs)?.into_iter();
            x = given.next().ok_or_else(|| wrong(context, "has a cell that gives nothing"))?;
            next.extend(given);
            states = rest;
        }
        Ok(std::iter::once(x).chain(next).collect())
    }

    fn sublayers(&self) -> Vec<Sublayer<'_>> {
        Sublayer::list("cells", &self.cells)
    }

    fn as_cell(&self) -> Option<&dyn Cell> {
        Some(self)
    }
}

impl Cell for StackedRNNCells {
    fn state_shapes(&self, step: &Spec) -> Result<Vec<Vec<usize>>> {
        Ok(self.walk(step)?.into_iter().flat_map(|(_, _, states)| states).collect())
    }

    fn output_state(&self) -> usize {
        // The first state of the last cell. Sizes do not matter here.
        let counts = self.walk(&Spec::new(cornu_ir::DType::F32, [Some(1), Some(1)]));
        counts.map_or(0, |walked| {
            let before = walked.len().saturating_sub(1);
            walked[..before].iter().map(|(_, _, states)| states.len()).sum()
        })
    }
}
