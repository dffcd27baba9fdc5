//! Copies.

use cornu_ir::types::Type;

use super::{Printed, THREADS, blocks};
use crate::launch::{BufferIndex, Param};
use crate::print::c_type;
use crate::source::family;

/// Copies a whole tensor.
pub(crate) fn whole(ty: &Type, from: BufferIndex, to: BufferIndex) -> Printed {
    let c = c_type(ty.dtype);
    let params =
        [(format!("const {c}* from"), Param::pointer(from)), (format!("{c}* to"), Param::pointer(to))];
    let body = format!("copy_whole(from, to, {}u);", ty.elements());
    Printed::new(family!("copy"), "", &params, THREADS, &body).on([blocks(ty.elements(), THREADS), 1, 1])
}
