//! The driver, as safe types over cudarc: a GPU with its streams, memory on it, modules, launches, recorded graphs.
//!
//! Everything here first makes the GPU's context the current one of the calling thread. Work is queued and done in the
//! order of a stream; what is said of an address holds for the work that is queued with it, so memory is only given
//! back after the device has come to rest.

use std::ffi::{CString, c_void};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cornu_ir::DType;
use cornu_ir::error::BackendError;
use cudarc::driver::sys::{
    self, CUevent_flags, CUfunction_attribute, CUstreamCaptureMode, CUtensorMap, CUtensorMapDataType,
    CUtensorMapFloatOOBfill, CUtensorMapInterleave, CUtensorMapL2promotion, CUtensorMapSwizzle,
};
use cudarc::driver::{CudaContext, CudaEvent, CudaGraph, CudaStream, DriverError, result};

use crate::NAME;
use crate::error::failed;
use crate::launch::{Address, MAP_WORDS, Ready, TensorMap};

/// Shared memory that every block may have without asking.
const SHARED_WITHOUT_ASKING: u32 = 48 << 10;

/// One GPU, opened: its context, a stream for kernels and one for what is copied to the device meanwhile.
pub(crate) struct Gpu {
    context: Arc<CudaContext>,
    pub(crate) stream: Stream,
    pub(crate) uploads: Stream,
    /// Where work is recorded: nothing else is queued here, so what other threads do meanwhile does not get into it.
    recorder: Mutex<Stream>,
}

/// The error of a call of the driver.
fn said(call: &str, error: DriverError) -> BackendError {
    let name = error.error_name().map(|name| name.to_string_lossy().into_owned());
    let words = error.error_string().map(|words| words.to_string_lossy().into_owned());
    match (name, words) {
        (Ok(name), Ok(words)) => failed(format!("{call} failed: {words} ({name})")),
        _ => failed(format!("{call} failed: {:?}", error.0)),
    }
}

impl Gpu {
    /// Opens the GPU of this number, which the driver has said is there.
    pub(crate) fn open(ordinal: usize) -> Result<Gpu, BackendError> {
        let context = CudaContext::new(ordinal).map_err(|error| said("opening the device", error))?;
        // SAFETY: this crate orders its streams by events of its own, and uses none of cudarc's typed memory, which
        // alone the tracking is for.
        unsafe { context.disable_event_tracking() };
        let stream = || -> Result<Stream, BackendError> {
            let stream = context.new_stream().map_err(|error| said("cuStreamCreate", error))?;
            Ok(Stream(stream))
        };
        let (stream, uploads, recorder) = (stream()?, stream()?, Mutex::new(stream()?));
        Ok(Gpu { context, stream, uploads, recorder })
    }

    pub(crate) fn ordinal(&self) -> usize {
        self.context.ordinal()
    }

    /// The name of the device: "NVIDIA H100 80GB HBM3".
    pub(crate) fn name(&self) -> Result<String, BackendError> {
        self.context.name().map_err(|error| said("cuDeviceGetName", error))
    }

    /// The architecture as compilers name it. 9.0 has instructions of its own that later ones lack, under `sm_90a`.
    pub(crate) fn architecture(&self) -> Result<String, BackendError> {
        let capability = self.context.compute_capability();
        let (major, minor) = capability.map_err(|error| said("cuDeviceGetAttribute", error))?;
        Ok(if (major, minor) == (9, 0) { "sm_90a".into() } else { format!("sm_{major}{minor}") })
    }

    fn bind(&self) -> Result<(), BackendError> {
        self.context.bind_to_thread().map_err(|error| said("cuCtxSetCurrent", error))
    }

    /// An event; one that is to tell times, too, if asked.
    pub(crate) fn event(&self, timed: bool) -> Result<Event, BackendError> {
        self.bind()?;
        let flags =
            if timed { CUevent_flags::CU_EVENT_DEFAULT } else { CUevent_flags::CU_EVENT_DISABLE_TIMING };
        self.context.new_event(Some(flags)).map(Event).map_err(|error| said("cuEventCreate", error))
    }

