//! GroupQueryAttention: several heads of queries share a head of keys and values. Keras: `GroupQueryAttention`.

use std::sync::OnceLock;

use cornu_ir::Expr;
use serde_json::json;

use super::super::kernel_settings::{KernelSettings, kernel_setters};
use super::super::{AnyLayer, Config, Context, Layer, LayerConfig, Spec, Sublayer, Weights, only};
use super::heads::Heads;
use super::masks;
use super::multi_head::{check_settings, finish, inputs, key_mask, mask, specs};
use super::projection::Projection;
use crate::constraints::Constraint;
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::initializers::Initializer;
use crate::regularizers::Regularizer;

/// A multi-head attention with fewer heads of keys and values than of queries: each serves
/// `num_query_heads / num_key_value_heads` of them.
///
/// It is called as [`super::MultiHeadAttention`] is, on inputs `(batch, length, features)`; a `query_mask` may be
/// given too. Weights: kernel and bias of `query`, `key`, `gate` (if used), `value` and `attention_output`.
/// (Ainslie et al., 2023.)
#[derive(Clone)]
pub struct GroupQueryAttention {
    head_dim: usize,
    num_query_heads: usize,
    num_key_value_heads: usize,
    dropout: f64,
    use_bias: bool,
    use_gate: bool,
    sliding_window: Option<usize>,
    settings: KernelSettings,
    seed: Option<i64>,
    /// Query, key, value, output, and the gate if there is one.
    projections: OnceLock<([AnyLayer; 4], Option<AnyLayer>)>,
}

impl GroupQueryAttention {
    /// Heads of `head_dim` numbers.
    pub fn new(head_dim: usize, num_query_heads: usize, num_key_value_heads: usize) -> GroupQueryAttention {
        GroupQueryAttention {
            head_dim,
            num_query_heads,
            num_key_value_heads,
            dropout: 0.0,
            use_bias: true,
            use_gate: false,
            sliding_window: None,
            settings: KernelSettings::default(),
            seed: None,
            projections: OnceLock::new(),
        }
    }

    /// In training, the share of scores that are set to zero.
    pub fn dropout(mut self, rate: f64) -> GroupQueryAttention {
        self.dropout = rate;
        self
    }

    /// Whether the dense layers have biases.
    pub fn use_bias(mut self, use_bias: bool) -> GroupQueryAttention {
        self.use_bias = use_bias;
        self
    }

    /// Whether the heads are multiplied by a sigmoid of a dense layer of the query.
    pub fn use_gate(mut self, use_gate: bool) -> GroupQueryAttention {
        self.use_gate = use_gate;
        self
    }

    /// Lets queries look at keys less than this many places away only.
    pub fn sliding_window(mut self, width: usize) -> GroupQueryAttention {
        self.sliding_window = Some(width);
        self
    }

    /// With random numbers of its own.
    pub fn seed(mut self, seed: i64) -> GroupQueryAttention {
        self.seed = Some(seed);
        self
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<GroupQueryAttention> {
        let window = config.value("sliding_window").map(|_| config.positive("sliding_window"));
        Ok(GroupQueryAttention {
            head_dim: config.positive("head_dim")?,
            num_query_heads: config.positive("num_query_heads")?,
            num_key_value_heads: config.positive("num_key_value_heads")?,
            dropout: config.number_or("dropout", 0.0)?,
            use_bias: config.boolean_or("use_bias", true)?,
            use_gate: config.boolean_or("use_gate", false)?,
            sliding_window: window.transpose()?,
            settings: KernelSettings::from_config(config)?,
            seed: config.seed("seed")?,
            projections: OnceLock::new(),
        })
    }

    fn projections(&self) -> &([AnyLayer; 4], Option<AnyLayer>) {
        self.projections.get_or_init(|| {
            let into = |heads| Projection::into_heads(heads, self.head_dim, self.use_bias, &self.settings);
            let out = Projection::out_of_heads(None, self.use_bias, &self.settings);
            let layers = [
                into(self.num_query_heads).layer("query"),
                into(self.num_key_value_heads).layer("key"),
                into(self.num_key_value_heads).layer("value"),
                out.layer("attention_output"),
            ];
            let gate = self.use_gate.then(|| into(self.num_query_heads).sigmoid().layer("gate"));
            (layers, gate)
        })
    }

    fn check(&self) -> Result<()> {
        let (queries, keys) = (self.num_query_heads, self.num_key_value_heads);
        let sizes =
            [("head_dim", self.head_dim), ("num_query_heads", queries), ("num_key_value_heads", keys)];
        check_settings("GroupQueryAttention", &sizes, self.sliding_window, self.dropout)?;
        if !queries.is_multiple_of(keys) {
            let needed = format!("a multiple of `num_key_value_heads`, {keys}");
            return Err(Error::config("GroupQueryAttention", "num_query_heads", queries, needed));
        }
        Ok(())
    }

    /// Each head as often as there are heads of queries for it.
    fn repeated<'b>(&self, heads: Expr<'b>) -> Expr<'b> {
        let times = self.num_query_heads / self.num_key_value_heads;
        let [batch, length, count, size] = heads.shape()[..] else { return heads };
        let repeated = heads.broadcast([batch, length, count, times, size], &[0, 1, 2, 4]);
        repeated.reshape([batch, length, count * times, size])
    }
}

