//! MultiHeadAttention: several attentions side by side, each on a projection of its own. Keras: `MultiHeadAttention`.

use cornu_ir::Expr;
use serde_json::json;

use super::super::{Config, Context, LayerConfig, Masked, Spec};
use super::many_heads::{HeadSizes, HeadsKind, ManyHeads, Options};
use crate::error::{Error, Result};

/// softmax(q·kᵀ/√key_dim)·v for each head, with q, k and v dense layers of query, key and value; the heads side by side
/// go through another dense layer.
///
/// Called with `query` `(batch, queries, …)`, `value` `(batch, keys, …)` and, if it differs from the value, `key`; by
/// position or name. Also by name: `value_mask`, `key_mask` `(batch, keys)`, `attention_mask`
/// `(batch, queries, keys)`, `use_causal_mask`, `return_attention_scores`. The masks that came along with the inputs
/// count too; of queries only that one, as in Keras.
///
/// The output is `(batch, queries, features of the query)`, or ends in `output_shape`. Weights: kernel and bias of
/// `query`, `key`, `gate` (if used), `value` and `attention_output`. (Vaswani et al., 2017.)
pub type MultiHeadAttention = ManyHeads<MultiHead>;

/// The kind of [`MultiHeadAttention`].
#[derive(Clone)]
pub struct MultiHead {
    num_heads: usize,
    key_dim: usize,
    value_dim: usize,
    output_shape: Option<Vec<usize>>,
    attention_axes: Option<Vec<i64>>,
}

impl MultiHeadAttention {
    /// `num_heads` heads, with keys and values of `key_dim` numbers each.
    pub fn new(num_heads: usize, key_dim: usize) -> MultiHeadAttention {
        ManyHeads::of(MultiHead {
            num_heads,
            key_dim,
            value_dim: key_dim,
            output_shape: None,
            attention_axes: None,
        })
    }

    /// Size of each head's values.
    pub fn value_dim(mut self, value_dim: usize) -> MultiHeadAttention {
        self.kind.value_dim = value_dim;
        self
    }

    /// What the output's shape ends in, in the place of the query's features.
    pub fn output_shape(mut self, shape: impl Into<Vec<usize>>) -> MultiHeadAttention {
        self.kind.output_shape = Some(shape.into());
        self
    }

    /// The axes that are attended over; all between batch and features by default.
    pub fn attention_axes(mut self, axes: impl Into<Vec<i64>>) -> MultiHeadAttention {
        self.kind.attention_axes = Some(axes.into());
        self
    }
}

impl HeadsKind for MultiHead {
    const CLASS: &'static str = "MultiHeadAttention";
    const ATTRIBUTES: [&'static str; 4] = ["query_dense", "key_dense", "value_dense", "output_dense"];

    fn from_config(config: &LayerConfig<'_>) -> Result<MultiHead> {
        let key_dim = config.positive("key_dim")?;
        let value_dim = config.value("value_dim").map(|_| config.positive("value_dim")).transpose()?;
        let sizes =
            |sizes: Vec<i64>| sizes.into_iter().map(|size| usize::try_from(size).ok()).collect::<Option<_>>();
        let output_shape = config.integers("output_shape")?.map(|shape| {
            sizes(shape).ok_or_else(|| config.wrong("output_shape", "a size, a list of sizes, or null"))
        });
        Ok(MultiHead {
            num_heads: config.positive("num_heads")?,
            key_dim,
            value_dim: value_dim.unwrap_or(key_dim),
            output_shape: output_shape.transpose()?,
            attention_axes: config.integers("attention_axes")?,
        })
    }

    fn write(&self, options: &Options, config: &mut Config) {
        config.insert("num_heads".into(), json!(self.num_heads));
        config.insert("key_dim".into(), json!(self.key_dim));
        config.insert("value_dim".into(), json!(self.value_dim));
        config.insert("dropout".into(), json!(options.dropout));
        config.insert("use_bias".into(), json!(options.use_bias));
        config.insert("use_gate".into(), json!(options.use_gate));
        config.insert("output_shape".into(), json!(self.output_shape));
        config.insert("attention_axes".into(), json!(self.attention_axes));
        config.insert("sliding_window".into(), json!(options.sliding_window));
    }

    fn sizes(&self) -> [(&'static str, usize); 3] {
        [("num_heads", self.num_heads), ("key_dim", self.key_dim), ("value_dim", self.value_dim)]
    }

    fn heads(&self) -> HeadSizes {
        let of = |size: usize| [self.num_heads, size];
        HeadSizes { query: of(self.key_dim), key: of(self.key_dim), value: of(self.value_dim) }
    }

    fn output_shape(&self) -> Option<Vec<usize>> {
        self.output_shape.clone().filter(|shape| !shape.is_empty())
    }

    fn check(&self, query: &Spec) -> Result<()> {
        self.axes(query.rank()).map(drop)
    }

    fn axes(&self, rank: usize) -> Result<Vec<usize>> {
        let Some(given) = &self.attention_axes else { return Ok((1..rank - 1).collect()) };
        let mut axes: Vec<usize> = given
            .iter()
            .map(|&axis| {
                let counted = if axis < 0 { axis + rank as i64 } else { axis };
                usize::try_from(counted).ok().filter(|axis| (1..rank - 1).contains(axis))
            })
            .collect::<Option<_>>()
            .ok_or_else(|| {
                let needed = format!("axes between the batch and the features of inputs with {rank} axes");
                Error::config(Self::CLASS, "attention_axes", json!(given), needed)
            })?;
        axes.sort_unstable();
        axes.dedup();
        Ok(axes)
    }

    fn query_mask<'b>(_: &Context<'_, 'b>, query: Masked<'b>) -> Option<Expr<'b>> {
        query.mask
    }
}
