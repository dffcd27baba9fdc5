//! Models of Keras 2: what stands where, and what each layer is called.

use serde_json::{Map, Value, json};

use super::nodes::{self, Graph};
use super::objects::{is_builtin, object, policy, rewrite_all, text};
use super::{Generation, layers, tensorflow};
use crate::saving::error::{FileError, Place};

/// Where Keras 3 keeps its layers, and its two kinds of models.
const LAYERS: &str = "keras.layers";
const FUNCTIONAL: &str = "keras.src.models.functional";

/// What all layers of one file have in common.
#[derive(Clone, Copy)]
struct Context<'a> {
    at: &'a Place,
    generation: Generation,
}

/// The model in Keras 3's form.
pub(super) fn model(at: &Place, model: Value, generation: Generation) -> Result<Value, FileError> {
    let Value::Object(entry) = model else {
        return Err(at.mismatch("something else", "a model configuration: an object"));
    };
    layer(Context { at, generation }, entry).map(Value::Object)
}

/// Any layer, which may be a model.
fn layer(context: Context<'_>, mut entry: Map<String, Value>) -> Result<Map<String, Value>, FileError> {
    let Some(class_name) = text(&entry, "class_name").map(str::to_owned) else {
        return Err(context.at.mismatch("a layer without a class", "`class_name`"));
    };
    if !is_builtin(&entry) || is_operation(&entry) {
        return Ok(entry);
    }
    let at = match text(&entry, "name").or_else(|| text(entry.get("config")?.as_object()?, "name")) {
        Some(name) => context.at.inside(name),
        None => context.at.inside(&class_name),
    };
    let context = Context { at: &at, ..context };
    match (class_name.as_str(), entry.shift_remove("config")) {
        ("Sequential", Some(config)) => sequential(context, entry, config),
        ("Functional" | "Model", Some(Value::Object(config))) => functional(context, entry, config),
        (_, Some(Value::Object(config))) => simple(context, entry, class_name, config),
        (_, Some(_) | None) => Err(at.mismatch("a layer without arguments", "`config`: an object")),
    }
}

/// Operations of Keras 3 stand among the layers and are in its form already.
fn is_operation(entry: &Map<String, Value>) -> bool {
    text(entry, "module").is_some_and(|module| module.starts_with("keras.src.ops"))
}

/// Legacy files of Keras 3 do not tell operations from layers of the same name, but layers say whether they are
/// trainable, or of which type they are.
fn is_bare(class_name: &str, config: &Map<String, Value>) -> bool {
    class_name != "InputLayer" && !config.contains_key("trainable") && !config.contains_key("dtype")
}

/// A serialized object as an entry of a graph: with the name and the nodes of `entry`.
fn with_place(object: Value, entry: Map<String, Value>) -> Map<String, Value> {
    let Value::Object(mut out) = object else { return Map::new() };
    for key in ["name", "inbound_nodes"] {
        if let Some(value) = entry.get(key) {
            out.insert(key.into(), value.clone());
        }
    }
    out
}

/// Keys of a layer's config under which further layers stand, one or many.
const INNER: [&str; 6] = ["layer", "backward_layer", "cell", "cells", "activation", "recurrent_activation"];

fn simple(
    context: Context<'_>,
    entry: Map<String, Value>,
    mut class_name: String,
    mut config: Map<String, Value>,
) -> Result<Map<String, Value>, FileError> {
    if context.generation == Generation::Keras3 && is_bare(&class_name, &config) {
        return Ok(with_place(tensorflow::bare_operation(&class_name, config), entry));
    }
    if class_name == "InputLayer" {
        layers::rewrite_input(&mut config);
        return Ok(with_place(object(LAYERS, &class_name, config), entry));
    }
    if context.generation < Generation::Keras3 {
        layers::rewrite(context.at, &mut class_name, &mut config)?;
    }
    rewrite_all(&mut config, context.generation);
    for key in INNER {
        if let Some(inner) = config.get_mut(key) {
            *inner = inner_layer(context, inner.take())?;
        }
    }
    Ok(with_place(object(LAYERS, &class_name, config), entry))
}

/// A layer inside the config of another, a list of them, or something that is none.
fn inner_layer(context: Context<'_>, value: Value) -> Result<Value, FileError> {
    match value {
        Value::Object(entry) if entry.get("config").is_some_and(Value::is_object) => {
            layer(context, entry).map(Value::Object)
        }
        Value::Array(items) => items
            .into_iter()
            .map(|item| inner_layer(context, item))
            .collect::<Result<_, _>>()
            .map(Value::Array),
        other => Ok(other),
    }
}

