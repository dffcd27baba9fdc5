//! The edges of a functional model: from Keras 2's nested lists to Keras 3's arguments.
//!
//! Keras 2 writes each call of a layer as a list of tensors `[layer, node, tensor, keyword arguments]`, tensors among
//! the keyword arguments as `[layer, node, tensor]`. Keras 3 writes the arguments of the call with tensors in place.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::Generation;
use super::objects::text;
use crate::saving::error::{FileError, Place};

/// What must be known of a model to read its edges.
pub(super) struct Graph {
    generation: Generation,
    /// For each layer, how many of its nodes are not in the file.
    hidden: HashMap<String, Hidden>,
}

/// Models have a node of their own from when they were built. Keras 2 counts it wherever a tensor is named, Keras 3
/// only where the outputs of a model name a functional one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hidden {
    None,
    Sequential,
    Functional,
}

impl Graph {
    pub(super) fn new(layers: &[Map<String, Value>], generation: Generation) -> Graph {
        let named = |entry: &Map<String, Value>| Some((text(entry, "name")?.to_owned(), hidden(entry)));
        Graph { generation, hidden: layers.iter().filter_map(named).collect() }
    }

    /// The tensor that `[layer, node, tensor]` names, as an argument of a call.
    fn tensor(&self, name: &str, node: i64, tensor: i64) -> Value {
        let node = match self.hidden.get(name) {
            Some(Hidden::Sequential | Hidden::Functional) if node > 0 => node - 1,
            Some(_) | None => node,
        };
        // Keras 3 puts shape and type here too. They are not known here, and nobody reads them.
        let config = json!({"shape": [], "dtype": "float32", "keras_history": [name, node, tensor]});
        json!({"class_name": "__keras_tensor__", "config": config})
    }

