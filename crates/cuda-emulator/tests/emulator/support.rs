//! A device on the emulator, and launches with arguments by value. The one place here with unsafe code.

use std::ffi::CString;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cornu_cuda_emulator::Emulator;
use cudarc::driver::{
    CudaContext, CudaFunction, CudaSlice, CudaStream, DevicePtr, DeviceRepr, DriverError, LaunchConfig,
    PinnedHostSlice, PushKernelArg,
};
use cudarc::nvrtc::{Ptx, result, sys};

/// The operations of the hardware, which tensor core kernels are compiled behind.
const PTX: &str = include_str!("../../../backend-cuda/src/kernels/ptx.cuh");

/// A stream on the emulated device. Tests take turns: they count calls, and some leave the device unusable.
pub(crate) struct Device {
    pub(crate) emulator: &'static Emulator,
    pub(crate) context: Arc<CudaContext>,
    pub(crate) stream: Arc<CudaStream>,
    _turn: MutexGuard<'static, ()>,
}

static TURN: Mutex<()> = Mutex::new(());

impl Device {
    /// Nothing where there is no emulator, which has then been said.
    pub(crate) fn open() -> Option<Self> {
        let emulator = Emulator::start_or_skip()?;
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        emulator.recover();
        let context = CudaContext::new(0).expect("the emulator has a device");
        // SAFETY: every test works on one stream, in whose order all happens.
        unsafe { context.disable_event_tracking() };
        let stream = context.new_stream().expect("a stream");
        Some(Self { emulator, context, stream, _turn: turn })
    }

    /// Compiles a program for `architecture` and finds a kernel of it.
    pub(crate) fn kernel(&self, source: &str, name: &str, options: &[&str]) -> CudaFunction {
        let image = compile("test.cu", source, options).unwrap_or_else(|log| panic!("{log}"));
        let module = self.context.load_module(Ptx::from_binary(image)).expect("an image of this machine");
        module.load_function(name).expect("the kernel")
    }

    /// The same, behind the operations of the hardware.
    pub(crate) fn hardware_kernel(&self, source: &str, name: &str, options: &[&str]) -> CudaFunction {
        self.kernel(&format!("{PTX}\n#line 1 \"test.cu\"\n{source}"), name, options)
    }

    pub(crate) fn launch(
        &self,
        function: &CudaFunction,
        grid: (u32, u32, u32),
        block: (u32, u32, u32),
        shared_mem_bytes: u32,
        arguments: &[Argument],
    ) -> Result<(), DriverError> {
        let mut launch = self.stream.launch_builder(function);
        for argument in arguments {
            match argument {
                Argument::Memory(address) => launch.arg(address),
                Argument::Int(value) => launch.arg(value),
                Argument::Float(value) => launch.arg(value),
                Argument::Map(map) => launch.arg(map),
            };
        }
        let config = LaunchConfig { grid_dim: grid, block_dim: block, shared_mem_bytes };
        // SAFETY: the kernels of these tests take arguments of these types; those that do wrong are the tests' point,
        // and run where only the emulator is harmed.
        unsafe { launch.launch(config) }.map(|_| ())
    }

    pub(crate) fn upload<T: DeviceRepr>(&self, values: &[T]) -> CudaSlice<T> {
        self.stream.clone_htod(values).expect("device memory")
    }

    pub(crate) fn zeros(&self, count: usize) -> CudaSlice<f32> {
        self.stream.alloc_zeros(count).expect("device memory")
    }

    pub(crate) fn download<T: DeviceRepr + Clone>(&self, memory: &CudaSlice<T>) -> Vec<T> {
        let values = self.stream.clone_dtoh(memory).expect("a copy");
        self.stream.synchronize().expect("the stream");
        values
    }

