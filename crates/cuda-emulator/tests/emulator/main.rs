//! The emulator under plain cudarc: the driver, the compiler, kernels of every kind, and mistakes that it has to
//! find. Every test is skipped, saying so, where the emulator cannot be built.
#![cfg(target_os = "linux")]

mod compiler;
mod driver;
mod graphs;
mod kernels;
mod late;
mod mistakes;
mod sanitizer;
mod support;
mod tensor_cores;
