//! Memory: where every buffer lies.
//!
//! State lies in its own memory, which its next value takes over: written in place when no one reads the old value
//! later, else copied there at the end. Outputs are written where the caller wants them. All else lies in one arena,
//! where two buffers share bytes when one is done before the other begins, or when a map writes over what it reads.

use std::collections::HashMap;

use smallvec::SmallVec;

use super::emit::{Emitted, emit, origins};
use super::fuse::{GroupId, Groups};
use super::{ALIGNMENT, Buffer, BufferId, Kernel, Load, Map, Place, Plan, Program, Step, View};
use crate::graph::{Graph, Value};
use crate::op::Op;
use crate::ops::Constant;
use crate::origin::Origins;
use crate::tensor::Tensor;
use crate::types::Type;

/// Emits the groups in order and places every buffer.
pub(super) fn place(graph: &Graph, groups: &Groups, order: &[GroupId]) -> Plan {
    let emitted: Vec<Emitted> = order.iter().map(|&id| emit(graph, groups, id)).collect();
    let mut placer = Placer::new(graph, groups, order, &emitted);
    placer.place_outputs();
    placer.place_scratch();
    placer.finish()
}

/// How often, and by which step last, a value is read.
#[derive(Clone, Copy, Default)]
struct Life {
    /// The step that makes it.
    made: usize,
    /// The last step that reads it.
    last: usize,
}

/// A copy that the plan begins or ends with: the value of an output that could not be computed in its place.
struct Copy {
    from: Value,
    to: Place,
    when: When,
}

/// When an output that lies elsewhere is copied.
#[derive(Clone, Copy, PartialEq)]
enum When {
    /// Before the first step: it is state as that came in, which may then be overwritten.
    First,
    /// After the last step.
    Last,
    /// After the last step, through memory of its own, for its source is state that another copy may overwrite.
    LastByDetour,
}

/// Scratch memory that one value after another may use.
struct Slot {
    bytes: usize,
    made: usize,
    last: usize,
    offset: usize,
}

struct Placer<'a> {
    graph: &'a Graph,
    groups: &'a Groups,
    order: &'a [GroupId],
    emitted: &'a [Emitted],
    /// By node; meaningful for values that have memory.
    lives: Vec<Life>,
    places: HashMap<Value, Place>,
    copies: Vec<Copy>,
    slots: Vec<Slot>,
    slot_of: HashMap<Value, usize>,
    constants: Vec<Tensor>,
    buffers: Vec<Buffer>,
    buffer_ids: HashMap<(Place, Type), BufferId>,
}

