//! Profiles: what kernels take, measured without a trace in the model.

use cornu::{Compile, Dense, Dropout, Input, Profile, Sequential, Tensor};

fn tensor(shape: &[usize]) -> Tensor {
    let items = (0..shape.iter().product()).map(|i: usize| (i % 7) as f32 / 7.0).collect();
    Tensor::new(shape, items).unwrap()
}

#[test]
fn a_profile_names_kernels_and_leaves_the_model_as_it_was() {
    let layers = Sequential::new().add(Input::new([20])).add(Dense::new(30).activation("relu"));
    let mut model = layers.add(Dropout::new(0.5)).add(Dense::new(1)).build().unwrap();
    model.compile(Compile::new("adam", "mse")).unwrap();
    let (x, y) = (tensor(&[16, 20]), tensor(&[16, 1]));
    let before = model.get_weights().unwrap();
    let training = model.profile_training(&x, &y).unwrap();
    let prediction = model.explain(16).unwrap();
    assert_eq!(model.get_weights().unwrap(), before);
    assert!(training.kernels.len() > prediction.kernels.len());
    // Two products of matrices forward, at least as many again backward.
    let products = |flops: u64| flops >= 2 * 16 * 30 * 21;
    assert!(products(prediction.kernels.iter().map(|kernel| kernel.flops).sum()));
    assert!(prediction.to_string().contains("dot[1x 16x20 20x30]"), "{prediction}");
    // Each kernel knows its layers, fused ones and gradients too; the times differ, the names do not.
    let layers =
        |profile: &Profile| profile.kernels.iter().map(|kernel| kernel.layers.clone()).collect::<Vec<_>>();
    assert!(layers(&prediction).iter().any(|layers| layers == "dense"), "{prediction}");
    assert!(layers(&training).iter().any(|layers| layers.contains("gradient of dense")), "{training}");
    assert!(layers(&training).iter().any(|layers| layers.contains("optimizer")), "{training}");
    assert_eq!(layers(&model.explain(16).unwrap()), layers(&prediction));
    assert!(model.profile_training(tensor(&[0, 20]), tensor(&[0, 1])).is_err());
}
