//! Convolution and pooling: builders, wrong arguments, and a small network that learns.

use cornu::{
    AdaptiveAveragePooling2D, AveragePooling1D, Compile, Conv1D, Conv2D, Conv2DTranspose, Conv3D, DataFormat,
    Dense, DepthwiseConv2D, Fit, Flatten, GlobalAveragePooling2D, GlobalMaxPooling2D, Input, Layer,
    MaxPooling2D, Model, Padding, Result, SeparableConv2D, Sequential, Verbose,
};
use ndarray::{Array, Array1, Array4};

/// A model of one layer over inputs of this shape, or what is wrong with it.
fn model(shape: &[Option<usize>], layer: impl Layer + 'static) -> Result<Model> {
    Sequential::new().add(Input::with_unknown(shape.iter().copied())).add(layer).build()
}

/// The message that refuses a layer.
fn refused(shape: &[Option<usize>], layer: impl Layer + 'static) -> String {
    match model(shape, layer) {
        Ok(_) => panic!("this layer should be refused"),
        Err(error) => error.to_string(),
    }
}

/// Fails unless a message has all these words.
fn assert_says(message: &str, words: &[&str]) {
    for word in words {
        assert!(message.contains(word), "`{message}` does not say `{word}`");
    }
}

const IMAGE: [Option<usize>; 3] = [Some(8), Some(6), Some(4)];

#[test]
fn wrong_arguments_are_refused() {
    assert_says(&refused(&IMAGE, Conv2D::new(0, 3)), &["Conv2D", "filters", "0"]);
    assert_says(&refused(&IMAGE, Conv2D::new(4, 0)), &["kernel_size", "[0,0]"]);
    assert_says(&refused(&IMAGE, Conv2D::new(4, [3, 0])), &["kernel_size", "[3,0]"]);
    assert_says(&refused(&IMAGE, Conv2D::new(4, 3).strides(0)), &["strides"]);
    assert_says(&refused(&IMAGE, Conv2D::new(4, 3).dilation_rate(0)), &["dilation_rate"]);
    assert_says(&refused(&IMAGE, Conv2D::new(4, 3).groups(0)), &["groups"]);
    assert_says(&refused(&IMAGE, Conv2D::new(6, 3).groups(3)), &["groups", "4 channels", "3"]);
    assert_says(&refused(&IMAGE, Conv2D::new(6, 3).groups(4)), &["groups", "6 filters", "4"]);
    assert_says(
        &refused(&IMAGE, Conv2D::new(4, 3).strides(2).dilation_rate(2)),
        &["dilation_rate", "strides"],
    );
    assert_says(&refused(&IMAGE, Conv2D::new(4, 3).padding(Padding::Causal)), &["padding", "causal", "same"]);
    assert_says(&refused(&IMAGE, Conv2D::new(4, [7, 7])), &["[7, 7]", "[8, 6]", "larger", "same"]);
    assert_says(&refused(&IMAGE, Conv2D::new(4, 4).dilation_rate(3)), &["larger"]);
    assert_says(&refused(&IMAGE, Conv3D::new(4, 3)), &["5 axes", "(None, 8, 6, 4)"]);
    assert_says(&refused(&[Some(8), Some(8), None], Conv2D::new(4, 3)), &["channels", "None"]);
    assert_says(&refused(&IMAGE, Conv2D::new(1_000_000_000_000, 3)), &["memory"]);
    assert_says(&refused(&IMAGE, Conv2D::new(usize::MAX, 3)), &["memory"]);
    assert_says(&refused(&IMAGE, Conv2D::new(4, usize::MAX)), &["memory"]);
    assert_says(&refused(&IMAGE, Conv2D::new(4, 3).strides(1).activation("rleu")), &["relu"]);
    let transposed = Conv2DTranspose::new(4, 3).strides(2).output_padding(2);
    assert_says(&refused(&IMAGE, transposed), &["output_padding", "[2,2]", "less than"]);
    let empty = Conv2DTranspose::new(4, 2).strides(2).output_padding(0).padding(Padding::Same);
    assert_says(&refused(&[Some(1), Some(1), Some(3)], empty), &["no elements"]);
    let huge = Conv2DTranspose::new(4, 2).strides(usize::MAX / 2);
    assert!(!refused(&IMAGE, huge).is_empty());
    assert_says(&refused(&IMAGE, DepthwiseConv2D::new(3).depth_multiplier(0)), &["depth_multiplier"]);
    assert_says(&refused(&IMAGE, DepthwiseConv2D::new(3).depth_multiplier(usize::MAX)), &["memory"]);
    assert_says(&refused(&IMAGE, SeparableConv2D::new(0, 3)), &["filters"]);
    assert_says(&refused(&IMAGE, MaxPooling2D::new(0)), &["pool_size"]);
    assert_says(&refused(&IMAGE, MaxPooling2D::new(2).strides(0)), &["strides"]);
    assert_says(&refused(&IMAGE, MaxPooling2D::new(7)), &["MaxPooling2D", "larger"]);
    assert_says(&refused(&IMAGE, AveragePooling1D::new(2)), &["3 axes"]);
    assert_says(&refused(&IMAGE, AdaptiveAveragePooling2D::new(0)), &["output_size"]);
    assert_says(&refused(&[Some(3)], GlobalMaxPooling2D::new()), &["4 axes"]);
}

