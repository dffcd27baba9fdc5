//! Step: what goes into a step of an optimizer, and what comes out.

use std::sync::Arc;

use cornu_ir::{Expr, Type};

use crate::constraints::Constraint;
use crate::layers::WeightSpec;

/// A weight that is trained, as optimizers know it.
#[derive(Clone, Debug)]
pub struct TrainedWeight {
    /// Where it is in the model: `dense/kernel`.
    pub path: String,
    /// Element type and shape.
    pub ty: Type,
    /// What it is projected to after each update.
    pub constraint: Option<Arc<dyn Constraint>>,
}

impl TrainedWeight {
    /// Without constraint.
    pub fn new(path: impl Into<String>, ty: Type) -> TrainedWeight {
        TrainedWeight { path: path.into(), ty, constraint: None }
    }

    /// What it is called inside its layer: `kernel`.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

impl From<&WeightSpec> for TrainedWeight {
    fn from(weight: &WeightSpec) -> TrainedWeight {
        let (path, ty) = (weight.path.clone(), weight.ty.clone());
        TrainedWeight { path, ty, constraint: weight.constraint.clone() }
    }
}

/// Where training stands: what a rule knows besides weights and gradients.
#[derive(Clone, Copy)]
pub struct Step<'a, 'b> {
    /// Updates made before this one: a whole number, a scalar.
    pub iterations: Expr<'b>,
    /// The learning rate, a float, a scalar.
    pub learning_rate: Expr<'b>,
    /// Which weights these are.
    pub weights: &'a [TrainedWeight],
}

impl<'b> Step<'_, 'b> {
    /// The learning rate in the type of a weight.
    pub fn rate_for(&self, weight: Expr<'b>) -> Expr<'b> {
        self.learning_rate.cast(weight.dtype())
    }

    /// t, which counts steps from 1, in the type of a weight.
    pub fn count_for(&self, weight: Expr<'b>) -> Expr<'b> {
        self.iterations.cast(weight.dtype()) + 1.0
    }

    /// 1 - βᵗ: the share that is missing in an average that began at 0.
    pub fn missing(&self, beta: f64, weight: Expr<'b>) -> Expr<'b> {
        let t = self.count_for(weight);
        1.0 - t.number(beta).pow(t)
    }
}

/// New weights and new slots of a rule, in the order of the old ones.
pub type Updated<'b> = (Vec<Expr<'b>>, Vec<Expr<'b>>);

/// What a whole step leaves, all in the order of before.
pub struct Stepped<'b> {
    /// Steps made so far, this one included.
    pub iterations: Expr<'b>,
    /// The weights.
    pub weights: Vec<Expr<'b>>,
    /// All slots.
    pub slots: Vec<Expr<'b>>,
}

/// A variable of an optimizer as files hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The name of the optimizer, which may stand inside another, that it belongs to.
    pub owner: String,
    /// [`Variable::ITERATIONS`], [`Variable::LEARNING_RATE`], or [`Variable::slot`].
    pub place: usize,
    /// Inside another optimizer the group, in that one's, in which archives hold it a second time: `inner_optimizer`.
    pub group: Option<String>,
}

impl Variable {
    /// The place of the number of steps.
    pub const ITERATIONS: usize = 0;
    /// The place of the learning rate.
    pub const LEARNING_RATE: usize = 1;

    /// The place of a slot, by its number.
    pub fn slot(number: usize) -> usize {
        number + 2
    }

    /// The same variable's place where so many more slots stand before its optimizer's.
    pub(super) fn behind(&self, slots: usize) -> usize {
        if self.place < Variable::slot(0) { self.place } else { self.place + slots }
    }
}
