//! AnyLayer: a layer with what Keras gives every layer: a name, and whether it is trained.

use std::sync::Arc;

use cornu_ir::{DType, Expr};
use serde_json::{Value, json};

use super::{Config, Context, Layer, Spec, Weights, keras_dtype_name};
use crate::config::Serialized;
use crate::error::Result;

/// Some layer, in a place of a model.
#[derive(Clone)]
pub struct AnyLayer {
    pub(crate) layer: Arc<dyn Layer>,
    pub(crate) name: Option<String>,
    pub(crate) trainable: bool,
}

impl AnyLayer {
    /// The layer's name: its own, or the one the model gave it.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("")
    }

    /// Keras's name of the class.
    pub fn class_name(&self) -> &str {
        self.layer.class_name()
    }

    /// False if training leaves its weights alone.
    pub fn is_trainable(&self) -> bool {
        self.trainable
    }

    /// The layer.
    pub fn layer(&self) -> &dyn Layer {
        &*self.layer
    }

    pub(crate) fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        weights.within(self.name(), self.trainable, |weights| {
            self.layer.build(inputs, weights).map_err(|error| error.within(self.name()))
        })
    }

    pub(crate) fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        context.within(self.name(), |context| {
            self.layer.call(context, inputs).map_err(|error| error.within(self.name()))
        })
    }
}

impl<L: Layer + 'static> From<L> for AnyLayer {
    fn from(layer: L) -> AnyLayer {
        AnyLayer { layer: Arc::new(layer), name: None, trainable: true }
    }
}

/// The settings that every layer has. They come after the layer's own: `Dense::new(10).activation("relu").named("out")`.
pub trait Naming: Into<AnyLayer> {
    /// With a name of its own, which must be unique in the model.
    fn named(self, name: &str) -> AnyLayer {
        AnyLayer { name: Some(name.to_string()), ..self.into() }
    }

    /// With weights that training leaves alone.
    fn frozen(self) -> AnyLayer {
        AnyLayer { trainable: false, ..self.into() }
    }
}

impl<L: Into<AnyLayer>> Naming for L {}

impl AnyLayer {
    /// As it stands in a Keras file.
    pub(crate) fn serialize(&self) -> Result<Value> {
        let own = self.layer.config()?;
        let mut config = Config::new();
        config.insert("name".into(), json!(self.name()));
        config.insert("trainable".into(), json!(self.trainable));
        let dtype = self.layer.input_spec().map_or(DType::F32, |spec| spec.dtype);
        config.insert("dtype".into(), dtype_config(self.class_name(), dtype));
        config.extend(own);
        let module = match self.class_name() {
            "Sequential" => "keras",
            _ => "keras.layers",
        };
        Ok(Serialized::builtin(module, self.class_name(), config))
    }
}

/// Input layers name an element type, all others a policy.
fn dtype_config(class: &str, dtype: DType) -> Value {
    match class {
        "InputLayer" => json!(keras_dtype_name(dtype)),
        _ => Serialized::builtin("keras", "DTypePolicy", Config::from_iter([("name".into(), json!("float32"))])),
    }
}
