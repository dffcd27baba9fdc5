//! Writes models with what they predict and how their training goes on, for `cargo xtask interop` to hold against real
//! Keras.
//!
//! `cargo run --example write_models -- FOLDER`

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use cornu::optimizers::Optimizer;
use cornu::{
    Activation, Adafactor, Adagrad, Adam, Apply, Compile, Concatenate, DType, Dense, Dropout, Fit, Flatten,
    Ftrl, Identifier, Input, IntegerLookup, IntoValues, LossScaleOptimizer, Model, MultiOptimizer, Muon,
    Nadam, Naming, OutputMode, RMSprop, Reshape, SGD, ScheduleFreeAdamW, Sequential, StringLookup, Tensors,
    TextVectorization, Verbose,
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
    // In Keras these run on TensorFlow alone: `make_text.py --check FOLDER/text` looks at them.
    networks("text", &folder.join("text"))?;
    learned_words(&folder.join("text"))?;
    learned_tags(&folder.join("text"))?;
    let sgd = || SGD::new().learning_rate(0.05);
    optimizer(&folder, "sgd", sgd().into())?;
    optimizer(&folder, "momentum", sgd().momentum(0.9).into())?;
    optimizer(&folder, "nesterov", sgd().momentum(0.9).nesterov(true).into())?;
    optimizer(&folder, "adam", Adam::new().learning_rate(0.01).into())?;
    optimizer(&folder, "rmsprop", RMSprop::new().learning_rate(0.01).into())?;
    optimizer(&folder, "nadam", Nadam::new().learning_rate(0.01).into())?;
    optimizer(&folder, "ftrl", Ftrl::new().learning_rate(0.1).into())?;
    optimizer(&folder, "adafactor", Adafactor::new().learning_rate(0.02).into())?;
    optimizer(&folder, "muon", Muon::new().learning_rate(0.01).into())?;
    optimizer(&folder, "schedule_free", ScheduleFreeAdamW::new().learning_rate(0.02).into())?;
    optimizer(
        &folder,
        "accumulation",
        Adagrad::new().learning_rate(0.1).gradient_accumulation_steps(4).into(),
    )?;
    optimizer(&folder, "loss_scale", LossScaleOptimizer::new(Adam::new().learning_rate(0.01)).into())?;
    let several = MultiOptimizer::new(Adam::new().learning_rate(0.01)).of(".*bias", sgd().momentum(0.9));
    optimizer(&folder, "several_optimizers", several.into())
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

const REVIEWS: [&str; 4] = ["A dull film.", "Good, so good!", "good film", "dull and flat"];

/// A stack that learns from its first texts that it takes strings, with a vocabulary of one and two words.
fn learned_words(folder: &Path) -> Outcome {
    let words = TextVectorization::new().ngrams(2).output_mode(OutputMode::Count).adapt(REVIEWS)?;
    let mut model = Sequential::new().name("learned_words").add(words).add(Dense::new(1)).build()?;
    model.compile(Compile::new(SGD::new().learning_rate(0.1), "mean_squared_error"))?;
    let x = json!({"strings": REVIEWS, "shape": [4]});
    write_steps(folder, &mut model, Tensors::InOrder(vec![REVIEWS.into_values()]), json!([x]))
}

/// Rows of strings and of whole numbers, whose vocabularies and weights were learned.
fn learned_tags(folder: &Path) -> Outcome {
    let rows = [["red", "round"], ["red", "flat"], ["blue", "round"], ["grey", "tall"]];
    let tags = StringLookup::new().output_mode(OutputMode::TfIdf).adapt(&rows[..3])?;
    let numbers = [[7_i64, 8], [7, 9], [-4, 7], [0, 9]];
    let lookup = IntegerLookup::new().output_mode(OutputMode::TfIdf).mask_token(0).adapt(&numbers[..3])?;
    let text = Input::new([2]).strings().named("tags").symbol();
    let codes = Input::new([2]).dtype(DType::I64).named("codes").symbol();
    let joined = Concatenate::new().apply([&tags.apply(&text), &lookup.apply(&codes)]);
    let mut model = Model::named("learned_tags", [&text, &codes], Dense::new(1).apply(&joined))?;
    model.compile(Compile::new(SGD::new().learning_rate(0.1), "mean_squared_error"))?;
    let x = json!([
        {"strings": rows.concat(), "shape": [4, 2]},
        {"dtype": "int64", "shape": [4, 2], "data": numbers.concat()},
    ]);
    let given = vec![Array2::from(rows.to_vec()).into_values(), Array2::from(numbers.to_vec()).into_values()];
    write_steps(folder, &mut model, Tensors::InOrder(given), x)
}

/// Saves a model, then says what it predicts for four samples and what the steps of a training on them cost.
fn write_steps(folder: &Path, model: &mut Model, x: Tensors, written: Value) -> Outcome {
    let name = model.name().to_string();
    let file = |suffix: &str| folder.join(format!("{name}.{suffix}"));
    let targets = Array2::from_shape_fn((4, 1), |(i, _)| (i % 2) as f32);
    let y = model.predict(x.clone())?;
    model.save(file("keras"))?;
    model.save(file("h5"))?;
    let description = file("json");
    let step = |_| Ok(model.train_on_batch(x.clone(), &targets)?.get("loss"));
    let losses: Vec<Option<f64>> = (0..20).map(step).collect::<cornu::Result<_>>()?;
    let typed = |values: &ArrayD<f32>| {
        let mut value = array(values);
        value["dtype"] = json!("float32");
        value
    };
    let described = json!({
        "x": written,
        "y": [typed(&y)],
        "targets": [typed(&targets.into_dyn())],
        "history": {"loss": losses},
    });
    Ok(fs::write(description, described.to_string())?)
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
