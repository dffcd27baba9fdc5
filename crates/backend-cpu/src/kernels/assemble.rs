//! Assembly: from a program of the plan to code for its buffers: which register lies where, and what is done when.

use cornu_ir::DType;
use cornu_ir::error::BackendError;
use cornu_ir::plan::{Instruction, Load, Program, Register, Scalar, View};

use smallvec::SmallVec;

use super::BufferIndex;
use super::ahead::Streams;
use super::map::{Action, Code, Kept, Operand};
use super::wiring::Wiring;
use crate::error::broken;
use crate::simd::function::{BlockFn, copy};
use crate::simd::half::{narrowing, rounding, widening};
use crate::simd::pair::pair;
use crate::simd::table::{self, Held};

/// Slots of a block are to fill no more than this: half of a small first-level cache.
const SLOTS_BYTES: usize = 16 << 10;

/// The fewest places of a block, but for whole rows that are shorter. Rows as long as this can be blocks of their own.
const LONG_ROW: usize = 256;

/// The most places of a block, and of one that is only looked at where it lies: a reduction of it has lanes to put
/// together at its end, which takes as long as to fold two thousand elements.
const LONGEST_BLOCK: usize = 2048;
const LONGEST_IN_PLACE: usize = 8192;

/// Makes a program ready.
pub(crate) fn assemble(program: &Program, wiring: &Wiring<'_>) -> Result<Code, BackendError> {
    let mut assembler = Assembler::new(program, wiring);
    assembler.prepare_root()?;
    for (index, instruction) in program.instructions.iter().enumerate() {
        assembler.instruct(index, instruction)?;
    }
    assembler.store_all()?;
    Ok(assembler.finish())
}

/// Turns instructions into actions one by one.
struct Assembler<'a> {
    program: &'a Program,
    wiring: &'a Wiring<'a>,
    once: Vec<Action>,
    each: Vec<Action>,
    streams: Streams,
    /// Where each register lies, once it is made.
    places: Vec<Option<Operand>>,
    /// For each register the number of the last instruction that reads it; stores count as one more instruction.
    last_use: Vec<usize>,
    /// For each register how often instructions and stores read it.
    uses: Vec<usize>,
    /// For each register whether functions of two arguments alone read it: they take a number for a whole block.
    in_pairs: Vec<bool>,
    /// How many registers are numbers.
    numbers: usize,
    /// For each slot whether a register lives in it.
    taken: Vec<bool>,
    slot_width: usize,
    /// How many loads are kept, and the longest row of them.
    kept: usize,
    longest_row: usize,
    /// The row that blocks end with.
    row: Option<usize>,
}

