//! AnyLayer: a layer with what Keras gives every layer: a name, and whether it is trained.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use cornu_ir::Expr;
use serde_json::{Value, json};

use super::{CallArguments, Config, Context, Layer, Masked, Spec, Weights, is_registered, layer_from_config};
use crate::config::Serialized;
use crate::error::{Error, Result};
use crate::model::{Functional, Sequential};
use crate::ops;
use crate::saving::snake_case::snake_case;

/// Some layer, in a place of a model. Clones are the same layer: called twice, it has its weights once.
#[derive(Clone)]
pub struct AnyLayer(Arc<Placed>);

struct Placed {
    layer: Arc<dyn Layer>,
    /// Set once, by the user or by the first model that the layer becomes part of.
    name: OnceLock<String>,
    trainable: AtomicBool,
}

impl AnyLayer {
    /// The layer's name: its own, or the one the model gave it.
    pub fn name(&self) -> &str {
        self.0.name.get().map_or("", String::as_str)
    }

    /// Keras's name of the class.
    pub fn class_name(&self) -> &str {
        self.0.layer.class_name()
    }

    /// False if training leaves its weights alone.
    pub fn is_trainable(&self) -> bool {
        self.0.trainable.load(Ordering::Relaxed)
    }

    /// Says whether training fits the weights of this layer and of all layers inside. As in Keras, a compiled model
    /// heeds it from the next `compile` on.
    pub fn set_trainable(&self, trainable: bool) {
        self.0.trainable.store(trainable, Ordering::Relaxed);
        self.layer().sublayers().iter().for_each(|inner| inner.layer.set_trainable(trainable));
    }

    /// The layer.
    pub fn layer(&self) -> &dyn Layer {
        &*self.0.layer
    }

    /// True if both are one layer.
    pub fn is(&self, other: &AnyLayer) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// A layer with this configuration and a name of its own.
    pub fn named(self, name: &str) -> AnyLayer {
        let trainable = AtomicBool::new(self.is_trainable());
        AnyLayer(Arc::new(Placed {
            layer: self.0.layer.clone(),
            name: OnceLock::from(name.to_string()),
            trainable,
        }))
    }

    /// With weights that training leaves alone.
    pub fn frozen(self) -> AnyLayer {
        self.set_trainable(false);
        self
    }

    /// Class and name, for errors: ``Input `left` ``, or the class alone.
    pub(crate) fn described(&self) -> String {
        let name = self.0.name.get().map_or(String::new(), |name| format!(" `{name}`"));
        format!("{}{name}", self.class_name())
    }

    /// The layer's path among the layers around it, for errors: with its name, or what it would be called.
    pub(crate) fn place_in(&self, around: String) -> String {
        let label = self.0.name.get().cloned().unwrap_or_else(|| snake_case(self.class_name()));
        if around.is_empty() { label } else { format!("{around}/{label}") }
    }

    /// Gives the layer a name, unless it has one.
    pub(crate) fn name_unless_named(&self, name: impl FnOnce() -> String) {
        self.0.name.get_or_init(name);
    }

    pub(crate) fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        let place = self.place_in(weights.scope());
        let build = |weights: &mut Weights| self.layer().build(inputs, weights);
        weights.within(self.name(), self.is_trainable(), build).map_err(|error| error.within(&place))
    }

    /// Writes the layer into the program, called with these values. For layers that have layers inside.
    pub fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let inputs = inputs.iter().map(|&value| Masked::from(value)).collect();
        let outputs = self.call_with(context, &CallArguments::new(inputs, false))?;
        Ok(outputs.into_iter().map(|output| output.value).collect())
    }

    /// [`AnyLayer::call`] with masks and arguments by name.
    pub fn call_with<'b>(
        &self,
        context: &mut Context<'_, 'b>,
        arguments: &CallArguments<Masked<'b>>,
    ) -> Result<Vec<Masked<'b>>> {
        let inputs: Vec<Masked<'b>> =
            arguments.inputs(self.layer().input_names()).into_iter().copied().collect();
        let values: Vec<Expr<'b>> = inputs.iter().map(|input| input.value).collect();
        let place = self.place_in(context.path());
        let masks = inputs.iter().map(|input| input.mask).collect();
        let outputs = context.within(self.name(), self.is_trainable(), masks, arguments, |context| {
            let outputs = self.layer().call(context, &values)?;
            outputs.iter().for_each(|&output| context.builder().note(output));
            let passed = context.mask(0).filter(|_| self.layer().supports_masking());
            let mask = |index: usize| context.output_mask(index).unwrap_or(passed);
            Ok(outputs.into_iter().enumerate().map(|(i, value)| Masked { value, mask: mask(i) }).collect())
        });
        outputs.map_err(|error| error.within(&place))
    }
}

