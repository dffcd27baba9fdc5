//! Windows.

use cornu_ir::DType;
use cornu_ir::ops::{Reduction, WindowKind, Windows};
use cornu_ir::types::Type;

use super::reduce::Fold;
use super::{Printed, THREADS, blocks};
use crate::launch::{BufferIndex, Param};
use crate::print::{Functor, c_type};
use crate::source::family;

/// Windows over one tensor, as threads walk them.
#[derive(Debug)]
pub(crate) struct Pool {
    /// All axes, as a type of `pool.cu`.
    axes: String,
    dtype: DType,
    channels: usize,
    results: usize,
    /// Neighbouring channels that a thread takes.
    pub(crate) lanes: usize,
}

/// From which side windows are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// From the windows: each collects from the elements in it.
    Windows,
    /// From the elements: each collects from the windows that contain it.
    Elements,
}

impl Pool {
    /// What each element of `to` collects from `from`, both `[n, sizes…, channels]`, at most so many lanes at a time.
    pub(crate) fn new(windows: &Windows, side: Side, from: &Type, to: &Type, lanes: usize) -> Pool {
        let Windows { sizes, sliding } = windows;
        let axis = |axis: usize| {
            format!(
                "WindowAxis<{}u, {}u, {}u, {}u, {}u, {}u, {}>",
                to.shape[axis + 1],
                sizes[axis],
                from.shape[axis + 1],
                sliding.strides[axis],
                sliding.dilation[axis],
                sliding.low[axis],
                side == Side::Elements,
            )
        };
        let axes: Vec<String> = (0..sliding.axes()).map(axis).collect();
        let channels = to.shape[to.shape.rank() - 1];
        Pool {
            axes: format!("WindowAxes<{}>", axes.join(", ")),
            dtype: from.dtype,
            channels,
            results: to.elements(),
            lanes: lanes.min(1 << channels.trailing_zeros()),
        }
    }

    fn kernel(&self, before: &str, params: &[(String, Param)], body: &str) -> Printed {
        let grid = [blocks(self.results / self.lanes, THREADS), 1, 1];
        Printed::new(family!("pool"), before, params, THREADS, body).on(grid)
    }

    fn from(&self, from: BufferIndex) -> (String, Param) {
        (format!("const {}* from", c_type(self.dtype)), Param::pointer(from))
    }

    /// The sum or the largest of what each element of the result collects, and the tail of it.
    pub(crate) fn folded(&self, kind: WindowKind, from: BufferIndex, tail: &Functor) -> Printed {
        let fold = Fold::of(
            match kind {
                WindowKind::Sum => Reduction::Sum,
                WindowKind::Max => Reduction::Max,
            },
            self.dtype,
        );
        let Pool { axes, channels, lanes, results, .. } = self;
        let tail_param = (format!("const {} tail", tail.name), Param::Pointers(tail.pointers.clone()));
        let fold = fold.name();
        let body = format!("window<{fold}, {axes}, {channels}u, {lanes}, {results}u>(from, tail);");
        self.kernel(&tail.text, &[self.from(from), tail_param], &body)
    }

    /// Where the largest element of each window stands.
    pub(crate) fn arg_max(&self, from: BufferIndex, to: BufferIndex) -> Printed {
        let Pool { axes, channels, lanes, results, .. } = self;
        let body = format!("window_arg_max<{axes}, {channels}u, {lanes}, {results}u>(from, to);");
        self.kernel("", &[self.from(from), ("i32* to".to_string(), Param::pointer(to))], &body)
    }
}
