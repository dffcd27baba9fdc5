//! Embedding: a vector for each whole number. Keras: `Embedding`.

use cornu_ir::{DType, Expr};
use serde_json::{Value, json};

use super::lora::lora_options;
use super::weight_options::{
    WeightOptions, weight_options, write_constraints, write_initializers, write_regularizers,
};
use super::{Autocast, Config, Context, Layer, LayerConfig, LoraKernel, Spec, Weights, only};
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::ops::take;
use crate::regularizers::Regularizer;

/// Row `id` of a table for every id: `(…)` becomes `(…, output_dim)`.
///
/// Ids that are no integers are cut to `int32`. Negative ones count from the end of the table; where an id is in no
/// row the vector is NaN, as in Keras on JAX, so that the mistake shows in the loss. Weight: `embeddings`
/// `[input_dim, output_dim]`, which begins uniform within ±0.05.
#[derive(Clone, Debug)]
pub struct Embedding {
    input_dim: usize,
    output_dim: usize,
    pub(super) embeddings: WeightOptions,
    activity_regularizer: Option<Identifier<dyn Regularizer>>,
    mask_zero: bool,
    pub(super) lora: LoraKernel,
}

impl Embedding {
    /// Vectors of `output_dim` numbers for the ids `0..input_dim`.
    pub fn new(input_dim: usize, output_dim: usize) -> Embedding {
        Embedding {
            input_dim,
            output_dim,
            embeddings: WeightOptions::new("uniform"),
            activity_regularizer: None,
            mask_zero: false,
            lora: LoraKernel::new("embeddings"),
        }
    }

    weight_options!("the table" embeddings: embeddings_initializer embeddings_regularizer embeddings_constraint);

    /// What the output's size costs.
    pub fn activity_regularizer(mut self, regularizer: impl Into<Identifier<dyn Regularizer>>) -> Embedding {
        self.activity_regularizer = Some(regularizer.into());
        self
    }

    /// Whether id 0 is padding, which the layers above leave out.
    pub fn mask_zero(mut self, mask_zero: bool) -> Embedding {
        self.mask_zero = mask_zero;
        self
    }

    lora_options!(lora_rank lora_alpha);

    pub(super) fn from_config(config: &LayerConfig<'_>) -> Result<Embedding> {
        Ok(Embedding {
            input_dim: config.positive("input_dim")?,
            output_dim: config.positive("output_dim")?,
            embeddings: WeightOptions::from_config(config, "embeddings", "uniform")?,
            activity_regularizer: config.regularizer("activity_regularizer")?,
            mask_zero: config.boolean_or("mask_zero", false)?,
            lora: LoraKernel::from_config(config, "embeddings")?,
        })
    }

    /// Adds the table; what adapts it comes after all other weights.
    pub(super) fn build_table(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        only(inputs)?;
        for (key, size) in [("input_dim", self.input_dim), ("output_dim", self.output_dim)] {
            // Ids are int32, also when counted from the end.
            if size == 0 || i32::try_from(size).is_err() {
                return Err(Error::config("Embedding", key, size, "a number from 1 to 2147483647"));
            }
        }
        self.embeddings.add(weights, "embeddings", self.dims())
    }

    /// The table, adapted if it is to be.
    pub(super) fn table<'b>(&self, context: &Context<'_, 'b>) -> Result<Expr<'b>> {
        self.lora.value(context)
    }

    pub(super) fn dims(&self) -> [usize; 2] {
        [self.input_dim, self.output_dim]
    }

    /// The vectors of these ids; says which of them count.
    pub(super) fn look_up<'b>(&self, context: &mut Context<'_, 'b>, ids: Expr<'b>) -> Result<Expr<'b>> {
        let table = self.table(context)?;
        let mask = self.mask_zero.then(|| ids.ne(ids.number(0.0)));
        context.set_output_mask(0, mask);
        let ids = match ids.dtype() {
            DType::I32 | DType::I64 => ids,
            DType::F32 | DType::F64 | DType::BF16 | DType::F16 | DType::U8 | DType::U32 | DType::Bool => {
                ids.cast(DType::I32)
            }
        };
        let output = take(table, ids, 0).cast(context.compute_dtype());
        context.add_activity_loss(self.activity_regularizer.as_ref(), output)?;
        Ok(output)
    }
}

impl Layer for Embedding {
    fn class_name(&self) -> &str {
        "Embedding"
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        config.insert("input_dim".into(), json!(self.input_dim));
        config.insert("output_dim".into(), json!(self.output_dim));
        let table = [("embeddings", &self.embeddings)];
        write_initializers(&mut config, &table)?;
        write_regularizers(&mut config, &table)?;
        config.insert("activity_regularizer".into(), super::regularizer_config(&self.activity_regularizer)?);
        write_constraints(&mut config, &table)?;
        config.insert("mask_zero".into(), json!(self.mask_zero));
        config.insert("quantization_config".into(), Value::Null);
        self.lora.write(&mut config);
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        self.build_table(inputs, weights)?;
        self.lora.build("Embedding", weights)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        Ok(vec![self.look_up(context, only(inputs)?)?])
    }

    fn autocast(&self) -> Autocast {
        Autocast::Outputs
    }

    fn lora(&self) -> Option<&LoraKernel> {
        Some(&self.lora)
    }
}
