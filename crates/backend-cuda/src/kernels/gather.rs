//! Gathers.

use cornu_ir::DType;
use cornu_ir::types::Type;

use super::copy::unit_type;
use super::{Printed, THREADS, blocks};
use crate::launch::{BufferIndex, Param};
use crate::print::c_type;
use crate::source::family;

/// The sizes of a gather or scatter, walked as `[batch, middle, pick, inner]`: paired axes, the operand's others before
/// the picked one, the indices' others, the operand's after.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Picks {
    /// How many rows of indices there are, one for each batch.
    pub(crate) batches: usize,
    pub(crate) middle: usize,
    /// Indices for each batch.
    pub(crate) picks: usize,
    /// Size of the picked axis.
    pub(crate) size: usize,
    pub(crate) inner: usize,
}

impl Picks {
    pub(crate) fn new(operand: &Type, indices: &Type, axis: usize, batch: usize) -> Picks {
        let sizes = &operand.shape;
        Picks {
            batches: sizes[..batch].iter().product(),
            middle: sizes[batch..axis].iter().product(),
            picks: indices.shape[batch..].iter().product(),
            size: sizes[axis],
            inner: sizes[axis + 1..].iter().product(),
        }
    }

    /// How many indices there are.
    pub(crate) fn indices(&self) -> usize {
        self.batches * self.picks
    }

    /// How many neighbours along the inner axis fit into so many bytes, and leave none over.
    pub(crate) fn lanes(&self, width: usize, bytes: usize) -> usize {
        let mut lanes = 1;
        while lanes * 2 * width <= bytes && self.inner.is_multiple_of(lanes * 2) {
            lanes *= 2;
        }
        lanes
    }
}

/// Gathers elements of `width` bytes by indices of some type.
pub(crate) fn gather(
    picks: &Picks,
    width: usize,
    index: DType,
    [from, indices, to]: [BufferIndex; 3],
    aligned: bool,
) -> Printed {
    let lanes = picks.lanes(width, if aligned { 16 } else { width });
    let (unit, index) = (unit_type(width * lanes), c_type(index));
    let Picks { batches, middle, picks, size, inner } = *picks;
    let inner = inner / lanes;
    let units = batches * middle * picks * inner;
    let params = [
        (format!("const {unit}* from"), Param::pointer(from)),
        (format!("const {index}* indices"), Param::pointer(indices)),
        (format!("{unit}* to"), Param::pointer(to)),
    ];
    let body = format!("gather<{middle}u, {picks}u, {size}u, {inner}u>(from, indices, to, {units}u);");
    Printed::new(family!("gather"), "", &params, THREADS, &body).on([blocks(units, THREADS), 1, 1])
}
