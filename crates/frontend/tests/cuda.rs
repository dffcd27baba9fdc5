//! Models on a GPU beside the same models on the CPU: the workloads of the benches at small sizes, trained for some
//! steps. Where there is no GPU, its driver and compiler are stood in for, and kernels run on the CPU; that is slow.

use std::sync::{Mutex, OnceLock, PoisonError};

use cornu::{
    Add, Apply, BatchNormalization, Compile, Conv2D, DType, Dense, Device, Dropout, Embedding, Fit, Flatten,
    GlobalAveragePooling2D, Input, Keywords, LSTM, LayerNormalization, MaxPooling2D, Model,
    MultiHeadAttention, Padding, Result, SGD, Sequential, Symbol, Tensor, Verbose, input, layers, set_device,
};
use cornu_cuda_emulator::Emulator;
use ndarray::{Array1, Array2, Array4};

/// How far weights may be apart after training on either device, in units of 1 and of the weight.
const TOLERANCE: f64 = 2e-4;

/// Seeds and counts are the whole process's: models are made one after another.
static ONE: Mutex<()> = Mutex::new(());

/// Where there are models on a GPU: what stands in for it, if it is none.
#[derive(Clone, Copy)]
struct Gpu {
    emulator: Option<&'static Emulator>,
}

/// A GPU or what stands in for one, if there is either; says why not, once.
fn gpu() -> Option<Gpu> {
    static GPU: OnceLock<Option<Gpu>> = OnceLock::new();
    *GPU.get_or_init(|| {
        let emulated = std::env::var_os("CORNU_EMULATOR").is_some();
        let required = std::env::var_os("CORNU_REQUIRE_GPU").is_some();
        if !emulated && (is_there() || required) {
            return Some(Gpu { emulator: None });
        }
        let emulator = Emulator::start_or_skip()?;
        is_there().then_some(Gpu { emulator: Some(emulator) })
    })
}

/// True if a model can be made on the first GPU.
fn is_there() -> bool {
    set_device(Device::Cuda(0));
    Sequential::new().add(Input::new([1])).build().is_ok()
}

/// A number for each place that looks like noise and is not.
fn noise(i: usize) -> f32 {
    ((i * 7919 + 13) % 1009) as f32 / 1009.0 - 0.5
}

/// Trains the same model on both devices, and holds losses and weights against each other.
fn agree(what: &str, train: impl Fn() -> Result<(Vec<f64>, Vec<Tensor>)>) {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    if gpu().is_none() {
        return;
    }
    let on = |device: Device| {
        set_device(device);
        cornu::set_random_seed(7);
        train().unwrap_or_else(|error| panic!("{what} on {device}: {error}"))
    };
    let ((cpu_losses, cpu), (gpu_losses, gpu)) = (on(Device::Cpu), on(Device::Cuda(0)));
    for (cpu, gpu) in cpu_losses.iter().zip(&gpu_losses) {
        assert!((cpu - gpu).abs() <= TOLERANCE * (1.0 + cpu.abs()), "{what}: a loss of {gpu}, not {cpu}");
    }
    for (number, (cpu, gpu)) in cpu.iter().zip(&gpu).enumerate() {
        assert_eq!(cpu.ty(), gpu.ty());
        for (cpu, gpu) in cpu.floats().into_iter().zip(gpu.floats()) {
            let is_close = (cpu - gpu).abs() <= TOLERANCE * (1.0 + cpu.abs());
            assert!(is_close, "{what}: {gpu} in weight {number}, not {cpu}");
        }
    }
}

/// The losses of some epochs, and the weights after them.
fn trained<X, Y>(mut model: Model, x: X, y: Y, batch: usize) -> Result<(Vec<f64>, Vec<Tensor>)>
where
    X: cornu::IntoTensors,
    Y: cornu::IntoTensors,
{
    let how = Fit::new().epochs(2).batch_size(batch).verbose(Verbose::Silent);
    let history = model.fit(x, y, how)?;
    Ok((history.get("loss").unwrap_or_default().to_vec(), model.get_weights()?))
}

#[test]
fn a_multilayer_perceptron_trains_alike() {
    agree("W1", || {
        let x = Array2::from_shape_fn((40, 30), |(i, j)| noise(i * 30 + j));
        let y = Array1::from_shape_fn(40, |i| (i * i % 10) as i32);
        let mut model = Sequential::new()
            .add(Input::new([30]))
            .add(Dense::new(33).activation("relu"))
            .add(Dense::new(20).activation("relu"))
            .add(Dense::new(10).activation("softmax"))
            .build()?;
        model.compile(Compile::new("adam", "sparse_categorical_crossentropy").metrics(["accuracy"]))?;
        trained(model, &x, &y, 16)
    });
}

#[test]
fn a_convolutional_network_trains_alike() {
    agree("W2", || {
        let x = Array4::from_shape_fn((8, 12, 12, 1), |(i, j, k, _)| noise(i * 144 + j * 12 + k));
        let y = Array1::from_shape_fn(8, |i| (i % 4) as i32);
        let mut model = Sequential::new()
            .add(Input::new([12, 12, 1]))
            .add(Conv2D::new(6, 3).activation("relu"))
            .add(MaxPooling2D::new(2))
            .add(Conv2D::new(8, 3).activation("relu"))
            .add(Flatten::new())
            .add(Dropout::new(0.5))
            .add(Dense::new(4).activation("softmax"))
            .build()?;
        model.compile(Compile::new("adam", "sparse_categorical_crossentropy"))?;
        trained(model, &x, &y, 4)
    });
}

