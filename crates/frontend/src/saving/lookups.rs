//! Vocabularies: what lookup layers have learned, which archives keep as `assets/layers/…/vocabulary.txt`, with the
//! weights of mode `tf_idf` among the arrays of the weight file.

use cornu_ir::Tensor;
use serde_json::{Value, json};

use super::Place;
use super::archive::{ASSETS, Archive};
use super::snake_case::ContainerNames;
use super::weights::{IDF_WEIGHTS, Saved, Weights};
use crate::error::Result;
use crate::layers::{AnyLayer, LEARNED_IDF_WEIGHTS, LEARNED_VOCABULARY, LookupState, Sublayer};

/// The classes that have a vocabulary.
const LOOKUPS: [&str; 3] = ["StringLookup", "IntegerLookup", "TextVectorization"];
/// The file of a vocabulary, among a layer's assets.
const VOCABULARY: &str = "vocabulary.txt";
/// Where Keras puts the lookup inside a `TextVectorization`.
const INSIDE: &str = "_lookup_layer";
/// Largest vocabulary that is read, in bytes and in tokens.
const MAX_BYTES: u64 = 256 << 20;
const MAX_TOKENS: usize = 1 << 24;

/// What one layer has learned.
pub(super) struct Learned {
    /// Where the layer stands in the weight tree: `layers/string_lookup`.
    path: String,
    state: LookupState,
}

/// What the layers of a model have learned.
pub(super) fn learned(layers: Vec<Sublayer<'_>>, path: &str) -> Vec<Learned> {
    let of_layer = |Sublayer { attribute, layer }| {
        let path = format!("{path}{attribute}");
        let own = layer.layer().lookup_state().map(|state| Learned { path: path.clone(), state });
        own.into_iter().chain(learned(layer.layer().sublayers(), &format!("{path}/"))).collect::<Vec<_>>()
    };
    layers.into_iter().flat_map(of_layer).collect()
}

impl Learned {
    /// Where Keras writes it: in the place of the layer, and in that of the lookup inside, if there is one.
    fn paths(&self) -> impl Iterator<Item = String> {
        let inside = self.state.is_inside_too.then(|| format!("{}/{INSIDE}", self.path));
        [self.path.clone()].into_iter().chain(inside)
    }

    /// The files below `assets/`.
    pub(super) fn assets(&self) -> Vec<(String, Vec<u8>)> {
        let Some(text) = &self.state.vocabulary else { return Vec::new() };
        self.paths().map(|path| (format!("{path}/{VOCABULARY}"), text.clone().into_bytes())).collect()
    }

    /// Adds the arrays to the objects of the weight tree, and the lookup inside as an object.
    pub(super) fn add_to(&self, saved: &mut Vec<Saved>) {
        if self.state.is_inside_too {
            let path = format!("{}/{INSIDE}", self.path);
            saved.push(Saved::new(path, "string_lookup", Vec::new()));
        }
        for path in self.paths() {
            let object = saved.iter_mut().find(|object| object.path == path);
            let named = object.map(|object| &mut object.named);
            if let (Some(named), Some(idf)) = (named, &self.state.idf_weights) {
                named.push((IDF_WEIGHTS.to_string(), idf.clone()));
            }
        }
    }
}

/// The configuration without the vocabularies that have a file of their own.
pub(super) fn without(mut model: Value, learned: &[Learned]) -> Result<Value> {
    let has_file = |path: &str| learned.iter().any(|one| one.path == path && one.state.vocabulary.is_some());
    each_lookup(&mut model, "", &mut |path, layer| {
        if has_file(path) {
            layer["config"]["vocabulary"] = Value::Null;
            layer["config"]["idf_weights"] = Value::Null;
        }
        Ok(())
    })?;
    Ok(model)
}

