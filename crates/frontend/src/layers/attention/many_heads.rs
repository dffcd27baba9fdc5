//! ManyHeads: attentions side by side, each on projections of its own; how many of which sizes is its kind.

use std::sync::OnceLock;

use cornu_ir::Expr;
use serde_json::json;

use super::super::kernel_settings::{KernelSettings, kernel_setters};
use super::super::{AnyLayer, Config, Context, Layer, LayerConfig, Masked, Spec, Sublayer, Weights, only};
use super::heads::{Attended, Heads};
use super::inputs::{inputs, key_mask, mask, specs};
use super::masks;
use super::projection::Projection;
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::regularizers::Regularizer;

/// softmax(q·kᵀ/√size)·v for each head, with q, k and v dense layers of query, key and value; the heads side by side go
/// through another dense layer.
#[derive(Clone)]
pub struct ManyHeads<K> {
    pub(super) kind: K,
    options: Options,
    settings: KernelSettings,
    /// Made when they are first asked for: all is said about them by then.
    projections: OnceLock<Projections>,
}

/// The arguments of all kinds, beside those for kernels and biases.
#[derive(Clone)]
pub struct Options {
    pub(super) dropout: f64,
    pub(super) use_bias: bool,
    pub(super) use_gate: bool,
    pub(super) sliding_window: Option<usize>,
    seed: Option<i64>,
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

/// How many heads there are, and the size of each: `[heads, size]`.
#[derive(Clone, Copy)]
pub struct HeadSizes {
    pub(super) query: [usize; 2],
    pub(super) key: [usize; 2],
    pub(super) value: [usize; 2],
}

/// What kind of attention [`ManyHeads`] is.
pub trait HeadsKind: Clone + Send + Sync + 'static {
    /// Keras's name of the layer.
    const CLASS: &'static str;
    /// Where Keras's files put the dense layers of query, key, value and output.
    const ATTRIBUTES: [&'static str; 4];

    /// From its own arguments.
    fn from_config(config: &LayerConfig<'_>) -> Result<Self>;

    /// Writes its arguments and the options but for the seed, in Keras's order.
    fn write(&self, options: &Options, config: &mut Config);

    /// The arguments that must be 1 or more.
    fn sizes(&self) -> [(&'static str, usize); 3];

    /// The heads that query, key and value become.
    fn heads(&self) -> HeadSizes;

    /// What the output's shape ends in; `None` for the query's features.
    fn output_shape(&self) -> Option<Vec<usize>> {
        None
    }

    /// Checks its arguments for this query.
    fn check(&self, query: &Spec) -> Result<()>;

    /// The axes attended over, ascending, of inputs of this rank.
    fn axes(&self, rank: usize) -> Result<Vec<usize>>;

    /// Which queries count.
    fn query_mask<'b>(context: &Context<'_, 'b>, query: Masked<'b>) -> Option<Expr<'b>>;

    /// Heads of keys or values, one for each head of queries.
    fn for_each_query<'b>(&self, heads: Expr<'b>) -> Expr<'b> {
        heads
    }
}

impl<K: HeadsKind> ManyHeads<K> {
    pub(super) fn of(kind: K) -> ManyHeads<K> {
        let options =
            Options { dropout: 0.0, use_bias: true, use_gate: false, sliding_window: None, seed: None };
        ManyHeads { kind, options, settings: KernelSettings::default(), projections: OnceLock::new() }
    }

    /// In training, the share of scores that are set to zero.
    pub fn dropout(mut self, rate: f64) -> ManyHeads<K> {
        self.options.dropout = rate;
        self
    }

    /// Whether the dense layers have biases.
    pub fn use_bias(mut self, use_bias: bool) -> ManyHeads<K> {
        self.options.use_bias = use_bias;
        self
    }

    /// Whether the heads are multiplied by a sigmoid of a dense layer of the query.
    pub fn use_gate(mut self, use_gate: bool) -> ManyHeads<K> {
        self.options.use_gate = use_gate;
        self
    }

    /// Lets queries look at keys less than this many places away only.
    pub fn sliding_window(mut self, width: usize) -> ManyHeads<K> {
        self.options.sliding_window = Some(width);
        self
    }

    /// With random numbers of its own.
    pub fn seed(mut self, seed: i64) -> ManyHeads<K> {
        self.options.seed = Some(seed);
        self
    }

    kernel_setters!();

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<ManyHeads<K>> {
        let window = config.value("sliding_window").map(|_| config.positive("sliding_window"));
        let options = Options {
            dropout: config.number_or("dropout", 0.0)?,
            use_bias: config.boolean_or("use_bias", true)?,
            use_gate: config.boolean_or("use_gate", false)?,
            sliding_window: window.transpose()?,
            seed: config.seed("seed")?,
        };
        let (kind, settings) = (K::from_config(config)?, KernelSettings::from_config(config)?);
        Ok(ManyHeads { kind, options, settings, projections: OnceLock::new() })
    }