    /// Records the work that `queue` would queue on the stream it is given, instead of doing it.
    pub(crate) fn record(
        &self,
        queue: impl FnOnce(&Stream) -> Result<(), BackendError>,
    ) -> Result<Option<Graph>, BackendError> {
        let recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        let mode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        recorder.0.begin_capture(mode).map_err(|error| said("cuStreamBeginCapture", error))?;
        let queued = queue(&recorder);
        // The recording is ended even if it failed: or the stream would be of no more use.
        let graph = recorder.0.end_capture(sys::CUgraphInstantiate_flags(0));
        queued?;
        let graph = graph.map_err(|error| said("cuStreamEndCapture or cuGraphInstantiate", error))?;
        Ok(graph.map(Graph))
    }

    /// Loads a compiled program.
    pub(crate) fn load(&self, image: &[u8]) -> Result<Module, BackendError> {
        self.bind()?;
        // SAFETY: an image is a cubin that the compiler has just made, or one read back from the cache it wrote; the
        // driver checks its header, and reads no further than that says.
        let module = unsafe { result::module::load_data(image.as_ptr().cast()) };
        let module = module.map_err(|error| said("cuModuleLoadData", error))?;
        Ok(Module { module, context: self.context.clone() })
    }
}

/// A map as the tensor memory accelerator reads it: rows of a copy are 128 bytes, with chunks in the order that the
/// tensor cores ask for, and zeros stand for what is outside of the tensor.
fn encoded(map: &TensorMap, address: Address) -> Result<[u64; MAP_WORDS], BackendError> {
    let dtype = match map.dtype {
        DType::BF16 => CUtensorMapDataType::CU_TENSOR_MAP_DATA_TYPE_BFLOAT16,
        DType::F16 => CUtensorMapDataType::CU_TENSOR_MAP_DATA_TYPE_FLOAT16,
        other => unreachable!("tensor maps are made of halves, not of {other}"),
    };
    let sizes = map.sizes.map(|size| size as u64);
    let row = sizes[0] * map.dtype.bytes() as u64;
    let (strides, steps) = ([row, row * sizes[1]], [1u32; 3]);
    let mut encoded = CUtensorMap { opaque: [0; MAP_WORDS] };
    // SAFETY: every pointer is to an array of as many numbers as three axes ask for, alive during the call. The
    // address is only written down; what is read there later is the launch's to answer for.
    let result = unsafe {
        sys::cuTensorMapEncodeTiled(
            &raw mut encoded,
            dtype,
            3,
            address as *mut c_void,
            sizes.as_ptr(),
            strides.as_ptr(),
            map.copied.as_ptr(),
            steps.as_ptr(),
            CUtensorMapInterleave::CU_TENSOR_MAP_INTERLEAVE_NONE,
            CUtensorMapSwizzle::CU_TENSOR_MAP_SWIZZLE_128B,
            CUtensorMapL2promotion::CU_TENSOR_MAP_L2_PROMOTION_L2_128B,
            CUtensorMapFloatOOBfill::CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE,
        )
    };
    result.result().map_err(|error| said(&format!("cuTensorMapEncodeTiled of {:?}", map.sizes), error))?;
    Ok(encoded.opaque)
}

/// A queue of work.
pub(crate) struct Stream(Arc<CudaStream>);

/// A point in a stream.
pub(crate) struct Event(CudaEvent);

impl Event {
    /// The time that passed on the device from this event to `later`, both timed, once both have come.
    pub(crate) fn until(&self, later: &Event) -> Result<Duration, BackendError> {
        let milliseconds = self.0.elapsed_ms(&later.0).map_err(|error| said("cuEventElapsedTime", error))?;
        Ok(Duration::from_secs_f64(f64::from(milliseconds.max(0.0)) * 1e-3))
    }

    /// Waits until all work before it is done.
    pub(crate) fn synchronize(&self) -> Result<(), BackendError> {
        self.0.synchronize().map_err(|error| said("cuEventSynchronize", error))
    }
}

impl Stream {
    /// Marks what has been queued so far.
    pub(crate) fn record(&self, event: &Event) -> Result<(), BackendError> {
        event.0.record(&self.0).map_err(|error| said("cuEventRecord", error))
    }

    /// Does nothing further until what an event marks is done.
    pub(crate) fn wait(&self, event: &Event) -> Result<(), BackendError> {
        self.0.wait(&event.0).map_err(|error| said("cuStreamWaitEvent", error))
    }

