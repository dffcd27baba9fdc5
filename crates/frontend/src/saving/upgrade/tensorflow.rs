//! TensorFlow functions that Keras 2 kept among the layers, as operations of Keras 3.

use serde_json::{Map, Value, json};

use super::nodes::Call;
use super::objects::text;
use crate::saving::error::{FileError, Place};

/// One function: its TensorFlow names, the operation's module and class, the further arguments that TensorFlow
/// names and Keras 3 takes by position, and those which belong to the operation: TensorFlow's name, Keras 3's, and a
/// default.
struct Function {
    names: &'static [&'static str],
    module: &'static str,
    class_name: &'static str,
    positional: &'static [&'static str],
    attributes: &'static [(&'static str, &'static str, Default)],
}

/// What an attribute is when TensorFlow's call did not name it.
enum Default {
    Null,
    False,
    Number(f64),
    Integer(i64),
}

impl Default {
    fn value(&self) -> Value {
        match self {
            Default::Null => Value::Null,
            Default::False => json!(false),
            Default::Number(number) => json!(number),
            Default::Integer(number) => json!(number),
        }
    }
}

const NUMPY: &str = "keras.src.ops.numpy";
const NN: &str = "keras.src.ops.nn";
const CORE: &str = "keras.src.ops.core";

const fn unary(names: &'static [&'static str], module: &'static str, class_name: &'static str) -> Function {
    Function { names, module, class_name, positional: &[], attributes: &[] }
}

const fn binary(names: &'static [&'static str], class_name: &'static str) -> Function {
    Function { names, module: NUMPY, class_name, positional: &["y"], attributes: &[] }
}

const fn reduction(names: &'static [&'static str], class_name: &'static str) -> Function {
    let attributes = &[("axis", "axis", Default::Null), ("keepdims", "keepdims", Default::False)];
    Function { names, module: NUMPY, class_name, positional: &[], attributes }
}

const fn with(
    names: &'static [&'static str],
    module: &'static str,
    class_name: &'static str,
    attributes: &'static [(&'static str, &'static str, Default)],
) -> Function {
    Function { names, module, class_name, positional: &[], attributes }
}

const FUNCTIONS: &[Function] = &[
    binary(&["__operators__.add", "__operators__.radd", "math.add"], "Add"),
    binary(&["math.subtract", "__operators__.sub"], "Subtract"),
    binary(&["math.multiply", "__operators__.mul", "__operators__.rmul"], "Multiply"),
    binary(&["math.truediv", "math.divide", "compat.v1.div", "RealDiv"], "TrueDivide"),
    binary(&["math.floordiv"], "FloorDivide"),
    binary(&["math.floormod", "math.mod"], "Mod"),
    binary(&["math.pow"], "Power"),
    binary(&["math.maximum"], "Maximum"),
    binary(&["math.minimum"], "Minimum"),
    binary(&["math.greater"], "Greater"),
    binary(&["math.greater_equal"], "GreaterEqual"),
    binary(&["math.less"], "Less"),
    binary(&["math.less_equal"], "LessEqual"),
    unary(&["math.negative"], NUMPY, "Negative"),
    unary(&["math.abs"], NUMPY, "Absolute"),
    unary(&["math.square"], NUMPY, "Square"),
    unary(&["math.sqrt"], NUMPY, "Sqrt"),
    unary(&["math.exp"], NUMPY, "Exp"),
    unary(&["math.log"], NUMPY, "Log"),
    unary(&["math.log1p"], NUMPY, "Log1p"),
    unary(&["math.sin"], NUMPY, "Sin"),
    unary(&["math.cos"], NUMPY, "Cos"),
    unary(&["math.tanh", "nn.tanh"], NUMPY, "Tanh"),
    unary(&["math.sign"], NUMPY, "Sign"),
    unary(&["math.floor"], NUMPY, "Floor"),
    unary(&["math.ceil"], NUMPY, "Ceil"),
    unary(&["math.rsqrt"], "keras.src.ops.math", "Rsqrt"),
    unary(&["nn.relu"], NN, "Relu"),
    unary(&["nn.relu6"], NN, "Relu6"),
    unary(&["math.sigmoid", "nn.sigmoid"], NN, "Sigmoid"),
    unary(&["nn.silu", "nn.swish"], NN, "Silu"),
    unary(&["nn.selu"], NN, "Selu"),
    unary(&["math.softplus", "nn.softplus"], NN, "Softplus"),
    unary(&["nn.softsign"], NN, "Softsign"),
    with(&["nn.elu"], NN, "Elu", &[("alpha", "alpha", Default::Number(1.0))]),
    with(&["nn.gelu"], NN, "Gelu", &[("approximate", "approximate", Default::False)]),
    with(&["nn.leaky_relu"], NN, "LeakyRelu", &[("alpha", "negative_slope", Default::Number(0.2))]),
    with(&["nn.softmax", "math.softmax"], NN, "Softmax", &[("axis", "axis", Default::Integer(-1))]),
    with(
        &["nn.log_softmax", "math.log_softmax"],
        NN,
        "LogSoftmax",
        &[("axis", "axis", Default::Integer(-1))],
    ),
    reduction(&["math.reduce_mean"], "Mean"),
    reduction(&["math.reduce_sum"], "Sum"),
    reduction(&["math.reduce_max"], "Max"),
    reduction(&["math.reduce_min"], "Min"),
    reduction(&["math.reduce_prod"], "Prod"),
    with(&["concat"], NUMPY, "Concatenate", &[("axis", "axis", Default::Integer(-1))]),
    with(&["stack"], NUMPY, "Stack", &[("axis", "axis", Default::Integer(0))]),
    with(&["expand_dims"], NUMPY, "ExpandDims", &[("axis", "axis", Default::Integer(-1))]),
    with(&["compat.v1.squeeze", "squeeze"], NUMPY, "Squeeze", &[("axis", "axis", Default::Null)]),
    with(&["compat.v1.transpose", "transpose"], NUMPY, "Transpose", &[("perm", "axes", Default::Null)]),
    with(&["reshape"], NUMPY, "Reshape", &[("shape", "newshape", Default::Null)]),
    with(&["cast"], CORE, "Cast", &[("dtype", "dtype", Default::Null)]),
    with(
        &["split"],
        NUMPY,
        "Split",
        &[
            ("num_or_size_splits", "indices_or_sections", Default::Null),
            ("axis", "axis", Default::Integer(0)),
        ],
    ),
    with(
        &["clip_by_value"],
        NUMPY,
        "Clip",
        &[("clip_value_min", "x_min", Default::Null), ("clip_value_max", "x_max", Default::Null)],
    ),
    Function {
        names: &["linalg.matmul"],
        module: NUMPY,
        class_name: "Matmul",
        positional: &["b"],
        attributes: &[],
    },
    Function {
        names: &["__operators__.getitem"],
        module: NUMPY,
        class_name: "GetItem",
        positional: &["slice_spec"],
        attributes: &[],
    },
];

