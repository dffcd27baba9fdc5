//! AnyLayer: a layer with what Keras gives every layer: a name, and whether it is trained.

use std::sync::Arc;

use cornu_ir::{DType, Expr};
use serde_json::{Value, json};

use super::{Config, Context, Layer, Spec, Weights, is_registered, keras_dtype_name, layer_from_config};
use crate::config::Serialized;
use crate::error::{Error, Result};
use crate::model::Sequential;

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

    pub(crate) fn call<'b>(
        &self,
        context: &mut Context<'_, 'b>,
        inputs: &[Expr<'b>],
    ) -> Result<Vec<Expr<'b>>> {
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
    /// From a Keras file: one entry of a model's list of layers.
    pub(crate) fn deserialize(value: &Value) -> Result<AnyLayer> {
        let object = Serialized::read("layer", value)?;
        if let Some(module) = object.module.as_deref().filter(|module| !is_keras(module)) {
            check_registered(&object, module)?;
        }
        let mut layer = match object.class_name.as_str() {
            "Sequential" => AnyLayer::from(Sequential::from_config(&object.config)?),
            class => layer_from_config(class, object.registered_name.as_deref(), &object.config)?,
        };
        let arguments = object.arguments();
        layer.name = arguments.text("name")?.map(String::from);
        layer.trainable = arguments.boolean_or("trainable", true)?;
        Ok(layer)
    }

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
        _ => float_policy(),
    }
}

/// The policy of all layers: variables and arithmetic in 32-bit floats.
pub(crate) fn float_policy() -> Value {
    Serialized::builtin("keras", "DTypePolicy", Config::from_iter([("name".into(), json!("float32"))]))
}

fn is_keras(module: &str) -> bool {
    module == "keras" || module.starts_with("keras.")
}

/// Classes from outside Keras are read only if this program has registered them; nothing in a file is ever run.
fn check_registered(object: &Serialized, module: &str) -> Result<()> {
    if object.registered_name.as_deref().is_some_and(is_registered) {
        return Ok(());
    }
    Err(Error::Data {
        what: format!(
            "the layer class `{}` of `{module}` is not Keras's own; register it with `register_layer` to read it",
            object.class_name
        ),
    })
}
