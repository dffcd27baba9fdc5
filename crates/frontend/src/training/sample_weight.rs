//! Sample weights: how much each sample counts, for all outputs together or for each.

use cornu_ir::Tensor;

use super::Tensors;
use super::admission::numeric;
use crate::error::{Error, Result};
use crate::model::Model;

impl Model {
    /// The weights of samples with so many arrays of targets: none, one array for all outputs, or one for each
    /// target.
    pub(crate) fn sample_weights(&self, given: Option<Tensors>, targets: usize) -> Result<Vec<Tensor>> {
        let Some(given) = given else { return Ok(Vec::new()) };
        let names = self.output_names();
        let weights = match given {
            Tensors::InOrder(weights) => weights,
            Tensors::ByName(given) => {
                if let Some((name, _)) = given.iter().find(|(name, _)| !names.contains(name)) {
                    let known = names.iter().map(|name| &**name);
                    return Err(Error::unknown("output of the model", name, known));
                }
                let is_named = |name: &&String| given.iter().any(|(own, _)| own == *name);
                let named: Vec<String> = names.iter().filter(is_named).cloned().collect();
                if named.len() < targets {
                    let count = named.len();
                    let what =
                        format!("sample_weight is for {count} outputs; there are targets for {targets}");
                    return Err(Error::Data { what });
                }
                Tensors::ByName(given).in_order("output of the model", &named)?
            }
        };
        if weights.len() != 1 && weights.len() != targets {
            let what = format!(
                "sample_weight has {} arrays; it needs one for all outputs, or one for each of {targets} arrays of \
                 targets",
                weights.len()
            );
            return Err(Error::Data { what });
        }
        weights.into_iter().map(|weights| numeric("sample_weight", weights)).collect()
    }
}