kernel_setters!(GroupQueryAttention);

impl Layer for GroupQueryAttention {
    fn class_name(&self) -> &str {
        "GroupQueryAttention"
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        config.insert("head_dim".into(), json!(self.head_dim));
        config.insert("num_query_heads".into(), json!(self.num_query_heads));
        config.insert("num_key_value_heads".into(), json!(self.num_key_value_heads));
        config.insert("use_bias".into(), json!(self.use_bias));
        config.insert("use_gate".into(), json!(self.use_gate));
        config.insert("sliding_window".into(), json!(self.sliding_window));
        config.insert("dropout".into(), json!(self.dropout));
        self.settings.write(&mut config)?;
        config.insert("seed".into(), json!(self.seed));
        Ok(config)
    }

    fn input_names(&self) -> &'static [&'static str] {
        &["query", "value", "key"]
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        self.check()?;
        let [query, value, key] = specs("GroupQueryAttention", inputs)?;
        if query.rank() != 3 {
            let reason =
                format!("GroupQueryAttention needs a query (batch, length, features); it got {query}");
            return Err(Error::Layer { path: String::new(), reason });
        }
        let ([q, k, v, output], gate) = self.projections();
        q.build(std::slice::from_ref(&query), weights)?;
        k.build(&[key], weights)?;
        if let Some(gate) = gate {
            gate.build(std::slice::from_ref(&query), weights)?;
        }
        v.build(&[value], weights)?;
        let heads = [query.shape[0], query.shape[1], Some(self.num_query_heads), Some(self.head_dim)];
        output.build(&[Spec::new(query.dtype, heads), query], weights)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, _: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let [query, value, key] = inputs(context, "GroupQueryAttention")?;
        let query_mask = mask(context, 3, "query_mask", query);
        let masks = [query_mask, mask(context, 4, "value_mask", value), key_mask(context)];
        let mask = masks::of_call(context, [query.value, value.value], masks, self.sliding_window)?;
        let ([q, k, v, output], gate) = self.projections();
        let gate = gate.as_ref().map(|gate| only(&gate.call(context, &[query.value])?)).transpose()?;
        let heads = [
            only(&q.call(context, &[query.value])?)?,
            self.repeated(only(&k.call(context, &[key.value])?)?),
            self.repeated(only(&v.call(context, &[value.value])?)?),
        ];
        let attention = Heads {
            scale: 1.0 / (self.head_dim as f64).sqrt(),
            dropout: self.dropout,
            seed: self.seed,
            axes: &[1],
            keep_scores: context.flag("return_attention_scores"),
        };
        let attended = attention.attend(context, heads, mask)?;
        finish(context, output, gate, attended, query.mask)
    }

    fn sublayers(&self) -> Vec<Sublayer<'_>> {
        let ([query, key, value, output], gate) = self.projections();
        [
            Some(Sublayer::new("_query_dense", query)),
            Some(Sublayer::new("_key_dense", key)),
            gate.as_ref().map(|gate| Sublayer::new("_gate_dense", gate)),
            Some(Sublayer::new("_value_dense", value)),
            Some(Sublayer::new("_output_dense", output)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
