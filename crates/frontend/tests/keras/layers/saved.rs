//! Layers whose weights move by themselves, trained, saved and opened again.

use cornu::layers::{BatchNormalization, Dense, Dropout, Input, RenormClipping, SpectralNormalization};
use cornu::{Compile, Fit, Model, Sequential, Verbose};
use ndarray::Array2;

#[test]
fn moving_and_shared_weights_come_back() {
    let x = Array2::from_shape_fn((8, 4), |(i, j)| ((i * 5 + j * 3) % 7) as f32 - 3.0);
    let y = Array2::from_shape_fn((8, 1), |(i, _)| i as f32);
    let mut model = Sequential::new()
        .add(Input::new([4]))
        .add(SpectralNormalization::new(Dense::new(3)))
        .add(BatchNormalization::new())
        .add(BatchNormalization::new().renorm(RenormClipping::default()))
        .add(Dropout::new(0.25))
        .add(Dense::new(1))
        .build()
        .unwrap();
    model.compile(Compile::new("adam", "mse")).unwrap();
    let before = model.get_weights().unwrap();
    model.fit(&x, &y, Fit::new().epochs(2).verbose(Verbose::Silent)).unwrap();
    let after = model.get_weights().unwrap();
    let still: Vec<usize> = (0..after.len()).filter(|&i| before[i].floats() == after[i].floats()).collect();
    assert_eq!(still, Vec::<usize>::new(), "every weight of these layers moves in training");
    let expected = model.predict(&x).unwrap();
    let out = tempfile::tempdir().unwrap();
    for name in ["model.keras", "model.h5"] {
        let path = out.path().join(name);
        model.save(&path).unwrap();
        let again = Model::load(&path).unwrap().predict(&x).unwrap();
        assert_eq!(again, expected, "{name}");
    }
}
