//! Layers of weights, merging and reshaping.

use cornu::layers::{self, Activation, EinsumDense, Embedding, PReLU, Permute, RepeatVector};
use cornu::{
    Add, Average, BatchNormalization, Concatenate, Dense, Dot, Dropout, Flatten, GaussianNoise,
    GroupNormalization, Input, Reshape, Softmax, Subtract,
};
use serde_json::json;

use super::{Case, on, read, with};

const HUGE: usize = 1_000_000_000_000;

pub(super) const CASES: &[Case] = &[
    ("no units", || on(Dense::new(0), [&[4]]), &["culprit: ", "units", "0", "1 or more"]),
    (
        "units below zero",
        || read("Dense", json!({"units": -3}), [&[4]]),
        &["Dense", "units", "-3", "1 or more"],
    ),
    ("units that are text", || read("Dense", json!({"units": "many"}), [&[4]]), &["Dense", "units", "many"]),
    ("half a unit", || read("Dense", json!({"units": 2.5}), [&[4]]), &["Dense", "units", "2.5"]),
    ("no units in the file", || read("Dense", json!({}), [&[4]]), &["Dense", "units", "1 or more"]),
    ("more units than memory holds", || on(Dense::new(HUGE), [&[4]]), &["culprit/kernel", "1000000000000"]),
    ("more units than there are addresses", || on(Dense::new(usize::MAX), [&[4]]), &["culprit", "memory"]),
    ("a sample without axes", || on(Dense::new(2), [&[]]), &["culprit: ", "2 axes"]),
    (
        "features of unknown size",
        || with(Dense::new(2), [Input::with_unknown([None]).symbol()]),
        &["culprit: ", "known", "None"],
    ),
    ("two inputs for one", || on(Dense::new(2), [&[4], &[4]]), &["culprit: ", "one input", "2"]),
    (
        "an activation of no name",
        || on(Dense::new(2).activation("rleu"), [&[4]]),
        &["culprit: ", "rleu", "did you mean `relu`?"],
    ),
    (
        "an activation layer of no name",
        || on(Activation::new("tahn"), [&[4]]),
        &["culprit: ", "tahn", "`tanh`"],
    ),
    (
        "an initializer of no name",
        || on(Dense::new(2).kernel_initializer("glorot"), [&[4]]),
        &["culprit: ", "`glorot`", "glorot_uniform"],
    ),
    (
        "a regularizer of no name",
        || on(Dense::new(2).bias_regularizer("l3"), [&[4]]),
        &["culprit: ", "`l3`", "l2"],
    ),
    (
        "a constraint of no name",
        || on(Dense::new(2).kernel_constraint("nonneg"), [&[4]]),
        &["culprit: ", "`nonneg`", "non_neg"],
    ),
    ("a layer of no name", || read("Dence", json!({}), [&[4]]), &["`Dence`", "`Dense`"]),
    ("a rate above one", || on(Dropout::new(1.5), [&[4]]), &["culprit: ", "rate", "1.5"]),
    ("a rate below zero", || on(Dropout::new(-0.1), [&[4]]), &["culprit: ", "rate", "-0.1"]),
    ("a rate that is no number", || on(Dropout::new(f64::NAN), [&[4]]), &["culprit: ", "rate", "NaN"]),
    ("no words", || on(Embedding::new(0, 4), [&[5]]), &["culprit: ", "input_dim", "0"]),
    ("words without numbers", || on(Embedding::new(9, 0), [&[5]]), &["culprit: ", "output_dim", "0"]),
    (
        "more words than memory holds",
        || on(Embedding::new(HUGE, 8), [&[5]]),
        &["culprit: ", "input_dim", "1000000000000"],
    ),
    (
        "an equation without an arrow",
        || on(EinsumDense::new("ab,bc", [Some(3)]), [&[4]]),
        &["culprit: ", "ab,bc"],
    ),
    (
        "an equation of one operand",
        || on(EinsumDense::new("ab->a", [Some(3)]), [&[4]]),
        &["culprit: ", "ab->a"],
    ),
    (
        "an equation of another rank",
        || on(EinsumDense::new("abc,cd->abd", [None, Some(3)]), [&[4]]),
        &["culprit: ", "abc,cd->abd"],
    ),
    (
        "an equation with a letter from nowhere",
        || on(EinsumDense::new("ab,bc->az", [Some(3)]), [&[4]]),
        &["culprit: ", "z"],
    ),
    (
        "bias axes that are not in the output",
        || on(EinsumDense::new("ab,bc->ac", [Some(3)]).bias_axes("d"), [&[4]]),
        &["culprit: ", "bias_axes", "d"],
    ),
    ("sums of unequal shapes", || on(Add::new(), [&[4], &[5]]), &["culprit: ", "4", "5"]),
    ("a mean of nothing", || on(Average::new(), []), &["input"]),
    ("a difference of three", || on(Subtract::new(), [&[4], &[4], &[4]]), &["culprit: ", "2", "3"]),
    (
        "joining of unequal shapes",
        || on(Concatenate::new(), [&[3, 4], &[2, 4]]),
        &["culprit: ", "3, 4", "2, 4"],
    ),
    (
        "joining of unequal ranks",
        || on(Concatenate::new(), [&[3, 4], &[4]]),
        &["culprit: ", "3, 4", "(None, 4)"],
    ),
    ("joining along no axis", || on(Concatenate::new().axis(3), [&[4], &[4]]), &["culprit: ", "axis", "3"]),
    ("a dot product along no axis", || on(Dot::new(5), [&[4], &[4]]), &["culprit: ", "axes", "5"]),
    ("a dot product along the batch", || on(Dot::new(0), [&[4], &[4]]), &["culprit: ", "axes", "0"]),
    ("a dot product of unequal sizes", || on(Dot::new(1), [&[4], &[5]]), &["culprit: ", "4", "5"]),
    ("a dot product of one", || on(Dot::new(1), [&[4]]), &["culprit: ", "2", "1"]),
    ("a shape of other size", || on(Reshape::new([3, 5]), [&[4]]), &["culprit: ", "[3, 5]", "4"]),
    ("a shape of two unknown sizes", || on(Reshape::new([-1, -1]), [&[4]]), &["culprit: ", "[-1, -1]"]),
    ("a shape that does not divide", || on(Reshape::new([3, -1]), [&[4]]), &["culprit: ", "[3, -1]", "4"]),
    ("a shape with zero", || on(Reshape::new([0, -1]), [&[4]]), &["culprit: ", "[0, -1]"]),
    ("a shape below minus one", || on(Reshape::new([-2, 2]), [&[4]]), &["culprit: ", "[-2, 2]"]),
    ("a shape larger than all numbers", || on(Reshape::new([i64::MAX, i64::MAX]), [&[4]]), &["culprit: "]),
    ("axes in no order", || on(Permute::new([1, 3]), [&[4, 5]]), &["culprit: ", "dims", "[1,3]"]),
    ("axes twice", || on(Permute::new([1, 1]), [&[4, 5]]), &["culprit: ", "dims", "[1,1]"]),
    ("too few axes", || on(Permute::new([1]), [&[4, 5]]), &["culprit: ", "2 axes", "(None, 4, 5)"]),
    ("no copies", || on(RepeatVector::new(0), [&[4]]), &["culprit: ", "n", "0", "1 or more"]),
    ("copies of a matrix", || on(RepeatVector::new(2), [&[4, 5]]), &["culprit: ", "2 axes", "4, 5"]),
    ("a softmax along no axis", || on(Softmax::new().axis(4), [&[4]]), &["culprit: ", "axis", "4"]),
    (
        "slopes shared along no axis",
        || on(PReLU::new().shared_axes([3]), [&[4, 5]]),
        &["culprit: ", "shared_axes", "3"],
    ),
    (
        "a leak below zero",
        || on(layers::LeakyReLU::new().negative_slope(-1.0), [&[4]]),
        &["culprit: ", "negative_slope", "-1"],
    ),
    (
        "flattening in no order",
        || read("Flatten", json!({"data_format": "channels_lost"}), [&[4]]),
        &["Flatten", "data_format", "channels_lost"],
    ),
    ("flattening two", || on(Flatten::new(), [&[4], &[4]]), &["culprit: ", "one input", "2"]),
    (
        "normalized along no axis",
        || on(BatchNormalization::new().axis(3), [&[4]]),
        &["culprit: ", "axis", "3"],
    ),
    (
        "normalized along an axis of unknown size",
        || with(BatchNormalization::new(), [Input::with_unknown([None]).symbol()]),
        &["culprit: ", "None"],
    ),
    (
        "groups that do not divide",
        || on(GroupNormalization::new(3), [&[4]]),
        &["culprit: ", "groups", "3", "4"],
    ),
    ("no groups", || on(GroupNormalization::new(0), [&[4]]), &["culprit: ", "groups", "0"]),
    (
        "a layer normalized along no axis",
        || read("LayerNormalization", json!({"axis": [5]}), [&[4]]),
        &["culprit: ", "axis", "5"],
    ),
    ("noise below zero", || on(GaussianNoise::new(-1.0), [&[4]]), &["culprit: ", "stddev", "-1"]),
    (
        "more copies than memory holds",
        || on(RepeatVector::new(usize::MAX), [&[4]]),
        &["culprit: ", "n", "memory"],
    ),
];
