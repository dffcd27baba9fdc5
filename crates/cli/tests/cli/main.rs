//! The `cornu` command, run as a user runs it.

mod arguments;
mod fixture;
mod folder;
mod models;
