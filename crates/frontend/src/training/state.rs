//! State: everything of a model that training changes, out and in, for checkpoints.

use cornu_ir::Tensor;

use super::compile::Layout;
use crate::error::{Error, Result};
use crate::model::Model;

impl Model {
    /// Weights, optimizer variables, the random state, what layers remember, and metrics, in this order.
    pub(crate) fn state_values(&self) -> Result<Vec<Tensor>> {
        self.state.iter().map(|buffer| Ok(self.backend.download(buffer)?)).collect()
    }

    /// Takes on what [`Model::state_values`] gave. Nothing changes if something does not fit.
    ///
    /// Metrics are there once data was seen; values of metrics that this model does not have yet are left out.
    pub(crate) fn restore_state(&mut self, values: &[Tensor]) -> Result<()> {
        let needed = Layout::of(self.built()?, self.compiled.as_ref()).metrics;
        if values.len() < needed {
            let what = format!("the checkpoint holds {} variables; the model has {needed}", values.len());
            return Err(Error::Data { what });
        }
        let pairs = self.state.iter().zip(values).enumerate();
        if let Some((number, (buffer, value))) = pairs.clone().find(|(_, (b, v))| *b.ty() != v.ty()) {
            let name = self.weight_names().into_iter().nth(number);
            return Err(Error::Shapes {
                what: format!("checkpoint: {}", name.unwrap_or(format!("variable {number}"))),
                left: Box::new(value.ty()),
                right: Box::new(buffer.ty().clone()),
                fix: "Build and compile the model as it was when the checkpoint was written".to_string(),
            });
        }
        for (buffer, value) in self.state.iter_mut().zip(values) {
            self.backend.write(buffer, value)?;
        }
        Ok(())
    }
}
