//! Class weights: how much the samples of each class count in the loss.

use cornu_ir::Tensor;

use crate::error::{Error, Result};

/// Classes with their weights; others count as 1.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClassWeight(pub(crate) Vec<(i64, f64)>);

impl ClassWeight {
    /// The weights of samples with these targets; `given` are those that came with the samples.
    pub(crate) fn beside(&self, y: &[Tensor], given: Vec<Tensor>) -> Result<Vec<Tensor>> {
        match (given.as_slice(), self.0.as_slice()) {
            (_, []) => Ok(given),
            ([], classes) => Ok(vec![class_weights(y, classes)?]),
            (_, classes) => {
                let needed = "left out where sample_weight is given";
                Err(Error::config("fit", "class_weight", format!("{classes:?}"), needed))
            }
        }
    }
}

/// For each sample the weight of its class: the number in `y`, or the place of the largest in a row of several.
fn class_weights(y: &[Tensor], classes: &[(i64, f64)]) -> Result<Tensor> {
    let [y] = y else {
        return Err(Error::Data { what: "class_weight is for models with one output".to_string() });
    };
    let rows = y.shape().first().copied().unwrap_or(0);
    let width = y.shape().elements().checked_div(rows).unwrap_or(1);
    let values = y.floats();
    let class = |row: usize| match &values[row * width..(row + 1) * width] {
        [label] => *label as i64,
        scores => (0..width).rev().max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap_or(0) as i64,
    };
    let weight =
        |class: i64| classes.iter().find(|(of, _)| *of == class).map_or(1.0, |&(_, weight)| weight as f32);
    Ok(Tensor::vector((0..rows).map(|row| weight(class(row))).collect()))
}
