//! Two functions in one loop: `(a ∘ b) • c`, whose intermediate results stay in registers. Each is rounded as by
//! itself, so that the bits are the same.

use std::marker::PhantomData;

use cornu_ir::ops::Binary;

use super::function::{Add, Block, BlockFn, Div, Function2, Max, Min, Mul, Sub};
use super::plain::{elements, elements_mut};
use super::{Isa, Loop, Target};

/// Numbers that are worked on together: some vectors of every instruction set.
const TOGETHER: usize = 64;

/// The loop over `second(first(a, b), c)`, or `second(c, first(a, b))` if that is `turned`; `None` where the two are no
/// pair that is worth a loop of its own.
pub(crate) fn pair(first: Binary, second: Binary, turned: bool) -> Option<BlockFn> {
    match first {
        Binary::Add => after::<Add<f32>>(second, turned),
        Binary::Sub => after::<Sub<f32>>(second, turned),
        Binary::Mul => after::<Mul<f32>>(second, turned),
        Binary::Max => after::<Max<f32>>(second, turned),
        Binary::Min => after::<Min<f32>>(second, turned),
        Binary::Div | Binary::Rem | Binary::Pow | Binary::Atan2 => None,
        Binary::And | Binary::Or | Binary::Xor | Binary::Shl | Binary::Shr => None,
    }
}

fn after<F: Float>(second: Binary, turned: bool) -> Option<BlockFn> {
    match (second, turned) {
        (Binary::Add, false) => Some(each3::<Then<F, Add<f32>>>),
        (Binary::Add, true) => Some(each3::<Turned<F, Add<f32>>>),
        (Binary::Sub, false) => Some(each3::<Then<F, Sub<f32>>>),
        (Binary::Sub, true) => Some(each3::<Turned<F, Sub<f32>>>),
        (Binary::Mul, false) => Some(each3::<Then<F, Mul<f32>>>),
        (Binary::Mul, true) => Some(each3::<Turned<F, Mul<f32>>>),
        (Binary::Max, false) => Some(each3::<Then<F, Max<f32>>>),
        (Binary::Min, false) => Some(each3::<Then<F, Min<f32>>>),
        (Binary::Div, false) => Some(each3::<Then<F, Div<f32>>>),
        (Binary::Max | Binary::Min | Binary::Div, true) => None,
        (Binary::Rem | Binary::Pow | Binary::Atan2, _) => None,
        (Binary::And | Binary::Or | Binary::Xor | Binary::Shl | Binary::Shr, _) => None,
    }
}

/// A function of two numbers whose result is such a number.
trait Float: Function2<X = f32, Y = f32> {}

impl<F: Function2<X = f32, Y = f32>> Float for F {}

/// A function of three numbers.
trait Function3 {
    fn of<T: Target>(a: f32, b: f32, c: f32) -> f32;
}

/// The second of the first, and a third number.
struct Then<F, G>(PhantomData<(F, G)>);

impl<F: Float, G: Float> Function3 for Then<F, G> {
    #[inline(always)]
    fn of<T: Target>(a: f32, b: f32, c: f32) -> f32 {
        G::of::<T>(F::of::<T>(a, b), c)
    }
}

/// The second of a third number, and the first.
struct Turned<F, G>(PhantomData<(F, G)>);

impl<F: Float, G: Float> Function3 for Turned<F, G> {
    #[inline(always)]
    fn of<T: Target>(a: f32, b: f32, c: f32) -> f32 {
        G::of::<T>(c, F::of::<T>(a, b))
    }
}

/// Applies a function of three numbers to a block; any argument may be one number for all places. Without a third
/// argument it is what the results are written over.
fn each3<F: Function3>(isa: Isa, block: Block<'_>) {
    isa.run(Each3 {
        out: elements_mut(block.out),
        args: block.args.map(|arg| if arg.is_empty() { &[] } else { elements(arg) }),
        function: PhantomData::<F>,
    });
}

struct Each3<'a, F> {
    out: &'a mut [f32],
    args: [&'a [f32]; 3],
    function: PhantomData<F>,
}