/// The entry of a function among the layers, as Keras 3 writes the operation.
pub(super) fn operation(
    at: &Place,
    entry: &Map<String, Value>,
    calls: &[Call],
) -> Result<Map<String, Value>, FileError> {
    let config = entry.get("config").and_then(Value::as_object);
    let name = config.and_then(|config| text(config, "function")).unwrap_or("?");
    let function = FUNCTIONS.iter().find(|function| function.names.contains(&name));
    let Some(function) = function else {
        return Err(at.refused(
            format!("the TensorFlow function {name}"),
            "layers, or functions that Keras 3 has too",
        ));
    };
    for call in calls {
        check_keywords(at, function, &call.keywords)?;
    }
    let first = calls.first().map(|call| &call.keywords);
    let own_name = text(entry, "name").or_else(|| text(config?, "name"));
    let mut attributes = Map::from_iter([("name".to_owned(), json!(own_name))]);
    for (theirs, ours, default) in function.attributes {
        let given = first.and_then(|keywords| keywords.get(*theirs)).cloned();
        attributes.insert((*ours).to_owned(), given.unwrap_or_else(|| default.value()));
    }
    let nodes: Vec<Value> = calls.iter().map(|call| written(function, call)).collect();
    let operation = json!({
        "module": function.module,
        "class_name": function.class_name,
        "config": attributes,
        "registered_name": function.class_name,
        "name": own_name,
        "inbound_nodes": nodes,
    });
    Ok(match operation {
        Value::Object(entry) => entry,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    })
}

/// An operation of Keras 3 that lost its module in a legacy file.
pub(super) fn bare_operation(class_name: &str, config: Map<String, Value>) -> Value {
    let known = FUNCTIONS.iter().find(|function| function.class_name == class_name);
    let module = known.map_or(NUMPY, |function| function.module);
    json!({"module": module, "class_name": class_name, "config": config, "registered_name": class_name})
}

/// Refuses keywords that Keras 3's operation does not know, unless they change nothing.
fn check_keywords(at: &Place, function: &Function, keywords: &Map<String, Value>) -> Result<(), FileError> {
    for (key, value) in keywords {
        let is_known = key == "name"
            || function.positional.contains(&key.as_str())
            || function.attributes.iter().any(|(theirs, _, _)| theirs == key);
        if !is_known && value != false {
            return Err(
                at.refused(format!("{} with {key}", function.names[0]), "Keras 3 has no such operation")
            );
        }
    }
    match keywords.get("num_or_size_splits") {
        Some(sizes) if !sizes.is_number() => {
            Err(at.refused("a split into pieces of several sizes", "Keras 3 has no such operation"))
        }
        Some(_) | None => Ok(()),
    }
}

fn written(function: &Function, call: &Call) -> Value {
    let mut args = vec![operand(call.first.clone())];
    for key in function.positional {
        let value = call.keywords.get(*key).cloned().unwrap_or_default();
        args.push(if *key == "slice_spec" { slices(value) } else { operand(value) });
    }
    json!({"args": args, "kwargs": {}})
}

/// An operand: a tensor, a number, or an array of numbers, which TensorFlow had in the type of the other operand.
fn operand(value: Value) -> Value {
    let is_array = |value: &Value| value.get(0).is_some_and(|first| first.is_number() || first.is_array());
    match value {
        array if is_array(&array) => {
            json!({"class_name": "__numpy__", "config": {"value": array, "dtype": "float32"}})
        }
        other => other,
    }
}

/// `{"start", "stop", "step"}` as Keras 3 writes Python's slices, in a list of them.
fn slices(spec: Value) -> Value {
    match spec {
        Value::Array(items) => items.into_iter().map(slices).collect(),
        Value::Object(slice) => json!({"class_name": "__slice__", "config": slice}),
        other => other,
    }
}
