//! Trains and predicts with RustyML, through its own `fit_with_batches`: `rustyml WORKLOAD MEASURE`.

use companion::{Failed, Round, each, floats, labels, no_such, samples_a_second, serve};
use ndarray::ArrayD;
use rustyml::prelude::neural_network::*;

fn main() -> Result<(), Failed> {
    serve("rustyml", |key| match key {
        "W1 train" => {
            let model = SequentialBuilder::new()
                .add(Dense::new(512, Activation::ReLU)?)
                .add(Dense::new(512, Activation::ReLU)?)
                .add(Dense::new(10, Activation::Softmax { axis: -1 })?);
            classifier(model, &[12_800, 784], 128)
        }
        "W1 latency" => {
            let x = numbers(&[1, 784], 1)?;
            let model = SequentialBuilder::new()
                .add(Dense::new(512, Activation::ReLU)?)
                .add(Dense::new(512, Activation::ReLU)?)
                .add(Dense::new(10, Activation::Softmax { axis: -1 })?)
                .build(&Shape::known(x.shape()))?;
            Ok(each(1_000, 1e6, move || Ok(model.predict(&x).map(drop)?)))
        }
        "W2 train" => {
            let model = SequentialBuilder::new()
                .add(Conv2D::new(32, (3, 3), (1, 1), Activation::ReLU)?)
                .add(MaxPooling2D::new((2, 2)))
                .add(Conv2D::new(64, (3, 3), (1, 1), Activation::ReLU)?)
                .add(MaxPooling2D::new((2, 2)))
                .add(Flatten::new())
                .add(Dropout::new(0.5)?)
                .add(Dense::new(10, Activation::Softmax { axis: -1 })?);
            classifier(model, &[2_560, 28, 28, 1], 128)
        }
        "W6 train" => {
            let (x, y) = (numbers(&[1_000, 9], 1)?, numbers(&[1_000, 1], 2)?);
            let mut model = SequentialBuilder::new()
                .add(Dense::new(32, Activation::ReLU)?)
                .add(Dense::new(128, Activation::ReLU)?)
                .add(Dense::new(1, Activation::Linear)?)
                .build(&Shape::known(x.shape()))?;
            model.compile(adam()?, MeanSquaredError::new());
            Ok(each(1, 1.0, move || Ok(model.fit_with_batches(&x, &y, 50, 32).map(drop)?)))
        }
        _ => Err(no_such(key)),
    })
}

fn numbers(shape: &[usize], seed: u64) -> Result<ArrayD<f32>, Failed> {
    Ok(ArrayD::from_shape_vec(shape, floats(shape.iter().product(), seed))?)
}

/// Keras's Adam.
fn adam() -> Result<Adam, Failed> {
    Ok(Adam::new(0.001, 0.9, 0.999, 1e-7, 0.0)?)
}

/// An epoch of training for ten classes.
fn classifier(model: SequentialBuilder, shape: &[usize], batch_size: usize) -> Result<Round, Failed> {
    let (x, rows) = (numbers(shape, 1)?, shape[0]);
    let y = labels(rows, 10, 2).into_iter().map(|label| label as f32).collect();
    let y = ArrayD::from_shape_vec(vec![rows, 1], y)?;
    let mut model = model.build(&Shape::known(x.shape()))?;
    model.compile(adam()?, SparseCategoricalCrossEntropy::new(false));
    Ok(samples_a_second(rows, move || Ok(model.fit_with_batches(&x, &y, 1, batch_size).map(drop)?)))
}
