//! A functional model in Keras's JSON: layers, each with its calls, and the places of inputs and outputs.

use serde_json::{Map, Value, json};

use super::{Functional, Node, Place};
use crate::error::{Error, Result};
use crate::layers::{AnyLayer, Argument, CallArguments, Config, Spec};

/// Deepest nesting of lists among the arguments of a call.
const DEEPEST: usize = 16;

/// `[layer, node, output]`: how a file names a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct History(String, usize, usize);

impl Functional {
    pub(super) fn to_config(&self) -> Result<Config> {
        let mut layers = Vec::with_capacity(self.layers.len());
        for (number, layer) in self.layers.iter().enumerate() {
            let mut entry = layer.serialize()?;
            let mut nodes: Vec<&Node> = self.nodes.iter().filter(|node| node.layer == number).collect();
            nodes.sort_by_key(|node| node.index);
            let is_input =
                |node: &Node| self.inputs.iter().any(|place| std::ptr::eq(&self.nodes[place.node], node));
            let calls = nodes.into_iter().filter(|node| !is_input(node)).map(|node| self.call(node));
            entry["name"] = json!(layer.name());
            entry["inbound_nodes"] = calls.collect();
            layers.push(entry);
        }
        let ends = |places: &[Place]| match places {
            [only] => self.end(*only),
            places => places.iter().map(|&place| self.end(place)).collect(),
        };
        let mut config = Config::new();
        config.insert("layers".into(), Value::Array(layers));
        config.insert("input_layers".into(), ends(&self.inputs));
        config.insert("output_layers".into(), ends(&self.outputs));
        Ok(config)
    }

    fn call(&self, node: &Node) -> Value {
        let positional: Vec<Value> =
            node.arguments.positional.iter().map(|argument| self.argument(argument)).collect();
        let keywords: Map<String, Value> = node
            .arguments
            .keywords
            .iter()
            .map(|(name, argument)| (name.clone(), self.argument(argument)))
            .collect();
        json!({"args": positional, "kwargs": keywords})
    }

    fn argument(&self, argument: &Argument<Place>) -> Value {
        match argument {
            Argument::Tensor(place) => self.tensor(*place),
            Argument::List(items) => items.iter().map(|item| self.argument(item)).collect(),
            Argument::Dict(items) => {
                let items = items.iter().map(|(name, item)| (name.clone(), self.argument(item)));
                Value::Object(items.collect())
            }
            Argument::Constant(value) => value.clone(),
        }
    }

    fn tensor(&self, place: Place) -> Value {
        let node = &self.nodes[place.node];
        let spec: &Spec = &self.specs[place.node][place.output];
        json!({"class_name": "__keras_tensor__", "config": {
            "shape": spec.shape,
            "dtype": spec.dtype_name(),
            "keras_history": [self.layers[node.layer].name(), node.index, place.output],
        }})
    }

    /// An input or output of the model. A functional model inside counts the call that made it, here alone.
    fn end(&self, place: Place) -> Value {
        let node = &self.nodes[place.node];
        let layer = &self.layers[node.layer];
        let own = usize::from(layer.class_name() == "Functional");
        json!([layer.name(), node.index + own, place.output])
    }

    /// From the arguments in a Keras file.
    pub(crate) fn from_config(config: &Config) -> Result<Functional> {
        let entries = config.get("layers").and_then(Value::as_array);
        let entries = entries.ok_or_else(|| wrong("layers", "a list of layers"))?;
        let layers: Vec<AnyLayer> = entries.iter().map(AnyLayer::deserialize).collect::<Result<_>>()?;
        let mut calls = Vec::new();
        for (layer, entry) in entries.iter().enumerate() {
            let nodes = entry.get("inbound_nodes").and_then(Value::as_array).map(Vec::as_slice);
            let nodes = nodes.unwrap_or_default();
            if layers[layer].layer().input_spec().is_some() && nodes.is_empty() {
                calls.push((layer, 0, CallArguments::default()));
            }
            for (index, node) in nodes.iter().enumerate() {
                calls.push((layer, index, read_call(node)?));
            }
        }
        let nodes = sorted(&layers, calls)?;
        let (_, inputs) = ends(config.get("input_layers"), "input_layers")?;
        let (names, outputs) = ends(config.get("output_layers"), "output_layers")?;
        let place = |history: &History| find(&layers, &nodes, history);
        let output = |mut history: History| {
            let target = layers.iter().find(|layer| layer.name() == history.0);
            if target.is_some_and(|layer| layer.class_name() == "Functional") {
                history.1 = history.1.saturating_sub(1);
            }
            place(&history)
        };
        let functional = Functional {
            name: config.get("name").and_then(Value::as_str).unwrap_or("functional").to_string(),
            inputs: inputs.iter().map(place).collect::<Result<_>>()?,
            outputs: outputs.into_iter().map(output).collect::<Result<_>>()?,
            output_names: names,
            specs: Vec::new(),
            nodes,
            layers,
        };
        if functional.inputs.is_empty() || functional.outputs.is_empty() {
            return Err(wrong("output_layers", "at least one input and one output"));
        }
        let is_given =
            |place: &Place| functional.layers[functional.nodes[place.node].layer].layer().input_spec();
        if functional.inputs.iter().any(|place| is_given(place).is_none()) {
            return Err(wrong("input_layers", "layers of class InputLayer"));
        }
        functional.known()
    }
}

