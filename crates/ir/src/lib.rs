//! The tensor language: what a model becomes before it runs.
//!
//! A program is a [`Graph`]: a list of nodes in execution order. Each node applies one [`Op`] to earlier values and
//! makes one new [`Value`], a dense row-major array whose [`Type`] (element type and sizes) is known. Nothing is
//! changed in place, nothing is hidden: equal inputs give equal outputs, random numbers included. In the written form,
//! a program that trains one weight on one number:
//!
//! ```
//! let text = "
//! graph descend (state %0 \"w\": f32[], %1: f32[]) {
//!   %2: f32[] = mul %0, %1
//!   %3: f32[] = constant {value=\"0.1\"}
//!   %4: f32[] = mul %2, %3
//!   %5: f32[] = sub %0, %4
//!   return %5, %2
//! }";
//! let graph = cornu_ir::text::parse(text)?;
//! assert_eq!(graph.state, 1);
//! # Ok::<(), cornu_ir::error::ParseError>(())
//! ```
//!
//! # What a graph means
//!
//! - **Values.** A node's arguments have smaller numbers than itself, so the order of the list is an order of
//!   evaluation. The value of a node is what [`op::Rules::eval`] of its op computes from the values of its arguments;
//!   [`interpret::interpret`] does just that, slowly, and is what every backend is compared with.
//! - **Types.** A node's type is what [`op::Rules::infer`] says of its arguments' types. Sizes are numbers, never
//!   symbols: another batch size is another graph. Element types never adapt and shapes never broadcast by themselves;
//!   the ops `cast` and `broadcast` say so where it happens ([`Expr`] writes the latter where it is unmistakable).
//! - **Exactness.** Integers wrap. Floats follow IEEE 754 but for the order of sums and the contraction of a product
//!   with a sum: [`op::Rules::exactness`] says which ops every backend must match bit for bit. `bf16` and `f16`
//!   results round at least where they are stored.
//! - **State.** The first [`Graph::state`] inputs are state; output `i` below that number is the next value of input
//!   `i`, and takes its memory. That is the only notion of memory in the language, and the meaning does not depend on
//!   it: a training step is a pure function from weights to weights.
//! - **Gradients.** [`grad::gradients`] adds to a graph the nodes that compute derivatives, so they are checked,
//!   simplified, fused and planned as all others are. An op that has no derivative says so, and asking for it is an
//!   error.
//!
//! # From a model to numbers
//!
//! ```text
//!  Builder, Expr ──> Graph ──gradients──> Graph ──passes──> Graph ──plan──> Plan ──Backend::compile──> Executable
//! ```
//!
//! [`Builder`] is the only way to make nodes, [`passes::PIPELINE`] lists the rewritings, [`plan::Plan`] is what a
//! backend sees: kernels in order, every buffer placed. In reading order: [`types`], [`graph`], [`op`], one file of
//! `ops/`, [`builder`] and [`expr`], [`grad`], [`passes`], [`plan`], [`mod@backend`].
//!
//! This crate is pure: no threads, no files, no `unsafe`, and it knows of no layer and no backend.

#![forbid(unsafe_code)]

pub mod backend;
pub mod builder;
mod compound;
pub mod derived;
pub mod error;
pub mod expr;
pub mod grad;
pub mod graph;
pub mod interpret;
pub mod op;
pub mod ops;
pub mod origin;
pub mod passes;
pub mod plan;
mod sliding;
pub mod tensor;
pub mod testing;
pub mod text;
pub mod types;
pub mod verify;

pub use builder::Builder;
pub use expr::Expr;
pub use graph::{Graph, Node, Value};
pub use half::{bf16, f16};
pub use op::Op;
pub use origin::{Origin, Origins};
pub use tensor::{Data, Element, Tensor};
pub use types::{DType, Shape, Type};