/// Hands the layers of a configuration the vocabularies that the archive keeps beside it.
pub(super) fn fill(model: &mut Value, archive: &mut Archive, weights: &Weights) -> Result<()> {
    each_lookup(model, "", &mut |path, layer| {
        if !layer["config"]["vocabulary"].is_null() {
            return Ok(());
        }
        let name = format!("{ASSETS}{path}/{VOCABULARY}");
        let at = archive.place().inside(&name);
        if !archive.has(&name) {
            let layer = &layer["config"]["name"];
            let needed =
                format!("the configuration has no vocabulary for the layer {layer}, so it is needed here");
            return Err(at.missing(needed).into());
        }
        let tokens = tokens(&at, archive.read(&name, MAX_BYTES)?)?;
        if tokens.is_empty() {
            return Ok(());
        }
        let idf = weights.named(path, IDF_WEIGHTS)?.filter(|_| layer["config"]["output_mode"] == "tf_idf");
        hand_over(layer, tokens, idf, &at)
    })
}

/// Keras's `.h5` files lose what a layer has learned.
pub(super) fn refuse_lost(model: &mut Value, at: &Place) -> Result<()> {
    each_lookup(model, "", &mut |_, layer| match layer["config"]["vocabulary"].is_null() {
        true => {
            let needed = format!(
                "the vocabulary of the layer {}: `.h5` files of Keras do not hold what `adapt` has learned. Save \
                 the model as `.keras`",
                layer["config"]["name"]
            );
            Err(at.missing(needed).into())
        }
        false => Ok(()),
    })
}

/// Writes a vocabulary into the layer's configuration, if the layer can have it.
fn hand_over(layer: &mut Value, tokens: Vec<String>, idf: Option<Tensor>, at: &Place) -> Result<()> {
    let is_number = layer["class_name"] == "IntegerLookup";
    let token = |text: &String| match is_number {
        true => text.parse::<i64>().map(Value::from),
        false => Ok(Value::from(text.as_str())),
    };
    let wrong =
        |found: String| at.mismatch(found, format!("a vocabulary for the layer {}", layer["config"]["name"]));
    // Keras fills the weights up to `max_tokens`.
    let idf = idf.map(|idf| idf.floats().into_iter().take(tokens.len()).collect::<Vec<f64>>());
    let list: Vec<Value> = tokens
        .iter()
        .map(|text| token(text).map_err(|_| wrong(format!("the token {text:?}, which is no whole number"))))
        .collect::<std::result::Result<_, _>>()?;
    let mut filled = layer.clone();
    filled["config"][LEARNED_VOCABULARY] = Value::Array(list);
    filled["config"][LEARNED_IDF_WEIGHTS] = json!(idf);
    AnyLayer::deserialize(&filled).map_err(|error| wrong(error.to_string()))?;
    *layer = filled;
    Ok(())
}

/// The lines of a vocabulary. As in Keras, empty ones at the end do not count.
fn tokens(at: &Place, bytes: Vec<u8>) -> Result<Vec<String>> {
    let text = String::from_utf8(bytes).map_err(|error| at.corrupt(format!("no UTF-8: {error}")))?;
    let text = text.trim_end_matches(['\n', '\r']);
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let count = text.bytes().filter(|&byte| byte == b'\n').count();
    if count >= MAX_TOKENS {
        return Err(at.too_large(format!("a vocabulary of {count} tokens"), MAX_TOKENS).into());
    }
    Ok(text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line).to_string()).collect())
}

/// Visits the lookup layers of a model's configuration, those of models inside it too, with their places in the weight
/// tree.
fn each_lookup(
    model: &mut Value,
    path: &str,
    visit: &mut impl FnMut(&str, &mut Value) -> Result<()>,
) -> Result<()> {
    let layers = model.get_mut("config").and_then(|config| config.get_mut("layers"));
    let mut names = ContainerNames::default();
    for layer in layers.and_then(Value::as_array_mut).into_iter().flatten() {
        let is_op =
            layer.get("module").and_then(Value::as_str).is_some_and(|name| name.starts_with("keras.src.ops"));
        let class = layer.get("class_name").and_then(Value::as_str).map(String::from);
        let Some(class) = class.filter(|_| !is_op) else { continue };
        let path = format!("{path}layers/{}", names.next(&class));
        if LOOKUPS.contains(&class.as_str()) && layer.get("config").is_some_and(Value::is_object) {
            visit(&path, layer)?;
        }
        each_lookup(layer, &format!("{path}/"), visit)?;
    }
    Ok(())
}
