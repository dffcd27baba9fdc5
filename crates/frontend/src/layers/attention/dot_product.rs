//! Attention: weights values by the products of queries and keys. Keras: `Attention`.

use std::sync::Arc;

use cornu_ir::ops::Dot;
use cornu_ir::{DType, Expr, Shape, derived};
use serde_json::json;

use super::super::{Config, Context, Dropout, Layer, LayerConfig, Spec, Weights, only};
use super::masks;
use crate::error::{Error, Result};
use crate::initializers::Ones;
use crate::shapes;

/// How a query and a key are scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreMode {
    /// q·k
    Dot,
    /// weight · Σ tanh(q + k)
    Concat,
}

impl ScoreMode {
    /// Keras's word.
    pub fn name(self) -> &'static str {
        match self {
            ScoreMode::Dot => "dot",
            ScoreMode::Concat => "concat",
        }
    }
}

/// softmax(query·keyᵀ)·value. Not divided by the root of the size, unlike multi-head attention.
///
/// Takes a list: query `(batch, queries, size)`, value `(batch, keys, …)` and, if it differs from the value, key.
/// By name: `mask`, a list for query and value, `return_attention_scores`, `use_causal_mask`. Weights: `scale` if
/// used, `concat_score_weight` if scores are `concat`; both scalars that begin at 1. (Luong et al., 2015.)
#[derive(Clone, Debug)]
pub struct Attention {
    use_scale: bool,
    score_mode: ScoreMode,
    dropout: f64,
    seed: Option<i64>,
}

impl Default for Attention {
    fn default() -> Attention {
        Attention::new()
    }
}

impl Attention {
    /// By plain products.
    pub fn new() -> Attention {
        Attention { use_scale: false, score_mode: ScoreMode::Dot, dropout: 0.0, seed: None }
    }

    /// Whether scores are multiplied by a weight.
    pub fn use_scale(mut self, use_scale: bool) -> Attention {
        self.use_scale = use_scale;
        self
    }

    /// How scores are made.
    pub fn score_mode(mut self, mode: ScoreMode) -> Attention {
        self.score_mode = mode;
        self
    }

    /// In training, the share of scores that are set to zero.
    pub fn dropout(mut self, rate: f64) -> Attention {
        self.dropout = rate;
        self
    }

    /// With random numbers of its own.
    pub fn seed(mut self, seed: i64) -> Attention {
        self.seed = Some(seed);
        self
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<Attention> {
        let score_mode = match config.text("score_mode")? {
            None | Some("dot") => ScoreMode::Dot,
            Some("concat") => ScoreMode::Concat,
            Some(_) => return Err(config.wrong("score_mode", "\"dot\" or \"concat\"")),
        };
        Ok(Attention {
            use_scale: config.boolean_or("use_scale", false)?,
            score_mode,
            dropout: config.number_or("dropout", 0.0)?,
            seed: config.seed("seed")?,
        })
    }

    fn scores<'b>(&self, context: &Context<'_, 'b>, query: Expr<'b>, key: Expr<'b>) -> Result<Expr<'b>> {
        let scale = self.use_scale.then(|| context.weight("scale")).transpose()?;
        let scaled = |x: Expr<'b>| scale.map_or(x, |scale| x * scale);
        match self.score_mode {
            ScoreMode::Dot => {
                let (rank, last) = (query.rank(), query.rank() - 1);
                let batch: Vec<usize> = (0..rank - 2).collect();
                let dot = Dot::contracting([last], [last]).batched(batch.clone(), batch);
                Ok(scaled(query.dot(key, dot)))
            }
            ScoreMode::Concat => {
                let sums = scaled(pairs(query, key)).tanh();
                Ok(sums.sum(&[sums.rank() - 1]) * context.weight("concat_score_weight")?)
            }
        }
    }
}

/// The sum of every query and every key: `[batch…, queries, keys, size]`.
pub(super) fn pairs<'b>(query: Expr<'b>, key: Expr<'b>) -> Expr<'b> {
    query.expand(query.rank() - 1) + key.expand(key.rank() - 2)
}

/// What goes into an attention over a list: query, value, key.
pub(super) fn three<T: Clone>(inputs: &[T]) -> Result<[T; 3]> {
    match inputs {
        [query, value] => Ok([query.clone(), value.clone(), value.clone()]),
        [query, value, key] => Ok([query.clone(), value.clone(), key.clone()]),
        _ => {
            let reason =
                format!("takes a list [query, value] or [query, value, key]; it got {}", inputs.len());
            Err(Error::Layer { path: String::new(), reason })
        }
    }
}

/// Refuses inputs that do not go together, and a rate that is none.
pub(super) fn check(class: &str, inputs: &[Spec], dropout: f64) -> Result<[Spec; 3]> {
    if !(0.0..=1.0).contains(&dropout) {
        return Err(Error::config(class, "dropout", dropout, "a number from 0 to 1"));
    }
    let [query, value, key] = three(inputs)?;
    let differ = |a: Option<usize>, b: Option<usize>| a.is_some() && b.is_some() && a != b;
    let one_rank = query.rank() >= 3 && query.rank() == value.rank() && query.rank() == key.rank();
    let places = |spec: &Spec| spec.shape.get(spec.rank().wrapping_sub(2)).copied().flatten();
    if !one_rank || differ(query.last(), key.last()) || differ(places(&value), places(&key)) {
        let reason = format!(
            "{class} needs a query (batch, queries, size), a value (batch, keys, any) and a key (batch, keys, size); \
             it got {query}, {value} and {key}"
        );
        return Err(Error::Layer { path: String::new(), reason });
    }
    Ok([query, value, key])
}

/// The values weighted by the scores' softmax, under the masks of the call.
pub(super) fn weighted<'b>(
    context: &mut Context<'_, 'b>,
    scores: Expr<'b>,
    value: Expr<'b>,
    dropout: &Dropout,
) -> Result<Vec<Expr<'b>>> {
    let last = scores.rank() - 1;
    let scores = masked(context, scores)?;
    let weights = derived::softmax(scores, &[last]);
    let kept = only(&dropout.call(context, &[weights])?)?;
    let batch: Vec<usize> = (0..last - 1).collect();
    let output = kept.dot(value, Dot::contracting([last], [last - 1]).batched(batch.clone(), batch));
    let query_mask = context.mask(0);
    let output = match query_mask {
        Some(mask) => fitting(masks::as_bool(mask).expand(mask.rank()), &output.shape(), "query")?
            .select(output, output.number(0.0)),
        None => output,
    };
    context.set_output_mask(0, query_mask);
    context.set_output_mask(1, None);
    Ok(if context.flag("return_attention_scores") { vec![output, weights] } else { vec![output] })
}

