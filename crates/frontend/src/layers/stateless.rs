//! Stateless calls: one layer by itself, weights given and returned as values. Keras: `Layer.stateless_call`.

use std::collections::HashMap;

use cornu_ir::{Builder, Expr};

use super::{AnyLayer, CallArguments, Context, Masked, Spec, WeightSpec, Weights};
use crate::error::Result;

/// What the call of one layer gives.
pub struct StatelessCall<'b> {
    /// The outputs with their masks.
    pub outputs: Vec<Masked<'b>>,
    /// All weights, with the next values of those that the call changes.
    pub weights: Vec<Expr<'b>>,
    /// What the layer adds to the loss; `None` if nothing.
    pub loss: Option<Expr<'b>>,
}

impl AnyLayer {
    /// The layer's variables for inputs of these specs, in Keras's order.
    pub fn weight_specs(&self, inputs: &[Spec]) -> Result<Vec<WeightSpec>> {
        let mut weights = Weights::default();
        self.build(inputs, &mut weights)?;
        Ok(weights.into_parts().0)
    }

    /// Writes a call of this layer alone. `weights` belong to `specs`, as [`AnyLayer::weight_specs`] gives them;
    /// `random` is the state of random numbers, `u32[4]`, which training needs.
    pub fn stateless_call<'b>(
        &self,
        builder: &'b Builder,
        specs: &[WeightSpec],
        weights: &[Expr<'b>],
        arguments: &CallArguments<Masked<'b>>,
        random: Option<Expr<'b>>,
    ) -> Result<StatelessCall<'b>> {
        let by_path: HashMap<String, Expr<'b>> =
            specs.iter().map(|spec| spec.path.clone()).zip(weights.iter().copied()).collect();
        let mut context = Context::new(builder, &by_path, random, random.is_some());
        let outputs = self.call_with(&mut context, arguments)?;
        let updates: HashMap<String, Expr<'b>> = context.updates().iter().cloned().collect();
        let next = |spec: &WeightSpec| updates.get(&spec.path).unwrap_or(&by_path[&spec.path]).to_owned();
        Ok(StatelessCall { outputs, weights: specs.iter().map(next).collect(), loss: context.total_loss() })
    }
}
