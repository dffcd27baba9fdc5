//! Writes models with what they predict and how their training goes on, for `cargo xtask interop` to hold against real
//! Keras.
//!
//! `cargo run --example write_models -- FOLDER`

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use cornu::optimizers::Optimizer;
use cornu::{
    Activation, Adam, Compile, Dense, Dropout, Fit, Flatten, Identifier, Input, Model, RMSprop, Reshape, SGD,
    Sequential, Verbose,
};
use ndarray::{Array1, Array2, ArrayD};
use serde_json::{Value, json};

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("usage: write_models FOLDER")?);
    fs::create_dir_all(&folder)?;
    cornu::set_random_seed(3);
    for name in Activation::names() {
        // What Keras 3 has no name for, and what it cannot follow by another layer or call by its name alone.
        let writable = name.parse::<Activation>()?.keras3_name().is_some();
        if writable && !matches!(name, "glu" | "threshold") {
            activation(&folder, name)?;
        }
    }
    shapes(&folder)?;
    networks("networks", &folder)?;
    // These run on TensorFlow alone: `make_text.py --check FOLDER/text` looks at them.
    networks("text", &folder.join("text"))?;
    let sgd = || SGD::new().learning_rate(0.05);
    optimizer(&folder, "sgd", sgd().into())?;
    optimizer(&folder, "momentum", sgd().momentum(0.9).into())?;
    optimizer(&folder, "nesterov", sgd().momentum(0.9).nesterov(true).into())?;
    optimizer(&folder, "adam", Adam::new().learning_rate(0.01).into())?;
    optimizer(&folder, "rmsprop", RMSprop::new().learning_rate(0.01).into())
}

/// The networks that Keras itself wrote for our tests, saved again, with Keras's own answers.
fn networks(family: &str, folder: &Path) -> Outcome {
    fs::create_dir_all(folder)?;
    let known = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(family);
    for entry in fs::read_dir(known)? {
        let path = entry?.path();
        let Some(stem) =
            path.file_stem().filter(|_| path.extension().is_some_and(|suffix| suffix == "keras"))
        else {
            continue;
        };
        let model = Model::load(&path)?;
        let to = folder.join(stem);
        model.save(to.with_extension("keras"))?;
        model.save(to.with_extension("h5"))?;
        fs::copy(path.with_extension("json"), to.with_extension("json"))?;
    }
    Ok(())
}

/// 60 samples of 5 features and their classes, of 3.
fn samples() -> (Array2<f32>, Array1<i32>) {
    let x = Array2::from_shape_fn((60, 5), |(i, j)| ((i * 13 + j * 29 + i * j) % 41) as f32 / 20.0 - 1.0);
    let y = (0..60).map(|i| if x[[i, 0]] > 0.2 { 2 } else { i32::from(x[[i, 1]] > x[[i, 2]]) }).collect();
    (x, y)
}

/// A dense layer with an activation between two others.
fn activation(folder: &Path, name: &str) -> Outcome {
    let mut model = Sequential::new()
        .name(&format!("activation_{name}"))
        .add(Input::new([5]))
        .add(Dense::new(8).activation(name))
        .add(Dense::new(4))
        .build()?;
    write(folder, &mut model, None)
}

/// Every layer there is.
fn shapes(folder: &Path) -> Outcome {
    let mut model = Sequential::new()
        .name("shapes")
        .add(Input::new([5]))
        .add(Dense::new(12).kernel_regularizer("l2").use_bias(false))
        .add(Reshape::new([3, -1]))
        .add(Dense::new(2).activation("tanh").kernel_initializer("he_normal"))
        .add(cornu::layers::Activation::new("gelu"))
        .add(Dropout::new(0.5))
        .add(Flatten::new())
        .add(Sequential::new().name("inner").add(Dense::new(4)).add(Dense::new(2)))
        .build()?;
    write(folder, &mut model, None)
}

/// A classifier that was trained for a while; its training goes on here, and must go on alike in Keras.
fn optimizer(folder: &Path, name: &str, optimizer: Identifier<dyn Optimizer>) -> Outcome {
    let (x, y) = samples();
    let mut model = Sequential::new()
        .name(&format!("train_{name}"))
        .add(Input::new([5]))
        .add(Dense::new(8).activation("relu"))
        .add(Dense::new(3).activation("softmax"))
        .build()?;
    model.compile(Compile::new(optimizer, "sparse_categorical_crossentropy").metrics(["accuracy"]))?;
    let how = |epochs| Fit::new().epochs(epochs).batch_size(16).shuffle(false).verbose(Verbose::Silent);
    model.fit(&x, &y, how(3))?;
    write(folder, &mut model, Some((how(5), &y)))
}

/// Saves a model in both formats, then says what it predicts and, if asked to, how its training goes on.
fn write(folder: &Path, model: &mut Model, training: Option<(Fit, &Array1<i32>)>) -> Outcome {
    let file = |suffix: &str| folder.join(format!("{}.{suffix}", model.name()));
    model.save(file("keras"))?;
    model.save(file("h5"))?;
    let description = file("json");
    let (x, _) = samples();
    let mut described = json!({"x": array(&x.clone().into_dyn()), "y": array(&model.predict(&x)?)});
    if let Some((how, y)) = training {
        let history = model.fit(&x, y, how)?;
        described["continue"] = json!({
            "y": {"shape": [y.len()], "dtype": "int32", "data": y.to_vec()},
            "epochs": 5,
            "batch_size": 16,
            "history": {"loss": history.get("loss")},
        });
    }
    Ok(fs::write(description, described.to_string())?)
}

fn array(values: &ArrayD<f32>) -> Value {
    json!({"shape": values.shape(), "data": values.iter().collect::<Vec<_>>()})
}
