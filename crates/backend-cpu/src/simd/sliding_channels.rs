//! Products channel by channel along a line: what neighbouring places read of an element is brought into a register
//! once for all of them. See [`super::channels`] for the products, and [`super::sliding`] for the idea.

use super::channels::ChannelProduct;
use super::number::Number;
use super::rows::{ZEROS, write};
use super::vector::Vector;
use super::{Loop, Target};

/// Taps along a line, and lines that a place meets.
pub(crate) const TAPS: usize = 3;
/// Places of a tile. Images of 224 by 224 are halved to lines of a multiple of it.
pub(crate) const PLACES: usize = 7;
/// The fewest channels: with fewer, to find the elements of a tile takes what it saves.
pub(crate) const LEAST_CHANNELS: usize = 64;
/// Elements of a line that a tile meets.
const ELEMENTS: usize = PLACES - 1 + TAPS;

/// A product whose rows are places of lines, in order, each meeting [`TAPS`] elements of each of as many lines, the
/// first of them the second one of the place before.
pub(crate) struct SlidingChannels<'a, N> {
    pub(crate) product: ChannelProduct<'a, N>,
    /// Places of a line, and which of them the first row is.
    pub(crate) line: usize,
    pub(crate) start: usize,
    /// What [`ZEROS`] stands for: a run of zeros.
    pub(crate) zeros: &'a [N],
}

/// The product by vectors `V`, of which there are channels for at least one.
pub(super) struct SlidingChannelTiles<'a, V: Vector>(pub(super) SlidingChannels<'a, V::N>);

impl<V: Vector> Loop for SlidingChannelTiles<'_, V> {
    #[inline(always)]
    fn run<T: Target>(mut self) {
        let SlidingChannels { product, zeros, .. } = &self.0;
        product.check();
        let is_known = product.depth == TAPS * TAPS && product.steps == [1, product.rows] && !product.adds;
        assert!(is_known && product.order.is_none(), "rows are places in order");
        assert!(
            product.channels >= V::LANES && zeros.len() >= product.channels,
            "there are channels for a vector"
        );
        let (rows, line, start) = (product.rows, self.0.line, self.0.start);
        let mut row = 0;
        while row < rows {
            let height = PLACES.min(line - (start + row) % line).min(rows - row);
            // SAFETY: `multiply_sliding_channels` runs this with vectors of the set that `Isa::run` compiles it for;
            // and the product has just been checked.
            unsafe { self.tile(row, height) };
            row += height;
        }
    }
}

impl<V: Vector> SlidingChannelTiles<'_, V> {
    /// Up to [`PLACES`] places of a line.
    ///
    /// # Safety
    /// The machine has the instruction set of `V`, and `run` has checked the product.
    #[inline(always)]
    unsafe fn tile(&mut self, row: usize, height: usize) {
        let channels = self.0.product.channels;
        let (elements, is_met) = self.elements(row, height);
        for column in (0..channels).step_by(V::LANES) {
            // The last vector begins within the one before.
            let column = column.min(channels - V::LANES);
            // SAFETY: as the caller promises, here and below.
            let mut sums = unsafe { [V::splat(V::N::ZERO); PLACES] };
            for (line, elements) in elements.iter().enumerate().filter(|&(line, _)| is_met[line]) {
                // SAFETY: as above; and there are so many channels of each element.
                unsafe {
                    let factors = self.0.product.factors.as_ptr().add(line * TAPS * channels + column);
                    let factors: [V; TAPS] =
                        std::array::from_fn(|tap| V::load_at(factors.add(tap * channels)));
                    slide(&mut sums, elements, column, factors);
                }
            }
            for (place, &sum) in sums.iter().enumerate().take(height) {
                let out = &mut self.0.product.sums[(row + place) * channels + column..];
                // SAFETY: as above.
                unsafe { write(&[sum], out, V::LANES, true) };
            }
        }
    }

    /// Where the elements begin that a tile meets of each line, and whether it meets any. Places that a tile lacks are
    /// given those of the last one.
    #[inline(always)]
    fn elements(&self, row: usize, height: usize) -> ([[*const V::N; ELEMENTS]; TAPS], [bool; TAPS]) {
        let SlidingChannels { product, zeros, .. } = &self.0;
        let ChannelProduct { from, runs, rows, channels, .. } = product;
        let mut elements = [[zeros.as_ptr(); ELEMENTS]; TAPS];
        let mut is_met = [false; TAPS];
        for (line, (elements, is_met)) in elements.iter_mut().zip(&mut is_met).enumerate() {
            for (i, element) in elements.iter_mut().enumerate() {
                let place = i.min(height - 1);
                let tap = (i - place).min(TAPS - 1);
                let run = runs[(line * TAPS + tap) * rows + row + place];
                if run != ZEROS {
                    *is_met = true;
                    *element = from[run as usize * channels..].as_ptr();
                }
            }
        }
        (elements, is_met)
    }
}

/// Adds what the taps along a line make of some channels of its elements.
///
/// # Safety
/// The machine has the instruction set of `V`; and from `column` on there is a vector of each element.
#[inline(always)]
unsafe fn slide<V: Vector>(
    sums: &mut [V; PLACES],
    elements: &[*const V::N; ELEMENTS],
    column: usize,
    factors: [V; TAPS],
) {
    for (i, element) in elements.iter().enumerate() {
        // SAFETY: as the caller promises.
        unsafe {
            let x = V::load_at(element.add(column));
            for (tap, &factor) in factors.iter().enumerate() {
                if let Some(sum) = i.checked_sub(tap).and_then(|place| sums.get_mut(place)) {
                    *sum = x.mul_add(factor, *sum);
                }
            }
        }
    }
}
