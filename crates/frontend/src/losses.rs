//! Losses: how far predictions are from what is true, as a number to make small.

mod function;
mod pairing;
mod reduction;
mod registry;
mod settings;

mod binary_crossentropy;
mod binary_focal_crossentropy;
mod categorical_crossentropy;
mod categorical_focal_crossentropy;
mod categorical_generalized_cross_entropy;
mod categorical_hinge;
mod circle;
mod cosine_similarity;
mod ctc;
mod dice;
mod hinge;
mod huber;
mod kl_divergence;
mod log_cosh;
mod mean_absolute_error;
mod mean_absolute_percentage_error;
mod mean_squared_error;
mod mean_squared_logarithmic_error;
mod poisson;
mod sparse_categorical_crossentropy;
mod squared_hinge;
mod tversky;

use std::fmt;

use cornu_ir::{DType, Expr};
use serde_json::{Map, Value, json};

pub use binary_crossentropy::{BinaryCrossentropy, binary_crossentropy};
pub use binary_focal_crossentropy::BinaryFocalCrossentropy;
pub use categorical_crossentropy::{CategoricalCrossentropy, categorical_crossentropy};
pub use categorical_focal_crossentropy::CategoricalFocalCrossentropy;
pub use categorical_generalized_cross_entropy::CategoricalGeneralizedCrossEntropy;
pub use categorical_hinge::{CategoricalHinge, categorical_hinge};
pub use circle::Circle;
pub use cosine_similarity::{CosineSimilarity, cosine_similarity};
pub use ctc::{CTC, ctc};
pub use dice::Dice;
pub use function::{Function, from_fn, register_fn};
pub use hinge::{Hinge, hinge};
pub use huber::{Huber, huber};
pub use kl_divergence::{KLDivergence, kl_divergence};
pub use log_cosh::{LogCosh, log_cosh};
pub use mean_absolute_error::{MeanAbsoluteError, mean_absolute_error};
pub use mean_absolute_percentage_error::{MeanAbsolutePercentageError, mean_absolute_percentage_error};
pub use mean_squared_error::{MeanSquaredError, mean_squared_error};
pub use mean_squared_logarithmic_error::{MeanSquaredLogarithmicError, mean_squared_logarithmic_error};
pub use poisson::{Poisson, poisson};
pub use reduction::{Reduction, reduce};
pub use registry::{deserialize, get, register, serialize};
pub use settings::Settings;
pub use sparse_categorical_crossentropy::{SparseCategoricalCrossentropy, sparse_categorical_crossentropy};
pub use squared_hinge::{SquaredHinge, squared_hinge};
pub use tversky::Tversky;

pub(crate) use pairing::{Labels, class_numbers, paired};
pub(crate) use reduction::{divide_no_nan, masked};
pub(crate) use registry::{
    crossentropy, is_crossentropy, is_of_keras, loss_names, of_function, registered_function,
};

use crate::error::Result;
use crate::saving::snake_case::snake_case;

/// A loss. Implement `class_name` and `call` for one of your own; the rest has Keras's defaults.
pub trait Loss: fmt::Debug + Send + Sync {
    /// The name of the class: `MeanSquaredError`.
    fn class_name(&self) -> &str;

    /// The loss of each sample: `[batch, …]`, from labels and predictions, which are usually `[batch, …, d]`.
    fn call<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>>;

    /// Which of the values that `call` gave count; all by default. Of type `bool`, in the shape of `values`.
    fn mask<'b>(&self, y_true: Expr<'b>, values: Expr<'b>) -> Result<Option<Expr<'b>>> {
        let _ = (y_true, values);
        Ok(None)
    }

    /// Its name and how the samples' losses become one.
    fn settings(&self) -> Settings {
        Settings::default()
    }

    /// The arguments of its own, as Keras writes them.
    fn arguments(&self) -> Map<String, Value> {
        Map::new()
    }

    /// What files call a class of one's own, `package>Name`; `Custom>Name` if nothing is said. See [`register`].
    fn registered_name(&self) -> Option<&str> {
        None
    }

    /// The name of the function, for losses made by [`from_fn`]: files name that.
    fn function(&self) -> Option<&str> {
        None
    }

    /// The name that reports show.
    fn name(&self) -> String {
        self.settings().name.unwrap_or_else(|| snake_case(self.class_name()))
    }

    /// Name, reduction and arguments, as Keras writes them.
    fn config(&self) -> Map<String, Value> {
        let common = [("name", json!(self.name())), ("reduction", json!(self.settings().reduction.name()))];
        common.into_iter().map(|(key, value)| (key.to_string(), value)).chain(self.arguments()).collect()
    }
}

/// The sum of losses in 32 bits, or in 64 if one of them is of 64; `None` if there is none.
pub(crate) fn sum<'b>(losses: impl Iterator<Item = Expr<'b>> + Clone) -> Option<Expr<'b>> {
    let wide = losses.clone().any(|loss| loss.dtype() == DType::F64);
    let dtype = if wide { DType::F64 } else { DType::F32 };
    losses.map(|loss| loss.cast(dtype)).reduce(|sum, loss| sum + loss)
}

/// The value of a loss on a batch, weighted, masked and reduced: a scalar, unless the reduction is `None`.
///
/// `sample_weight` has the shape of the samples' losses, or `[batch]` or `[batch, 1]` where these fit it. `mask` says
/// which predictions are real, as an `Embedding` with `mask_zero` does.
pub fn total<'b>(
    loss: &dyn Loss,
    y_true: Expr<'b>,
    y_pred: Expr<'b>,
    sample_weight: Option<Expr<'b>>,
    mask: Option<Expr<'b>>,
) -> Result<Expr<'b>> {
    let values = loss.call(y_true, y_pred)?;
    let mask = match (mask, loss.mask(y_true, values)?) {
        (Some(predictions), Some(labels)) => Some(predictions.and(labels)),
        (one, other) => one.or(other),
    };
    reduce(&loss.name(), values, sample_weight, mask, loss.settings().reduction)
}
