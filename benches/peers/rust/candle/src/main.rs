//! Trains and predicts with candle: `candle WORKLOAD MEASURE`.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{
    AdamW, Conv2d, Linear, Module, Optimizer, ParamsAdamW, VarBuilder, VarMap, conv2d, linear, loss, ops,
};
use companion::{Failed, Round, batches, each, floats, labels, no_such, samples_a_second, serve};

const DEVICE: &Device = &Device::Cpu;

fn main() -> std::result::Result<(), Failed> {
    serve("candle-core", |key| match key {
        "W1 train" => {
            let vars = VarMap::new();
            let model = dense(&vars, &[784, 512, 512, 10])?;
            let data = (numbers(&[12_800, 784], 1)?, classes(12_800)?);
            let mut epoch = training(vars, data, 128, move |x| model.forward(x), loss::cross_entropy)?;
            Ok(samples_a_second(12_800, move || Ok(epoch()?)))
        }
        "W1 latency" => {
            let (model, x) = (dense(&VarMap::new(), &[784, 512, 512, 10])?, floats(784, 1));
            Ok(each(1_000, 1e6, move || {
                let scores = model.forward(&Tensor::from_slice(&x, (1, 784), DEVICE)?)?;
                ops::softmax(&scores, 1)?.flatten_all()?.to_vec1::<f32>()?;
                Ok(())
            }))
        }
        "W2 train" => {
            let vars = VarMap::new();
            let model = Pictures::new(VarBuilder::from_varmap(&vars, DType::F32, DEVICE))?;
            let data = (numbers(&[2_560, 1, 28, 28], 1)?, classes(2_560)?);
            let mut epoch = training(vars, data, 128, move |x| model.forward(x), loss::cross_entropy)?;
            Ok(samples_a_second(2_560, move || Ok(epoch()?)))
        }
        "W6 train" => {
            let vars = VarMap::new();
            let model = dense(&vars, &[9, 32, 128, 1])?;
            let data = (numbers(&[1_000, 9], 1)?, numbers(&[1_000, 1], 2)?);
            let mut epoch = training(vars, data, 32, move |x| model.forward(x), loss::mse)?;
            Ok(each(1, 1.0, move || Ok((0..50).try_for_each(|_| epoch())?)) as Round)
        }
        _ => Err(no_such(key)),
    })
}

fn numbers(shape: &[usize], seed: u64) -> Result<Tensor> {
    Tensor::from_vec(floats(shape.iter().product(), seed), shape, DEVICE)
}

fn classes(rows: usize) -> Result<Tensor> {
    Tensor::from_vec(labels(rows, 10, 2), rows, DEVICE)
}

/// What trains for an epoch, in batches that are drawn in a new order each time.
fn training(
    vars: VarMap,
    (x, y): (Tensor, Tensor),
    batch_size: usize,
    model: impl Fn(&Tensor) -> Result<Tensor> + 'static,
    loss: fn(&Tensor, &Tensor) -> Result<Tensor>,
) -> Result<impl FnMut() -> Result<()> + 'static> {
    // Without decay this is Adam.
    let adam = ParamsAdamW { lr: 0.001, eps: 1e-7, weight_decay: 0.0, ..ParamsAdamW::default() };
    let mut optimizer = AdamW::new(vars.all_vars(), adam)?;
    let mut seed = 0;
    Ok(move || {
        seed += 1;
        let mut total = Tensor::zeros((), DType::F32, DEVICE)?;
        for rows in batches(x.dim(0)?, batch_size, seed) {
            let rows = Tensor::new(rows, DEVICE)?;
            let value = loss(&model(&x.index_select(&rows, 0)?)?, &y.index_select(&rows, 0)?)?;
            optimizer.backward_step(&value)?;
            total = (total + value.detach())?;
        }
        // Keras tells the loss of each epoch.
        total.to_scalar::<f32>()?;
        Ok(())
    })
}

/// Dense layers with relu between them.
struct Dense(Vec<Linear>);

fn dense(vars: &VarMap, sizes: &[usize]) -> Result<Dense> {
    let builder = VarBuilder::from_varmap(vars, DType::F32, DEVICE);
    let layers = sizes.windows(2).enumerate();
    layers.map(|(i, size)| linear(size[0], size[1], builder.pp(i))).collect::<Result<_>>().map(Dense)
}

impl Module for Dense {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = self.0[0].forward(x)?;
        for layer in &self.0[1..] {
            x = layer.forward(&x.relu()?)?;
        }
        Ok(x)
    }
}

/// The convolutional network of W2.
struct Pictures {
    first: Conv2d,
    second: Conv2d,
    last: Linear,
}

impl Pictures {
    fn new(builder: VarBuilder) -> Result<Pictures> {
        Ok(Pictures {
            first: conv2d(1, 32, 3, Default::default(), builder.pp("first"))?,
            second: conv2d(32, 64, 3, Default::default(), builder.pp("second"))?,
            last: linear(1_600, 10, builder.pp("last"))?,
        })
    }
}

impl Module for Pictures {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = self.first.forward(x)?.relu()?.max_pool2d(2)?;
        let x = self.second.forward(&x)?.relu()?.max_pool2d(2)?;
        self.last.forward(&ops::dropout(&x.flatten_from(1)?, 0.5)?)
    }
}