impl<'a> Placer<'a> {
    fn new(graph: &'a Graph, groups: &'a Groups, order: &'a [GroupId], emitted: &'a [Emitted]) -> Placer<'a> {
        let mut lives = vec![Life::default(); graph.nodes.len()];
        for (step, (&id, emitted)) in order.iter().zip(emitted).enumerate() {
            for &output in &groups.list[id].outputs {
                lives[output.index()] = Life { made: step, last: step };
            }
            for read in &emitted.reads {
                lives[groups.sources[read.index()].base.index()].last = step;
            }
        }
        // The copies at the end read what they copy after every step.
        let end = order.len();
        for (index, output) in graph.outputs.iter().enumerate() {
            let base = groups.sources[output.index()].base;
            let unchanged = index < graph.state && base == graph.inputs[index];
            let is_state = graph.inputs[..graph.state].contains(&base);
            // State as it came in is copied to an output before the first step.
            let at_first = index >= graph.state && is_state;
            if matches!(graph.node(base).op, Op::Input(_)) && !unchanged && !at_first {
                lives[base.index()].last = end;
            }
        }
        let mut places = HashMap::new();
        for (index, &input) in graph.inputs.iter().enumerate() {
            let place =
                if index < graph.state { Place::State(index) } else { Place::Input(index - graph.state) };
            places.insert(input, place);
        }
        Placer {
            graph,
            groups,
            order,
            emitted,
            lives,
            places,
            copies: Vec::new(),
            slots: Vec::new(),
            slot_of: HashMap::new(),
            constants: Vec::new(),
            buffers: Vec::new(),
            buffer_ids: HashMap::new(),
        }
    }

    /// Gives each output its place, or plans a copy to it.
    fn place_outputs(&mut self) {
        for (index, &output) in self.graph.outputs.iter().enumerate() {
            let source = &self.groups.sources[output.index()];
            let base = source.base;
            let to = if index < self.graph.state {
                Place::State(index)
            } else {
                Place::Output(index - self.graph.state)
            };
            if self.places.get(&base) == Some(&to) {
                continue;
            }
            let is_whole = self.graph.ty(base).bytes() == self.graph.ty(output).bytes();
            let is_computed = self.groups.of[base.index()].is_some() && !self.places.contains_key(&base);
            let in_place = || match to {
                Place::State(index) => self.may_replace(base, self.graph.inputs[index]),
                Place::Input(_) | Place::Output(_) | Place::Constant(_) | Place::Arena(_) => true,
            };
            if is_whole && is_computed && in_place() {
                self.places.insert(base, to);
            } else {
                let is_state = self.graph.inputs[..self.graph.state].contains(&base);
                let lies_in_state = matches!(self.places.get(&base), Some(Place::State(_)));
                let when = match lies_in_state {
                    true if is_state && index >= self.graph.state => When::First,
                    true => When::LastByDetour,
                    false => When::Last,
                };
                self.copies.push(Copy { from: output, to, when });
                if when != When::First {
                    self.lives[base.index()].last = self.order.len();
                }
            }
        }
    }

    /// True if `next` may be written over `state`: nobody reads that later, and its own step reads it harmlessly.
    fn may_replace(&self, next: Value, state: Value) -> bool {
        let made = self.lives[next.index()].made;
        let last = self.lives[state.index()].last;
        last < made || (last == made && self.may_overwrite(made, state, next)) || !self.is_read(state)
    }

    fn is_read(&self, value: Value) -> bool {
        self.lives[value.index()].last == self.order.len()
            || self.emitted.iter().flat_map(|emitted| &emitted.reads).any(|&read| self.base(read) == value)
    }

    fn base(&self, value: Value) -> Value {
        self.groups.sources[value.index()].base
    }

    /// True if a step may write its result `next` over `value`: see [`Kernel`].
    fn may_overwrite(&self, step: usize, value: Value, next: Value) -> bool {
        let Emitted { kernel, reads } = &self.emitted[step];
        let outputs = &self.groups.list[self.order[step]].outputs;
        let write = outputs.iter().position(|&output| output == next).expect("a step writes its results");
        let mut places = (0..reads.len()).filter(|&read| self.base(reads[read]) == value);
        places.all(|read| kernel.may_overwrite(read, write))
    }

    /// Gives every other computed value a slot, and every slot an offset.
    fn place_scratch(&mut self) {
        for step in 0..self.order.len() {
            let group = &self.groups.list[self.order[step]];
            for &output in &group.outputs {
                if !self.places.contains_key(&output) {
                    self.give_slot(step, output);
                }
            }
        }
        assign_offsets(&mut self.slots);
        for (&value, &slot) in &self.slot_of {
            self.places.insert(value, Place::Arena(self.slots[slot].offset));
        }
    }

    fn give_slot(&mut self, step: usize, output: Value) {
        let ty = self.graph.ty(output);
        let last = self.lives[output.index()].last;
        let reused = self.emitted[step].reads.iter().map(|&read| self.base(read)).find_map(|read| {
            let slot = *self.slot_of.get(&read)?;
            let same_size = self.graph.ty(read).bytes() == ty.bytes();
            let same_width = self.graph.ty(read).dtype.bytes() == ty.dtype.bytes();
            let dies_here = self.lives[read.index()].last == step && self.slots[slot].last == step;
            (same_size && same_width && dies_here && self.may_overwrite(step, read, output)).then_some(slot)
        });
        let slot = reused.unwrap_or_else(|| {
            self.slots.push(Slot { bytes: ty.bytes(), made: step, last, offset: 0 });
            self.slots.len() - 1
        });
        // A slot taken over lives on, so that no second output of this step takes it too.
        self.slots[slot].last = last.max(step + 1);
        self.slot_of.insert(output, slot);
    }

    fn finish(mut self) -> Plan {
        let mut steps = Vec::with_capacity(self.order.len() + self.copies.len());
        for (&id, emitted) in self.order.iter().zip(self.emitted) {
            let reads = emitted.reads.iter().map(|&read| self.buffer(read)).collect();
            let writes = self.groups.list[id].outputs.iter().map(|&output| self.buffer(output)).collect();
            let origins = origins(self.graph, &self.groups.list[id]);
            steps.push(Step { kernel: emitted.kernel.clone(), reads, writes, origins });
        }
        let mut arena_bytes = self.slots.iter().map(|slot| slot.offset + slot.bytes).max().unwrap_or(0);
        let [first, detours, direct] = self.copy_steps(&mut arena_bytes);
        let steps = [first, steps, detours, direct].concat();
        Plan {
            inputs: self.graph.input_types(),
            outputs: self.graph.output_types(),
            state: self.graph.state,
            constants: self.constants,
            buffers: self.buffers,
            steps,
            arena_bytes: arena_bytes.next_multiple_of(ALIGNMENT),
        }
    }

    /// The copies at the beginning and at the end. Of the latter, those whose source may be overwritten by another
    /// first bring it into safety.
    fn copy_steps(&mut self, arena_bytes: &mut usize) -> [Vec<Step>; 3] {
        let (mut first, mut detours, mut direct) = (Vec::new(), Vec::new(), Vec::new());
        for Copy { from, to, when } in std::mem::take(&mut self.copies) {
            let ty = self.graph.ty(from).clone();
            let mut source = self.buffer(from);
            if when == When::LastByDetour {
                let offset = arena_bytes.next_multiple_of(ALIGNMENT);
                *arena_bytes = offset + ty.bytes();
                let safe = self.buffer_at(Place::Arena(offset), ty.clone());
                detours.push(copy_step(&ty, source, safe));
                source = safe;
            }
            let target = self.buffer_at(to, ty.clone());
            let copy = copy_step(&ty, source, target);
            if when == When::First { first.push(copy) } else { direct.push(copy) }
        }
        [first, detours, direct]
    }

    /// The buffer of a value that has memory, or lies in that of another.
    fn buffer(&mut self, value: Value) -> BufferId {
        let base = self.base(value);
        let place = match self.places.get(&base) {
            Some(&place) => place,
            None => self.constant(base),
        };
        self.buffer_at(place, self.graph.ty(value).clone())
    }

    fn constant(&mut self, value: Value) -> Place {
        let Op::Constant(Constant(tensor)) = &self.graph.node(value).op else {
            unreachable!("every value that a step reads is given, constant or computed")
        };
        self.constants.push(tensor.clone());
        let place = Place::Constant(self.constants.len() - 1);
        self.places.insert(value, place);
        place
    }

    fn buffer_at(&mut self, place: Place, ty: Type) -> BufferId {
        let next = BufferId(u32::try_from(self.buffers.len()).expect("a plan has fewer than 2^32 buffers"));
        *self.buffer_ids.entry((place, ty.clone())).or_insert_with(|| {
            self.buffers.push(Buffer { ty, place });
            next
        })
    }
}

