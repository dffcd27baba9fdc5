//! What a driver checks and counts, without any kernel of interest.

use cudarc::driver::sys::{CUdevice_attribute, CUfunction_attribute, CUresult};
use cudarc::driver::{CudaContext, DriverError};
use cudarc::nvrtc::Ptx;

use crate::support::{Argument, Device, compile};

const ELEMENTWISE: &str = include_str!("../kernels/elementwise.cu");

fn code(result: Result<(), DriverError>) -> CUresult {
    result.map_or_else(|error| error.0, |()| CUresult::CUDA_SUCCESS)
}

#[test]
fn one_device_with_the_numbers_of_an_h100() {
    let Some(device) = Device::open() else { return };
    assert_eq!(CudaContext::device_count().unwrap(), 1);
    assert_eq!(device.context.compute_capability().unwrap(), (9, 0));
    assert_eq!(device.context.name().unwrap(), "Cornu's CUDA emulator");
    let attribute = |attribute| device.context.attribute(attribute);
    use CUdevice_attribute::*;
    assert_eq!(attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT).unwrap(), 132);
    assert_eq!(attribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN).unwrap(), 232_448);
    assert_eq!(attribute(CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED).unwrap(), 0);
    assert!(attribute(CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_WIDTH).is_err());
}

#[test]
fn copies_arrive_and_new_memory_is_not_zero() {
    let Some(device) = Device::open() else { return };
    let values: Vec<f32> = (0..1000).map(|i| i as f32).collect();
    let memory = device.upload(&values);
    assert_eq!(device.download(&memory), values);
    assert!(device.download(&device.zeros(77)).iter().all(|&value| value == 0.0));
    // SAFETY: what was never written is read on purpose; every pattern of bits is a float.
    let fresh = unsafe { device.stream.alloc::<f32>(33) }.unwrap();
    assert!(device.download(&fresh).iter().all(|value| value.is_nan()));
}

#[test]
fn copies_out_of_bounds_and_of_freed_memory_are_refused() {
    use cudarc::driver::result::{free_sync, malloc_sync, memcpy_dtoh_sync, memcpy_htod_sync};
    let Some(_device) = Device::open() else { return };
    let mut values = [1u8; 65];
    // SAFETY: the stand-in driver looks at the range before it touches anything.
    unsafe {
        let memory = malloc_sync(64).unwrap();
        assert_eq!(code(memcpy_htod_sync(memory, &values)), CUresult::CUDA_ERROR_INVALID_VALUE);
        assert_eq!(code(memcpy_htod_sync(memory, &values[..64])), CUresult::CUDA_SUCCESS);
        assert_eq!(code(memcpy_dtoh_sync(&mut values, memory)), CUresult::CUDA_ERROR_INVALID_VALUE);
        free_sync(memory).unwrap();
        assert_eq!(code(memcpy_dtoh_sync(&mut values[..8], memory)), CUresult::CUDA_ERROR_INVALID_VALUE);
        assert_eq!(code(free_sync(memory)), CUresult::CUDA_ERROR_INVALID_VALUE);
    }
}

#[test]
fn launches_beyond_the_limits_are_refused() {
    let Some(device) = Device::open() else { return };
    let scale = device.kernel(ELEMENTWISE, "scale", &["--gpu-architecture=sm_90a"]);
    let bounded = device.kernel(ELEMENTWISE, "exponential", &["--gpu-architecture=sm_90a"]);
    let memory = device.zeros(4);
    let four = || [device.memory(&memory), device.memory(&memory), Argument::Float(2.0), Argument::Int(4)];
    let three = || [device.memory(&memory), device.memory(&memory), Argument::Int(4)];
    let launch = |grid, block, shared| code(device.launch(&scale, grid, block, shared, &four()));
    assert_eq!(launch((1, 1, 1), (1024, 1, 1), 0), CUresult::CUDA_SUCCESS);
    assert_eq!(launch((1, 1, 1), (1025, 1, 1), 0), CUresult::CUDA_ERROR_INVALID_VALUE);
    assert_eq!(launch((1, 1, 1), (1, 1, 65), 0), CUresult::CUDA_ERROR_INVALID_VALUE);
    assert_eq!(launch((0, 1, 1), (32, 1, 1), 0), CUresult::CUDA_ERROR_INVALID_VALUE);
    assert_eq!(launch((1, 65536, 1), (32, 1, 1), 0), CUresult::CUDA_ERROR_INVALID_VALUE);
    assert_eq!(launch((1, 1, 1), (32, 1, 1), 50_000), CUresult::CUDA_ERROR_INVALID_VALUE);
    let limit = CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
    scale.set_attribute(limit, 50_000).unwrap();
    assert_eq!(launch((1, 1, 1), (32, 1, 1), 50_000), CUresult::CUDA_SUCCESS);
    assert!(scale.set_attribute(limit, 232_449).is_err());
    let too_many = code(device.launch(&bounded, (1, 1, 1), (257, 1, 1), 0, &three()));
    assert_eq!(too_many, CUresult::CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES);
}