#[test]
fn a_recurrent_network_trains_alike() {
    agree("W3", || {
        let x = Array2::from_shape_fn((12, 7), |(i, j)| ((i * 13 + j * 29) % 50) as i32);
        let y = Array2::from_shape_fn((12, 1), |(i, _)| (i % 2) as i32);
        let mut model = Sequential::new()
            .add(Input::new([7]).dtype(DType::I32))
            .add(Embedding::new(50, 12))
            .add(LSTM::new(9))
            .add(Dense::new(1).activation("sigmoid"))
            .build()?;
        model.compile(Compile::new("adam", "binary_crossentropy"))?;
        trained(model, &x, &y, 6)
    });
}

/// Each word looks at those before it, then all think for themselves.
fn block(x: &Symbol) -> Symbol {
    let causal = Keywords::new().constant("use_causal_mask", true);
    let calm = LayerNormalization::new().apply(x);
    let seen = MultiHeadAttention::new(2, 6).apply_with([&calm, &calm], causal).swap_remove(0);
    let x = Add::new().apply([x, &seen]);
    let thought = Dense::new(24).activation("gelu").apply(LayerNormalization::new().apply(&x));
    Add::new().apply([&x, &Dense::new(12).apply(&thought)])
}

#[test]
fn a_transformer_trains_alike() {
    agree("W4", || {
        let x = Array2::from_shape_fn((6, 9), |(i, j)| ((i * 7 + j * 3) % 20) as i32);
        let y = Array2::from_shape_fn((6, 9), |(i, j)| ((i * 7 + j * 3 + 3) % 20) as i32);
        let tokens = Input::new([9]).dtype(DType::I32).symbol();
        let thought = block(&block(&Embedding::new(20, 12).apply(&tokens)));
        let mut model = Model::new(&tokens, &Dense::new(20).activation("softmax").apply(&thought))?;
        model.compile(Compile::new("adam", "sparse_categorical_crossentropy"))?;
        trained(model, &x, &y, 3)
    });
}

#[test]
fn a_residual_network_trains_alike() {
    agree("W5", || {
        let x = Array4::from_shape_fn((6, 8, 8, 3), |(i, j, k, l)| noise(i * 192 + j * 24 + k * 3 + l));
        let y = Array1::from_shape_fn(6, |i| (i % 3) as i32);
        let image = input([8, 8, 3]);
        let convolved = |x: &Symbol, filters: usize, strides: usize| {
            let layer = Conv2D::new(filters, 3).strides(strides).padding(Padding::Same).use_bias(false);
            BatchNormalization::new().apply(layer.apply(x))
        };
        let relu = |x: &Symbol| layers::Activation::new("relu").apply(x);
        let first = relu(&convolved(&image, 4, 1));
        let second = relu(&Add::new().apply([&first, &convolved(&relu(&convolved(&first, 4, 1)), 4, 1)]));
        let short = BatchNormalization::new().apply(Conv2D::new(8, 1).strides(2).apply(&second));
        let third = relu(&Add::new().apply([&short, &convolved(&relu(&convolved(&second, 8, 2)), 8, 1)]));
        let class = Dense::new(3).activation("softmax").apply(GlobalAveragePooling2D::new().apply(&third));
        let mut model = Model::new(&image, &class)?;
        model.compile(Compile::new(SGD::new().momentum(0.9), "sparse_categorical_crossentropy"))?;
        trained(model, &x, &y, 3)
    });
}

/// The calls that launch kernels, or after which the host has waited for the device.
const CALLS: [&str; 6] = [
    "cuGraphLaunch",
    "cuLaunchKernel",
    "cuStreamSynchronize",
    "cuMemcpyDtoHAsync_v2",
    "cuMemAlloc_v2",
    "cuMemFree_v2",
];

/// The calls of an epoch of so many batches, after one that has recorded the step.
fn calls_of_an_epoch(emulator: &Emulator, batches: usize) -> Result<[u64; CALLS.len()]> {
    let x = Array2::from_shape_fn((4 * batches, 12), |(i, j)| noise(i * 12 + j));
    let y = Array1::from_shape_fn(4 * batches, |i| (i % 3) as i32);
    let mut model = Sequential::new()
        .add(Input::new([12]))
        .add(Dense::new(16).activation("relu"))
        .add(Dropout::new(0.2))
        .add(Dense::new(3).activation("softmax"))
        .build()?;
    model.compile(Compile::new("adam", "sparse_categorical_crossentropy").metrics(["accuracy"]))?;
    let how = || Fit::new().batch_size(4).verbose(Verbose::Silent);
    model.fit(&x, &y, how())?;
    emulator.reset_calls();
    model.fit(&x, &y, how())?;
    Ok(CALLS.map(|call| emulator.calls(call)))
}

/// A batch of an epoch is one launch of a recorded step, and no number comes back before the epoch is over: an epoch of
/// more batches has as many more launches of graphs, and nothing else.
#[test]
fn a_step_of_training_is_one_launch() {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(emulator) = gpu().and_then(|gpu| gpu.emulator) else { return };
    set_device(Device::Cuda(0));
    let [few, many] = [8, 20].map(|batches| calls_of_an_epoch(emulator, batches).expect("trained"));
    assert_eq!((few[0], many[0]), (8, 20));
    assert_eq!(few[1..], many[1..], "{CALLS:?}");
}
