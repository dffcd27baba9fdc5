//! The values of a model's weights: reading them, and setting them.

use cornu_ir::Tensor;

use super::Model;
use crate::error::{Error, Result};

impl Model {
    /// Paths of the weights, in Keras's order: `dense/kernel`, `dense/bias`, ….
    pub fn weight_names(&self) -> Vec<String> {
        let weights = self.built.iter().flat_map(|built| &built.weights[..built.saved()]);
        weights.map(|weight| weight.path.clone()).collect()
    }

    /// The values of all weights, in the order of [`Model::weight_names`].
    pub fn get_weights(&self) -> Result<Vec<Tensor>> {
        let count = self.built()?.saved();
        self.state[..count].iter().map(|buffer| Ok(self.backend.download(buffer)?)).collect()
    }

    /// Sets all weights, in the order of [`Model::weight_names`]. Nothing changes if one does not fit.
    pub fn set_weights(&mut self, values: &[Tensor]) -> Result<()> {
        let built = self.built()?;
        let weights = &built.weights[..built.saved()];
        if values.len() != weights.len() {
            return Err(Error::Data {
                what: format!(
                    "the model `{}` has {} weights; {} were given",
                    self.name,
                    weights.len(),
                    values.len()
                ),
            });
        }
        if let Some((weight, value)) =
            weights.iter().zip(values).find(|(weight, value)| weight.ty != value.ty())
        {
            return Err(Error::Shapes {
                what: format!("set_weights: {}", weight.path),
                left: Box::new(value.ty()),
                right: Box::new(weight.ty.clone()),
                fix: "Give every weight its own shape and element type".to_string(),
            });
        }
        for (buffer, value) in self.state.iter_mut().zip(values) {
            self.backend.write(buffer, value)?;
        }
        self.slots_follow_weights()
    }
}
