//! Buffers on the device, and how numbers of the host reach them while kernels run.
//!
//! A write goes through pinned memory, which the device copies from by itself on a stream of its own, once the last run
//! that the buffer was given to is over. A buffer that is written again and again between runs, as those of batches
//! are, gets a second piece of memory, and is the one or the other in turn: so the next batch is copied while this one
//! is computed with.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cornu_ir::error::BackendError;

use crate::driver::{Event, Gpu, Memory, Pinned};
use crate::launch::Address;

/// Pieces of pinned memory that are filled in turn.
const STAGES: usize = 4;
/// So often a buffer is written between runs before it is taken for one of a batch.
const WRITES: u32 = 3;
/// Runs whose end can be told apart.
const RUNS: usize = 4;

/// The memory of one buffer.
pub(crate) struct DeviceMemory {
    gpu: Arc<Gpu>,
    slots: Vec<Slot>,
    current: usize,
    /// How often it was written after a run.
    rewritten: u32,
}

struct Slot {
    memory: Memory,
    /// The number of the last run that it was given to.
    used: AtomicU64,
}

impl Slot {
    fn new(gpu: &Gpu, bytes: usize) -> Result<Slot, BackendError> {
        Ok(Slot { memory: Memory::zeroed(gpu, bytes)?, used: AtomicU64::new(0) })
    }
}

impl DeviceMemory {
    pub(crate) fn zeroed(gpu: &Arc<Gpu>, bytes: usize) -> Result<DeviceMemory, BackendError> {
        Ok(DeviceMemory { gpu: gpu.clone(), slots: vec![Slot::new(gpu, bytes)?], current: 0, rewritten: 0 })
    }

    /// Where it lies now.
    pub(crate) fn address(&self) -> Address {
        self.slots[self.current].memory.address()
    }

    /// The GPU it lies on.
    pub(crate) fn gpu(&self) -> &Arc<Gpu> {
        &self.gpu
    }

    /// Says that the run of this number has it.
    pub(crate) fn use_in(&self, run: u64) {
        self.slots[self.current].used.store(run, Ordering::Relaxed);
    }

    /// Overwrites it with what `fill` writes into as many bytes.
    pub(crate) fn write(&mut self, feed: &Feed, fill: impl FnOnce(&mut [u8])) -> Result<(), BackendError> {
        let bytes = self.slots[0].memory.bytes();
        if self.slots[self.current].used.load(Ordering::Relaxed) > 0 {
            self.rewritten = self.rewritten.saturating_add(1);
        }
        if self.rewritten >= WRITES {
            if self.slots.len() == 1 {
                self.slots.push(Slot::new(&self.gpu, bytes)?);
            }
            self.current = 1 - self.current;
        }
        let slot = &self.slots[self.current];
        feed.upload(&self.gpu, &slot.memory, slot.used.load(Ordering::Relaxed), fill)
    }

    /// Copies it to the host, after all work that was queued before.
    pub(crate) fn read(&self, to: &mut [u8]) -> Result<(), BackendError> {
        self.gpu.stream.download(&self.slots[self.current].memory, to)
    }
}

/// What feeds a GPU: the pinned memory, and the ends of runs.
pub(crate) struct Feed(Mutex<State>);

struct State {
    stages: Vec<Stage>,
    next: usize,
    /// How many runs have begun, and where the last of them ended.
    runs: u64,
    ends: Vec<Event>,
}

/// Where the end of a run is marked.
fn place(run: u64) -> usize {
    (run % RUNS as u64) as usize
}

struct Stage {
    memory: Pinned,
    /// Comes when the last copy from it is done.
    copied: Event,
}

impl Feed {
    pub(crate) fn new(gpu: &Gpu) -> Result<Feed, BackendError> {
        let events = |count: usize| (0..count).map(|_| gpu.event(false)).collect::<Result<Vec<Event>, _>>();
        let stage = |copied| Ok(Stage { memory: Pinned::new(gpu, 0)?, copied });
        let stages = events(STAGES)?.into_iter().map(stage).collect::<Result<_, BackendError>>()?;
        Ok(Feed(Mutex::new(State { stages, next: 0, runs: 0, ends: events(RUNS)? })))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of a run that is about to be queued.
    pub(crate) fn begin_run(&self) -> u64 {
        let mut state = self.state();
        state.runs += 1;
        state.runs
    }

    /// Marks the end of that run on the stream of kernels, after it has been queued.
    pub(crate) fn end_run(&self, gpu: &Gpu, run: u64) -> Result<(), BackendError> {
        gpu.stream.record(&self.state().ends[place(run)])
    }

    /// Copies what `fill` writes to the device, once run number `used` is over; later kernels wait for it.
    fn upload(
        &self,
        gpu: &Gpu,
        to: &Memory,
        used: u64,
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<(), BackendError> {
        let mut state = self.state();
        let State { stages, next, ends, .. } = &mut *state;
        let stage = &mut stages[*next];
        *next = (*next + 1) % STAGES;
        let bytes = to.bytes();
        stage.copied.synchronize()?;
        if stage.memory.bytes() < bytes {
            stage.memory = Pinned::new(gpu, bytes)?;
        }
        fill(&mut stage.memory.as_mut_slice()[..bytes]);
        if used > 0 {
            // The event may mark a later run by now; that it waits for that one does no harm.
            gpu.uploads.wait(&ends[place(used)])?;
        }
        gpu.uploads.upload(to, &stage.memory, bytes)?;
        gpu.uploads.record(&stage.copied)?;
        gpu.stream.wait(&stage.copied)
    }
}