fn sequential(
    context: Context<'_>,
    entry: Map<String, Value>,
    config: Value,
) -> Result<Map<String, Value>, FileError> {
    let mut config = match config {
        Value::Object(config) => config,
        // Until 2.2 the config was the list of layers.
        Value::Array(layers) => {
            let name = text(&entry, "name").unwrap_or("sequential_1");
            Map::from_iter([("name".to_owned(), json!(name)), ("layers".to_owned(), Value::Array(layers))])
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Err(context.at.mismatch("a model without layers", "`config`: an object or a list"));
        }
    };
    let mut layers = entries(context.at, config.shift_remove("layers"))?;
    let implied = layers.first().filter(|first| text(first, "class_name") != Some("InputLayer"));
    if let Some(Value::Object(input)) = implied.and_then(layers::implied_input) {
        layers.insert(0, input);
    }
    let layers: Vec<Value> =
        layers.into_iter().map(|entry| layer(context, entry).map(Value::Object)).collect::<Result<_, _>>()?;
    let mut out = Map::new();
    for (key, absent) in
        [("name", json!("sequential")), ("trainable", json!(true)), ("dtype", policy("float32"))]
    {
        out.insert(key.into(), config.shift_remove(key).unwrap_or(absent));
    }
    rewrite_all(&mut out, context.generation);
    out.insert("layers".into(), Value::Array(layers));
    if let Some(shape) = config.shift_remove("build_input_shape") {
        out.insert("build_input_shape".into(), shape);
    }
    Ok(with_compile(object("keras", "Sequential", out), entry))
}

fn functional(
    context: Context<'_>,
    entry: Map<String, Value>,
    mut config: Map<String, Value>,
) -> Result<Map<String, Value>, FileError> {
    let layers = entries(context.at, config.shift_remove("layers"))?;
    let graph = Graph::new(&layers, context.generation);
    let mut upgraded = Vec::with_capacity(layers.len());
    for entry in layers {
        upgraded.push(Value::Object(node(context, entry, &graph)?));
    }
    let name = config.shift_remove("name").unwrap_or_else(|| json!("functional"));
    let trainable = config.shift_remove("trainable").unwrap_or(json!(true));
    let [inputs, outputs] = ["input_layers", "output_layers"].map(|key| config.shift_remove(key));
    let out = json!({
        "name": name,
        "trainable": trainable,
        "layers": upgraded,
        "input_layers": graph.ends(inputs.unwrap_or_default()),
        "output_layers": graph.ends(outputs.unwrap_or_default()),
    });
    let out = json!({
        "module": FUNCTIONAL, "class_name": "Functional", "config": out, "registered_name": "Functional",
    });
    Ok(with_compile(out, entry))
}

/// One entry of a graph: a layer or an operation, with its calls.
fn node(
    context: Context<'_>,
    entry: Map<String, Value>,
    graph: &Graph,
) -> Result<Map<String, Value>, FileError> {
    let class_name = text(&entry, "class_name").unwrap_or_default().to_owned();
    let at = context.at.inside(text(&entry, "name").unwrap_or(&class_name));
    let Some(calls) = nodes::calls(&at, &entry, graph)? else { return layer(context, entry) };
    if let "TFOpLambda" | "SlicingOpLambda" = class_name.as_str() {
        return tensorflow::operation(&at, &entry, &calls);
    }
    let mut entry = layer(context, entry)?;
    entry.insert("inbound_nodes".into(), nodes::written(&class_name, calls));
    Ok(entry)
}

/// A model's place in a graph, and how it was compiled, to be rewritten by whoever reads that.
fn with_compile(object: Value, entry: Map<String, Value>) -> Map<String, Value> {
    let compile = entry.get("compile_config").cloned();
    let mut out = with_place(object, entry);
    if let Some(compile) = compile {
        out.insert("compile_config".into(), compile);
    }
    out
}

/// The layers of a model.
fn entries(at: &Place, layers: Option<Value>) -> Result<Vec<Map<String, Value>>, FileError> {
    let Some(Value::Array(layers)) = layers else {
        return Err(at.missing("a model has a list of `layers`"));
    };
    let entry = |layer| match layer {
        Value::Object(entry) => Ok(entry),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(at.mismatch("something else among the layers", "objects"))
        }
    };
    layers.into_iter().map(entry).collect()
}