impl<F: Function3> Loop for Each3<'_, F> {
    #[inline(always)]
    fn run<T: Target>(self) {
        let Each3 { out, args: [x, y, z], .. } = self;
        // One number is a group of the same numbers, read again and again: one loop does for all kinds of arguments.
        let (same_x, same_y, same_z) = (same(x), same(y), same(z));
        let (is_in_place, whole) = (z.is_empty(), out.len() / TOGETHER * TOGETHER);
        let (groups, rest) = out.split_at_mut(whole);
        let (x_groups, y_groups, z_groups) =
            (Groups::of(x, &same_x), Groups::of(y, &same_y), Groups::of(z, &same_z));
        for (group, out) in groups.as_chunks_mut::<TOGETHER>().0.iter_mut().enumerate() {
            let (x, y) = (x_groups.at(group), y_groups.at(group));
            let z = if is_in_place { *out } else { *z_groups.at(group) };
            // All are read before any is written, so that the compiler need not ask whether they overlap.
            let mut results = [0.0; TOGETHER];
            for i in 0..TOGETHER {
                results[i] = F::of::<T>(x[i], y[i], z[i]);
            }
            *out = results;
        }
        let at = |items: &[f32], same: &Group, i: usize| items.get(whole + i).copied().unwrap_or(same[0]);
        for (i, out) in rest.iter_mut().enumerate() {
            let third = if is_in_place { *out } else { at(z, &same_z, i) };
            *out = F::of::<T>(at(x, &same_x, i), at(y, &same_y, i), third);
        }
    }
}

type Group = [f32; TOGETHER];

#[inline(always)]
fn same(items: &[f32]) -> Group {
    [items.first().copied().unwrap_or(0.0); TOGETHER]
}

/// The groups of an argument: neighbours, or the same one again and again.
#[derive(Clone, Copy)]
struct Groups<'a> {
    from: &'a [f32],
    step: usize,
}

impl<'a> Groups<'a> {
    #[inline(always)]
    fn of(items: &'a [f32], same: &'a Group) -> Groups<'a> {
        if items.len() > 1 { Groups { from: items, step: TOGETHER } } else { Groups { from: same, step: 0 } }
    }

    #[inline(always)]
    fn at(self, group: usize) -> &'a Group {
        self.from[group * self.step..].first_chunk().expect("an argument has numbers for all places")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buffer::Memory;
    use crate::simd::plain::bytes;
    use crate::simd::table;
    use cornu_ir::DType;

    const ALL: [Binary; 6] = [Binary::Add, Binary::Sub, Binary::Mul, Binary::Max, Binary::Min, Binary::Div];

    fn numbers(count: usize, seed: f32) -> Vec<f32> {
        (0..count).map(|i| (i as f32 * 0.37 + seed).sin() * 3.0).collect()
    }

    fn apply(isa: Isa, function: BlockFn, places: usize, args: [&[f32]; 3]) -> Vec<f32> {
        let mut out = Memory::zeroed(places * 4).unwrap();
        function(isa, Block { out: out.as_mut_slice(), args: args.map(bytes) });
        elements(out.as_slice()).to_vec()
    }

    /// On every instruction set, for few and many places, and with numbers in the place of arguments.
    #[test]
    fn a_pair_is_one_function_after_the_other() {
        for (isa, first, second) in
            Isa::available().flat_map(|isa| ALL.map(|first| ALL.map(|second| (isa, first, second)))).flatten()
        {
            for (turned, places, alike) in
                [(false, 1, 0), (false, 200, 4), (true, 63, 1), (true, 130, 6), (true, 64, 2)]
            {
                let Some(function) = pair(first, second, turned) else { continue };
                let args =
                    [0, 1, 2].map(|arg| numbers(if alike >> arg & 1 == 1 { 1 } else { places }, arg as f32));
                let [a, b, c] = args.each_ref().map(Vec::as_slice);
                let alone = |op| table::binary(op, DType::F32).unwrap();
                let one = apply(isa, alone(first), places, [a, b, &[]]);
                let two = if turned { [c, &one, &[]] } else { [&one, c, &[]] };
                let expected = apply(isa, alone(second), places, two);
                let found = apply(isa, function, places, [a, b, c]);
                if c.len() == places {
                    let mut out = Memory::zeroed(places * 4).unwrap();
                    out.as_mut_slice().copy_from_slice(bytes(c));
                    function(isa, Block { out: out.as_mut_slice(), args: [bytes(a), bytes(b), &[]] });
                    assert_eq!(out.as_slice(), bytes(&found), "in place");
                }
                let bits = |numbers: &[f32]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<u32>>();
                assert_eq!(
                    bits(&found),
                    bits(&expected),
                    "{first:?}, {second:?}, {turned}, {places}, {alike}"
                );
            }
        }
    }
}