    /// The name, node and tensor of `[layer, node, tensor, …]`, if that is what `value` is.
    fn reference<'v>(&self, value: &'v Value) -> Option<(&'v str, i64, i64, Option<&'v Value>)> {
        let (name, node, tensor, keywords) = match value.as_array()?.as_slice() {
            [name, node, tensor] => (name, node, tensor, None),
            [name, node, tensor, keywords] if keywords.is_object() => (name, node, tensor, Some(keywords)),
            _ => return None,
        };
        let name = name.as_str().filter(|name| self.hidden.contains_key(*name))?;
        Some((name, node.as_i64()?, tensor.as_i64()?, keywords))
    }

    /// A value among keyword arguments, at any depth of which there may be tensors.
    fn keyword(&self, value: &Value) -> Value {
        if let Some((name, node, tensor, None)) = self.reference(value) {
            return self.tensor(name, node, tensor);
        }
        match value {
            Value::Array(items) => items.iter().map(|item| self.keyword(item)).collect(),
            Value::Object(fields) => {
                Value::Object(fields.iter().map(|(key, item)| (key.clone(), self.keyword(item))).collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        }
    }

    /// Inputs or outputs of the model: one flat triple, a list of triples, or a dictionary of them.
    pub(super) fn ends(&self, ends: Value) -> Value {
        match ends {
            Value::Array(mut items) if items.len() == 1 && items[0].is_array() => self.end(items.remove(0)),
            Value::Array(items) if items.first().is_some_and(Value::is_array) => {
                items.into_iter().map(|item| self.ends(item)).collect()
            }
            Value::Object(fields) => {
                Value::Object(fields.into_iter().map(|(key, item)| (key, self.end(item))).collect())
            }
            flat => self.end(flat),
        }
    }

    fn end(&self, end: Value) -> Value {
        match self.reference(&end) {
            Some((name, node, tensor, _)) if self.generation < Generation::Keras3 => {
                match self.hidden.get(name) {
                    Some(Hidden::Sequential) if node > 0 => json!([name, node - 1, tensor]),
                    Some(Hidden::Sequential | Hidden::Functional | Hidden::None) | None => end,
                }
            }
            Some(_) | None => end,
        }
    }
}

fn hidden(entry: &Map<String, Value>) -> Hidden {
    match text(entry, "class_name") {
        Some("Functional" | "Model") => Hidden::Functional,
        Some("Sequential") if knows_its_input(entry) => Hidden::Sequential,
        Some(_) | None => Hidden::None,
    }
}

/// Whether a Sequential was built by itself, before it was called.
fn knows_its_input(entry: &Map<String, Value>) -> bool {
    let layers = entry.get("config").and_then(|config| config.get("layers").unwrap_or(config).as_array());
    let first = layers.and_then(|layers| layers.first()).and_then(Value::as_object);
    first.is_some_and(|first| {
        let has_shape = |config: &Value| config.get("batch_input_shape").is_some_and(Value::is_array);
        text(first, "class_name") == Some("InputLayer") || first.get("config").is_some_and(has_shape)
    })
}

/// One call of a layer: its first argument, which may be a nesting of tensors, and what was passed by keyword.
pub(super) struct Call {
    pub(super) first: Value,
    pub(super) keywords: Map<String, Value>,
}

/// The calls of an entry; `None` when its nodes are in Keras 3's form already, or it has none.
pub(super) fn calls(
    at: &Place,
    entry: &Map<String, Value>,
    graph: &Graph,
) -> Result<Option<Vec<Call>>, FileError> {
    let Some(Value::Array(nodes)) = entry.get("inbound_nodes") else { return Ok(None) };
    if nodes.iter().all(|node| node.get("args").is_some()) {
        return Ok(None);
    }
    nodes.iter().map(|node| call(at, node, graph)).collect::<Result<_, _>>().map(Some)
}

fn call(at: &Place, node: &Value, graph: &Graph) -> Result<Call, FileError> {
    let mut keywords = Map::new();
    let first = match first_argument(at, node, graph, &mut keywords)? {
        // A list of one tensor is how Keras 2 writes the tensor itself.
        Value::Array(mut tensors) if tensors.len() == 1 => tensors.remove(0),
        other => other,
    };
    keywords.retain(|_, value| !value.is_null());
    Ok(Call { first, keywords })
}

/// Calls of a layer as Keras 3 writes them.
pub(super) fn written(class_name: &str, calls: Vec<Call>) -> Value {
    let node = |Call { first, mut keywords }: Call| {
        let first = match first {
            Value::Array(mut tensors) if is_recurrent(class_name) => {
                let states = tensors.split_off(1);
                let states = if states.len() == 1 { states[0].clone() } else { Value::Array(states) };
                keywords.insert("initial_state".into(), states);
                tensors.remove(0)
            }
            other => other,
        };
        json!({"args": [first], "kwargs": keywords})
    };
    calls.into_iter().map(node).collect()
}

/// Layers whose further inputs are the states they start from.
fn is_recurrent(class_name: &str) -> bool {
    matches!(class_name, "RNN" | "SimpleRNN" | "LSTM" | "GRU" | "Bidirectional" | "CuDNNLSTM" | "CuDNNGRU")
        || class_name.starts_with("ConvLSTM")
}

/// What the layer is called with, a tensor or any nesting of them; the keyword arguments beside each are collected.
fn first_argument(
    at: &Place,
    node: &Value,
    graph: &Graph,
    keywords: &mut Map<String, Value>,
) -> Result<Value, FileError> {
    if let Some((constant, more)) = constant(node) {
        keep(graph, more, keywords);
        return Ok(graph.keyword(constant));
    }
    if let Some((name, index, tensor, more)) = graph.reference(node) {
        keep(graph, more, keywords);
        return Ok(graph.tensor(name, index, tensor));
    }
    match node {
        Value::Array(items)
            if !items.is_empty() && items.iter().all(|item| item.is_array() || item.is_object()) =>
        {
            items.iter().map(|item| first_argument(at, item, graph, keywords)).collect()
        }
        Value::Object(fields) => {
            let field = |(key, item): (&String, &Value)| {
                Ok((key.clone(), first_argument(at, item, graph, keywords)?))
            };
            fields.iter().map(field).collect::<Result<Map<_, _>, _>>().map(Value::Object)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Err(at
            .mismatch(
                format!("the inbound node {node}"),
                "the name, node and tensor of a layer of the model",
            )),
    }
}

/// `["_CONSTANT_VALUE", -1, value, keyword arguments]`.
fn constant(node: &Value) -> Option<(&Value, Option<&Value>)> {
    match node.as_array()?.as_slice() {
        [name, _, value, more @ ..] if name == "_CONSTANT_VALUE" => Some((value, more.first())),
        _ => None,
    }
}

fn keep(graph: &Graph, more: Option<&Value>, keywords: &mut Map<String, Value>) {
    for (key, value) in more.and_then(Value::as_object).into_iter().flatten() {
        keywords.insert(key.clone(), graph.keyword(value));
    }
}
