//! The `cornu` command, run as a user runs it.

mod arguments;
mod folder;
