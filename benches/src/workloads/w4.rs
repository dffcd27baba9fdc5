//! W4: a causal transformer of two blocks over sequences of 128 words.

use cornu::layers::{Config, only};
use cornu::{
    Add, Apply, Compile, Context, DType, Dense, Embedding, Error, Expr, Input, Keywords, Layer,
    LayerNormalization, Model, MultiHeadAttention, Result, Spec, Symbol, Weights, initializers, losses,
};

use super::{Workload, epoch, training};
use crate::data;
use crate::job::Made;

/// One epoch in batches of 16.
pub(crate) const WORKLOAD: Workload = training("W4", work);

const ROWS: usize = 160;
const BATCH: usize = 16;
const STEPS: usize = 128;
const WORDS: usize = 8_000;
const WIDTH: usize = 128;
const HEADS: usize = 4;

/// Adds a vector that is learned for each place.
struct Places;

impl Layer for Places {
    fn class_name(&self) -> &str {
        "Places"
    }

    fn config(&self) -> Result<Config> {
        Ok(Config::new())
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        let [_, Some(places), Some(width)] = only(inputs)?.shape[..] else {
            let reason = "Places needs sequences of known size".to_string();
            return Err(Error::Layer { path: weights.scope(), reason });
        };
        weights.add("places", [places, width], initializers::get("uniform")?)?;
        Ok(())
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?;
        Ok(vec![x + context.weight("places")?.broadcast_leading(&x.shape())])
    }
}

fn block(x: &Symbol) -> Symbol {
    let causal = Keywords::new().constant("use_causal_mask", true);
    let normal = LayerNormalization::new().apply(x);
    let attention = MultiHeadAttention::new(HEADS, WIDTH / HEADS);
    let seen = attention.apply_with([&normal, &normal], causal).swap_remove(0);
    let x = Add::new().apply([x, &seen]);
    let normal = LayerNormalization::new().apply(&x);
    let inner = Dense::new(4 * WIDTH).activation("relu").apply(&normal);
    Add::new().apply([&x, &Dense::new(WIDTH).apply(&inner)])
}

fn work() -> Made {
    let words = Input::new([STEPS]).dtype(DType::I32).symbol();
    let embedded = Places.apply(Embedding::new(WORDS, WIDTH).apply(&words));
    let normal = LayerNormalization::new().apply(block(&block(&embedded)));
    let next = Dense::new(WORDS).apply(&normal);
    let mut model = Model::named("transformer", &words, &next)?;
    let loss = losses::SparseCategoricalCrossentropy::new().from_logits(true);
    model.compile(Compile::new("adam", loss))?;
    let words = |seed: u64| data::labels(&[ROWS, STEPS], WORDS as u64, seed);
    Ok(epoch(model, (words(1), words(2)), BATCH))
}
