//! Layers that work on the host, on strings: what they learn from data, what they give by themselves and in a model,
//! and their configurations.

use cornu::layers::{
    Feature, HashedCrossing, Hashing, IntegerLookup, Layer, LayerConfig, Spec, StringLookup,
    TextVectorization,
};
use cornu::{Result, Tensor, Values};
use serde_json::{Value, json};

use crate::reading::*;
use crate::text::values;

#[test]
fn layers_on_the_host() {
    let cases = fixture("layers/preprocessing.json");
    let wrong: Vec<String> = items(&cases)
        .iter()
        .filter_map(|case| {
            let complaint = checked(case)?.err()?;
            Some(format!("{}: {complaint}", text(&case["name"])))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `None` for a layer of the graph.
fn checked(case: &Value) -> Option<std::result::Result<(), String>> {
    let answer = match text(&case["class_name"]) {
        "Hashing" => hashing(case),
        "HashedCrossing" => hashed_crossing(case),
        "IntegerLookup" => integer_lookup(case),
        "StringLookup" => string_lookup(case),
        "TextVectorization" => text_vectorization(case),
        _ => return None,
    };
    Some(answer.map_err(|error| error.to_string()).and_then(|answer| answer.check(case)))
}

/// What a layer answers, and what it says of itself.
struct Answer {
    output: Output,
    config: cornu::layers::Config,
    vocabulary: Option<Value>,
    in_model: std::result::Result<(), String>,
}

enum Output {
    Numbers(Tensor),
    Strings(Vec<String>),
}

impl Answer {
    fn new(layer: &dyn Layer, output: Tensor) -> Result<Answer> {
        let in_model = Ok(());
        Ok(Answer { output: Output::Numbers(output), config: layer.config()?, vocabulary: None, in_model })
    }

    /// With what the layer makes of the inputs of the case as a part of a model.
    fn in_model(mut self, layer: &dyn Layer, case: &Value) -> Answer {
        self.in_model = in_model(layer, case);
        self
    }

    fn check(&self, case: &Value) -> std::result::Result<(), String> {
        let keras = &case["outputs"][0];
        match &self.output {
            Output::Strings(strings) if json!(strings) == keras["strings"] => {}
            Output::Strings(strings) => return Err(format!("gives {strings:?}, Keras {keras}")),
            Output::Numbers(tensor) => {
                let (ours, numbers) = (tensor.floats(), numbers(&keras["data"]));
                let near = ours.len() == numbers.len()
                    && ours.iter().zip(&numbers).all(|(a, b)| (a - b).abs() < 1e-6);
                if !near || json!(tensor.shape().to_vec()) != keras["shape"] {
                    return Err(format!("gives {:?} {ours:?}, Keras {keras}", tensor.shape()));
                }
            }
        }
        if let Some(vocabulary) = &self.vocabulary
            && case.get("vocabulary").is_some_and(|keras| keras != vocabulary)
        {
            return Err(format!("has learned {vocabulary}, Keras {}", case["vocabulary"]));
        }
        self.in_model.clone()?;
        self.check_config(case)
    }

    fn check_config(&self, case: &Value) -> std::result::Result<(), String> {
        for (key, ours) in &self.config {
            // What was learned is written, where Keras keeps it in another file.
            let learned =
                case.get("adapt").is_some() && ["vocabulary", "idf_weights"].contains(&key.as_str());
            let keras = &case["config"][key];
            if !learned && key != "dtype" && ours != keras {
                return Err(format!("writes {key} as {ours}, Keras as {keras}"));
            }
        }
        let own: Vec<&String> = self.config.keys().filter(|key| *key != "dtype").collect();
        let general = ["name", "trainable", "dtype"];
        let keras = case["config"].as_object().expect("a config should be an object");
        let keras: Vec<&String> = keras.keys().filter(|key| !general.contains(&key.as_str())).collect();
        if own != keras {
            return Err(format!("writes the keys {own:?}, Keras {keras:?}"));
        }
        Ok(())
    }
}

/// Compares what a layer on the host gives with Keras's numbers and with the shape that it promises.
fn in_model(layer: &dyn Layer, case: &Value) -> std::result::Result<(), String> {
    let Some(host) = layer.as_host().filter(|_| case["config"]["invert"] != true) else { return Ok(()) };
    let inputs: Vec<Values> = items(&case["inputs"]).iter().map(values).collect();
    let specs: Vec<Spec> = inputs.iter().map(spec).collect();
    let promised = match host.output_spec(&specs) {
        Ok(promised) => promised,
        // In Keras a batch of single tokens becomes one sample in these modes, which no model can use.
        Err(_) if items(&case["inputs"][0]["shape"]).len() == 1 => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    let output = host.run(&inputs.iter().collect::<Vec<_>>()).map_err(|error| error.to_string())?;
    let Values::Numbers(output) = output else { return Err("gives strings".to_string()) };
    if !promised.admits(&output.ty()) || promised.dtype != output.dtype() {
        return Err(format!("gives {} in a model and promises {promised}", output.ty()));
    }
    let keras = &case["outputs"][0];
    let near = output.floats().iter().zip(numbers(&keras["data"])).all(|(a, b)| (a - b).abs() < 1e-6);
    match near && json!(output.shape().to_vec()) == keras["shape"] {
        true => Ok(()),
        false => Err(format!("gives {} in a model, Keras {keras}", output.ty())),
    }
}

fn spec(values: &Values) -> Spec {
    let shape: Vec<Option<usize>> =
        std::iter::once(None).chain(values.shape()[1..].iter().map(|&size| Some(size))).collect();
    match values {
        Values::Numbers(tensor) => Spec::new(tensor.dtype(), shape),
        Values::Strings(_) => Spec::text(shape),
    }
}

/// The configuration without a size that the layer knows by itself.
fn config(case: &Value) -> cornu::layers::Config {
    case["config"].as_object().expect("a config should be an object").clone()
}

fn strings(value: &Value) -> Vec<String> {
    items(&value["strings"]).iter().map(|string| text(string).to_string()).collect()
}

/// Rows of the last axis.
fn rows<T: Clone>(flat: &[T], value: &Value) -> Vec<Vec<T>> {
    let columns = items(&value["shape"]).last().and_then(Value::as_u64).unwrap_or(1).max(1) as usize;
    flat.chunks(columns).map(<[T]>::to_vec).collect()
}

fn is_row(value: &Value) -> bool {
    items(&value["shape"]).len() == 1
}

fn hashing(case: &Value) -> Result<Answer> {
    let config = config(case);
    let layer = Hashing::from_config(&LayerConfig::new("Hashing", &config))?;
    let input = &case["inputs"][0];
    let output = match input.get("strings") {
        None => layer.hash_numbers(&array(input))?,
        Some(_) if is_row(input) => layer.hash(strings(input))?,
        Some(_) => layer.hash_rows(rows(&strings(input), input))?,
    };
    Ok(Answer::new(&layer, output)?.in_model(&layer, case))
}

fn hashed_crossing(case: &Value) -> Result<Answer> {
    let config = config(case);
    let layer = HashedCrossing::from_config(&LayerConfig::new("HashedCrossing", &config))?;
    let inputs = items(&case["inputs"]);
    let texts: Vec<Vec<String>> = inputs.iter().map(column).collect();
    let texts: Vec<Vec<&str>> =
        texts.iter().map(|texts| texts.iter().map(String::as_str).collect()).collect();
    let numbers: Vec<Vec<i64>> = inputs.iter().map(integers).collect();
    let features = inputs.iter().enumerate().map(|(i, input)| match input.get("strings") {
        Some(_) => Feature::Text(&texts[i]),
        None => Feature::Numbers(&numbers[i]),
    });
    let output = layer.cross(&features.collect::<Vec<_>>())?;
    // Columns may come with an axis of size 1, which stays in mode `int`.
    let shape: Vec<usize> = array_shape(&case["outputs"][0]);
    let output = output.reshaped(shape).expect("the sizes should be those of Keras");
    Ok(Answer::new(&layer, output)?.in_model(&layer, case))
}

fn column(input: &Value) -> Vec<String> {
    if input.get("strings").is_some() { strings(input) } else { Vec::new() }
}

fn integers(input: &Value) -> Vec<i64> {
    if input.get("strings").is_some() { Vec::new() } else { array(input).integers() }
}

fn array_shape(value: &Value) -> Vec<usize> {
    items(&value["shape"]).iter().map(|size| size.as_u64().expect("a size") as usize).collect()
}

fn string_lookup(case: &Value) -> Result<Answer> {
    let config = config(case);
    let mut layer = StringLookup::from_config(&LayerConfig::new("StringLookup", &config))?;
    if let Some(data) = case.get("adapt") {
        layer = if is_row(data) {
            layer.adapt(strings(data))?
        } else {
            layer.adapt(rows(&strings(data), data))?
        };
    }
    let input = &case["inputs"][0];
    let output = match input.get("strings") {
        None => Output::Strings(layer.tokens(&array(input).integers())),
        Some(_) if is_row(input) => Output::Numbers(layer.lookup(strings(input))?),
        Some(_) => Output::Numbers(layer.lookup_rows(rows(&strings(input), input))?),
    };
    let vocabulary = Some(json!(layer.get_vocabulary()));
    Ok(Answer { output, config: layer.config()?, vocabulary, in_model: in_model(&layer, case) })
}

fn integer_lookup(case: &Value) -> Result<Answer> {
    let config = config(case);
    let mut layer = IntegerLookup::from_config(&LayerConfig::new("IntegerLookup", &config))?;
    if let Some(data) = case.get("adapt") {
        let numbers = array(data).integers();
        layer = if is_row(data) { layer.adapt(numbers)? } else { layer.adapt(rows(&numbers, data))? };
    }
    let input = &case["inputs"][0];
    let numbers = array(input).integers();
    let output = if case["config"]["invert"] == true {
        let tokens = layer.tokens(&numbers);
        Tensor::new(array_shape(input), tokens).expect("as many tokens as numbers")
    } else if is_row(input) {
        layer.lookup(&numbers)?
    } else {
        layer.lookup_rows(rows(&numbers, input))?
    };
    let vocabulary = Some(json!(layer.get_vocabulary()));
    let output = Output::Numbers(output);
    Ok(Answer { output, config: layer.config()?, vocabulary, in_model: in_model(&layer, case) })
}

fn text_vectorization(case: &Value) -> Result<Answer> {
    let config = config(case);
    let mut layer = TextVectorization::from_config(&LayerConfig::new("TextVectorization", &config))?;
    if let Some(data) = case.get("adapt") {
        layer = layer.adapt(strings(data))?;
    }
    let output = Output::Numbers(layer.vectorize(strings(&case["inputs"][0]))?);
    let vocabulary = Some(json!(layer.get_vocabulary()));
    Ok(Answer { output, config: layer.config()?, vocabulary, in_model: in_model(&layer, case) })
}
