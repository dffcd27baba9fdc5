//! A run is one recorded graph: after the first run nothing is launched but that, and nothing waits for the device.

mod common;

use cornu_ir::backend::{Backend, Buffer};
use cornu_ir::ops::Dot;
use cornu_ir::passes::optimize;
use cornu_ir::plan::plan;
use cornu_ir::{Builder, DType, Tensor, Type};

/// Calls after which the host has waited for the device.
const WAITS: [&str; 6] = [
    "cuStreamSynchronize",
    "cuCtxSynchronize",
    "cuEventSynchronize",
    "cuMemcpyDtoHAsync_v2",
    "cuMemcpyDtoH_v2",
    "cuMemFree_v2",
];

/// `w ← w - 0.1·x`, twice over, with a branch and a loop's worth of kernels between, is what a step of training is.
#[test]
fn a_step_is_one_launch_and_no_wait() {
    let Some(cuda) = common::gpu() else { return };
    let b = Builder::new();
    let ty = Type::new(DType::F32, [8, 8]);
    let (w, x) = (b.input("w", ty.clone()), b.input("x", ty.clone()));
    let next = w - x.dot(w, Dot::contracting([1], [0])) * 0.1;
    let graph = b.finish_with_state(1, &[next, next.sum(&[0, 1])]).expect("well typed");
    let mut step = cuda.compile(&plan(&optimize(&graph))).expect("compiled");
    let ones = Tensor::from_floats(&ty, vec![0.01; 64]);
    let mut state = [cuda.upload(&ones).expect("memory")];
    let input = cuda.upload(&ones).expect("memory");
    let mut outputs: Vec<Buffer> = vec![cuda.allocate(&Type::scalar(DType::F32)).expect("memory")];
    step.run(&mut state, &[&input], &mut outputs).expect("run");
    // A real driver counts nothing; there the rest of this test is only a run.
    let Some(emulator) = common::emulator() else { return };
    emulator.reset_calls();
    for _ in 0..5 {
        step.run(&mut state, &[&input], &mut outputs).expect("run");
    }
    assert_eq!(emulator.calls("cuGraphLaunch"), 5);
    assert_eq!(emulator.calls("cuLaunchKernel"), 0);
    for wait in WAITS {
        assert_eq!(emulator.calls(wait), 0, "{wait}");
    }
}

/// What is written to a buffer while a step runs does not change what that step reads.
#[test]
fn batches_are_written_while_steps_run() {
    let Some(cuda) = common::gpu() else { return };
    let b = Builder::new();
    let ty = Type::new(DType::F32, [100]);
    let (sum, x) = (b.input("sum", ty.clone()), b.input("x", ty.clone()));
    let graph = b.finish_with_state(1, &[sum + x]).expect("well typed");
    let mut step = cuda.compile(&plan(&optimize(&graph))).expect("compiled");
    let mut state = [cuda.allocate(&ty).expect("memory")];
    let mut input = cuda.allocate(&ty).expect("memory");
    for batch in 1..=6 {
        let numbers = Tensor::from_floats(&ty, vec![f64::from(batch); 100]);
        cuda.write(&mut input, &numbers).expect("written");
        step.run(&mut state, &[&input], &mut []).expect("run");
    }
    let sum = cuda.download(&state[0]).expect("read");
    assert_eq!(sum.floats(), vec![21.0; 100]);
}
