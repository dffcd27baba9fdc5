//! Network: layers put together, of which a model is made.

use std::collections::HashMap;

use cornu_ir::{Builder, Expr};

use crate::error::Result;
use crate::layers::{AnyLayer, Context, Layer, Spec, WeightSpec, Weights};

/// Layers put together: a [`crate::Sequential`].
pub(crate) trait Network: Layer {
    /// The layers, in Keras's order; inputs are among them.
    fn layers(&self) -> &[AnyLayer];

    /// Builds every layer and says what comes out of each.
    fn trace(&self, inputs: &[Spec], weights: &mut Weights) -> Result<Vec<Spec>>;
}

/// Two graphs of the same layers with other sizes wherever a size is not known: where the two disagree afterwards, a
/// size depends on one that is not known. So shapes are known before a batch is seen, though no layer states them.
pub(crate) struct Tracer<'b> {
    builders: [&'b Builder; 2],
    weights: [HashMap<String, Expr<'b>>; 2],
}

/// What stands for an unknown size in the two graphs: large enough for windows, with many divisors.
const UNKNOWN: [usize; 2] = [48, 96];

impl<'b> Tracer<'b> {
    pub(crate) fn new(builders: &'b [Builder; 2]) -> Tracer<'b> {
        Tracer { builders: builders.each_ref(), weights: Default::default() }
    }

    /// An input of both graphs.
    pub(crate) fn input(&self, spec: &Spec) -> [Expr<'b>; 2] {
        [0, 1].map(|side| self.builders[side].input("input", spec.with_unknown(UNKNOWN[side])))
    }

    /// What is known of a value in both graphs.
    pub(crate) fn spec(&self, value: [Expr<'b>; 2]) -> Spec {
        Spec::common(&value[0].ty(), &value[1].ty())
    }

    /// Builds a layer, and calls it in both graphs.
    pub(crate) fn call(
        &mut self,
        layer: &AnyLayer,
        inputs: &[[Expr<'b>; 2]],
        weights: &mut Weights,
    ) -> Result<Vec<[Expr<'b>; 2]>> {
        let specs: Vec<Spec> = inputs.iter().map(|&input| self.spec(input)).collect();
        let before = weights.specs().len();
        layer.build(&specs, weights)?;
        let mut outputs = Vec::new();
        for side in [0, 1] {
            self.declare(side, &weights.specs()[before..]);
            let mut context = Context::new(self.builders[side], &self.weights[side], None, false);
            context.enter(weights.scopes());
            let inputs: Vec<Expr<'b>> = inputs.iter().map(|input| input[side]).collect();
            outputs.push(layer.call(&mut context, &inputs)?);
        }
        let second = outputs.pop().unwrap_or_default();
        let first = outputs.pop().unwrap_or_default();
        Ok(first.into_iter().zip(second).map(|(first, second)| [first, second]).collect())
    }

    fn declare(&mut self, side: usize, specs: &[WeightSpec]) {
        for spec in specs {
            let value = self.builders[side].input(&spec.path, spec.ty.clone());
            self.weights[side].insert(spec.path.clone(), value);
        }
    }
}
