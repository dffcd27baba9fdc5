//! Small models and data that the tests train.

use std::sync::{Mutex, PoisonError};

use cornu::{Compile, Data, Dense, Dropout, Fit, Input, Model, Sequential, Tensor, Verbose};

/// Numbers between -0.5 and 0.5 that do not repeat soon.
pub(crate) fn numbers(shape: &[usize], salt: usize) -> Tensor {
    let count: usize = shape.iter().product();
    let items = (0..count).map(|i| ((i * 37 + salt * 101 + i * i * 3) % 197) as f32 / 197.0 - 0.5);
    Tensor::new(shape, items.collect()).unwrap()
}

/// Rows of inputs and targets.
pub(crate) fn data(rows: usize) -> (Tensor, Tensor) {
    (numbers(&[rows, 6], 1), numbers(&[rows, 1], 2))
}

/// Rows `from` to `to` of a tensor of 32-bit floats.
pub(crate) fn rows(tensor: &Tensor, from: usize, to: usize) -> Tensor {
    let width: usize = tensor.shape()[1..].iter().product();
    let Data::F32(items) = tensor.data() else { panic!("32-bit floats") };
    Tensor::new(tensor.shape().with(0, to - from), items[from * width..to * width].to_vec()).unwrap()
}

/// Two layers with dropout between them, from the same seed each time, compiled.
pub(crate) fn model() -> Model {
    // The next seed is one for the whole process, and tests run side by side.
    static SEED: Mutex<()> = Mutex::new(());
    let _one_at_a_time = SEED.lock().unwrap_or_else(PoisonError::into_inner);
    cornu::set_random_seed(5);
    let layers = Sequential::new().add(Input::new([6])).add(Dense::new(8).activation("tanh"));
    let mut model = layers.add(Dropout::new(0.25)).add(Dense::new(1)).build().unwrap();
    model.compile(Compile::new("adam", "mse").metrics(["mae"])).unwrap();
    model
}

/// So many epochs in batches of 16, silently.
pub(crate) fn epochs(epochs: usize) -> Fit {
    Fit::new().epochs(epochs).batch_size(16).verbose(Verbose::Silent)
}

/// The bits of all weights.
pub(crate) fn bits(model: &Model) -> Vec<u32> {
    let bits = |weight: &Tensor| match weight.data() {
        Data::F32(items) => items.iter().map(|item| item.to_bits()).collect::<Vec<u32>>(),
        other => panic!("{:?}", other.dtype()),
    };
    model.get_weights().unwrap().iter().flat_map(bits).collect()
}
