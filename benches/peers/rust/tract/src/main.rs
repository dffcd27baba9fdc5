//! Predicts with tract: `tract FOLDER WORKLOAD MEASURE`, where FOLDER has the networks as ONNX files.

use companion::{Failed, Round, each, floats, no_such, samples_a_second, serve};
use tract_linalg::multithread::{Executor, set_default_executor};
use tract_onnx::prelude::*;

fn main() -> Result<(), Failed> {
    set_default_executor(Executor::multithread(std::thread::available_parallelism()?.get()));
    serve("tract-onnx", make)
}

fn make(key: &str) -> Result<Round, Failed> {
    let (network, images) = match key {
        "W7 mobilenet_v2 x1" => ("mobilenet_v2", 1),
        "W7 mobilenet_v2 x8" => ("mobilenet_v2", 8),
        "W7 resnet50 x1" => ("resnet50", 1),
        "W7 resnet50 x8" => ("resnet50", 8),
        _ => return Err(no_such(key)),
    };
    let folder = std::env::args().nth(1).unwrap_or_default();
    let path = format!("{folder}/{network}_x{images}.onnx");
    let plan = tract_onnx::onnx().model_for_path(path)?.into_optimized()?.into_runnable()?;
    let x = Tensor::from_shape(&[images, 3, 224, 224], &floats(images * 3 * 224 * 224, 1))?;
    let predict = move || {
        plan.run(tvec!(x.clone().into()))?;
        Ok(())
    };
    Ok(match images {
        1 => each(5, 1e3, predict),
        _ => samples_a_second(5 * images, move || (0..5).try_for_each(|_| predict())),
    })
}