impl<'a> Assembler<'a> {
    fn new(program: &'a Program, wiring: &'a Wiring<'a>) -> Assembler<'a> {
        let mut last_use = vec![0; program.registers()];
        for (index, instruction) in program.instructions.iter().enumerate() {
            instruction.args.iter().for_each(|&arg| last_use[arg] = index);
        }
        program.stores.iter().for_each(|&register| last_use[register] = program.instructions.len());
        let mut uses = vec![0; program.registers()];
        let args = program.instructions.iter().flat_map(|instruction| &instruction.args);
        args.chain(&program.stores).for_each(|&register| uses[register] += 1);
        let mut in_pairs = vec![true; program.registers()];
        program.stores.iter().for_each(|&register| in_pairs[register] = false);
        for instruction in &program.instructions {
            if !matches!(instruction.op, Scalar::Binary(_) | Scalar::Compare(_)) {
                instruction.args.iter().for_each(|&arg| in_pairs[arg] = false);
            }
        }
        let (places, taken) = (vec![None; program.registers()], Vec::new());
        Assembler {
            program,
            wiring,
            once: Vec::new(),
            each: Vec::new(),
            streams: Streams::default(),
            places,
            last_use,
            uses,
            in_pairs,
            numbers: 0,
            taken,
            slot_width: 1,
            kept: 0,
            longest_row: 0,
            row: None,
        }
    }

    /// The root's result lies where the kernel puts it; bf16 and f16 are rounded first.
    fn prepare_root(&mut self) -> Result<(), BackendError> {
        if let Some(dtype) = self.program.root {
            let root = Operand::Root { width: Held::of(dtype).bytes() };
            self.places[0] = Some(match rounding(dtype) {
                Some(function) => self.apply(function, dtype, [root, Operand::None, Operand::None]),
                None => root,
            });
        }
        Ok(())
    }

    /// Emits one instruction.
    fn instruct(&mut self, index: usize, instruction: &Instruction) -> Result<(), BackendError> {
        let register = self.program.first_instruction() + index;
        let dtype = instruction.dtype;
        let place = match &instruction.op {
            Scalar::Constant(bits) => self.constant(register, *bits, dtype),
            Scalar::Iota { stride, size } => self.count(*stride, *size, dtype),
            Scalar::Unary(_) | Scalar::Binary(_) | Scalar::Compare(_) | Scalar::Select | Scalar::Cast => {
                let function = self.function(instruction)?;
                let mut args = [Operand::None; 3];
                for (arg, &from) in args.iter_mut().zip(&instruction.args) {
                    *arg = self.register(from)?;
                }
                self.compute(index, instruction, function, args)
            }
        };
        self.places[register] = Some(place);
        instruction.args.iter().for_each(|&arg| self.release(arg, index));
        Ok(())
    }

    /// Emits an instruction's function, into the buffer that stores it if that can be written at once.
    fn compute(
        &mut self,
        index: usize,
        instruction: &Instruction,
        function: BlockFn,
        args: [Operand; 3],
    ) -> Operand {
        let register = self.program.first_instruction() + index;
        let dtype = instruction.dtype;
        let paired = self.with_producer(index, instruction);
        let (function, args) = paired.unwrap_or((function, args));
        if let Some(out) = self.direct_target(register, index) {
            self.each.push(Action::Apply { function, out, args });
            return out;
        }
        if let (Some((_, [a, b, third])), Some(out)) =
            (paired, self.target_in_place(register, index, instruction))
            && third == out
            && a != out
            && b != out
        {
            // Without a third argument, a pair takes what it writes over.
            self.each.push(Action::Apply { function, out, args: [a, b, Operand::None] });
            return out;
        }
        let out = self.apply(function, dtype, args);
        // A value of half width is a half-width number at every step of a program, fused or not.
        let exact = matches!(instruction.op, Scalar::Cast | Scalar::Select);
        match rounding(dtype) {
            Some(function) if !exact => {
                let rounded = self.apply(function, dtype, [out, Operand::None, Operand::None]);
                self.free(out);
                rounded
            }
            _ => out,
        }
    }

    /// Where instruction `index` alone reads what another has made, both can be one loop: takes the other's action
    /// back, and says which function to use in place of both, and its arguments.
    fn with_producer(&mut self, index: usize, instruction: &Instruction) -> Option<(BlockFn, [Operand; 3])> {
        let (&[x, y], Scalar::Binary(second)) = (instruction.args.as_slice(), &instruction.op) else {
            return None;
        };
        let producer = |register: Register| {
            let made =
                self.program.instructions.get(register.checked_sub(self.program.first_instruction())?)?;
            let Scalar::Binary(first) = made.op else { return None };
            let place = self.places[register]?;
            let action = self.each.iter().rposition(|action| action.out() == place)?;
            let Action::Apply { args: [a, b, Operand::None], .. } = self.each[action] else { return None };
            let is_alone = self.uses[register] == 1 && matches!(place, Operand::Slot { .. });
            let is_float = made.dtype == DType::F32 && instruction.dtype == DType::F32;
            let since = &self.each[action + 1..];
            let is_kept = !since
                .iter()
                .any(|action| action.out() == a || action.out() == b || action.out().is_buffer());
            (is_alone && is_float && is_kept).then_some((first, action, [a, b]))
        };
        let (turned, (first, action, [a, b])) =
            producer(x).map(|found| (false, found)).or_else(|| Some((true, producer(y)?)))?;
        let function = pair(first, *second, turned)?;
        let other = self.places[if turned { x } else { y }]?;
        self.each.remove(action);
        // What the producer read is read now.
        let made = if turned { y } else { x } - self.program.first_instruction();
        for &arg in &self.program.instructions[made].args {
            self.last_use[arg] = self.last_use[arg].max(index);
        }
        Some((function, [a, b, other]))
    }

    /// Emits a function whose result goes into a fresh slot: one that no argument lies in.
    fn apply(&mut self, function: BlockFn, dtype: DType, args: [Operand; 3]) -> Operand {
        // Arguments of a producer may lie in slots that are free again.
        let free: SmallVec<[usize; 3]> = args.iter().filter_map(|arg| self.free_slot(*arg)).collect();
        free.iter().for_each(|&number| self.taken[number] = true);
        let out = self.slot(Held::of(dtype).bytes());
        free.iter().for_each(|&number| self.taken[number] = false);
        self.each.push(Action::Apply { function, out, args });
        out
    }

    /// The block function of an instruction.
    fn function(&self, instruction: &Instruction) -> Result<BlockFn, BackendError> {
        let arg = instruction.args.first().map_or(instruction.dtype, |&arg| self.program.dtype(arg));
        let found = match instruction.op {
            Scalar::Unary(op) => table::unary(op, arg),
            Scalar::Binary(op) => table::binary(op, arg),
            Scalar::Compare(op) => Some(table::compare(op, arg)),
            Scalar::Select => Some(table::choice(instruction.dtype)),
            Scalar::Cast => Some(crate::simd::cast::cast(arg, instruction.dtype)),
            Scalar::Constant(_) | Scalar::Iota { .. } => None,
        };
        found.ok_or_else(|| broken(format!("{:?} on {arg} in a fused program", instruction.op)))
    }

    /// A register that holds the same number at every place.
    fn constant(&mut self, register: Register, bits: u64, dtype: DType) -> Operand {
        let bits = match dtype {
            DType::BF16 => u64::from(half::bf16::from_bits(bits as u16).to_f32().to_bits()),
            DType::F16 => u64::from(half::f16::from_bits(bits as u16).to_f32().to_bits()),
            DType::F32 | DType::F64 | DType::I32 | DType::I64 | DType::U8 | DType::U32 | DType::Bool => bits,
        };
        let out = self.unchanging(register, Held::of(dtype).bytes());
        self.once.push(Action::Fill { out, bits });
        out
    }

    /// Where a register lies that holds one number at every place.
    fn unchanging(&mut self, register: Register, width: usize) -> Operand {
        if !self.in_pairs[register] {
            return self.lasting_slot(width);
        }
        self.numbers += 1;
        Operand::Number { number: self.numbers - 1, width }
    }

    fn count(&mut self, stride: usize, size: usize, dtype: DType) -> Operand {
        let held = Held::of(dtype);
        let out = self.slot(held.bytes());
        self.each.push(Action::Count { out, stride, size, held });
        let Some(function) = rounding(dtype) else { return out };
        let rounded = self.apply(function, dtype, [out, Operand::None, Operand::None]);
        self.free(out);
        rounded
    }

    /// Where a register lies. Loads are made when they are first wanted, so that they take a slot no longer than
    /// need be.
    fn register(&mut self, register: Register) -> Result<Operand, BackendError> {
        if let Some(place) = self.places[register] {
            return Ok(place);
        }
        let load =
            register.checked_sub(self.program.first_load()).and_then(|load| self.program.loads.get(load));
        let load = load.ok_or_else(|| broken(format!("register {register} is read before it is made")))?;
        let place = self.load(register, load);
        self.places[register] = Some(place);
        Ok(place)
    }

    fn load(&mut self, register: Register, load: &Load) -> Operand {
        let is_stored = self.program.stores.contains(&register);
        let Load { read, dtype, ref view } = *load;
        let (buffer, width) = (self.wiring.reads[read], dtype.bytes());
        let runs_along = view.dims.is_empty() || (view.dims.len() == 1 && view.dims[0].stride == 1);
        if view.dims.iter().all(|dim| dim.stride == 0) && !view.dims.is_empty() {
            let out = self.unchanging(register, width);
            self.once.push(Action::Splat { out, buffer, element: view.offset });
            return self.widened_once(register, out, dtype);
        }
        if let Some(row) = repeated_row(view).filter(|_| widening(dtype).is_none()) {
            return self.load_row(load, row, buffer);
        }
        if !runs_along {
            // Where blocks end with rows of the same element, it is one number for each block.
            let row = row_of_same(view).filter(|&row| self.in_pairs[register] && self.may_end_blocks(row));
            let is_number = row.is_some() && widening(dtype).is_none();
            self.row = self.row.or(row.filter(|_| is_number));
            let out = if is_number { self.unchanging(register, width) } else { self.slot(width) };
            self.each.push(Action::Load { out, buffer, view: view.clone(), kept: None });
            return self.widened(out, dtype);
        }
        let memory = Operand::Buffer { buffer, offset: view.offset, width };
        if self.wiring.is_far {
            self.streams.add(buffer, view.offset, width);
        }
        if is_stored && self.wiring.overwritten[read] && widening(dtype).is_none() {
            // A store of it must not find what another store has written there.
            return self.apply(copy, dtype, [memory, Operand::None, Operand::None]);
        }
        self.widened(memory, dtype)
    }

    /// A load of one row at every row of places. A long row is read where it lies, if blocks can end with it; others
    /// are brought once, and stay.
    fn load_row(&mut self, load: &Load, row: usize, buffer: BufferIndex) -> Operand {
        let (offset, width) = (load.view.offset, load.dtype.bytes());
        if self.may_end_blocks(row) {
            self.row = Some(row);
            return Operand::Row { buffer, offset, row, width };
        }
        let out = self.lasting_slot(width);
        let kept = Some(Kept { number: self.kept, row });
        self.each.push(Action::Load { out, buffer, view: load.view.clone(), kept });
        self.kept += 1;
        self.longest_row = self.longest_row.max(row);
        out
    }

    /// True if blocks can end with rows of this length. The values of a head are wanted as one block.
    fn may_end_blocks(&self, row: usize) -> bool {
        row >= LONG_ROW && !self.wiring.writes.is_empty() && self.row.is_none_or(|other| other == row)
    }

    /// The same numbers as registers hold them.
    fn widened(&mut self, raw: Operand, dtype: DType) -> Operand {
        let Some(function) = widening(dtype) else { return raw };
        let out = self.apply(function, dtype, [raw, Operand::None, Operand::None]);
        self.free(raw);
        out
    }

    /// The same for a register that does not change.
    fn widened_once(&mut self, register: Register, raw: Operand, dtype: DType) -> Operand {
        let Some(function) = widening(dtype) else { return raw };
        let out = self.unchanging(register, Held::of(dtype).bytes());
        self.once.push(Action::Apply { function, out, args: [raw, Operand::None, Operand::None] });
        out
    }

    /// The buffer that the register of instruction `index` is stored to, if the instruction may write there itself: as
    /// instructions before it have read what lay there.
    fn direct_target(&self, register: Register, index: usize) -> Option<Operand> {
        let store = self.program.stores.iter().position(|&stored| stored == register)?;
        let target = self.wiring.writes.get(store)?;
        let dtype = self.program.dtype(register);
        let mut loads = self.program.loads.iter().zip(self.program.first_load()..);
        let is_free = loads.all(|(load, at)| !target.reads.contains(&load.read) || self.last_use[at] < index);
        (is_free && narrowing(dtype).is_none()).then(|| output(target.buffer, dtype))
    }

    /// The same if the instruction itself reads what lies there, as the argument that it does not take from a producer,
    /// and nothing else does so then or later.
    fn target_in_place(
        &self,
        register: Register,
        index: usize,
        instruction: &Instruction,
    ) -> Option<Operand> {
        let store = self.program.stores.iter().position(|&stored| stored == register)?;
        let target = self.wiring.writes.get(store)?;
        let dtype = self.program.dtype(register);
        let out = output(target.buffer, dtype);
        let loads = self.program.loads.iter().zip(self.program.first_load()..);
        let readers: SmallVec<[Register; 2]> =
            loads.filter(|(load, _)| target.reads.contains(&load.read)).map(|(_, at)| at).collect();
        let is_last = |&at: &Register| match self.places[at] {
            Some(place) if place == out => self.last_use[at] == index && instruction.args.contains(&at),
            Some(_) | None => self.last_use[at] < index,
        };
        readers.iter().all(is_last).then_some(out)
    }

    /// Emits the stores that no instruction does by itself.
    fn store_all(&mut self) -> Result<(), BackendError> {
        // Loads first: a store may overwrite what they read.
        for &register in &self.program.stores {
            self.register(register)?;
        }
        for (&register, target) in self.program.stores.iter().zip(self.wiring.writes) {
            let (from, dtype) = (self.register(register)?, self.program.dtype(register));
            let out = output(target.buffer, dtype);
            if from != out {
                let function = narrowing(dtype).unwrap_or(copy);
                self.each.push(Action::Apply { function, out, args: [from, Operand::None, Operand::None] });
            }
        }
        Ok(())
    }

    /// A slot for a register.
    fn slot(&mut self, width: usize) -> Operand {
        let Some(number) = self.taken.iter().position(|taken| !taken) else {
            return self.lasting_slot(width);
        };
        self.taken[number] = true;
        self.slot_width = self.slot_width.max(width);
        Operand::Slot { number, width }
    }

    /// A slot that no other register had: what is filled once must outlive the registers of every block.
    fn lasting_slot(&mut self, width: usize) -> Operand {
        self.taken.push(true);
        self.slot_width = self.slot_width.max(width);
        Operand::Slot { number: self.taken.len() - 1, width }
    }

    /// The number of the slot, if this is one that is free.
    fn free_slot(&self, operand: Operand) -> Option<usize> {
        match operand {
            Operand::Slot { number, .. } => (!self.taken[number]).then_some(number),
            Operand::None | Operand::Number { .. } | Operand::Root { .. } => None,
            Operand::Buffer { .. } | Operand::Row { .. } => None,
        }
    }

    fn free(&mut self, operand: Operand) {
        if let Operand::Slot { number, .. } = operand {
            self.taken[number] = false;
        }
    }

    /// Frees the slot of a register whose last use was instruction `index`, unless it was filled once for all blocks.
    fn release(&mut self, register: Register, index: usize) {
        let Some(place) = self.places[register] else { return };
        let is_kept = |action: &Action| matches!(action, Action::Load { kept: Some(_), .. });
        let mut lasting = self.once.iter().chain(self.each.iter().filter(|action| is_kept(action)));
        let lasts = lasting.any(|action| action.out() == place);
        if self.last_use[register] == index && !lasts {
            self.free(place);
        }
    }

    fn finish(mut self) -> Code {
        let result = self.program.stores.first().and_then(|&register| self.places[register]);
        let slots = self.taken.len();
        let room = SLOTS_BYTES / (slots.max(1) * self.slot_width);
        // A power of two, rounded down.
        let block = (1 << room.max(1).ilog2()).clamp(LONG_ROW, LONGEST_BLOCK);
        let block = if self.each.is_empty() { LONGEST_IN_PLACE } else { block };
        // Whole rows, so that every block begins where one does.
        let rows = block / self.longest_row.max(1);
        let block = if self.longest_row > 0 && rows > 0 { rows * self.longest_row } else { block };
        Code {
            once: std::mem::take(&mut self.once),
            streams: self.streams,
            each: self.each,
            result: result.unwrap_or(Operand::None),
            slots,
            numbers: self.numbers,
            slot_width: self.slot_width,
            block,
            kept: self.kept,
            row: self.row,
        }
    }
}

/// The length of a row that a view repeats for all rows of places.
fn repeated_row(view: &View) -> Option<usize> {
    match view.dims.as_slice() {
        [rows, row] if rows.stride == 0 && row.stride == 1 => Some(row.size),
        _ => None,
    }
}

/// The length of the rows of places that a view gives one element each.
fn row_of_same(view: &View) -> Option<usize> {
    view.dims.last().filter(|row| row.stride == 0).map(|row| row.size)
}

/// A stored register in its buffer.
fn output(buffer: BufferIndex, dtype: DType) -> Operand {
    Operand::Buffer { buffer, offset: 0, width: dtype.bytes() }
}
