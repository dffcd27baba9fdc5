//! AdditiveAttention: weights values by how large the sum of query and key is. Keras: `AdditiveAttention`.

use cornu_ir::Expr;
use serde_json::json;

use super::super::{Config, Context, Layer, LayerConfig, Spec, Weights};
use super::dot_product::{check, dropout, pairs, three, weighted};
use crate::error::{Error, Result};
use crate::initializers;

/// softmax(Σ scale·tanh(query + key))·value: Bahdanau's attention.
///
/// Called as [`super::Attention`] is. Weight: `scale` `[size]`, glorot-uniform, if used. (Bahdanau et al., 2015.)
#[derive(Clone, Debug)]
pub struct AdditiveAttention {
    use_scale: bool,
    dropout: f64,
    seed: Option<i64>,
}

impl Default for AdditiveAttention {
    fn default() -> AdditiveAttention {
        AdditiveAttention::new()
    }
}

impl AdditiveAttention {
    /// With a weight for each feature.
    pub fn new() -> AdditiveAttention {
        AdditiveAttention { use_scale: true, dropout: 0.0, seed: None }
    }

    /// Whether each feature has a weight.
    pub fn use_scale(mut self, use_scale: bool) -> AdditiveAttention {
        self.use_scale = use_scale;
        self
    }

    /// In training, the share of scores that are set to zero.
    pub fn dropout(mut self, rate: f64) -> AdditiveAttention {
        self.dropout = rate;
        self
    }

    /// With random numbers of its own.
    pub fn seed(mut self, seed: i64) -> AdditiveAttention {
        self.seed = Some(seed);
        self
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<AdditiveAttention> {
        Ok(AdditiveAttention {
            use_scale: config.boolean_or("use_scale", true)?,
            dropout: config.number_or("dropout", 0.0)?,
            seed: config.seed("seed")?,
        })
    }
}

impl Layer for AdditiveAttention {
    fn class_name(&self) -> &str {
        "AdditiveAttention"
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        config.insert("use_scale".into(), json!(self.use_scale));
        config.insert("dropout".into(), json!(self.dropout));
        config.insert("seed".into(), json!(self.seed));
        Ok(config)
    }

    fn takes_list(&self) -> bool {
        true
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        let [query, ..] = check("AdditiveAttention", inputs, self.dropout)?;
        if self.use_scale {
            let size = query.last().ok_or_else(|| Error::Layer {
                path: weights.scope(),
                reason: format!("AdditiveAttention needs a query whose last size is known; it got {query}"),
            })?;
            weights.add("scale", [size], initializers::get("glorot_uniform")?)?;
        }
        Ok(())
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let [query, value, key] = three(inputs)?;
        let sums = pairs(query, key).tanh();
        let sums = if self.use_scale {
            sums * context.weight("scale")?.broadcast_leading(&sums.shape())
        } else {
            sums
        };
        let scores = sums.sum(&[sums.rank() - 1]);
        weighted(context, scores, value, &dropout(self.dropout, self.seed))
    }
}
