//! MultiHeadAttention: several attentions side by side, each on a projection of its own. Keras: `MultiHeadAttention`.

use std::sync::OnceLock;

use cornu_ir::Expr;
use serde_json::json;

use super::super::kernel_settings::{KernelSettings, kernel_setters};
use super::super::{AnyLayer, Config, Context, Layer, LayerConfig, Spec, Sublayer, Weights, only};
use super::heads::{Attended, Heads};
use super::masks;
use super::projection::Projection;
use crate::constraints::Constraint;
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::initializers::Initializer;
use crate::regularizers::Regularizer;

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
#[derive(Clone)]
pub struct MultiHeadAttention {
    num_heads: usize,
    key_dim: usize,
    value_dim: usize,
    dropout: f64,
    use_bias: bool,
    use_gate: bool,
    output_shape: Option<Vec<usize>>,
    attention_axes: Option<Vec<i64>>,
    sliding_window: Option<usize>,
    settings: KernelSettings,
    seed: Option<i64>,
    /// Made when they are first asked for: all is said about them by then.
    projections: OnceLock<Projections>,
}

/// The layers inside.
#[derive(Clone)]
struct Projections {
    query: AnyLayer,
    key: AnyLayer,
    gate: Option<AnyLayer>,
    value: AnyLayer,
    output: AnyLayer,
}

impl MultiHeadAttention {
    /// `num_heads` heads, with keys and values of `key_dim` numbers each.
    pub fn new(num_heads: usize, key_dim: usize) -> MultiHeadAttention {
        MultiHeadAttention {
            num_heads,
            key_dim,
            value_dim: key_dim,
            dropout: 0.0,
            use_bias: true,
            use_gate: false,
            output_shape: None,
            attention_axes: None,
            sliding_window: None,
            settings: KernelSettings::default(),
            seed: None,
            projections: OnceLock::new(),
        }
    }

    /// Size of each head's values.
    pub fn value_dim(mut self, value_dim: usize) -> MultiHeadAttention {
        self.value_dim = value_dim;
        self
    }

    /// In training, the share of scores that are set to zero.
    pub fn dropout(mut self, rate: f64) -> MultiHeadAttention {
        self.dropout = rate;
        self
    }

    /// Whether the dense layers have biases.
    pub fn use_bias(mut self, use_bias: bool) -> MultiHeadAttention {
        self.use_bias = use_bias;
        self
    }

    /// Whether the heads are multiplied by a sigmoid of a dense layer of the query.
    pub fn use_gate(mut self, use_gate: bool) -> MultiHeadAttention {
        self.use_gate = use_gate;
        self
    }

    /// What the output's shape ends in, in the place of the query's features.
    pub fn output_shape(mut self, shape: impl Into<Vec<usize>>) -> MultiHeadAttention {
        self.output_shape = Some(shape.into());
        self
    }

    /// The axes that are attended over; all between batch and features by default.
    pub fn attention_axes(mut self, axes: impl Into<Vec<i64>>) -> MultiHeadAttention {
        self.attention_axes = Some(axes.into());
        self
    }

    /// Lets queries look at keys less than this many places away only.
    pub fn sliding_window(mut self, width: usize) -> MultiHeadAttention {
        self.sliding_window = Some(width);
        self
    }