    /// Waits on the host until all work is done.
    pub(crate) fn synchronize(&self) -> Result<(), BackendError> {
        self.0.synchronize().map_err(|error| said("the work on the device", error))
    }

    /// Queues a kernel.
    pub(crate) fn launch(&self, function: &Function, ready: &mut Ready<'_>) -> Result<(), BackendError> {
        let launch = ready.launch;
        let params = &mut ready.params;
        for (start, address, map) in &ready.maps {
            params[*start..start + MAP_WORDS].copy_from_slice(&encoded(map, *address)?);
        }
        let mut pointers: smallvec::SmallVec<[*mut c_void; 8]> =
            ready.starts.iter().map(|&start| (&raw mut params[start]).cast()).collect();
        let [x, y, z] = launch.grid;
        // SAFETY: the function is of a module that the caller keeps. Its parameters are as many, and as large, as the
        // launcher declared them in the very text that the function was compiled from. They point at memory that the
        // run has checked and that lives until the device is done with it (see `Memory`); what kernels do inside of it
        // is checked by running them all in the emulator under a sanitizer.
        let queued = unsafe {
            let block = (launch.threads, 1, 1);
            result::launch_kernel(
                function.0,
                (x, y, z),
                block,
                launch.shared,
                self.0.cu_stream(),
                &mut pointers,
            )
        };
        queued.map_err(|error| said("cuLaunchKernel", error))
    }

    /// Queues a copy to the device.
    ///
    /// The host's memory must stay as it is until the copy is done: hence [`Pinned`], which its owner overwrites only
    /// after an event behind the copy has come.
    pub(crate) fn upload(&self, to: &Memory, from: &Pinned, bytes: usize) -> Result<(), BackendError> {
        assert!(bytes <= to.bytes && bytes <= from.bytes, "a copy stays within both sides");
        if bytes == 0 {
            return Ok(());
        }
        // SAFETY: the range was checked above; see the comment on the lifetime there.
        let queued = unsafe {
            let from = std::slice::from_raw_parts(from.pointer.cast::<u8>(), bytes);
            result::memcpy_htod_async(to.address, from, self.0.cu_stream())
        };
        queued.map_err(|error| said("cuMemcpyHtoDAsync", error))
    }

    /// Copies from the device, after all that is queued here, and waits for it.
    pub(crate) fn download(&self, from: &Memory, to: &mut [u8]) -> Result<(), BackendError> {
        assert_eq!(to.len(), from.bytes, "a copy of the whole");
        if !to.is_empty() {
            from.context.bind_to_thread().map_err(|error| said("cuCtxSetCurrent", error))?;
            // SAFETY: both sides have as many bytes, and the call below waits until they are there.
            let queued = unsafe { result::memcpy_dtoh_async(to, from.address, self.0.cu_stream()) };
            queued.map_err(|error| said("cuMemcpyDtoHAsync", error))?;
        }
        self.synchronize()
    }
}

/// Work recorded once, to be queued again and again.
pub(crate) struct Graph(CudaGraph);

// SAFETY: a graph is used by one thread at a time, through `&mut self`; the driver binds it to none.
unsafe impl Send for Graph {}

impl Graph {
    /// Queues all of it.
    pub(crate) fn launch(&mut self, stream: &Stream) -> Result<(), BackendError> {
        stream.0.context().bind_to_thread().map_err(|error| said("cuCtxSetCurrent", error))?;
        // SAFETY: both live; the memory that the recorded kernels were given does so until the work is done (see
        // `Memory`), and the graph, too, since whoever drops it waits for the stream first.
        let queued = unsafe { result::graph::launch(self.0.cu_graph_exec(), stream.0.cu_stream()) };
        queued.map_err(|error| said("cuGraphLaunch", error))
    }
}

/// Memory on the device.
pub(crate) struct Memory {
    address: Address,
    bytes: usize,
    context: Arc<CudaContext>,
}

