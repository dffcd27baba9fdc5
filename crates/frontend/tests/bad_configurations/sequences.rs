//! Recurrent layers, attention, and text.

use cornu::layers::{AnyLayer, CategoryEncoding, LSTMCell};
use cornu::{
    AdditiveAttention, Attention, Bidirectional, Dense, Embedding, GRU, GroupQueryAttention, Input, Keywords,
    LSTM, Model, MultiHeadAttention, RNN, Result, SimpleRNN, StackedRNNCells, TimeDistributed, input,
};
use serde_json::json;

use super::{Case, on, read, with};

/// A layer called with one more value by name, of samples of this shape.
fn beside<const N: usize>(
    layer: impl Into<AnyLayer>,
    shapes: [&[usize]; N],
    name: &str,
    shape: &[usize],
) -> Result<()> {
    let (inputs, other) = (shapes.map(input), input(shape));
    let keywords = Keywords::new().symbol(name, &other);
    let outputs = layer.into().named("culprit").apply_with(inputs.clone(), keywords);
    Model::new([&inputs[..], &[other]].concat(), &outputs[0]).map(drop)
}

const STEPS: [&[usize]; 1] = [&[6, 3]];
const TWO: [&[usize]; 2] = [&[6, 8], &[5, 8]];

pub(super) const CASES: &[Case] = &[
    ("no units", || on(LSTM::new(0), STEPS), &["culprit", "units", "0", "1 or more"]),
    ("units below zero", || read("GRU", json!({"units": -2}), STEPS), &["GRU", "units", "-2"]),
    (
        "more units than memory holds",
        || on(GRU::new(1_000_000_000_000), STEPS),
        &["culprit", "kernel", "memory"],
    ),
    ("more units than there are addresses", || on(LSTM::new(usize::MAX / 2), STEPS), &["culprit", "memory"]),
    ("one step alone", || on(LSTM::new(4), [&[3]]), &["culprit", "(None, 3)"]),
    ("steps of images", || on(SimpleRNN::new(4), [&[6, 3, 3]]), &["culprit", "(None, 3, 3)"]),
    (
        "steps of unknown size",
        || with(LSTM::new(4), [Input::with_unknown([Some(6), None]).symbol()]),
        &["culprit", "known", "None"],
    ),
    (
        "memory without a batch size",
        || on(LSTM::new(4).stateful(true), STEPS),
        &["culprit", "stateful", "batch"],
    ),
    ("a rate above one", || on(LSTM::new(4).dropout(1.5), STEPS), &["culprit", "dropout", "1.5"]),
    (
        "a recurrent rate below zero",
        || on(GRU::new(4).recurrent_dropout(-0.5), STEPS),
        &["culprit", "recurrent_dropout", "-0.5"],
    ),
    (
        "an activation of no name",
        || on(GRU::new(4).recurrent_activation("sigmod"), STEPS),
        &["culprit", "sigmod", "`sigmoid`"],
    ),
    (
        "an initializer of no name",
        || on(LSTM::new(4).recurrent_initializer("orthagonal"), STEPS),
        &["culprit", "orthagonal", "orthogonal"],
    ),
    ("a cell that is none", || on(RNN::new(Dense::new(4)), STEPS), &["culprit", "Dense", "cell"]),
    ("no cells", || on(RNN::new(StackedRNNCells::new([])), STEPS), &["culprit", "cells"]),
    ("a cell of no units", || on(RNN::new(LSTMCell::new(0)), STEPS), &["culprit", "units", "0"]),
    ("too many states", || on(LSTM::new(4), [&[6, 3], &[4], &[4], &[4]]), &["culprit", "state"]),
    ("states of another size", || on(GRU::new(4), [&[6, 3], &[5]]), &["culprit", "4", "5"]),
    (
        "both ways of a layer that has none",
        || on(Bidirectional::new(Dense::new(4)), STEPS),
        &["culprit", "Dense"],
    ),
    (
        "both ways merged in no way",
        || {
            read(
                "Bidirectional",
                json!({"layer": {"class_name": "GRU", "config": {"units": 4}}, "merge_mode": "mix"}),
                STEPS,
            )
        },
        &["Bidirectional", "merge_mode", "mix", "concat"],
    ),
    ("both ways of nothing", || read("Bidirectional", json!({}), STEPS), &["Bidirectional", "layer"]),
    ("each step of none", || on(TimeDistributed::new(Dense::new(4)), [&[]]), &["culprit"]),
    (
        "each step of a layer that is wrong",
        || on(TimeDistributed::new(Dense::new(0)), STEPS),
        &["culprit", "units", "0"],
    ),
    (
        "a mask of another length",
        || beside(LSTM::new(4), STEPS, "mask", &[5]),
        &["culprit", "mask", "5", "6"],
    ),
    ("no heads", || on(MultiHeadAttention::new(0, 8), TWO), &["culprit: ", "num_heads", "0"]),
    ("heads of no size", || on(MultiHeadAttention::new(2, 0), TWO), &["culprit: ", "key_dim", "0"]),
    (
        "heads larger than memory",
        || on(MultiHeadAttention::new(1_000_000_000, 1_000_000_000), TWO),
        &["culprit/query/kernel", "memory"],
    ),
    (
        "attention without values",
        || on(MultiHeadAttention::new(2, 8), STEPS),
        &["culprit: ", "query, value", "1"],
    ),
    (
        "attention over no axis",
        || on(MultiHeadAttention::new(2, 8).attention_axes([4]), TWO),
        &["culprit: ", "attention_axes", "4"],
    ),
    (
        "attention of unequal ranks",
        || on(MultiHeadAttention::new(2, 8), [&[6, 8], &[2, 6, 8]]),
        &["culprit: ", "(None, 6, 8)", "(None, 2, 6, 8)"],
    ),
    (
        "a window of no width",
        || on(MultiHeadAttention::new(2, 8).sliding_window(0), TWO),
        &["culprit: ", "sliding_window", "0"],
    ),
    (
        "an attention rate above one",
        || on(MultiHeadAttention::new(2, 8).dropout(2.0), TWO),
        &["culprit: ", "dropout", "2"],
    ),
    (
        "an attention mask of another shape",
        || beside(MultiHeadAttention::new(2, 8), TWO, "attention_mask", &[6, 7]),
        &["culprit", "mask", "7"],
    ),
    (
        "heads that do not share keys",
        || on(GroupQueryAttention::new(8, 4, 3), TWO),
        &["culprit: ", "num_query_heads", "4", "3"],
    ),
    (
        "no shared heads",
        || on(GroupQueryAttention::new(8, 4, 0), TWO),
        &["culprit: ", "num_key_value_heads", "0"],
    ),
    (
        "queries and keys of unequal size",
        || on(Attention::new(), [&[6, 8], &[5, 7]]),
        &["culprit: ", "8", "7"],
    ),
    (
        "scores of no kind",
        || read("Attention", json!({"score_mode": "sum"}), TWO),
        &["Attention", "score_mode", "sum", "dot"],
    ),
    (
        "added queries and keys of unequal size",
        || on(AdditiveAttention::new(), [&[6, 8], &[5, 7]]),
        &["culprit: ", "8", "7"],
    ),
    ("tokens of unknown number", || on(CategoryEncoding::new(0), [&[3]]), &["culprit", "num_tokens", "0"]),
    (
        "a masked embedding without words",
        || on(Embedding::new(0, 4).mask_zero(true), [&[5]]),
        &["culprit: ", "input_dim", "0"],
    ),
];
