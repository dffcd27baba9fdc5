//! Attention layers: a query decides how much of each value it takes. Keras: `keras.layers`' attention group.

mod additive;
mod dot_product;
mod grouped_query;
mod heads;
mod inputs;
mod many_heads;
mod masks;
mod multi_head;
mod projection;

pub use additive::AdditiveAttention;
pub use dot_product::{Attention, ScoreMode};
pub use grouped_query::GroupQueryAttention;
pub use multi_head::MultiHeadAttention;