#[test]
fn shapes_of_unknown_size_stay_unknown() {
    let shape = |layer: Sequential| {
        let model = Sequential::new().add(Input::with_unknown([None, Some(32), Some(3)])).add(layer);
        let x = Array4::<f32>::zeros((2, 20, 32, 3));
        model.build().unwrap().predict(&x).unwrap().shape().to_vec()
    };
    let one = |layer: Sequential| shape(layer);
    assert_eq!(one(Sequential::new().add(Conv2D::new(5, 3))), [2, 18, 30, 5]);
    assert_eq!(
        one(Sequential::new().add(Conv2D::new(5, 3).strides(2).padding(Padding::Same))),
        [2, 10, 16, 5]
    );
    assert_eq!(one(Sequential::new().add(Conv2DTranspose::new(5, 3).strides(2))), [2, 41, 65, 5]);
    assert_eq!(one(Sequential::new().add(MaxPooling2D::new([2, 3]))), [2, 10, 10, 3]);
    assert_eq!(one(Sequential::new().add(AdaptiveAveragePooling2D::new([7, 5]))), [2, 7, 5, 3]);
    assert_eq!(one(Sequential::new().add(GlobalAveragePooling2D::new().keepdims(true))), [2, 1, 1, 3]);
}

#[test]
fn channels_first_is_channels_last_turned() {
    let first = |format: DataFormat| Conv1D::new(2, 2).data_format(format).kernel_initializer("ones");
    let x = Array::from_shape_fn((2, 3, 5), |(n, c, t)| (n * 7 + c * 3 + t * t) as f32);
    let turned = x.clone().permuted_axes([0, 2, 1]).as_standard_layout().to_owned();
    let build = |shape: [usize; 2], layer: Conv1D| {
        Sequential::new().add(Input::new(shape)).add(layer).build().unwrap()
    };
    let a = build([3, 5], first(DataFormat::ChannelsFirst)).predict(&x).unwrap();
    let b = build([5, 3], first(DataFormat::ChannelsLast)).predict(&turned).unwrap();
    assert_eq!((a.shape(), b.shape()), (&[2, 2, 4][..], &[2, 4, 2][..]));
    assert_eq!(a, b.permuted_axes(ndarray::IxDyn(&[0, 2, 1])));
}

/// Bright squares in dark images, left or right: every kind of layer in one network, which learns to tell them apart.
#[test]
fn a_network_of_all_kinds_learns() {
    cornu::set_random_seed(3);
    let (n, size) = (64, 12);
    let y = Array1::from_shape_fn(n, |i| (i % 2) as f32);
    let x = Array4::from_shape_fn((n, size, size, 1), |(i, r, c, _)| {
        let (row, column) = (i / 2 % 8, i % 2 * 7 + i / 16 % 2);
        let inside = (row..row + 4).contains(&r) && (column..column + 4).contains(&c);
        if inside { 1.0 } else { ((i * 31 + r * 17 + c * 7) % 13) as f32 / 26.0 }
    });
    let mut model = Sequential::new()
        .add(Input::new([size, size, 1]))
        .add(Conv2D::new(8, 3).padding(Padding::Same).activation("relu"))
        .add(MaxPooling2D::new(2))
        .add(DepthwiseConv2D::new(3).padding(Padding::Same).activation("relu"))
        .add(SeparableConv2D::new(8, 3).activation("relu"))
        .add(Conv2DTranspose::new(4, 2).strides(2))
        .add(Flatten::new())
        .add(Dense::new(1).activation("sigmoid"))
        .build()
        .unwrap();
    model.compile(Compile::new("adam", "binary_crossentropy")).unwrap();
    let history = model.fit(&x, &y, Fit::new().epochs(30).batch_size(16).verbose(Verbose::Silent)).unwrap();
    let losses = history.get("loss").unwrap();
    assert!(losses[losses.len() - 1] < 0.1 * losses[0], "{losses:?}");
}