/// Scores that do not count are made so low that their share is nothing, as Keras does.
fn masked<'b>(context: &Context<'_, 'b>, scores: Expr<'b>) -> Result<Expr<'b>> {
    let shape = scores.shape();
    let (queries, keys) = (shape[shape.rank() - 2], shape[shape.rank() - 1]);
    let mut mask = context.mask(1).map(|mask| masks::as_bool(mask).expand(mask.rank().saturating_sub(1)));
    if context.flag("use_causal_mask") {
        mask = Some(masks::both(mask, masks::causal(scores, queries, keys))?);
    }
    let Some(mask) = mask else { return Ok(scores) };
    // Keras's number, which 16 bits hold.
    let much = if scores.dtype() == DType::F16 { 65504.0 } else { 1e9 };
    Ok(fitting(mask, &shape, "value")?.select(scores, scores - much))
}

fn fitting<'b>(mask: Expr<'b>, shape: &Shape, whose: &str) -> Result<Expr<'b>> {
    if shapes::common(&mask.shape(), shape).as_deref() != Some(&shape[..]) {
        return Err(Error::Shape {
            what: format!("the mask of the {whose} of an attention"),
            needed: format!("a shape (batch, length) that fits {shape:?}"),
            got: mask.ty(),
        });
    }
    Ok(shapes::broadcast_to(mask, shape))
}

/// The dropout of scores.
pub(super) fn dropout(rate: f64, seed: Option<i64>) -> Dropout {
    let dropout = Dropout::new(rate);
    seed.map_or(dropout.clone(), |seed| dropout.seed(seed))
}

impl Layer for Attention {
    fn class_name(&self) -> &str {
        "Attention"
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        config.insert("use_scale".into(), json!(self.use_scale));
        config.insert("score_mode".into(), json!(self.score_mode.name()));
        config.insert("dropout".into(), json!(self.dropout));
        config.insert("seed".into(), json!(self.seed));
        Ok(config)
    }

    fn takes_list(&self) -> bool {
        true
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        check("Attention", inputs, self.dropout)?;
        if self.use_scale {
            weights.add("scale", Shape::scalar(), Arc::new(Ones))?;
        }
        if self.score_mode == ScoreMode::Concat {
            weights.add("concat_score_weight", Shape::scalar(), Arc::new(Ones))?;
        }
        Ok(())
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let [query, value, key] = three(inputs)?;
        let scores = self.scores(context, query, key)?;
        weighted(context, scores, value, &dropout(self.dropout, self.seed))
    }
}
