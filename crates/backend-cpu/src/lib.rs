//! The CPU backend: plans lowered to prepared kernels, run on any number of threads with the same bits as result.
//!
//! [`Cpu`] is all there is to see, and the [`Limits`] of the machine. Inside: `lower` turns each step of a plan
//! into tasks, whose scratch memory is sized then; `work` is the order in which they run, with loops (`repeat`) and
//! branches (`branch`) among them, and `lanes` for loops whose samples are apart (`narrow`); `executable` runs them;
//! `pieces` are cut by the size of the work alone, and a `team` of threads shares them; `simd` compiles loops for each
//! instruction set; `kernels` has one file for each kind of kernel.
#![deny(unsafe_code)]

mod body;
mod branch;
#[allow(unsafe_code)]
mod buffer;
mod cpu;
mod error;
#[allow(unsafe_code)]
mod executable;
#[allow(unsafe_code)]
mod kernels;
#[allow(unsafe_code)]
mod lanes;
mod limits;
mod lower;
mod narrow;
mod ops;
mod pieces;
mod repeat;
#[allow(unsafe_code)]
mod simd;
#[allow(unsafe_code)]
mod team;
mod work;

pub use cornu_ir::backend::Limits;
pub use cpu::Cpu;

/// The name users choose the backend by.
const NAME: &str = "cpu";
