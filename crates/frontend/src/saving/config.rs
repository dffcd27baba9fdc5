//! The model as Keras writes it: its layers, shapes, and how it was compiled, as JSON.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::config::Serialized;
use crate::error::{Error, Result};
use crate::layers::{DTypePolicy, Layer, Spec};
use crate::losses;
use crate::metrics;
use crate::model::{Functional, Model, Network, Sequential};
use crate::optimizers;
use crate::training::{Compile, Compiled, PerOutput};

impl Model {
    /// The serialized model of a `.keras` archive.
    pub(super) fn serialize(&self) -> Result<Value> {
        let mut config = Map::new();
        config.insert("name".into(), json!(self.name));
        config.insert("trainable".into(), json!(true));
        let is_sequential = self.network.class_name() == "Sequential";
        let input = self.built.as_ref().and_then(|built| built.inputs.first()).filter(|_| is_sequential);
        if is_sequential {
            config.insert("dtype".into(), self.policy.serialize());
            config.insert("layers".into(), Value::Array(self.serialize_layers()?));
        } else {
            config.extend(self.network.config()?);
        }
        if let Some(input) = input {
            config.insert("build_input_shape".into(), json!(input.shape));
        }
        let compile = |compiled| compile_config(compiled, self.can_be_compiled_by_xla());
        Ok(json!({
            "module": self.network.module(),
            "class_name": self.network.class_name(),
            "config": config,
            "registered_name": self.network.registered_name(),
            "build_config": {"input_shape": input.map(|input| &input.shape)},
            "compile_config": self.compiled.as_ref().map_or(Ok(json!({})), compile)?,
        }))
    }

