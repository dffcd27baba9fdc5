//! Execution: a lowered plan with its memory on the device, recorded as a graph and queued again and again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use cornu_ir::backend::{Buffer, Executable, expect_types};
use cornu_ir::error::BackendError;
use cornu_ir::plan::{Place, Plan};
use cornu_ir::types::Type;

use crate::NAME;
use crate::driver::{Function, Gpu, Graph, Memory, Module, Stream};
use crate::error::foreign;
use crate::host;
use crate::launch::{Address, Work, walk};
use crate::lower::Lowered;
use crate::memory::{DeviceMemory, Feed};

/// How many recordings a plan keeps. Batches lie in two places in turn; and a model
/// that is run on buffers of different callers has some more.
const GRAPHS: usize = 8;

/// A plan made ready to run.
pub(crate) struct Execution {
    gpu: Arc<Gpu>,
    feed: Arc<Feed>,
    works: Vec<Work>,
    /// How many works there are up to the end of each step of the plan.
    ends: Vec<usize>,
    /// Types of state, inputs and outputs.
    state: Vec<Type>,
    inputs: Vec<Type>,
    outputs: Vec<Type>,
    /// Where each buffer lies, and the addresses of this run; those of constants and arena never change.
    places: Vec<Place>,
    addresses: Vec<Address>,
    /// Recordings, by the addresses that they were made for, the last used last. They go before what they point at.
    graphs: VecDeque<(Vec<Address>, Graph)>,
    functions: Vec<Function>,
    _module: Option<Module>,
    /// What addresses point into.
    _memory: Vec<DeviceMemory>,
    _arena: Memory,
}

impl Execution {
    /// Takes all the memory that runs will need.
    pub(crate) fn new(
        plan: &Plan,
        lowered: Lowered,
        program: Option<(Module, Vec<Function>)>,
        gpu: &Arc<Gpu>,
        feed: &Arc<Feed>,
    ) -> Result<Execution, BackendError> {
        let Lowered { works, ends, places, arena_bytes, constants } = lowered;
        let arena = Memory::zeroed(gpu, arena_bytes)?;
        let mut memory = Vec::with_capacity(constants.len());
        for constant in &constants {
            let mut copy = DeviceMemory::zeroed(gpu, constant.ty().bytes())?;
            copy.write(feed, |to| to.copy_from_slice(host::bytes(constant)))?;
            memory.push(copy);
        }
        let address = |place: &Place| match *place {
            Place::Arena(offset) => arena.address() + offset as Address,
            Place::Constant(index) => memory[index].address(),
            // Set anew by every run.
            Place::State(_) | Place::Input(_) | Place::Output(_) => 0,
        };
        let addresses = places.iter().map(address).collect();
        let (module, functions) = match program {
            Some((module, functions)) => (Some(module), functions),
            None => (None, Vec::new()),
        };
        Ok(Execution {
            gpu: gpu.clone(),
            feed: feed.clone(),
            works,
            ends,
            state: plan.inputs[..plan.state].to_vec(),
            inputs: plan.inputs[plan.state..].to_vec(),
            outputs: plan.outputs[plan.state..].to_vec(),
            places,
            addresses,
            graphs: VecDeque::new(),
            functions,
            _module: module,
            _memory: memory,
            _arena: arena,
        })
    }

    /// Points the addresses at this run's buffers, if they are what the plan says, and answers the number of the run.
    fn bind(
        &mut self,
        state: &mut [Buffer],
        inputs: &[&Buffer],
        outputs: &mut [Buffer],
    ) -> Result<u64, BackendError> {
        expect_types(NAME, "state", state.iter(), &self.state)?;
        expect_types(NAME, "input", inputs.iter().copied(), &self.inputs)?;
        expect_types(NAME, "output", outputs.iter(), &self.outputs)?;
        let run = self.feed.begin_run();
        let of = |buffer: &Buffer| -> Result<Address, BackendError> {
            let memory =
                buffer.memory::<DeviceMemory>().filter(|memory| Arc::ptr_eq(memory.gpu(), &self.gpu));
            let memory = memory.ok_or_else(|| foreign("every buffer of a run"))?;
            memory.use_in(run);
            Ok(memory.address())
        };
        for (address, place) in self.addresses.iter_mut().zip(&self.places) {
            *address = match *place {
                Place::State(index) => of(&state[index])?,
                Place::Output(index) => of(&outputs[index])?,
                Place::Input(index) => of(inputs[index])?,
                Place::Constant(_) | Place::Arena(_) => continue,
            };
        }
        Ok(run)
    }

    /// Queues these works one by one.
    fn queue(&self, works: &[Work], stream: &Stream) -> Result<(), BackendError> {
        walk(works, &self.addresses, 0, &mut |mut ready| {
            stream.launch(&self.functions[ready.launch.kernel.index()], &mut ready)
        })
    }

    /// The recording for the addresses of this run.
    fn graph(&mut self) -> Result<Option<&mut Graph>, BackendError> {
        let known = self.graphs.iter().position(|(addresses, _)| *addresses == self.addresses);
        let recorded = match known {
            Some(place) => self.graphs.remove(place),
            None => {
                let graph = self.gpu.record(|stream| self.queue(&self.works, stream))?;
                graph.map(|graph| (self.addresses.clone(), graph))
            }
        };
        let Some(recorded) = recorded else { return Ok(None) };
        if self.graphs.len() == GRAPHS {
            // What it may still be doing has to end before it goes.
            self.gpu.stream.synchronize()?;
            self.graphs.pop_front();
        }
        self.graphs.push_back(recorded);
        Ok(self.graphs.back_mut().map(|(_, graph)| graph))
    }
}

impl Executable for Execution {
    fn run(
        &mut self,
        state: &mut [Buffer],
        inputs: &[&Buffer],
        outputs: &mut [Buffer],
    ) -> Result<(), BackendError> {
        let run = self.bind(state, inputs, outputs)?;
        if self.works.is_empty() {
            return Ok(());
        }
        let gpu = self.gpu.clone();
        if let Some(graph) = self.graph()? {
            graph.launch(&gpu.stream)?;
        }
        self.feed.end_run(&self.gpu, run)
    }

    fn profile(
        &mut self,
        state: &mut [Buffer],
        inputs: &[&Buffer],
        outputs: &mut [Buffer],
    ) -> Result<Vec<Duration>, BackendError> {
        let run = self.bind(state, inputs, outputs)?;
        let mut marks = Vec::with_capacity(self.ends.len() + 1);
        let mut mark = || -> Result<(), BackendError> {
            let event = self.gpu.event(true)?;
            self.gpu.stream.record(&event)?;
            marks.push(event);
            Ok(())
        };
        mark()?;
        let mut done = 0;
        for &end in &self.ends {
            self.queue(&self.works[done..end], &self.gpu.stream)?;
            mark()?;
            done = end;
        }
        self.feed.end_run(&self.gpu, run)?;
        self.gpu.stream.synchronize()?;
        marks.windows(2).map(|pair| pair[0].until(&pair[1])).collect()
    }
}

impl Drop for Execution {
    fn drop(&mut self) {
        // Its kernels may still be running, and its module goes now. There is nothing to wait for on a device that is
        // lost.
        let _ = self.gpu.stream.synchronize();
    }
}
