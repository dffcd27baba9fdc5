//! A layer of one's own: it multiplies each feature by a weight that training fits.
//!
//! `cargo run --example custom_layer`

use cornu::initializers;
use cornu::layers::{AnyLayer, Config, LayerConfig, only, register_layer};
use cornu::{
    Compile, Context, Dense, Error, Expr, Fit, Input, Layer, Model, Result, Sequential, Spec, Verbose,
    Weights,
};
use ndarray::{Array1, Array2};

/// `x · scale`, with one number for each feature.
struct Scale;

impl Layer for Scale {
    fn class_name(&self) -> &str {
        "Scale"
    }

    fn registered_name(&self) -> Option<&str> {
        Some("example>Scale")
    }

    fn config(&self) -> Result<Config> {
        Ok(Config::new())
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        let features = only(inputs)?.last().ok_or_else(|| Error::Layer {
            path: weights.scope(),
            reason: "Scale needs a known number of features".to_string(),
        })?;
        weights.add("scale", [features], initializers::get("ones")?)?;
        Ok(())
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?;
        Ok(vec![x * context.weight("scale")?.broadcast_leading(&x.shape())])
    }
}

fn main() -> Result<()> {
    register_layer("example>Scale", |_: &LayerConfig<'_>| Ok(AnyLayer::from(Scale)));
    let x = Array2::from_shape_fn((64, 3), |(i, j)| ((i * (7 + j)) % 11) as f32 / 11.0);
    let y: Array1<f32> = x.outer_iter().map(|row| row.sum()).collect();

    let mut model = Sequential::new().add(Input::new([3])).add(Scale).add(Dense::new(1)).build()?;
    model.compile(Compile::new("sgd", "mse"))?;
    let history = model.fit(&x, &y, Fit::new().epochs(20).verbose(Verbose::Silent))?;
    print!("{}", model.summary());
    println!(
        "loss: {:.4} -> {:.4}",
        history.get("loss").unwrap_or(&[])[0],
        history.last("loss").unwrap_or(f64::NAN)
    );

    let path = std::env::temp_dir().join("scale.keras");
    model.save(&path)?;
    let mut again = Model::load(&path)?;
    assert_eq!(again.predict(&x)?, model.predict(&x)?);
    println!("saved, loaded, and says the same");
    Ok(())
}
