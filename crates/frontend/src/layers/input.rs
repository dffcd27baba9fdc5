//! Input: what a model is given. Keras: `Input`, `InputLayer`.

use cornu_ir::{DType, Expr};
use serde_json::{Value, json};

use super::{Autocast, Config, Context, DTypePolicy, Layer, LayerConfig, Spec, dtype_policy};
use crate::error::{Error, Result};

/// Says the shape of a model's input, without the batch.
#[derive(Clone, Debug)]
pub struct Input {
    spec: Spec,
}

impl Input {
    /// An input of floats whose samples have this shape.
    pub fn new(shape: impl AsRef<[usize]>) -> Input {
        Input::with_unknown(shape.as_ref().iter().map(|&size| Some(size)))
    }

    /// An input of floats some of whose sizes may differ from batch to batch.
    ///
    /// Of 32 bits, or of 64 under the policy `float64` of all layers.
    pub fn with_unknown(shape: impl IntoIterator<Item = Option<usize>>) -> Input {
        let is_wide = dtype_policy() == DTypePolicy::of(DType::F64);
        let dtype = if is_wide { DType::F64 } else { DType::F32 };
        Input { spec: Spec::new(dtype, [None].into_iter().chain(shape).collect::<Vec<_>>()) }
    }

    /// With another element type.
    pub fn dtype(mut self, dtype: DType) -> Input {
        self.spec = Spec::new(dtype, self.spec.shape);
        self
    }

    /// Of strings. A sample has one string, in the shape `[]` or `[1]`, or as many as its shape says.
    ///
    /// Layers that work on strings take it first: `TextVectorization`, `StringLookup`, `Hashing`, `HashedCrossing`.
    /// Keras: `dtype="string"`.
    pub fn strings(mut self) -> Input {
        self.spec = Spec::text(self.spec.shape);
        self
    }

    /// With a fixed batch size.
    pub fn batch_size(mut self, size: usize) -> Input {
        self.spec.shape[0] = Some(size);
        self
    }

    pub(super) fn from_config(config: &LayerConfig<'_>) -> Result<Input> {
        let shape = config.unknown_sizes("batch_shape")?;
        if shape.is_empty() {
            return Err(Error::config(
                "InputLayer",
                "batch_shape",
                "[]",
                "a list that begins with the batch size",
            ));
        }
        if shape.contains(&Some(0)) {
            return Err(Error::config(
                "InputLayer",
                "batch_shape",
                format!("{shape:?}"),
                "a list of sizes of 1 or more",
            ));
        }
        if config.value("dtype").and_then(Value::as_str) == Some("string") {
            return Ok(Input { spec: Spec::text(shape) });
        }
        Ok(Input { spec: Spec::new(config.dtype("dtype")?, shape) })
    }
}

impl Layer for Input {
    fn class_name(&self) -> &str {
        "InputLayer"
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        config.insert("batch_shape".into(), json!(self.spec.shape));
        config.insert("sparse".into(), json!(false));
        config.insert("ragged".into(), json!(false));
        Ok(config)
    }

    fn call<'b>(&self, _: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        Ok(inputs.to_vec())
    }

    fn autocast(&self) -> Autocast {
        Autocast::Nothing
    }

    fn input_spec(&self) -> Option<Spec> {
        Some(self.spec.clone())
    }
}
