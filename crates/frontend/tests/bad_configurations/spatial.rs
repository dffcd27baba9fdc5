//! Convolutions, pooling, and what cuts and stretches images.

use cornu::layers::Padding;
use cornu::{
    AveragePooling1D, Conv1D, Conv2D, Conv2DTranspose, Cropping1D, Cropping2D, DepthwiseConv2D,
    GlobalAveragePooling2D, Input, MaxPooling2D, SeparableConv2D, UpSampling2D, ZeroPadding2D,
};
use serde_json::json;

use super::{Case, on, read, with};

const IMAGE: [&[usize]; 1] = [&[8, 8, 3]];

pub(super) const CASES: &[Case] = &[
    ("no filters", || on(Conv2D::new(0, 3), IMAGE), &["culprit: ", "filters", "0"]),
    (
        "filters below zero",
        || read("Conv2D", json!({"filters": -1, "kernel_size": [3, 3]}), IMAGE),
        &["Conv2D", "filters", "-1"],
    ),
    (
        "more filters than memory holds",
        || on(Conv2D::new(1_000_000_000_000, 3), IMAGE),
        &["culprit/kernel", "memory"],
    ),
    ("a kernel of no size", || on(Conv2D::new(4, 0), IMAGE), &["culprit: ", "kernel_size", "0"]),
    (
        "a kernel of three sizes",
        || read("Conv2D", json!({"filters": 4, "kernel_size": [3, 3, 3]}), IMAGE),
        &["Conv2D", "kernel_size", "[3,3,3]"],
    ),
    ("no kernel", || read("Conv2D", json!({"filters": 4}), IMAGE), &["Conv2D", "kernel_size"]),
    ("a kernel larger than the image", || on(Conv2D::new(4, 9), IMAGE), &["culprit: ", "9", "8"]),
    (
        "a dilated kernel larger than the image",
        || on(Conv2D::new(4, 3).dilation_rate(4), IMAGE),
        &["culprit: ", "[3, 3]", "[4, 4]", "[8, 8]"],
    ),
    ("no strides", || on(Conv2D::new(4, 3).strides(0), IMAGE), &["culprit: ", "strides", "0"]),
    ("no dilation", || on(Conv2D::new(4, 3).dilation_rate(0), IMAGE), &["culprit: ", "dilation_rate", "0"]),
    (
        "strides with dilation",
        || on(Conv2D::new(4, 3).strides(2).dilation_rate(2), IMAGE),
        &["culprit: ", "strides", "dilation_rate"],
    ),
    (
        "groups that do not divide the channels",
        || on(Conv2D::new(4, 3).groups(2), IMAGE),
        &["culprit: ", "groups", "2", "3"],
    ),
    (
        "groups that do not divide the filters",
        || on(Conv2D::new(4, 3).groups(3), IMAGE),
        &["culprit: ", "groups", "3", "4"],
    ),
    ("no groups", || on(Conv2D::new(4, 3).groups(0), IMAGE), &["culprit: ", "groups", "0"]),
    (
        "an image without channels",
        || on(Conv2D::new(4, 3), [&[8, 8]]),
        &["culprit: ", "4 axes", "(None, 8, 8)"],
    ),
    (
        "channels of unknown number",
        || with(Conv2D::new(4, 3), [Input::with_unknown([Some(8), Some(8), None]).symbol()]),
        &["culprit: ", "channels", "(None, 8, 8, None)"],
    ),
    (
        "padding that looks back over an image",
        || on(Conv2D::new(4, 3).padding(Padding::Causal), IMAGE),
        &["culprit: ", "padding", "causal"],
    ),
    (
        "padding of no name",
        || read("Conv1D", json!({"filters": 4, "kernel_size": [3], "padding": "some"}), [&[8, 3]]),
        &["Conv1D", "padding", "some", "same"],
    ),
    (
        "a format of no name",
        || read("Conv1D", json!({"filters": 4, "kernel_size": [3], "data_format": "last"}), [&[8, 3]]),
        &["Conv1D", "data_format", "last", "channels_last"],
    ),
    (
        "an activation of no name",
        || on(Conv1D::new(4, 3).activation("rleu"), [&[8, 3]]),
        &["culprit: ", "rleu", "`relu`"],
    ),
    (
        "as much more output as a stride",
        || on(Conv2DTranspose::new(4, 3).strides(2).output_padding(2), IMAGE),
        &["culprit: ", "output_padding", "2"],
    ),
    (
        "transposed, with strides and dilation",
        || on(Conv2DTranspose::new(4, 3).strides(2).dilation_rate(2), IMAGE),
        &["culprit: ", "strides", "dilation_rate"],
    ),
    ("transposed, without filters", || on(Conv2DTranspose::new(0, 3), IMAGE), &["culprit: ", "filters", "0"]),
    (
        "no filters for each channel",
        || on(DepthwiseConv2D::new(3).depth_multiplier(0), IMAGE),
        &["culprit: ", "depth_multiplier", "0"],
    ),
    ("separable, larger than the image", || on(SeparableConv2D::new(4, 9), IMAGE), &["culprit: ", "9", "8"]),
    ("separable, without filters", || on(SeparableConv2D::new(0, 3), IMAGE), &["culprit: ", "filters", "0"]),
    ("a pool of no size", || on(MaxPooling2D::new(0), IMAGE), &["culprit: ", "pool_size", "0"]),
    (
        "a pool that does not move",
        || on(MaxPooling2D::new(2).strides(0), IMAGE),
        &["culprit: ", "strides", "0"],
    ),
    ("a pool larger than the image", || on(MaxPooling2D::new(9), IMAGE), &["culprit: ", "9", "8"]),
    ("a pool of another rank", || on(AveragePooling1D::new(2), IMAGE), &["culprit: ", "3 axes", "8, 8, 3"]),
    (
        "a global pool of another rank",
        || on(GlobalAveragePooling2D::new(), [&[8, 3]]),
        &["culprit: ", "4 axes", "(None, 8, 3)"],
    ),
    (
        "a pool of no places",
        || read("AdaptiveAveragePooling2D", json!({"output_size": [0, 2]}), IMAGE),
        &["AdaptiveAveragePooling2D", "output_size", "0"],
    ),
    (
        "cutting off more than there is",
        || on(Cropping1D::new([5, 4]), [&[8, 3]]),
        &["culprit: ", "cropping", "5", "8"],
    ),
    ("cutting off everything", || on(Cropping2D::new([4, 4]), IMAGE), &["culprit: ", "cropping", "4", "8"]),
    (
        "cutting off less than nothing",
        || read("Cropping1D", json!({"cropping": [-1, 0]}), [&[8, 3]]),
        &["Cropping1D", "cropping", "-1"],
    ),
    (
        "margins for another rank",
        || read("ZeroPadding2D", json!({"padding": [[1, 1]]}), IMAGE),
        &["ZeroPadding2D", "padding", "[[1,1]]"],
    ),
    (
        "margins of another rank",
        || on(ZeroPadding2D::new([1, 1]), [&[8, 3]]),
        &["culprit: ", "4 axes", "(None, 8, 3)"],
    ),
    ("stretched to nothing", || on(UpSampling2D::new([0, 2]), IMAGE), &["culprit: ", "size", "0"]),
    (
        "stretched in no way",
        || read("UpSampling2D", json!({"size": [2, 2], "interpolation": "cubes"}), IMAGE),
        &["interpolation", "cubes", "bilinear"],
    ),
    (
        "stretched beyond all numbers",
        || on(UpSampling2D::new([usize::MAX, 2]), IMAGE),
        &["culprit: ", "size"],
    ),
    (
        "a kernel larger than all numbers",
        || on(Conv1D::new(1, usize::MAX), [&[8, 1]]),
        &["culprit", "memory"],
    ),
    (
        "strides beyond all numbers",
        || on(Conv2DTranspose::new(4, 3).strides(usize::MAX), IMAGE),
        &["culprit"],
    ),
    (
        "dilation beyond all numbers",
        || on(Conv2D::new(4, 3).dilation_rate(usize::MAX), IMAGE),
        &["culprit: ", "dilation"],
    ),
    ("a pool beyond all numbers", || on(MaxPooling2D::new(usize::MAX), IMAGE), &["culprit: ", "[8, 8]"]),
    ("margins beyond all numbers", || on(ZeroPadding2D::new([usize::MAX, 1]), IMAGE), &["culprit"]),
];
