//! Flags of branches.

use super::Printed;
use crate::launch::{BufferIndex, Param};
use crate::source::family;

/// Sets one byte for each plan of a branch: 1 for the one that runs.
pub(crate) fn flags(predicate: BufferIndex, flags: [BufferIndex; 2]) -> Printed {
    let params = [
        ("const bool* predicate".to_string(), Param::pointer(predicate)),
        ("u8* then".to_string(), Param::pointer(flags[0])),
        ("u8* otherwise".to_string(), Param::pointer(flags[1])),
    ];
    Printed::unguarded(family!("branch"), "", &params, 1, "branch(guard, predicate, then, otherwise);")
}
