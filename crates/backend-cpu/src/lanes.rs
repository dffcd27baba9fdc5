//! Lanes: a loop whose rows know nothing of each other is run by threads that do not either. Each has some of the
//! rows for all turns, so that none waits for another between them. What is computed for a row does not depend on
//! which rows are with it: the bits are the same, however many lanes there are.

use std::sync::{Mutex, PoisonError};

use cornu_ir::error::BackendError;
use cornu_ir::plan::{DotKernel, Kernel, LoopKernel, Plan, Step};
use cornu_ir::types::Type;

use crate::body::{Binding, Body, Shared};
use crate::kernels::{BufferIndex, Buffers, Site, Span, Task, matmul};
use crate::lower::Lowering;
use crate::narrow::Rows;
use crate::simd::Isa;
use crate::work::{Runner, Work};

/// The fewest rows that are worth a lane: each reads all weights in every turn, which takes as long as some rows of
/// products do.
const LEAST_ROWS: usize = 8;

/// So many numbers of weights may be read by each lane in every turn: as lie in a second-level cache, or near it.
const MOST_WEIGHTS: usize = 1 << 18;

/// A body that runs `length` times for each lane.
struct Lanes {
    length: usize,
    reverse: bool,
    bodies: Vec<Mutex<Body>>,
    scratch_bytes: usize,
}

impl Task for Lanes {
    fn pieces(&self) -> usize {
        self.bodies.len()
    }

    fn scratch_bytes(&self) -> usize {
        self.scratch_bytes
    }

    fn run(&self, piece: usize, at: &mut Site<'_>) {
        // Nobody else has this number, so that the lock is not waited for.
        let mut body = self.bodies[piece].lock().unwrap_or_else(PoisonError::into_inner);
        let around = at.buffers.spans();
        let mut alone = Alone { isa: at.isa, scratch: &mut *at.scratch };
        for turn in 0..self.length {
            let step = if self.reverse { self.length - 1 - turn } else { turn };
            body.run(step, around, &mut alone);
        }
    }
}

/// Runs all pieces of the tasks of a lane, one after another.
struct Alone<'s> {
    isa: Isa,
    scratch: &'s mut [u8],
}

impl Runner for Alone<'_> {
    fn run(&mut self, task: &dyn Task, spans: &[Span]) {
        // SAFETY: the spans lie within those of the step that the lanes are, at rows and scratch memory of the lane's
        // own, but for what all lanes read.
        let buffers = unsafe { Buffers::new(spans) };
        for piece in 0..task.pieces() {
            task.run(piece, &mut Site { isa: self.isa, buffers, scratch: &mut *self.scratch });
        }
    }

    fn holds(&self, buffer: BufferIndex, spans: &[Span]) -> bool {
        // SAFETY: as above.
        unsafe { Buffers::new(spans) }.read::<u8>(buffer)[0] != 0
    }
}

/// Lowers a loop to lanes, if its rows are apart; what lies around the body is `shared`. Else nothing is lowered.
pub(crate) fn lower_lanes(
    lowering: &mut Lowering<'_>,
    kernel: &LoopKernel,
    step: &Step,
    shared: &Shared,
) -> Result<bool, BackendError> {
    let LoopKernel { body, length, reverse, sequences, .. } = kernel;
    let Some(rows) = Rows::of(body).filter(|rows| is_worth_lanes(rows, body, *sequences)) else {
        return Ok(false);
    };
    let mut right: Vec<(BufferIndex, Type)> = Vec::new();
    for (_, dot, input) in rows.products() {
        right.push(pack(lowering, dot, step.reads[body.state + input].index()));
    }
    let types: Vec<Type> = right.iter().map(|(_, ty)| ty.clone()).collect();
    let (count, mut first) = (lowering.threads.min(rows.count() / LEAST_ROWS).max(1), 0);
    let (mut bodies, mut scratch_bytes) = (Vec::new(), 0);
    for lane in 0..count {
        let end = (lane + 1) * rows.count() / count;
        let plan = rows.narrowed(end - first, &types);
        let body = Body::lower_lane(lowering, &plan, &from_row(&rows, body, shared, first, &right))?;
        scratch_bytes = scratch_bytes.max(Work::most(body.works(), &|task| task.scratch_bytes()));
        bodies.push(Mutex::new(body));
        first = end;
    }
    lowering.push(Lanes { length: *length, reverse: *reverse, bodies, scratch_bytes });
    Ok(true)
}

/// True if there are rows for some lanes, and weights that all can read. Not a matter of how many threads there are:
/// the sums of long products are cut otherwise than in a loop that has no lanes.
fn is_worth_lanes(rows: &Rows<'_>, body: &Plan, sequences: usize) -> bool {
    let products = body.steps.iter().filter(|step| matches!(step.kernel, Kernel::Dot(_))).count();
    let of_loop = rows.products().filter(|(.., input)| *input >= sequences);
    let weights: Vec<usize> = of_loop.map(|(_, dot, _)| dot.n * dot.k).collect();
    rows.count() >= 2 * LEAST_ROWS
        && weights.len() == products
        && weights.iter().sum::<usize>() <= MOST_WEIGHTS
}

/// Packs the right operand of a product, once for all turns.
fn pack(lowering: &mut Lowering<'_>, dot: &DotKernel, from: BufferIndex) -> (BufferIndex, Type) {
    let isa = lowering.isa;
    let (task, to) = matmul::pack_right(dot, isa, from, &mut |bytes| lowering.temporary(bytes));
    lowering.push_boxed(task);
    (to, Type::new(dot.dtype, [lowering.bytes(to) / dot.dtype.bytes()]))
}

/// What lies around a body from some row on, and then the packed operands.
fn from_row(
    rows: &Rows<'_>,
    body: &Plan,
    shared: &Shared,
    first: usize,
    right: &[(BufferIndex, Type)],
) -> Shared {
    let of = |bindings: &[Binding], types: &[Type]| -> Vec<Binding> {
        let further = |(binding, ty): (&Binding, &Type)| binding.further(ty.bytes() / rows.count() * first);
        bindings.iter().zip(types).map(further).collect()
    };
    let inputs = shared.inputs.iter().enumerate();
    let inputs = inputs.map(|(index, binding)| binding.further(rows.bytes_of_input(index) * first));
    Shared {
        state: of(&shared.state, &body.inputs[..body.state]),
        inputs: inputs.chain(right.iter().map(|&(buffer, _)| Binding::whole(buffer))).collect(),
        outputs: of(&shared.outputs, &body.outputs[body.state..]),
    }
}
