//! A small transformer that learns a rhyme letter by letter and then goes on from its first words.
//!
//! `cargo run --release --example mini_gpt -- [EPOCHS]`

use cornu::layers::{Config, only};
use cornu::{
    Adam, Add, Apply, Compile, Context, DType, Dense, Embedding, Error, Expr, Fit, Input, Keywords, Layer,
    LayerNormalization, Model, MultiHeadAttention, Result, Spec, Symbol, Weights, initializers,
};
use ndarray::{Array2, s};

const TEXT: &str = include_str!("data/brook.txt");
/// How many letters the model sees.
const CONTEXT: usize = 40;
/// How many numbers stand for a letter.
const WIDTH: usize = 64;

/// Adds a vector that is learned for each place, so that the model knows what stands where.
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

/// Every letter looks at those before it, then each thinks for itself.
fn block(x: &Symbol) -> Symbol {
    let causal = Keywords::new().constant("use_causal_mask", true);
    let calm = LayerNormalization::new().apply(x);
    let seen = MultiHeadAttention::new(4, WIDTH / 4).apply_with([&calm, &calm], causal).swap_remove(0);
    let x = Add::new().apply([x, &seen]);
    let calm = LayerNormalization::new().apply(&x);
    let thought = Dense::new(4 * WIDTH).activation("gelu").apply(&calm);
    Add::new().apply([&x, &Dense::new(WIDTH).apply(&thought)])
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let epochs = std::env::args().nth(1).map_or(Ok(60), |epochs| epochs.parse())?;
    let mut letters: Vec<char> = TEXT.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    let number = |letter: char| letters.binary_search(&letter).map_or(0, |number| number as i32);
    let text: Vec<i32> = TEXT.chars().map(number).collect();
    // What follows each letter is the letter after it.
    let windows = (text.len() - CONTEXT) / 3;
    let x = Array2::from_shape_fn((windows, CONTEXT), |(window, place)| text[3 * window + place]);
    let y = Array2::from_shape_fn((windows, CONTEXT), |(window, place)| text[3 * window + place + 1]);

    cornu::set_random_seed(6);
    let tokens = Input::new([CONTEXT]).dtype(DType::I32).symbol();
    let embedded = Places.apply(Embedding::new(letters.len(), WIDTH).apply(&tokens));
    let thought = block(&block(&embedded));
    let next = Dense::new(letters.len()).activation("softmax").apply(&thought);
    let mut model = Model::named("mini_gpt", &tokens, &next)?;
    print!("{}", model.summary());
    model.compile(Compile::new(Adam::new().learning_rate(2e-3), "sparse_categorical_crossentropy"))?;
    model.fit(&x, &y, Fit::new().epochs(epochs))?;

    let mut said = text[..CONTEXT].to_vec();
    let mut chance = Chance(1);
    for _ in 0..240 {
        let seen = Array2::from_shape_vec((1, CONTEXT), said[said.len() - CONTEXT..].to_vec())?;
        let scores = model.predict(&seen)?;
        said.push(chance.pick(scores.slice(s![0, CONTEXT - 1, ..]).iter().copied()));
    }
    println!("\n{}", said.into_iter().map(|number| letters[number as usize]).collect::<String>());
    Ok(())
}

/// A small source of chance.
struct Chance(u32);

impl Chance {
    /// The number of an item, likelier where its probability is larger.
    fn pick(&mut self, probabilities: impl Iterator<Item = f32>) -> i32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Squares make likely letters likelier: the sample dares less.
        let squares: Vec<f32> = probabilities.map(|p| p * p).collect();
        let mut left = squares.iter().sum::<f32>() * (self.0 >> 8) as f32 / (1 << 24) as f32;
        let beyond = |square: &f32| {
            left -= square;
            left < 0.0
        };
        squares.iter().position(beyond).unwrap_or(0) as i32
    }
}
