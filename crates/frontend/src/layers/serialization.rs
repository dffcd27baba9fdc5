//! Serialization: layers as they stand in Keras's files.

use serde_json::{Value, json};

use super::{AnyLayer, Config, DTypePolicy, is_registered, layer_from_config};
use crate::config::Serialized;
use crate::error::{Error, Result};
use crate::model::{Functional, Sequential};
use crate::ops;

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
        layer.store_trainable(arguments.boolean_or("trainable", true)?);
        if let Some(policy) = arguments.value("dtype").filter(|_| layer.has_policy()) {
            layer.policy_unless_said(&DTypePolicy::deserialize(policy)?);
        }
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
                config.insert("dtype".into(), self.serialize_dtype()?);
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

    /// Some name an element type, all others a policy.
    fn serialize_dtype(&self) -> Result<Value> {
        if !self.has_policy() {
            let input = self.layer().input_spec().filter(|_| is_input(self.class_name()));
            return Ok(input.map_or(DTypePolicy::FLOAT32.serialize(), |spec| json!(spec.dtype_name())));
        }
        let policy = self.dtype_policy().map_err(|error| error.within(self.name()))?;
        Ok(if says_less(self.class_name()) { json!(policy.name()) } else { policy.serialize() })
    }

    /// Inputs have a type, and layers on the host types of their own.
    fn has_policy(&self) -> bool {
        !is_input(self.class_name()) && self.layer().as_host().is_none() && !self.layer().is_op()
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

/// Keras writes these without `trainable`, which it refuses to read of most of them, and with the name of a type alone.
fn says_less(class: &str) -> bool {
    is_input(class)
        || matches!(class, "Discretization" | "SpatialDropout1D" | "SpatialDropout2D" | "SpatialDropout3D")
}

fn is_input(class: &str) -> bool {
    class == "InputLayer"
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
