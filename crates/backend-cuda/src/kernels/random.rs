//! Random words.

use super::{Printed, THREADS, blocks};
use crate::launch::{BufferIndex, Param};
use crate::source::family;

/// So many words from a key and a counter.
pub(crate) fn random_bits([key, counter, to]: [BufferIndex; 3], elements: usize, aligned: bool) -> Printed {
    let params = [
        ("const u32* key".to_string(), Param::pointer(key)),
        ("const u32* counter".to_string(), Param::pointer(counter)),
        ("u32* to".to_string(), Param::pointer(to)),
    ];
    let body = format!("random_bits<{aligned}>(key, counter, to, {elements}u);");
    let grid = [blocks(elements.div_ceil(4), THREADS), 1, 1];
    Printed::new(family!("random"), "", &params, THREADS, &body).on(grid)
}
