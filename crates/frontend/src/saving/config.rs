//! The model as Keras writes it: its layers, shapes, and how it was compiled, as JSON.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::config::Serialized;
use crate::error::{Error, Result};
use crate::layers::{Layer, Spec, float_policy};
use crate::losses;
use crate::metrics;
use crate::model::{Functional, Model, Network, Sequential};
use crate::optimizers;
use crate::training::{Compile, Compiled};

impl Model {
    /// The serialized model of a `.keras` archive.
    pub(super) fn serialize(&self) -> Result<Value> {
        let mut config = Map::new();
        config.insert("name".into(), json!(self.name));
        config.insert("trainable".into(), json!(true));
        let is_sequential = self.network.class_name() == "Sequential";
        let input = self.built.as_ref().and_then(|built| built.inputs.first()).filter(|_| is_sequential);
        if is_sequential {
            config.insert("dtype".into(), float_policy());
            config.insert("layers".into(), Value::Array(self.serialize_layers()?));
        } else {
            config.extend(self.network.config()?);
        }
        if let Some(input) = input {
            config.insert("build_input_shape".into(), json!(input.shape));
        }
        Ok(json!({
            "module": self.network.module(),
            "class_name": self.network.class_name(),
            "config": config,
            "registered_name": self.network.registered_name(),
            "build_config": {"input_shape": input.map(|input| &input.shape)},
            "compile_config": self.compiled.as_ref().map_or(Ok(json!({})), compile_config)?,
        }))
    }

    /// The layers, each with the shape of what goes into it, from which Keras builds its weights.
    fn serialize_layers(&self) -> Result<Vec<Value>> {
        let inputs = self.built.iter().flat_map(|built| &built.trace.layer_inputs);
        let inputs = inputs.map(|specs| specs.first()).chain(std::iter::repeat(None));
        let layers = self.layers().iter().zip(inputs);
        layers
            .map(|(layer, input)| {
                let mut object = layer.serialize()?;
                if let Some(input) = input.filter(|_| layer.layer().input_spec().is_none()) {
                    object["build_config"] = build_config(input);
                }
                Ok(object)
            })
            .collect()
    }
}

fn build_config(input: &Spec) -> Value {
    json!({"input_shape": input.shape})
}

fn compile_config(compiled: &Compiled) -> Result<Value> {
    let Compile { optimizer, loss, metrics, weighted_metrics } = &compiled.given;
    let list = |metrics: &[metrics::MetricIdentifier]| match metrics {
        [] => Value::Null,
        metrics => metrics.iter().map(|metric| metric.serialize()).collect(),
    };
    Ok(json!({
        "optimizer": optimizers::serialize(&*optimizer.resolve()?),
        "loss": loss.serialize(),
        "loss_weights": null,
        "metrics": list(metrics),
        "weighted_metrics": list(weighted_metrics),
        "run_eagerly": false,
        "steps_per_execution": 1,
        "jit_compile": true,
    }))
}

/// How a file says that its model was compiled; `None` if it was not.
pub(super) fn read_compile_config(value: &Value) -> Result<Option<Compile>> {
    let Some(optimizer) = value.get("optimizer").filter(|optimizer| !optimizer.is_null()) else {
        return Ok(None);
    };
    let Some(loss) = value.get("loss").filter(|loss| !loss.is_null()) else { return Ok(None) };
    let mut compile = Compile::new(optimizers::deserialize(optimizer)?, losses::deserialize(only(loss))?);
    compile.metrics = metric_list(value.get("metrics"))?;
    compile.weighted_metrics = metric_list(value.get("weighted_metrics"))?;
    Ok(Some(compile))
}

/// Keras 2 writes one metric list for each output.
fn metric_list(value: Option<&Value>) -> Result<Vec<metrics::MetricIdentifier>> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => match items.as_slice() {
            [Value::Array(inner)] => inner.iter().map(metrics::deserialize).collect(),
            items => items.iter().map(metrics::deserialize).collect(),
        },
        Some(one) => Ok(vec![metrics::deserialize(one)?]),
    }
}

/// A list of one stands for its item: Keras accepts both for a model with one output.
fn only(value: &Value) -> &Value {
    match value.as_array().map(Vec::as_slice) {
        Some([item]) => item,
        _ => value,
    }
}

/// What a file says of a model: its name, its layers, and the shapes of its inputs if it tells them.
pub(super) struct ReadNetwork {
    pub(super) name: String,
    pub(super) network: Arc<dyn Network>,
    pub(super) inputs: Option<Vec<Spec>>,
}

pub(super) fn read_network(object: &Value) -> Result<ReadNetwork> {
    let serialized = Serialized::read("model", object)?;
    match serialized.class_name.as_str() {
        "Sequential" => {
            let network = Sequential::from_config(&serialized.config)?;
            let config = &object["config"];
            let shape = [&config["build_input_shape"], &object["build_config"]["input_shape"]];
            let shape = shape.into_iter().find(|shape| shape.is_array()).map(Spec::read).transpose()?;
            let inputs = network.input_spec().or(shape).map(|input| vec![input]);
            Ok(ReadNetwork { name: network.model_name(), network: Arc::new(network), inputs })
        }
        "Functional" | "Model" => {
            let network = Functional::from_config(&serialized.config)?;
            let inputs = network.input_specs();
            Ok(ReadNetwork { name: network.model_name().to_string(), network: Arc::new(network), inputs })
        }
        class => Err(Error::unknown("model class that can be read", class, ["Functional", "Sequential"])),
    }
}

impl Spec {
    fn read(shape: &Value) -> Result<Spec> {
        let size = |item: &Value| match item {
            Value::Null => Some(None),
            item => item.as_u64().and_then(|size| usize::try_from(size).ok()).map(Some),
        };
        let sizes = shape.as_array().and_then(|items| items.iter().map(size).collect::<Option<Vec<_>>>());
        let sizes = sizes.filter(|sizes| !sizes.is_empty());
        let sizes = sizes
            .ok_or_else(|| Error::config("Sequential", "build_input_shape", shape, "a list of sizes"))?;
        Ok(Spec::new(cornu_ir::DType::F32, sizes))
    }
}