    fn projections(&self) -> &Projections {
        self.projections.get_or_init(|| {
            let (sizes, use_bias) = (self.kind.heads(), self.options.use_bias);
            let into =
                |[heads, size]: [usize; 2]| Projection::into_heads(heads, size, use_bias, &self.settings);
            let gate = || into(self.attended()).sigmoid().layer("gate");
            let out = Projection::out_of_heads(self.kind.output_shape(), use_bias, &self.settings);
            Projections {
                query: into(sizes.query).layer("query"),
                key: into(sizes.key).layer("key"),
                gate: self.options.use_gate.then(gate),
                value: into(sizes.value).layer("value"),
                output: out.layer("attention_output"),
            }
        })
    }

    /// Number and size of the heads that come out of the attention.
    fn attended(&self) -> [usize; 2] {
        let HeadSizes { query, value, .. } = self.kind.heads();
        [query[0], value[1]]
    }

    /// Sizes and windows are 1 or more, and a rate is from 0 to 1.
    fn check(&self) -> Result<()> {
        let window = self.options.sliding_window.map(|width| ("sliding_window", width));
        if let Some((key, size)) = self.kind.sizes().into_iter().chain(window).find(|&(_, size)| size == 0) {
            return Err(Error::config(K::CLASS, key, size, "1 or more"));
        }
        let rate = self.options.dropout;
        if !(0.0..=1.0).contains(&rate) {
            return Err(Error::config(K::CLASS, "dropout", rate, "a number from 0 to 1"));
        }
        Ok(())
    }
}

impl<K: HeadsKind> Layer for ManyHeads<K> {
    fn class_name(&self) -> &str {
        K::CLASS
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        self.kind.write(&self.options, &mut config);
        self.settings.write(&mut config)?;
        config.insert("seed".into(), json!(self.options.seed));
        Ok(config)
    }

    fn input_names(&self) -> &'static [&'static str] {
        &["query", "value", "key"]
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        self.check()?;
        let [query, value, key] = specs(K::CLASS, inputs)?;
        self.kind.check(&query)?;
        let projections = self.projections();
        projections.query.build(std::slice::from_ref(&query), weights)?;
        projections.key.build(&[key], weights)?;
        if let Some(gate) = &projections.gate {
            gate.build(std::slice::from_ref(&query), weights)?;
        }
        projections.value.build(&[value], weights)?;
        let stay = &query.shape[..query.rank() - 1];
        let heads: Vec<Option<usize>> = stay.iter().copied().chain(self.attended().map(Some)).collect();
        projections.output.build(&[Spec::new(query.dtype, heads), query], weights)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, _: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let [query, value, key] = inputs(context, K::CLASS)?;
        let masks = [K::query_mask(context, query), mask(context, 4, "value_mask", value), key_mask(context)];
        let mask = masks::of_call(context, [query.value, value.value], masks, self.options.sliding_window)?;
        let Projections { query: q, key: k, gate, value: v, output } = self.projections();
        let gate = gate.as_ref().map(|gate| only(&gate.call(context, &[query.value])?)).transpose()?;
        let heads = [
            only(&q.call(context, &[query.value])?)?,
            self.kind.for_each_query(only(&k.call(context, &[key.value])?)?),
            self.kind.for_each_query(only(&v.call(context, &[value.value])?)?),
        ];
        let [_, size] = self.kind.heads().query;
        let attention = Heads {
            scale: 1.0 / (size as f64).sqrt(),
            dropout: self.options.dropout,
            seed: self.options.seed,
            axes: &self.kind.axes(query.value.rank())?,
            keep_scores: context.flag("return_attention_scores"),
        };
        let attended = attention.attend(context, heads, mask)?;
        finish(context, output, gate, attended, query.mask)
    }

    fn sublayers(&self) -> Vec<Sublayer<'_>> {
        let Projections { query, key, gate, value, output } = self.projections();
        let [to_query, to_key, to_value, to_output] = K::ATTRIBUTES;
        [
            Some(Sublayer::new(to_query, query)),
            Some(Sublayer::new(to_key, key)),
            gate.as_ref().map(|gate| Sublayer::new("_gate_dense", gate)),
            Some(Sublayer::new(to_value, value)),
            Some(Sublayer::new(to_output, output)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// The heads through gate and output layer; with the scores, if the call asks for them.
fn finish<'b>(
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
