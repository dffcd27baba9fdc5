//! The graph of a model's layers, as TensorFlow's `graph.proto` lays it out.

use super::protobuf::Message;
use crate::model::Model;

/// A node for each layer, with its class, what it takes, and the shape of what comes out.
pub(super) fn of(model: &Model) -> Message {
    let layers = model.layers();
    let edges = model.network.edges();
    let mut graph = Message::new();
    for (number, layer) in layers.iter().enumerate() {
        let mut node = Message::new().bytes(1, layer.name()).bytes(2, layer.class_name());
        let mut taken: Vec<usize> = Vec::new();
        for edge in edges.get(number).into_iter().flatten() {
            if !taken.contains(&edge.layer) {
                taken.push(edge.layer);
                node = node.bytes(3, layers[edge.layer].name());
            }
        }
        let shape = model.built.as_ref().and_then(|built| built.shapes.get(layer.name()));
        if let Some(shape) = shape {
            let value = Message::new().bytes(2, shape.to_string());
            node = node.message(5, &Message::new().bytes(1, "output").message(2, &value));
        }
        graph = graph.message(1, &node);
    }
    let versions = Message::new().integer(1, 22);
    graph.message(4, &versions)
}