    pub(crate) fn pinned(&self, count: usize) -> Pinned {
        // SAFETY: it is filled before it is read, and every pattern of bits is a float anyway.
        let mut memory = unsafe { self.context.alloc_pinned::<f32>(count) }.expect("pinned memory");
        let place = memory.as_mut_ptr().expect("its place");
        Pinned { memory, place }
    }

    pub(crate) fn memory<T>(&self, memory: &CudaSlice<T>) -> Argument {
        Argument::Memory(memory.device_ptr(&self.stream).0)
    }
}

/// Pinned memory that is written without waiting for the copies that cudarc knows of.
pub(crate) struct Pinned {
    pub(crate) memory: PinnedHostSlice<f32>,
    place: *mut f32,
}

impl Pinned {
    pub(crate) fn fill(&mut self, value: f32) {
        for i in 0..self.memory.len() {
            // SAFETY: inside of the allocation, which lives as long as `self`; the emulator reads it on this thread.
            unsafe { self.place.add(i).write_volatile(value) };
        }
    }
}

/// A kernel's argument.
pub(crate) enum Argument {
    Memory(u64),
    Int(i32),
    Float(f32),
    Map(TensorMap),
}

/// `CUtensorMap`.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct TensorMap([u8; 128]);

// SAFETY: bytes without pointers that the host follows; it is passed by value.
unsafe impl DeviceRepr for TensorMap {}

/// The map of a matrix of bf16, `rows` x `columns`, for boxes of 64 x 64 with the 128-byte swizzle.
pub(crate) fn tensor_map(address: u64, rows: u64, columns: u64) -> TensorMap {
    use cudarc::driver::sys::*;
    let mut map = TensorMap([0; 128]);
    let (sizes, stride, boxes, steps) = ([columns, rows], [columns * 2], [64u32, 64], [1u32, 1]);
    // SAFETY: every pointer is to an array of the length that two dimensions ask for, alive during the call.
    let result = unsafe {
        cuTensorMapEncodeTiled(
            (&raw mut map).cast(),
            CUtensorMapDataType::CU_TENSOR_MAP_DATA_TYPE_BFLOAT16,
            2,
            address as *mut std::ffi::c_void,
            sizes.as_ptr(),
            stride.as_ptr(),
            boxes.as_ptr(),
            steps.as_ptr(),
            CUtensorMapInterleave::CU_TENSOR_MAP_INTERLEAVE_NONE,
            CUtensorMapSwizzle::CU_TENSOR_MAP_SWIZZLE_128B,
            CUtensorMapL2promotion::CU_TENSOR_MAP_L2_PROMOTION_NONE,
            CUtensorMapFloatOOBfill::CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE,
        )
    };
    assert_eq!(result, CUresult::CUDA_SUCCESS);
    map
}

/// The image of a program, or the compiler's log.
pub(crate) fn compile(file: &str, source: &str, options: &[&str]) -> Result<Vec<u8>, String> {
    let (source, file) = (CString::new(source).unwrap(), CString::new(file).unwrap());
    let program = result::create_program(&source, Some(&file)).expect("a program");
    // SAFETY: the program is one that was just made, and the buffers have the sizes that were asked for.
    unsafe {
        let compiled = result::compile_program(program, options);
        let log = result::get_program_log(program).expect("a log");
        let log: String = log.iter().filter(|&&c| c != 0).map(|&c| c as u8 as char).collect();
        let mut image = Vec::new();
        if compiled.is_ok() {
            let mut bytes = 0;
            sys::nvrtcGetCUBINSize(program, &mut bytes).result().expect("a size");
            image.resize(bytes, 0u8);
            sys::nvrtcGetCUBIN(program, image.as_mut_ptr().cast()).result().expect("an image");
        }
        result::destroy_program(program).expect("the program's end");
        compiled.map(|()| image).map_err(|_| log)
    }
}

/// Numbers in [-1, 1) that look random.
pub(crate) fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / 8_388_608.0 - 1.0
    };
    (0..count).map(|_| next()).collect()
}
