//! Picture: what is drawn of a model, as data.

use serde_json::Value;

use super::{Direction, Plot};
use crate::layers::{AnyLayer, Spec};
use crate::model::Model;

/// Cards, and arrows between them.
pub(super) struct Picture {
    pub(super) name: String,
    pub(super) direction: Direction,
    pub(super) cards: Vec<Card>,
    /// From one card to another. A layer that is called several times has one card and one arrow from each source.
    pub(super) arrows: Vec<(usize, usize)>,
}

/// One layer.
pub(super) struct Card {
    pub(super) class: String,
    /// The layer's name, if the picture shows names.
    pub(super) name: Option<String>,
    pub(super) kind: Kind,
    /// What else is said of it: a word and its value.
    pub(super) facts: Vec<(&'static str, String)>,
}

/// What a card's colour tells.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Input,
    Weighted,
    Weightless,
    Model,
}

impl Picture {
    pub(super) fn of(model: &Model, how: Plot) -> Picture {
        let cards = (0..model.layers().len()).map(|number| card(model, number, how)).collect();
        let mut arrows = Vec::new();
        for (to, edges) in model.network.edges().iter().enumerate() {
            for from in edges.iter().map(|edge| edge.layer) {
                if !arrows.contains(&(from, to)) {
                    arrows.push((from, to));
                }
            }
        }
        Picture { name: model.name().to_string(), direction: how.direction, cards, arrows }
    }
}

fn card(model: &Model, number: usize, how: Plot) -> Card {
    let layer = &model.layers()[number];
    let kind = kind(model, layer);
    let mut facts = Vec::new();
    if let Some(activation) = activation(layer).filter(|_| how.show_layer_activations) {
        facts.push(("activation", activation));
    }
    let built = model.built.as_ref();
    let output = built.and_then(|built| built.shapes.get(layer.name()));
    if how.show_shapes {
        let inputs = built.and_then(|built| built.trace.layer_inputs.get(number));
        if kind != Kind::Input {
            facts.push(("input", inputs.map_or("?".to_string(), |specs| shapes(specs))));
        }
        facts.push(("output", output.map_or("?".to_string(), ToString::to_string)));
    }
    if how.show_dtype {
        let dtype = output.map_or("?", Spec::dtype_name);
        facts.push(("dtype", dtype.to_string()));
    }
    if how.show_trainable && model.has_weights(layer.name()) {
        facts.push(("trainable", if layer.is_trainable() { "yes" } else { "no" }.to_string()));
    }
    let name = how.show_layer_names.then(|| layer.name().to_string());
    Card { class: layer.class_name().to_string(), name, kind, facts }
}

fn kind(model: &Model, layer: &AnyLayer) -> Kind {
    match layer.class_name() {
        "InputLayer" => Kind::Input,
        "Sequential" | "Functional" => Kind::Model,
        _ if model.has_weights(layer.name()) => Kind::Weighted,
        _ => Kind::Weightless,
    }
}

/// The name of the layer's activation, if it has one.
fn activation(layer: &AnyLayer) -> Option<String> {
    match layer.layer().config().ok()?.get("activation")? {
        Value::String(name) => Some(name.clone()),
        other => other.get("class_name").and_then(Value::as_str).map(String::from),
    }
}

fn shapes(specs: &[Spec]) -> String {
    let shapes: Vec<String> = specs.iter().map(ToString::to_string).collect();
    shapes.join(", ")
}