fn copy_step(ty: &Type, from: BufferId, to: BufferId) -> Step {
    let elements = ty.elements();
    let load = Load { read: 0, dtype: ty.dtype, view: View::contiguous(elements) };
    let program = Program { loads: vec![load], stores: SmallVec::from_elem(0, 1), ..Program::default() };
    Step {
        kernel: Kernel::Map(Map { elements, program }),
        reads: SmallVec::from_elem(from, 1),
        writes: SmallVec::from_elem(to, 1),
        origins: Origins::default(),
    }
}

/// Lays slots into the arena: the largest first, each at the lowest offset free for its whole life.
fn assign_offsets(slots: &mut [Slot]) {
    let mut by_size: Vec<usize> = (0..slots.len()).collect();
    by_size.sort_by_key(|&slot| (std::cmp::Reverse(slots[slot].bytes), slots[slot].made));
    for (rank, &slot) in by_size.iter().enumerate() {
        let Slot { bytes, made, last, .. } = slots[slot];
        let mut taken: Vec<(usize, usize)> = by_size[..rank]
            .iter()
            .map(|&other| &slots[other])
            .filter(|other| other.made <= last && made <= other.last)
            .map(|other| (other.offset, other.offset + other.bytes))
            .collect();
        taken.sort_unstable();
        let mut offset = 0usize;
        for (start, end) in taken {
            if offset + bytes <= start {
                break;
            }
            offset = offset.max(end.next_multiple_of(ALIGNMENT));
        }
        slots[slot].offset = offset;
    }
}