#[test]
fn globals_of_a_module_can_be_written() {
    let Some(device) = Device::open() else { return };
    let image = compile("test.cu", ELEMENTWISE, &[]).unwrap();
    let module = device.context.load_module(Ptx::from_binary(image)).unwrap();
    let mut table = module.get_global("table", &device.stream).unwrap();
    assert_eq!(table.len(), 16);
    let bytes: Vec<u8> = [1.0f32, 2.0, 3.0, 4.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    device.stream.memcpy_htod(&bytes, &mut table).unwrap();
    let out = device.zeros(6);
    let kernel = module.load_function("from_table").unwrap();
    let arguments = [device.memory(&out), Argument::Int(6)];
    device.launch(&kernel, (1, 1, 1), (32, 1, 1), 0, &arguments).unwrap();
    assert_eq!(device.download(&out), [1.0, 2.0, 3.0, 4.0, 1.0, 2.0]);
}

#[test]
fn calls_are_counted() {
    let Some(device) = Device::open() else { return };
    let scale = device.kernel(ELEMENTWISE, "scale", &[]);
    let memory = device.zeros(4);
    let arguments = [device.memory(&memory), device.memory(&memory), Argument::Float(2.0), Argument::Int(4)];
    device.emulator.reset_calls();
    for _ in 0..3 {
        device.launch(&scale, (1, 1, 1), (32, 1, 1), 0, &arguments).unwrap();
    }
    assert_eq!(device.emulator.calls("cuLaunchKernel"), 3);
    assert_eq!(device.emulator.calls("cuStreamSynchronize"), 0);
    device.stream.synchronize().unwrap();
    assert_eq!(device.emulator.calls("cuStreamSynchronize"), 1);
}

#[test]
fn images_for_other_devices_are_refused() {
    let Some(device) = Device::open() else { return };
    let load = |option| {
        let image = compile("test.cu", ELEMENTWISE, &[option]).unwrap();
        device.context.load_module(Ptx::from_binary(image)).map(drop).map_err(|error| error.0)
    };
    assert_eq!(load("--gpu-architecture=compute_80"), Ok(()));
    assert_eq!(load("--gpu-architecture=sm_90a"), Ok(()));
    assert_eq!(load("--gpu-architecture=sm_80"), Err(CUresult::CUDA_ERROR_NO_BINARY_FOR_GPU));
    let nonsense = device.context.load_module(Ptx::from_binary(vec![7; 100]));
    assert_eq!(nonsense.unwrap_err().0, CUresult::CUDA_ERROR_INVALID_IMAGE);
}

#[test]
fn another_device_by_the_environment() {
    if Device::open().is_none() {
        return;
    }
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--include-ignored", "--exact", "driver::an_a100"]).env("CORNU_EMULATOR_ARCH", "8.0");
    assert!(command.output().unwrap().status.success());
}

#[test]
#[ignore = "run by the test of the environment"]
fn an_a100() {
    let Some(device) = Device::open() else { return };
    assert_eq!(device.context.compute_capability().unwrap(), (8, 0));
    let opt_in = CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN;
    assert_eq!(device.context.attribute(opt_in).unwrap(), 166_912);
    let image = compile("test.cu", ELEMENTWISE, &["--gpu-architecture=sm_90a"]).unwrap();
    assert!(device.context.load_module(Ptx::from_binary(image)).is_err());
}