    /// With random numbers of its own.
    pub fn seed(mut self, seed: i64) -> MultiHeadAttention {
        self.seed = Some(seed);
        self
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<MultiHeadAttention> {
        let key_dim = config.positive("key_dim")?;
        let optional = |key: &str| config.value(key).map(|_| config.positive(key)).transpose();
        let sizes =
            |sizes: Vec<i64>| sizes.into_iter().map(|size| usize::try_from(size).ok()).collect::<Option<_>>();
        let output_shape = config.integers("output_shape")?.map(|shape| {
            sizes(shape).ok_or_else(|| config.wrong("output_shape", "a size, a list of sizes, or null"))
        });
        Ok(MultiHeadAttention {
            num_heads: config.positive("num_heads")?,
            key_dim,
            value_dim: optional("value_dim")?.unwrap_or(key_dim),
            dropout: config.number_or("dropout", 0.0)?,
            use_bias: config.boolean_or("use_bias", true)?,
            use_gate: config.boolean_or("use_gate", false)?,
            output_shape: output_shape.transpose()?,
            attention_axes: config.integers("attention_axes")?,
            sliding_window: optional("sliding_window")?,
            settings: KernelSettings::from_config(config)?,
            seed: config.seed("seed")?,
            projections: OnceLock::new(),
        })
    }

    fn projections(&self) -> &Projections {
        self.projections.get_or_init(|| {
            let into = |size| Projection::into_heads(self.num_heads, size, self.use_bias, &self.settings);
            let output = self.output_shape.clone().filter(|shape| !shape.is_empty());
            let out = Projection::out_of_heads(output, self.use_bias, &self.settings);
            Projections {
                query: into(self.key_dim).layer("query"),
                key: into(self.key_dim).layer("key"),
                gate: self.use_gate.then(|| into(self.value_dim).sigmoid().layer("gate")),
                value: into(self.value_dim).layer("value"),
                output: out.layer("attention_output"),
            }
        })
    }

    /// The axes attended over, of inputs of this rank.
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
                Error::config("MultiHeadAttention", "attention_axes", json!(given), needed)
            })?;
        axes.sort_unstable();
        axes.dedup();
        Ok(axes)
    }

    fn check(&self) -> Result<()> {
        let sizes = [("num_heads", self.num_heads), ("key_dim", self.key_dim), ("value_dim", self.value_dim)];
        check_settings("MultiHeadAttention", &sizes, self.sliding_window, self.dropout)
    }
}

kernel_setters!(MultiHeadAttention);

/// Sizes and windows are 1 or more, and a rate is from 0 to 1.
pub(super) fn check_settings(
    class: &str,
    sizes: &[(&str, usize)],
    sliding_window: Option<usize>,
    dropout: f64,
) -> Result<()> {
    let window = sliding_window.map(|width| ("sliding_window", width));
    if let Some((key, size)) = sizes.iter().copied().chain(window).find(|&(_, size)| size == 0) {
        return Err(Error::config(class, key, size, "1 or more"));
    }
    if !(0.0..=1.0).contains(&dropout) {
        return Err(Error::config(class, "dropout", dropout, "a number from 0 to 1"));
    }
    Ok(())
}

/// Specs of query, value and key; of the value again, where there is no key. Refuses what cannot be attended over.
pub(super) fn specs(class: &str, inputs: &[Spec]) -> Result<[Spec; 3]> {
    let fail = |reason: String| Err(Error::Layer { path: String::new(), reason });
    let (query, value, key) = match inputs {
        [query, value] => (query, value, value),
        [query, value, key] => (query, value, key),
        _ => {
            return fail(format!(
                "{class} takes query, value and perhaps key; it got {} inputs",
                inputs.len()
            ));
        }
    };
    if query.rank() < 3 || query.rank() != value.rank() || query.rank() != key.rank() {
        return fail(format!(
            "{class} needs query, value and key of one number of axes, 3 or more; it got {query}, {value} and {key}"
        ));
    }
    let middle = |spec: &Spec| spec.shape[1..spec.rank() - 1].to_vec();
    if middle(value).iter().zip(&middle(key)).any(|(a, b)| a.is_some() && b.is_some() && a != b) {
        return fail(format!("{class} needs a key for each value; it got values {value} and keys {key}"));
    }
    Ok([query.clone(), value.clone(), key.clone()])
}

impl Layer for MultiHeadAttention {
    fn class_name(&self) -> &str {
        "MultiHeadAttention"
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        config.insert("num_heads".into(), json!(self.num_heads));
        config.insert("key_dim".into(), json!(self.key_dim));
        config.insert("value_dim".into(), json!(self.value_dim));
        config.insert("dropout".into(), json!(self.dropout));
        config.insert("use_bias".into(), json!(self.use_bias));
        config.insert("use_gate".into(), json!(self.use_gate));
        config.insert("output_shape".into(), json!(self.output_shape));
        config.insert("attention_axes".into(), json!(self.attention_axes));
        config.insert("sliding_window".into(), json!(self.sliding_window));
        self.settings.write(&mut config)?;
        config.insert("seed".into(), json!(self.seed));
        Ok(config)
    }

