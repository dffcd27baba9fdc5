//! Sliding: how the window of a convolution or of a pooling moves along the axes between the first and the last.

use crate::text::attributes::Attributes;
use crate::types::Shape;

/// Strides, padding and dilation: one number for each axis that the window slides along.
///
/// At place `o` of an axis, tap `t` of the window meets element `o·stride + t·dilation - low`; where there is no such
/// element, it meets padding.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sliding {
    /// Elements from place to place, at least 1.
    pub strides: Shape,
    /// Padding before the first element.
    pub low: Shape,
    /// Padding after the last element.
    pub high: Shape,
    /// Elements from tap to tap of the window, at least 1.
    pub dilation: Shape,
}

impl Sliding {
    /// From element to element of so many axes, without padding.
    pub fn dense(axes: usize) -> Sliding {
        let all = |number: usize| -> Shape { (0..axes).map(|_| number).collect() };
        Sliding { strides: all(1), low: all(0), high: all(0), dilation: all(1) }
    }

    /// Number of axes.
    pub fn axes(&self) -> usize {
        self.strides.len()
    }

    /// True if a window of one element meets each element once, in order.
    pub fn is_pointwise(&self, window: &[usize]) -> bool {
        let all = |sizes: &[usize], number: usize| sizes.iter().all(|&size| size == number);
        all(window, 1) && all(&self.strides, 1) && all(&self.low, 0) && all(&self.high, 0)
    }

    /// How many places a window has on each axis: none where it is larger than the padded axis. `None` if the numbers
    /// of axes differ, if the window, a stride or a dilation is 0, and beyond what memory can address.
    pub fn places(&self, input: &[usize], window: &[usize]) -> Option<Shape> {
        let axes = self.axes();
        let counts = [input.len(), window.len(), self.low.len(), self.high.len(), self.dilation.len()];
        let fits = counts.iter().all(|&count| count == axes);
        if !fits || self.strides.contains(&0) || self.dilation.contains(&0) {
            return None;
        }
        let places = |axis: usize| {
            let reach = window[axis].checked_sub(1)?.checked_mul(self.dilation[axis])?;
            let padded = input[axis].checked_add(self.low[axis])?.checked_add(self.high[axis])?;
            // What an index may reach must be a number too.
            padded.checked_add(reach)?;
            Some(if padded <= reach { 0 } else { (padded - reach - 1) / self.strides[axis] + 1 })
        };
        (0..axes).map(places).collect()
    }

    /// The element that a tap meets at a place of an axis of `size` elements; `None` where it meets padding.
    pub fn source(&self, axis: usize, place: usize, tap: usize, size: usize) -> Option<usize> {
        let element = place * self.strides[axis] + tap * self.dilation[axis];
        element.checked_sub(self.low[axis]).filter(|&element| element < size)
    }

    /// Visits each element, tap and place that meet, by their numbers in row-major order; places come in order, and
    /// the taps of each place too.
    pub(crate) fn meetings(
        &self,
        input: &[usize],
        window: &[usize],
        mut visit: impl FnMut(usize, usize, usize),
    ) {
        let Some(places) = self.places(input, window) else { return };
        let taps = Shape::from(window);
        let (place_strides, tap_strides) = (places.strides(), taps.strides());
        for place in 0..places.elements() {
            for tap in 0..taps.elements() {
                let element = (0..self.axes()).try_fold(0, |element, axis| {
                    let along = place / place_strides[axis] % places[axis];
                    let tap = tap / tap_strides[axis] % taps[axis];
                    Some(element * input[axis] + self.source(axis, along, tap, input[axis])?)
                });
                if let Some(element) = element {
                    visit(element, tap, place);
                }
            }
        }
    }

    pub(crate) fn write(&self, attributes: Attributes) -> Attributes {
        attributes
            .sizes("strides", &self.strides)
            .sizes("low", &self.low)
            .sizes("high", &self.high)
            .sizes("dilation", &self.dilation)
    }

    pub(crate) fn read(attributes: &Attributes) -> Result<Sliding, String> {
        Ok(Sliding {
            strides: attributes.get_sizes("strides")?,
            low: attributes.get_sizes("low")?,
            high: attributes.get_sizes("high")?,
            dilation: attributes.get_sizes("dilation")?,
        })
    }
}