fn wrong(key: &str, needed: &str) -> Error {
    Error::config("Functional", key, "something else", needed)
}

type FileCall = (usize, usize, CallArguments<History>);

/// The calls in an order in which each comes after those whose outputs it takes.
fn sorted(layers: &[AnyLayer], calls: Vec<FileCall>) -> Result<Vec<Node>> {
    let mut nodes: Vec<Node> = Vec::with_capacity(calls.len());
    let mut waiting = calls;
    while !waiting.is_empty() {
        let before = waiting.len();
        let mut later = Vec::new();
        for (layer, index, arguments) in waiting {
            match arguments.map(|history| find(layers, &nodes, history)) {
                Ok(arguments) => nodes.push(Node { layer, index, arguments }),
                Err(_) => later.push((layer, index, arguments)),
            }
        }
        if later.len() == before {
            let (layer, index, arguments) = &later[0];
            let name = layers[*layer].name();
            let missing =
                arguments.tensors().into_iter().find(|history| find(layers, &nodes, history).is_err());
            let missing = missing.map_or(String::new(), |History(of, node, _)| format!("{of}[{node}]"));
            let reason = format!(
                "call {index} takes {missing}, which no call makes before it: it is unknown or part of a cycle"
            );
            return Err(Error::Layer { path: name.to_string(), reason });
        }
        waiting = later;
    }
    Ok(nodes)
}

fn find(layers: &[AnyLayer], nodes: &[Node], History(name, index, output): &History) -> Result<Place> {
    let is_it = |node: &Node| layers[node.layer].name() == name && node.index == *index;
    match nodes.iter().position(is_it) {
        Some(node) => Ok(Place { node, output: *output }),
        None => Err(Error::Data { what: format!("the model has no call {index} of a layer `{name}`") }),
    }
}

fn read_call(node: &Value) -> Result<CallArguments<History>> {
    let positional = match node.get("args") {
        Some(Value::Array(items)) => {
            items.iter().map(|item| read_argument(item, 0)).collect::<Result<_>>()?
        }
        _ => return Err(wrong("inbound_nodes", "calls with `args` and `kwargs`")),
    };
    let keywords = node.get("kwargs").and_then(Value::as_object).into_iter().flatten();
    let keywords = keywords.map(|(name, item)| Ok((name.clone(), read_argument(item, 0)?)));
    Ok(CallArguments { positional, keywords: keywords.collect::<Result<_>>()? })
}

fn read_argument(value: &Value, depth: usize) -> Result<Argument<History>> {
    if depth > DEEPEST {
        return Err(wrong("inbound_nodes", "lists that are not nested so deep"));
    }
    if value.get("class_name").and_then(Value::as_str) == Some("__keras_tensor__") {
        let history = history(&value["config"]["keras_history"]);
        return Ok(Argument::Tensor(history.ok_or_else(|| wrong("keras_history", "[layer, node, output]"))?));
    }
    Ok(match value {
        Value::Array(items) => {
            let items: Vec<Argument<History>> =
                items.iter().map(|item| read_argument(item, depth + 1)).collect::<Result<_>>()?;
            // A list without values is a constant: an axis, a shape.
            match items.iter().all(|item| matches!(item, Argument::Constant(_))) {
                true => Argument::Constant(value.clone()),
                false => Argument::List(items),
            }
        }
        Value::Object(map) if !map.contains_key("class_name") => {
            let read = |(name, item): (&String, &Value)| Ok((name.clone(), read_argument(item, depth + 1)?));
            Argument::Dict(map.iter().map(read).collect::<Result<_>>()?)
        }
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Argument::Constant(value.clone())
        }
    })
}

fn history(value: &Value) -> Option<History> {
    let number = |item: &Value| item.as_u64().and_then(|number| usize::try_from(number).ok());
    match value.as_array()?.as_slice() {
        [name, node, output] => Some(History(name.as_str()?.to_string(), number(node)?, number(output)?)),
        _ => None,
    }
}

/// The places that a file lists as inputs or outputs: one, a list, or a dictionary, whose keys are then their names.
fn ends(value: Option<&Value>, key: &str) -> Result<(Vec<String>, Vec<History>)> {
    let needed = || wrong(key, "[layer, node, output], a list of these, or a dictionary");
    let value = value.ok_or_else(needed)?;
    if let Some(single) = history(value) {
        return Ok((Vec::new(), vec![single]));
    }
    match value {
        Value::Array(items) => {
            let items: Option<Vec<History>> = items.iter().map(history).collect();
            Ok((Vec::new(), items.ok_or_else(needed)?))
        }
        Value::Object(items) => {
            let places: Option<Vec<History>> = items.values().map(history).collect();
            Ok((items.keys().cloned().collect(), places.ok_or_else(needed)?))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Err(needed()),
    }
}