    fn input_names(&self) -> &'static [&'static str] {
        &["query", "value", "key"]
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        self.check()?;
        let [query, value, key] = specs("MultiHeadAttention", inputs)?;
        self.axes(query.rank())?;
        let projections = self.projections();
        projections.query.build(std::slice::from_ref(&query), weights)?;
        projections.key.build(&[key], weights)?;
        if let Some(gate) = &projections.gate {
            gate.build(std::slice::from_ref(&query), weights)?;
        }
        projections.value.build(&[value], weights)?;
        let stay = &query.shape[..query.rank() - 1];
        let heads: Vec<Option<usize>> =
            stay.iter().copied().chain([Some(self.num_heads), Some(self.value_dim)]).collect();
        projections.output.build(&[Spec::new(query.dtype, heads), query], weights)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, _: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let [query, value, key] = inputs(context, "MultiHeadAttention")?;
        let masks = [query.mask, mask(context, 4, "value_mask", value), key_mask(context)];
        let mask = masks::of_call(context, [query.value, value.value], masks, self.sliding_window)?;
        let Projections { query: q, key: k, gate, value: v, output } = self.projections();
        let gate = gate.as_ref().map(|gate| only(&gate.call(context, &[query.value])?)).transpose()?;
        let heads = [
            only(&q.call(context, &[query.value])?)?,
            only(&k.call(context, &[key.value])?)?,
            only(&v.call(context, &[value.value])?)?,
        ];
        let axes = self.axes(query.value.rank())?;
        let attention = Heads {
            scale: 1.0 / (self.key_dim as f64).sqrt(),
            dropout: self.dropout,
            seed: self.seed,
            axes: &axes,
            keep_scores: context.flag("return_attention_scores"),
        };
        let attended = attention.attend(context, heads, mask)?;
        finish(context, output, gate, attended, query.mask)
    }

    fn sublayers(&self) -> Vec<Sublayer<'_>> {
        let Projections { query, key, gate, value, output } = self.projections();
        [
            Some(Sublayer::new("query_dense", query)),
            Some(Sublayer::new("key_dense", key)),
            gate.as_ref().map(|gate| Sublayer::new("_gate_dense", gate)),
            Some(Sublayer::new("value_dense", value)),
            Some(Sublayer::new("output_dense", output)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// A value of a call with the mask that came along.
pub(super) type Input<'b> = super::super::Masked<'b>;

/// Query, value and key of a call.
pub(super) fn inputs<'b>(context: &Context<'_, 'b>, class: &str) -> Result<[Input<'b>; 3]> {
    let query = context.argument(0, "query");
    let Some((query, value)) = query.zip(context.argument(1, "value")) else {
        let reason = format!("{class} is called with a query and a value");
        return Err(Error::Layer { path: context.path(), reason });
    };
    Ok([query, value, context.argument(2, "key").unwrap_or(value)])
}

/// The mask given by this name, or the one that came along.
pub(super) fn mask<'b>(
    context: &Context<'_, 'b>,
    position: usize,
    name: &str,
    input: Input<'b>,
) -> Option<Expr<'b>> {
    context.argument(position, name).map(|mask| mask.value).or(input.mask)
}

/// The mask of the keys, if they are not the values.
pub(super) fn key_mask<'b>(context: &Context<'_, 'b>) -> Option<Expr<'b>> {
    let given = context.argument(5, "key_mask").map(|mask| mask.value);
    given.or_else(|| context.argument(2, "key").and_then(|key| key.mask))
}

/// The heads through gate and output layer; with the scores, if the call asks for them.
pub(super) fn finish<'b>(
    context: &mut Context<'_, 'b>,
    output: &AnyLayer,
    gate: Option<Expr<'b>>,
    attended: Attended<'b>,
    query_mask: Option<Expr<'b>>,
) -> Result<Vec<Expr<'b>>> {
    let heads = gate.map_or(attended.output, |gate| attended.output * gate);
    let output = only(&output.call(context, &[heads])?)?;
    context.set_output_mask(0, query_mask);
    if !context.flag("return_attention_scores") {
        return Ok(vec![output]);
    }
    context.set_output_mask(1, attended.mask);
    Ok(vec![output, attended.scores])
}
