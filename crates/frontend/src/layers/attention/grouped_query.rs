//! GroupQueryAttention: several heads of queries share a head of keys and values. Keras: `GroupQueryAttention`.

use cornu_ir::Expr;
use serde_json::json;

use super::super::{Config, Context, LayerConfig, Masked, Spec};
use super::inputs::mask;
use super::many_heads::{HeadSizes, HeadsKind, ManyHeads, Options};
use crate::error::{Error, Result};

/// A multi-head attention with fewer heads of keys and values than of queries: each serves
/// `num_query_heads / num_key_value_heads` of them.
///
/// It is called as [`super::MultiHeadAttention`] is, on inputs `(batch, length, features)`; a `query_mask` may be
/// given too. Weights: kernel and bias of `query`, `key`, `gate` (if used), `value` and `attention_output`.
/// (Ainslie et al., 2023.)
pub type GroupQueryAttention = ManyHeads<GroupQuery>;

/// The kind of [`GroupQueryAttention`].
#[derive(Clone)]
pub struct GroupQuery {
    head_dim: usize,
    num_query_heads: usize,
    num_key_value_heads: usize,
}

impl GroupQueryAttention {
    /// Heads of `head_dim` numbers.
    pub fn new(head_dim: usize, num_query_heads: usize, num_key_value_heads: usize) -> GroupQueryAttention {
        ManyHeads::of(GroupQuery { head_dim, num_query_heads, num_key_value_heads })
    }
}

impl HeadsKind for GroupQuery {
    const CLASS: &'static str = "GroupQueryAttention";
    const ATTRIBUTES: [&'static str; 4] = ["_query_dense", "_key_dense", "_value_dense", "_output_dense"];

    fn from_config(config: &LayerConfig<'_>) -> Result<GroupQuery> {
        Ok(GroupQuery {
            head_dim: config.positive("head_dim")?,
            num_query_heads: config.positive("num_query_heads")?,
            num_key_value_heads: config.positive("num_key_value_heads")?,
        })
    }

    fn write(&self, options: &Options, config: &mut Config) {
        config.insert("head_dim".into(), json!(self.head_dim));
        config.insert("num_query_heads".into(), json!(self.num_query_heads));
        config.insert("num_key_value_heads".into(), json!(self.num_key_value_heads));
        config.insert("use_bias".into(), json!(options.use_bias));
        config.insert("use_gate".into(), json!(options.use_gate));
        config.insert("sliding_window".into(), json!(options.sliding_window));
        config.insert("dropout".into(), json!(options.dropout));
    }

    fn sizes(&self) -> [(&'static str, usize); 3] {
        [
            ("head_dim", self.head_dim),
            ("num_query_heads", self.num_query_heads),
            ("num_key_value_heads", self.num_key_value_heads),
        ]
    }

    fn heads(&self) -> HeadSizes {
        let of = |heads: usize| [heads, self.head_dim];
        let shared = of(self.num_key_value_heads);
        HeadSizes { query: of(self.num_query_heads), key: shared, value: shared }
    }

    fn check(&self, query: &Spec) -> Result<()> {
        let (queries, keys) = (self.num_query_heads, self.num_key_value_heads);
        if !queries.is_multiple_of(keys) {
            let needed = format!("a multiple of `num_key_value_heads`, {keys}");
            return Err(Error::config(Self::CLASS, "num_query_heads", queries, needed));
        }
        if query.rank() != 3 {
            let reason = format!("{} needs a query (batch, length, features); it got {query}", Self::CLASS);
            return Err(Error::Layer { path: String::new(), reason });
        }
        Ok(())
    }

    fn axes(&self, _: usize) -> Result<Vec<usize>> {
        Ok(vec![1])
    }

    fn query_mask<'b>(context: &Context<'_, 'b>, query: Masked<'b>) -> Option<Expr<'b>> {
        mask(context, 3, "query_mask", query)
    }

    /// Each head as often as there are heads of queries for it.
    fn for_each_query<'b>(&self, heads: Expr<'b>) -> Expr<'b> {
        let times = self.num_query_heads / self.num_key_value_heads;
        let [batch, length, count, size] = heads.shape()[..] else { return heads };
        let repeated = heads.broadcast([batch, length, count, times, size], &[0, 1, 2, 4]);
        repeated.reshape([batch, length, count * times, size])
    }
}
