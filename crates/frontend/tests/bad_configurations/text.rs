//! Strings where numbers are needed, and numbers where strings are.

use cornu::layers::{
    Concatenate, Dense, Embedding, HashedCrossing, Hashing, OutputMode, StringLookup, TextVectorization,
    TimeDistributed,
};
use cornu::{Apply, Compile, DType, Input, Model, Naming, Result, Symbol};
use ndarray::Array2;
use serde_json::json;

use super::{Case, read, with};

fn strings<const N: usize>(shape: [usize; N]) -> Symbol {
    Input::new(shape).strings().named("text").symbol()
}

fn words() -> Result<StringLookup> {
    StringLookup::new().vocabulary(["a", "b"])
}

/// A model of a lookup with two inputs.
fn looked_up() -> Result<Model> {
    let (text, size) = (strings([1]), Input::new([1]).named("size").symbol());
    let hot = words()?.output_mode(OutputMode::OneHot).apply(&text);
    Model::new([&text, &size], Concatenate::new().apply([&hot, &size]))
}

pub(super) const CASES: &[Case] = &[
    (
        "strings in a layer of the graph",
        || with(Dense::new(2), [strings([1])]),
        &["culprit", "Dense takes numbers", "strings", "TextVectorization"],
    ),
    (
        "strings beside numbers",
        || with(Concatenate::new(), [Input::new([1]).symbol(), strings([1])]),
        &["culprit", "Concatenate takes numbers"],
    ),
    (
        "strings added to numbers",
        || {
            let (text, size) = (strings([1]), Input::new([1]).symbol());
            Model::new([&text, &size], &text + &size).map(drop)
        },
        &["add", "takes numbers"],
    ),
    (
        "strings as the output of a model",
        || {
            let text = strings([1]);
            Model::new(&text, &text).map(drop)
        },
        &["output", "strings", "models give numbers"],
    ),
    (
        "numbers in a StringLookup",
        || with(words()?, [Input::new([1]).dtype(DType::I64).symbol()]),
        &["culprit", "StringLookup takes strings", "int64"],
    ),
    (
        "a StringLookup without a vocabulary",
        || with(StringLookup::new(), [strings([1])]),
        &["culprit", "StringLookup has no vocabulary yet", "adapt"],
    ),
    (
        "a StringLookup that gives strings",
        || with(words()?.invert(true), [strings([1])]),
        &["culprit", "invert", "models give numbers", "tokens"],
    ),
    (
        "a StringLookup of several categories for samples of one",
        || with(words()?.output_mode(OutputMode::MultiHot), [strings([])]),
        &["culprit", "multi_hot", "(batch, categories)", "(None,)"],
    ),
    (
        "a TextVectorization without a vocabulary",
        || with(TextVectorization::new(), [strings([])]),
        &["culprit", "TextVectorization has no vocabulary yet"],
    ),
    (
        "a TextVectorization of several texts",
        || with(TextVectorization::new().vocabulary(["a"])?, [strings([3])]),
        &["culprit", "one text for each sample", "(None, 3)"],
    ),
    (
        "a TextVectorization with a length for vectors",
        || {
            let layer = TextVectorization::new().output_mode(OutputMode::Count).output_sequence_length(3);
            with(layer.vocabulary(["a"])?, [strings([])])
        },
        &["culprit", "output_sequence_length", "int"],
    ),
    (
        "hashing what the graph computes",
        || {
            let x = Input::new([2]).symbol();
            Model::new(&x, Hashing::new(3).named("culprit").apply(Dense::new(1).apply(&x))).map(drop)
        },
        &["culprit", "Hashing runs on the host", "Input of the model"],
    ),
    (
        "a Hashing inside another layer",
        || with(TimeDistributed::new(Hashing::new(3)), [Input::new([2, 1]).symbol()]),
        &["culprit", "Hashing runs on the host", "part of another layer"],
    ),
    (
        "a Hashing into no bins",
        || with(Hashing::new(0), [strings([1])]),
        &["culprit", "num_bins", "1 or more"],
    ),
    (
        "a HashedCrossing of one feature",
        || with(HashedCrossing::new(3), [strings([1])]),
        &["culprit", "HashedCrossing", "two or more inputs"],
    ),
    (
        "a HashedCrossing of floats",
        || with(HashedCrossing::new(3), [strings([1]), Input::new([1]).symbol()]),
        &["culprit", "whole numbers", "float32"],
    ),
    (
        "an Embedding of strings",
        || with(Embedding::new(3, 2), [strings([4])]),
        &["culprit", "Embedding takes numbers"],
    ),
    (
        "a file's TextVectorization with ragged outputs",
        || read("TextVectorization", json!({"vocabulary": ["a"], "ragged": true}), [&[]]),
        &["ragged", "false"],
    ),
    (
        "numbers for an input of strings",
        || {
            let x = Array2::<f32>::zeros((2, 1));
            looked_up()?.predict((&x, &x)).map(drop)
        },
        &["`text` takes strings", "(None, 1)", "f32[2,1]"],
    ),
    (
        "strings for an input of numbers",
        || looked_up()?.predict((["a", "b"], ["a", "b"])).map(drop),
        &["`size` takes numbers", "string[2]"],
    ),
    (
        "strings as targets",
        || {
            let mut model = looked_up()?;
            model.compile(Compile::new("sgd", "mse"))?;
            model.train_on_batch((["a"], &Array2::<f32>::zeros((1, 1))), ["a"]).map(drop)
        },
        &["targets must be numbers", "string[1]", "StringLookup"],
    ),
    (
        "a string that a lookup without numbers for unknown ones does not know",
        || {
            let text = strings([1]);
            let lookup = StringLookup::new().num_oov_indices(0).vocabulary(["a"])?.named("known");
            Model::new(&text, lookup.apply(&text))?.predict(["b"]).map(drop)
        },
        &["known", "\"b\"", "num_oov_indices"],
    ),
];
