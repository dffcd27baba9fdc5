//! Trains and predicts with burn on its CPU backend, Flex: `burn WORKLOAD MEASURE`.

use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::{CrossEntropyLossConfig, MseLoss, Reduction};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use burn::tensor::activation::{relu, softmax};
use companion::{Failed, Round, batches, each, floats, labels, no_such, samples_a_second, serve};

fn main() -> Result<(), Failed> {
    serve("burn", |key| {
        let device = &Device::flex().autodiff();
        match key {
            "W1 train" => {
                let model = Dense::new(&[784, 512, 512, 10], device);
                let data = (numbers([12_800, 784], 1, device), classes(12_800, device));
                let mut epoch =
                    training(model, data, 128, |model: &Dense, x, y| entropy(model.forward(x), y));
                Ok(samples_a_second(12_800, move || Ok(epoch())))
            }
            "W1 latency" => {
                let device = Device::flex();
                let (model, x) = (Dense::new(&[784, 512, 512, 10], &device), floats(784, 1));
                Ok(each(1_000, 1e6, move || {
                    let x = Tensor::<2>::from_data(TensorData::new(x.clone(), [1, 784]), &device);
                    drop(softmax(model.forward(x), 1).into_data());
                    Ok(())
                }))
            }
            "W2 train" => {
                let data = (numbers([2_560, 1, 28, 28], 1, device), classes(2_560, device));
                let loss = |model: &Pictures, x, y| entropy(model.forward(x), y);
                let mut epoch = training(Pictures::new(device), data, 128, loss);
                Ok(samples_a_second(2_560, move || Ok(epoch())))
            }
            "W6 train" => {
                let data = (numbers([1_000, 9], 1, device), numbers([1_000, 1], 2, device));
                let loss = |model: &Dense, x, y| MseLoss::new().forward(model.forward(x), y, Reduction::Mean);
                let mut epoch = training(Dense::new(&[9, 32, 128, 1], device), data, 32, loss);
                Ok(each(1, 1.0, move || Ok((0..50).for_each(|_| epoch()))) as Round)
            }
            _ => Err(no_such(key)),
        }
    })
}

fn numbers<const D: usize>(shape: [usize; D], seed: u64, device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(floats(shape.iter().product(), seed), shape), device)
}

fn classes(rows: usize, device: &Device) -> Tensor<1, Int> {
    let labels: Vec<i32> = labels(rows, 10, 2).into_iter().map(|label| label as i32).collect();
    Tensor::from_data(TensorData::new(labels, [rows]), device)
}

fn entropy(scores: Tensor<2>, y: Tensor<1, Int>) -> Tensor<1> {
    CrossEntropyLossConfig::new().init(&scores.device()).forward(scores, y)
}

/// Targets, of which some rows are taken.
trait Rows: Clone + 'static {
    fn rows(&self, rows: Tensor<1, Int>) -> Self;
}

impl Rows for Tensor<1, Int> {
    fn rows(&self, rows: Tensor<1, Int>) -> Self {
        self.clone().select(0, rows)
    }
}

impl<const D: usize> Rows for Tensor<D> {
    fn rows(&self, rows: Tensor<1, Int>) -> Self {
        self.clone().select(0, rows)
    }
}

/// What trains for an epoch, in batches that are drawn in a new order each time.
fn training<M: Module + 'static, X: Rows + Inputs, Y: Rows>(
    model: M,
    (x, y): (X, Y),
    batch_size: usize,
    loss: impl Fn(&M, X, Y) -> Tensor<1> + 'static,
) -> impl FnMut() + 'static {
    let mut optimizer = AdamConfig::new().with_epsilon(1e-7).init();
    let (mut model, mut seed) = (Some(model), 0);
    move || {
        seed += 1;
        let mut total = 0.0;
        for rows in batches(x.count(), batch_size, seed) {
            let Some(before) = model.take() else { return };
            let rows: Vec<i32> = rows.into_iter().map(|row| row as i32).collect();
            let count = rows.len();
            let rows = Tensor::<1, Int>::from_data(TensorData::new(rows, [count]), &x.place());
            let value = loss(&before, x.rows(rows.clone()), y.rows(rows));
            // Keras tells the loss of each epoch.
            total += value.clone().into_scalar::<f32>();
            let gradients = GradientsParams::from_grads(value.backward(), &before);
            model = Some(optimizer.step(0.001, before, gradients));
        }
        std::hint::black_box(total);
    }
}

/// Inputs know how many they are, and where.
trait Inputs {
    fn count(&self) -> usize;
    fn place(&self) -> Device;
}

impl<const D: usize> Inputs for Tensor<D> {
    fn count(&self) -> usize {
        self.dims()[0]
    }

    fn place(&self) -> Device {
        self.device()
    }
}

/// Dense layers with relu between them.
#[derive(Module, Debug)]
struct Dense {
    layers: Vec<Linear>,
}

impl Dense {
    fn new(sizes: &[usize], device: &Device) -> Dense {
        let layers = sizes.windows(2).map(|size| LinearConfig::new(size[0], size[1]).init(device));
        Dense { layers: layers.collect() }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let mut x = self.layers[0].forward(x);
        for layer in &self.layers[1..] {
            x = layer.forward(relu(x));
        }
        x
    }
}

/// The convolutional network of W2.
#[derive(Module, Debug)]
struct Pictures {
    first: Conv2d,
    second: Conv2d,
    pool: MaxPool2d,
    dropout: Dropout,
    last: Linear,
}

impl Pictures {
    fn new(device: &Device) -> Pictures {
        Pictures {
            first: Conv2dConfig::new([1, 32], [3, 3]).init(device),
            second: Conv2dConfig::new([32, 64], [3, 3]).init(device),
            pool: MaxPool2dConfig::new([2, 2]).init(),
            dropout: DropoutConfig::new(0.5).init(),
            last: LinearConfig::new(1_600, 10).init(device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = self.pool.forward(relu(self.first.forward(x)));
        let x = self.pool.forward(relu(self.second.forward(x)));
        self.last.forward(self.dropout.forward(x.flatten::<2>(1, 3)))
    }
}