    /// Keras's XLA knows no strings.
    pub(super) fn can_be_compiled_by_xla(&self) -> bool {
        self.layers().iter().all(|layer| layer.layer().as_host().is_none())
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

fn compile_config(compiled: &Compiled, jit_compile: bool) -> Result<Value> {
    let Compile { optimizer, loss, loss_weights, metrics, weighted_metrics, steps_per_execution, .. } =
        &compiled.given;
    let list = |metrics: &Vec<metrics::MetricIdentifier>| -> Value {
        metrics.iter().map(|metric| metric.serialize()).collect()
    };
    let lists = |metrics: &PerOutput<Vec<metrics::MetricIdentifier>>| match metrics {
        PerOutput::Every(metrics) if metrics.is_empty() => Value::Null,
        metrics => per_output(metrics, list),
    };
    Ok(json!({
        "optimizer": optimizers::serialize(&*optimizer.resolve()?),
        "loss": per_output(loss, |loss| loss.serialize()),
        "loss_weights": loss_weights.as_ref().map(|weights| per_output(weights, |weight| json!(weight))),
        "metrics": lists(metrics),
        "weighted_metrics": lists(weighted_metrics),
        "run_eagerly": false,
        "steps_per_execution": steps_per_execution,
        "jit_compile": jit_compile,
    }))
}

/// One thing, a list in the order of the outputs, or an object by their names.
fn per_output<T>(given: &PerOutput<T>, write: impl Fn(&T) -> Value) -> Value {
    let item = |item: &Option<T>| item.as_ref().map_or(Value::Null, &write);
    match given {
        PerOutput::Every(one) => write(one),
        PerOutput::InOrder(items) => items.iter().map(item).collect(),
        PerOutput::ByName(items) => {
            Value::Object(items.iter().map(|(name, one)| (name.clone(), item(one))).collect())
        }
    }
}

/// How a file says that its model was compiled; `None` if it was not.
pub(super) fn read_compile_config(value: &Value) -> Result<Option<Compile>> {
    let Some(optimizer) = value.get("optimizer").filter(|optimizer| !optimizer.is_null()) else {
        return Ok(None);
    };
    let Some(loss) = value.get("loss").filter(|loss| !loss.is_null()) else { return Ok(None) };
    let loss = read_per_output(loss, losses::deserialize)?;
    let mut compile = Compile::per_output(optimizers::deserialize(optimizer)?, loss);
    let number = |value: &Value| {
        value.as_f64().ok_or_else(|| Error::config("compile", "loss_weights", value, "numbers"))
    };
    let weights = value.get("loss_weights").filter(|weights| !weights.is_null());
    compile.loss_weights = weights.map(|weights| read_per_output(weights, number)).transpose()?;
    compile.metrics = read_metrics(value.get("metrics"))?;
    compile.weighted_metrics = read_metrics(value.get("weighted_metrics"))?;
    let steps = value.get("steps_per_execution").and_then(Value::as_u64);
    compile.steps_per_execution = steps.and_then(|steps| usize::try_from(steps).ok()).unwrap_or(1).max(1);
    Ok(Some(compile))
}

/// A list of one stands for its item: Keras accepts both for a model with one output.
fn read_per_output<T>(value: &Value, read: impl Fn(&Value) -> Result<T>) -> Result<PerOutput<T>> {
    let item = |value: &Value| (!value.is_null()).then(|| read(value)).transpose();
    Ok(match value {
        Value::Array(items) => match items.as_slice() {
            [one] if !one.is_null() => PerOutput::Every(read(one)?),
            items => PerOutput::InOrder(items.iter().map(item).collect::<Result<_>>()?),
        },
        Value::Object(items) if !items.contains_key("class_name") => {
            let named = items.iter().map(|(name, value)| Ok((name.clone(), item(value)?)));
            PerOutput::ByName(named.collect::<Result<_>>()?)
        }
        one => PerOutput::Every(read(one)?),
    })
}

type Metrics = Vec<metrics::MetricIdentifier>;

/// A list of metrics for a model with one output; a list of lists, or lists by name, for others.
fn read_metrics(value: Option<&Value>) -> Result<PerOutput<Metrics>> {
    let list = |value: &Value| -> Result<Metrics> {
        match value {
            Value::Array(items) => {
                items.iter().filter(|item| !item.is_null()).map(metrics::deserialize).collect()
            }
            one => Ok(vec![metrics::deserialize(one)?]),
        }
    };
    match value {
        None | Some(Value::Null) => Ok(PerOutput::Every(Vec::new())),
        Some(Value::Array(items)) if !items.iter().any(Value::is_array) => {
            Ok(PerOutput::Every(list(&json!(items))?))
        }
        Some(value) => read_per_output(value, list),
    }
}

/// What a file says of a model: its name, its layers, and the shapes of its inputs if it tells them.
pub(super) struct ReadNetwork {
    pub(super) name: String,
    pub(super) network: Arc<dyn Network>,
    pub(super) inputs: Option<Vec<Spec>>,
    /// What the file says of the model itself; it says nothing of a functional one.
    pub(super) policy: Option<DTypePolicy>,
}

pub(super) fn read_network(object: &Value) -> Result<ReadNetwork> {
    let serialized = Serialized::read("model", object)?;
    match serialized.class_name.as_str() {
        "Sequential" => {
            let network = Sequential::from_config(&serialized.config)?;
            let config = &object["config"];
            let shape = [&config["build_input_shape"], &object["build_config"]["input_shape"]];
            let shape = shape.into_iter().find(|shape| shape.is_array()).map(Spec::read).transpose()?;
            // Files tell the shape of such an input alone; layers on the host are there for strings.
            let is_text = network.layers().first().is_some_and(|layer| layer.layer().as_host().is_some());
            let shape = shape.map(|shape| if is_text { Spec::text(shape.shape) } else { shape });
            let inputs = network.input_spec().or(shape).map(|input| vec![input]);
            let policy = serialized.arguments().value("dtype").map(DTypePolicy::deserialize).transpose()?;
            let policy = policy.map(|policy| policy.resolve()).transpose()?;
            Ok(ReadNetwork { name: network.model_name(), network: Arc::new(network), inputs, policy })
        }
        "Functional" | "Model" => {
            let network = Functional::from_config(&serialized.config)?;
            let inputs = network.input_specs();
            let name = network.model_name().to_string();
            Ok(ReadNetwork { name, network: Arc::new(network), inputs, policy: None })
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
