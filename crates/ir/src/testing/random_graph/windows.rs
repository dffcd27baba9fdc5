//! Windows that slide: convolutions in all forms, sums and extremes.

use super::{Garden, Grown};
use crate::ops::{Conv, Sliding, WindowKind, Windows};
use crate::types::{Shape, Type};

impl<'b> Garden<'b> {
    /// Sizes of a window over the middle axes of a value, and how it moves. With `within`, each window has elements.
    fn sliding(&mut self, x: Grown<'b>, within: bool) -> (Shape, Sliding) {
        let shape = x.expr.shape();
        let axes = &shape[1..shape.rank() - 1];
        let sizes: Shape = axes.iter().map(|&size| 1 + self.draw.below(size.clamp(1, 3))).collect();
        let mut each = |choices: &[usize]| -> Shape { axes.iter().map(|_| self.draw.one(choices)).collect() };
        let (strides, dilation) = (each(&[1, 1, 2, 3]), each(if within { &[1] } else { &[1, 1, 2] }));
        let padding: &[usize] = if within { &[0] } else { &[0, 1, 2] };
        let (low, high) = (each(padding), each(padding));
        (sizes, Sliding { strides, low, high, dilation })
    }

    /// A convolution with a fixed kernel, sometimes one of its gradients.
    pub(super) fn conv(&mut self, x: Grown<'b>) {
        let (taps, sliding) = self.sliding(x, false);
        let shape = x.expr.shape();
        let channels = shape[shape.rank() - 1];
        let groups = if channels > 0 && self.draw.once_in(3) { channels } else { 1 };
        let filters = groups * (1 + self.draw.below(3));
        let kernel: Shape = taps.iter().copied().chain([channels / groups, filters]).collect();
        let kernel = self.draw.tensor(&Type::new(x.expr.dtype(), kernel), &(-2.0..=2.0));
        let (kernel, conv) = (self.b.constant(kernel), Conv { sliding, groups });
        let bound = x.bound * 2.0 * (taps.elements() * channels / groups) as f64;
        let result = x.expr.conv(kernel, conv.clone());
        let ways = result.shape().elements().max(1) as f64;
        match self.draw.below(3) {
            0 => self.keep(result, &[x], bound),
            1 => {
                let back = result.conv_input_grad(kernel, conv, &shape[1..shape.rank() - 1]);
                self.keep_rounded(back, &[x], bound * 2.0 * (taps.elements() * filters) as f64);
            }
            _ => {
                let back = x.expr.conv_kernel_grad(result, conv, &taps);
                self.keep_rounded(back, &[x], bound * x.bound * ways);
            }
        }
    }

    /// The sum or the largest of each window, where it stands, or its sum given back to each element.
    pub(super) fn window(&mut self, x: Grown<'b>) {
        let (sizes, sliding) = self.sliding(x, true);
        let windows = Windows { sizes, sliding };
        let many = windows.sizes.elements() as f64;
        match self.draw.below(4) {
            0 => self.keep(x.expr.window(WindowKind::Sum, windows), &[x], x.bound * many),
            1 => {
                let shape = x.expr.shape();
                let sums = x.expr.window(WindowKind::Sum, windows.clone());
                let spread = sums.window_spread(windows, &shape[1..shape.rank() - 1]);
                self.keep_rounded(spread, &[x], x.bound * many * many);
            }
            2 if x.exact => self.keep(x.expr.window_arg_max(windows), &[x], super::LARGEST),
            _ => self.keep(x.expr.window(WindowKind::Max, windows), &[x], x.bound),
        }
    }
}
