//! Image layers in training with numbers that are really random: shapes, ranges, and what must not change.

use cornu::layers::{
    AnyLayer, CallArguments, FlipMode, Masked, RandomBrightness, RandomContrast, RandomCrop, RandomErasing,
    RandomFlip, RandomGaussianBlur, RandomGrayscale, RandomHue, RandomInvert, RandomPosterization,
    RandomRotation, RandomSaturation, RandomSharpness, RandomShear, RandomTranslation, RandomZoom,
    Solarization,
};
use cornu_ir::interpret::interpret;
use cornu_ir::{Builder, Tensor};

const SHAPE: [usize; 4] = [8, 6, 5, 3];

fn images() -> Tensor {
    let count: usize = SHAPE.iter().product();
    Tensor::new(SHAPE, (0..count).map(|i| (i * 37 % 256) as f32).collect()).unwrap()
}

/// One call in training.
fn trained(layer: impl Into<AnyLayer>, seed: u32) -> Tensor {
    let given = [images(), Tensor::vector(vec![seed, 2, 3, 0])];
    let builder = Builder::new();
    let x = builder.input("x", given[0].ty());
    let random = builder.input("random", given[1].ty());
    let arguments = CallArguments::new(vec![Masked::from(x)], false);
    let call = layer.into().stateless_call(&builder, &[], &[], &arguments, Some(random)).unwrap();
    let graph = builder.finish(&[call.outputs[0].value]).unwrap();
    interpret(&graph, &given).remove(0)
}

#[test]
fn values_stay_in_their_range_and_images_in_their_shape() {
    let layers: Vec<AnyLayer> = vec![
        RandomBrightness::new(0.5).into(),
        RandomContrast::new(0.5).into(),
        RandomErasing::new(1.0).into(),
        RandomErasing::new(0.5).fill_color([1.0, 2.0, 3.0]).into(),
        RandomGaussianBlur::new(0.5).into(),
        RandomGrayscale::new(0.5).into(),
        RandomHue::new(0.5).into(),
        RandomInvert::new(0.5).into(),
        RandomPosterization::new(5.0).into(),
        RandomRotation::new(0.5).into(),
        RandomSaturation::new((0.1, 0.5)).into(),
        RandomSharpness::new(1.0).into(),
        RandomShear::new(0.5, 0.2).into(),
        RandomTranslation::new(0.5, 0.3).nearest().into(),
        RandomZoom::new(0.5).width_factor(0.2).into(),
        Solarization::new().threshold_factor(0.5).addition_factor(0.3).into(),
    ];
    for layer in layers {
        let class = layer.class_name().to_string();
        let changed = trained(layer, 1);
        assert_eq!(changed.shape()[..], SHAPE, "{class}");
        // Sums of weights and of colors round. Saturation above 1/2 may leave the range, as in Keras.
        let within = |x: &f64| (-1e-3..=255.001).contains(x);
        assert!(changed.floats().iter().all(within), "{class}");
        assert_ne!(changed.floats(), images().floats(), "{class} changes nothing");
    }
}

#[test]
fn a_flip_mirrors_some_images_and_keeps_the_others() {
    let (before, after) = (images().floats(), trained(RandomFlip::new(FlipMode::Horizontal), 1).floats());
    let size = 6 * 5 * 3;
    let mut kept = 0;
    for (before, after) in before.chunks(size).zip(after.chunks(size)) {
        let mirrored: Vec<f64> =
            (0..size).map(|i| before[(i / 15) * 15 + (4 - i / 3 % 5) * 3 + i % 3]).collect();
        assert!(after == before || after == mirrored);
        kept += usize::from(after == before);
    }
    assert!((1..8).contains(&kept), "{kept} of 8 are kept");
}

#[test]
fn a_crop_is_a_part_of_each_image() {
    let mut corners = std::collections::BTreeSet::new();
    for seed in 0..20 {
        let part = trained(RandomCrop::new(4, 3), seed);
        assert_eq!(part.shape()[..], [8, 4, 3, 3]);
        let (part, whole) = (part.floats(), images().floats());
        let place = |row: usize, column: usize| {
            (0..8 * 36).all(|i| {
                let (image, y, x) = (i / 36, i / 9 % 4 + row, i % 9 + column * 3);
                part[i] == whole[image * 90 + y * 15 + x]
            })
        };
        let found = (0..9).map(|i| (i / 3, i % 3)).find(|&(row, column)| place(row, column));
        corners.insert(found.expect("the part should be one of the image"));
    }
    assert!(corners.len() > 3, "{corners:?}");
}