impl Memory {
    /// So many zeros.
    pub(crate) fn zeroed(gpu: &Gpu, bytes: usize) -> Result<Memory, BackendError> {
        gpu.bind()?;
        let context = gpu.context.clone();
        if bytes == 0 {
            return Ok(Memory { address: 0, bytes, context });
        }
        // SAFETY: the memory is set to zeros before anything reads it: by work on the stream that kernels run on, and
        // which the host waits for here, so that copies on the other stream come later, too.
        let address = unsafe { result::malloc_sync(bytes) }.map_err(|error| match error.0 {
            sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY => BackendError::OutOfMemory { backend: NAME, bytes },
            _ => said("cuMemAlloc", error),
        })?;
        let memory = Memory { address, bytes, context };
        // SAFETY: the range is the memory that has just been taken.
        let queued = unsafe { result::memset_d8_async(address, 0, bytes, gpu.stream.0.cu_stream()) };
        queued.map_err(|error| said("cuMemsetD8Async", error))?;
        gpu.stream.synchronize()?;
        Ok(memory)
    }

    pub(crate) fn address(&self) -> Address {
        self.address
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if self.bytes > 0 && self.context.bind_to_thread().is_ok() {
            // SAFETY: taken in `zeroed`, and given back once. The driver lets the device finish all work first. If it
            // fails the device is lost, and nothing is left to be done.
            let _ = unsafe { result::free_sync(self.address) };
        }
    }
}

/// Memory of the host that the device copies from by itself.
pub(crate) struct Pinned {
    pointer: *mut c_void,
    bytes: usize,
    context: Arc<CudaContext>,
}

// SAFETY: the memory is owned, and is written through `&mut self` only.
unsafe impl Send for Pinned {}

impl Pinned {
    pub(crate) fn new(gpu: &Gpu, bytes: usize) -> Result<Pinned, BackendError> {
        gpu.bind()?;
        // SAFETY: what is read of it has been written before.
        let pointer = unsafe { result::malloc_host(bytes.max(1), 0) };
        let pointer = pointer.map_err(|error| said("cuMemHostAlloc", error))?;
        // SAFETY: the range is the memory that has just been taken: a slice of it may be made from now on.
        unsafe { pointer.cast::<u8>().write_bytes(0, bytes.max(1)) };
        Ok(Pinned { pointer, bytes, context: gpu.context.clone() })
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: `bytes` bytes from `pointer` are ours and initialised, and `&mut self` is the only way in.
        unsafe { std::slice::from_raw_parts_mut(self.pointer.cast(), self.bytes) }
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        if self.context.bind_to_thread().is_ok() {
            // SAFETY: taken in `new`, and given back once; the driver lets copies from it finish first.
            let _ = unsafe { result::free_host(self.pointer) };
        }
    }
}

/// A program on the device.
pub(crate) struct Module {
    module: sys::CUmodule,
    context: Arc<CudaContext>,
}

// SAFETY: the driver's handles of modules and functions may be used from any thread.
unsafe impl Send for Module {}

/// A kernel of a module, valid as long as that.
pub(crate) struct Function(sys::CUfunction);

// SAFETY: as for modules.
unsafe impl Send for Function {}

impl Module {
    /// The kernel of this name, ready for blocks with so many bytes of dynamic shared memory.
    pub(crate) fn function(&self, name: &str, shared: u32) -> Result<Function, BackendError> {
        self.context.bind_to_thread().map_err(|error| said("cuCtxSetCurrent", error))?;
        let c_name = CString::new(name).map_err(|_| failed(format!("`{name}` is no name of a kernel")))?;
        // SAFETY: the module is loaded, and stays so while `self` lives.
        let function = unsafe { result::module::get_function(self.module, c_name) };
        let function = function.map_err(|error| said(&format!("cuModuleGetFunction of `{name}`"), error))?;
        if shared > SHARED_WITHOUT_ASKING {
            let attribute = CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            // SAFETY: the function is of a loaded module.
            let set = unsafe {
                result::function::set_function_attribute(function, attribute, shared.cast_signed())
            };
            set.map_err(|error| said(&format!("{shared} bytes of shared memory for `{name}`"), error))?;
        }
        Ok(Function(function))
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        if self.context.bind_to_thread().is_ok() {
            // SAFETY: loaded in `Gpu::load`, and unloaded once. Those who launch its kernels wait for them first.
            let _ = unsafe { result::module::unload(self.module) };
        }
    }
}