impl<L: Layer + 'static> From<L> for AnyLayer {
    fn from(layer: L) -> AnyLayer {
        let name = layer.own_name().map(|name| OnceLock::from(name.to_string())).unwrap_or_default();
        AnyLayer(Arc::new(Placed { layer: Arc::new(layer), name, trainable: AtomicBool::new(true) }))
    }
}

impl From<&AnyLayer> for AnyLayer {
    fn from(layer: &AnyLayer) -> AnyLayer {
        layer.clone()
    }
}

/// The settings that every layer has. They come after the layer's own:
/// `Dense::new(10).activation("relu").named("out")`.
pub trait Naming: Layer + Sized + 'static {
    /// With a name of its own, which must be unique in the model.
    fn named(self, name: &str) -> AnyLayer {
        AnyLayer::from(self).named(name)
    }

    /// With weights that training leaves alone.
    fn frozen(self) -> AnyLayer {
        AnyLayer::from(self).frozen()
    }
}

impl<L: Layer + 'static> Naming for L {}

impl AnyLayer {
    /// From a Keras file: one entry of a model's list of layers.
    pub(crate) fn deserialize(value: &Value) -> Result<AnyLayer> {
        let object = Serialized::read("layer", value)?;
        if let Some(module) = object.module.as_deref().filter(|module| !is_keras(module)) {
            check_registered(&object, module)?;
        }
        let layer = match object.class_name.as_str() {
            class if object.module.as_deref().is_some_and(ops::is_module) => {
                ops::from_config(object.module.as_deref().unwrap_or_default(), class, &object.config)?
            }
            "Sequential" => AnyLayer::from(Sequential::from_config(&object.config)?),
            "Functional" | "Model" => AnyLayer::from(Functional::from_config(&object.config)?),
            class => layer_from_config(class, object.registered_name.as_deref(), &object.config)?,
        };
        let arguments = object.arguments();
        if let Some(name) = arguments.text("name")? {
            layer.name_unless_named(|| name.to_string());
        }
        // Only a wrapper says so of what is inside: each layer inside has said it for itself.
        layer.0.trainable.store(arguments.boolean_or("trainable", true)?, Ordering::Relaxed);
        Ok(layer)
    }

    /// As it stands in a Keras file.
    pub(crate) fn serialize(&self) -> Result<Value> {
        let layer = self.layer();
        let mut config = Config::new();
        config.insert("name".into(), json!(self.name()));
        if !layer.is_op() {
            if !says_less(self.class_name()) {
                config.insert("trainable".into(), json!(self.is_trainable()));
            }
            if self.class_name() != "Functional" {
                let dtype = layer.input_spec().map_or("float32", |spec| spec.dtype_name());
                config.insert("dtype".into(), dtype_config(self.class_name(), dtype));
            }
        }
        let own = layer.config()?;
        // Keras writes this one among what all layers have, where there is one.
        if let Some(regularizer) = own.get("activity_regularizer").filter(|value| !value.is_null()) {
            config.insert("activity_regularizer".into(), regularizer.clone());
        }
        config.extend(own);
        Ok(json!({
            "module": layer.module(),
            "class_name": self.class_name(),
            "config": config,
            "registered_name": layer.registered_name(),
        }))
    }
}

/// The layer that a Keras configuration describes: `{"class_name": "Dense", "config": {"units": 2}}`.
pub fn deserialize(value: &Value) -> Result<AnyLayer> {
    AnyLayer::deserialize(value)
}

/// A layer's Keras configuration, with its class.
pub fn serialize(layer: &AnyLayer) -> Result<Value> {
    layer.serialize()
}

/// Some name an element type, all others a policy.
fn dtype_config(class: &str, dtype: &str) -> Value {
    if says_less(class) { json!(dtype) } else { float_policy() }
}

/// Keras writes these without `trainable`, which it refuses to read of most of them, and with the name of a type alone.
fn says_less(class: &str) -> bool {
    matches!(
        class,
        "InputLayer" | "Discretization" | "SpatialDropout1D" | "SpatialDropout2D" | "SpatialDropout3D"
    )
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
