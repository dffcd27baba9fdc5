//! ReversibleEmbedding: a table of vectors, read in both directions. Keras: `ReversibleEmbedding`.

use cornu_ir::Expr;
use cornu_ir::ops::Dot;
use serde_json::json;

use super::registry::{keras_dtype, keras_dtype_name};
use super::{Autocast, Config, Context, Embedding, Layer, LayerConfig, LoraKernel, Spec, Weights, only};
use crate::DType;
use crate::error::{Error, Result};

/// An [`Embedding`] which, called with `reverse=True`, gives the score of every id for vectors:
/// `(…, output_dim)` becomes `(…, input_dim)`.
///
/// Scores are products with the table itself or, untied, with a table of their own, `reverse_embeddings`
/// `[output_dim, input_dim]`. With a soft cap c a score l becomes c·tanh(l/c).
#[derive(Clone, Debug)]
pub struct ReversibleEmbedding {
    embedding: Embedding,
    tie_weights: bool,
    reverse_dtype: Option<DType>,
    logit_soft_cap: Option<f64>,
}

impl ReversibleEmbedding {
    /// One table for both directions, as the embedding describes it.
    pub fn new(embedding: Embedding) -> ReversibleEmbedding {
        ReversibleEmbedding { embedding, tie_weights: true, reverse_dtype: None, logit_soft_cap: None }
    }

    /// Whether both directions share one table.
    pub fn tie_weights(mut self, tie_weights: bool) -> ReversibleEmbedding {
        self.tie_weights = tie_weights;
        self
    }

    /// The element type in which scores are computed.
    pub fn reverse_dtype(mut self, dtype: DType) -> ReversibleEmbedding {
        self.reverse_dtype = Some(dtype);
        self
    }

    /// The bound that scores approach.
    pub fn logit_soft_cap(mut self, cap: f64) -> ReversibleEmbedding {
        self.logit_soft_cap = Some(cap);
        self
    }

    pub(super) fn from_config(config: &LayerConfig<'_>) -> Result<ReversibleEmbedding> {
        let reverse_dtype = config.text("reverse_dtype")?.map(|name| {
            let float = keras_dtype(name).filter(|dtype| dtype.is_float());
            float.ok_or_else(|| config.wrong("reverse_dtype", "a Keras float type"))
        });
        Ok(ReversibleEmbedding {
            embedding: Embedding::from_config(config)?,
            tie_weights: config.boolean_or("tie_weights", true)?,
            reverse_dtype: reverse_dtype.transpose()?,
            logit_soft_cap: config.number("logit_soft_cap")?,
        })
    }

    fn scores<'b>(&self, context: &mut Context<'_, 'b>, vectors: Expr<'b>) -> Result<Expr<'b>> {
        let [_, width] = self.embedding.dims();
        if vectors.shape().last() != Some(&width) {
            let reason = format!("reversed, it takes vectors of {width} numbers; it got {}", vectors.ty());
            return Err(Error::Layer { path: context.path(), reason });
        }
        // The table is contracted along its rows; the table of its own along its columns.
        let (table, axis) = if self.tie_weights {
            (self.embedding.table(context)?, 1)
        } else {
            (context.weight("reverse_embeddings")?, 0)
        };
        let dtype = self.reverse_dtype.unwrap_or(table.dtype());
        let last = vectors.rank() - 1;
        let scores = vectors.cast(dtype).dot(table.cast(dtype), Dot::contracting([last], [axis]));
        Ok(self.logit_soft_cap.map_or(scores, |cap| (scores / cap).tanh() * cap))
    }
}

impl Layer for ReversibleEmbedding {
    fn class_name(&self) -> &str {
        "ReversibleEmbedding"
    }

    fn config(&self) -> Result<Config> {
        let mut config = self.embedding.config()?;
        config.insert("tie_weights".into(), json!(self.tie_weights));
        config.insert("reverse_dtype".into(), json!(self.reverse_dtype.map(keras_dtype_name)));
        config.insert("logit_soft_cap".into(), json!(self.logit_soft_cap));
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        if self.logit_soft_cap.is_some_and(|cap| cap == 0.0 || !cap.is_finite()) {
            let needed = "a finite number other than 0";
            return Err(Error::config(
                "ReversibleEmbedding",
                "logit_soft_cap",
                json!(self.logit_soft_cap),
                needed,
            ));
        }
        self.embedding.build_table(inputs, weights)?;
        if !self.tie_weights {
            let [ids, width] = self.embedding.dims();
            weights.add(
                "reverse_embeddings",
                [width, ids],
                self.embedding.embeddings.initializer.resolve()?,
            )?;
        }
        self.embedding.lora.build("ReversibleEmbedding", weights)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let input = only(inputs)?;
        let output = if context.flag("reverse") {
            self.scores(context, input)?
        } else {
            self.embedding.look_up(context, input)?
        };
        Ok(vec![output])
    }

    /// Scores are of the type of the table, or of the one that was asked for.
    fn autocast(&self) -> Autocast {
        Autocast::Nothing
    }

    fn lora(&self) -> Option<&LoraKernel> {
        Some(&self.embedding.lora)
    }
}
