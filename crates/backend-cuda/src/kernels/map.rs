//! Fused maps.

use super::{Printed, THREADS, blocks};
use crate::launch::Param;
use crate::print::Functor;
use crate::source::family;

/// Runs a program at each of `elements` places.
pub(crate) fn map(program: &Functor, elements: usize) -> Printed {
    let params = [(format!("const {} program", program.name), Param::Pointers(program.pointers.clone()))];
    let body = format!("map(program, {elements}u);");
    let grid = [blocks(elements.div_ceil(program.lanes), THREADS), 1, 1];
    Printed::new(family!("map"), &program.text, &params, THREADS, &body).on(grid)
}
