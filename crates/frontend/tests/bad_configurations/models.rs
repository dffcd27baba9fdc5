//! Models put together, compiled and given data the wrong way.

use cornu::{
    Add, Apply, Compile, Dense, Embedding, Fit, Input, Model, Naming, Result, SGD, Sequential, Verbose, input,
};
use ndarray::{Array1, Array2};

use super::Case;

/// One input of 4 features, one output `score`.
fn single() -> Result<Model> {
    let x = input([4]);
    Model::new(&x, Dense::new(1).named("score").apply(&x))
}

/// Inputs `left` and `right` of 4 features, outputs `class`, of 3, and `score`.
fn double() -> Result<Model> {
    let inputs = ["left", "right"].map(|name| Input::new([4]).named(name).symbol());
    let both = Add::new().apply(&inputs[..]);
    let class = Dense::new(3).activation("softmax").named("class").apply(&both);
    Model::new(inputs, [class, Dense::new(1).named("score").apply(&both)])
}

fn compiled(mut model: Model, how: Compile) -> Result<Model> {
    model.compile(how)?;
    Ok(model)
}

fn fit_single(y: Array2<f32>, loss: &str) -> Result<()> {
    let x = Array2::<f32>::zeros((6, 4));
    compiled(single()?, Compile::new("sgd", loss))?.fit(&x, &y, silent()).map(drop)
}

fn silent() -> Fit {
    Fit::new().verbose(Verbose::Silent)
}

fn x(features: usize) -> Array2<f32> {
    Array2::zeros((6, features))
}

pub(super) const CASES: &[Case] = &[
    ("a model without inputs", || Model::new(vec![], input([4])).map(drop), &["at least one input"]),
    ("a model without outputs", || Model::new(input([4]), vec![]).map(drop), &["one output"]),
    (
        "a symbol that is not among the inputs",
        || {
            let (a, b) = (input([4]), Input::new([4]).named("other").symbol());
            Model::new(&a, Add::new().apply([&a, &b])).map(drop)
        },
        &["other", "input"],
    ),
    (
        "an input that is none",
        || {
            let hidden = Dense::new(3).apply(input([4]));
            Model::new(&hidden, Dense::new(1).apply(&hidden)).map(drop)
        },
        &["inputs of a model", "Input", "Dense"],
    ),
    (
        "one input twice",
        || {
            let a = input([4]);
            Model::new([&a, &a], Dense::new(1).apply(&a)).map(drop)
        },
        &["inputs", "InputLayer", "twice"],
    ),
    (
        "two layers of one name",
        || {
            let a = input([4]);
            let b = Dense::new(4).named("same").apply(&a);
            Model::new(&a, Dense::new(4).named("same").apply(&b)).map(drop)
        },
        &["Dense", "name", "same", "no other layer"],
    ),
    (
        "a layer that takes something, as an input",
        || {
            let a = Dense::new(3).named("lonely").symbol();
            Model::new(&a, &a).map(drop)
        },
        &["lonely", "Input"],
    ),
    (
        "a shared layer on two widths",
        || {
            let (a, b, shared) = (input([4]), input([5]), Dense::new(3).named("shared"));
            Model::new([&a, &b], Add::new().apply([&shared.apply(&a), &shared.apply(&b)])).map(drop)
        },
        &["shared", "4", "5"],
    ),
    ("an input of size zero", || Model::new(input([0]), input([0])).map(drop), &["input"]),
    (
        "a layer in a sequence that does not fit",
        || {
            Sequential::new()
                .add(Input::new([4]))
                .add(Embedding::new(3, 2))
                .add(Dense::new(0).named("last"))
                .build()
                .map(drop)
        },
        &["last: ", "units", "0"],
    ),
    (
        "a mistake deep inside",
        || {
            let block = Sequential::new().name("block").add(Dense::new(0).named("inner"));
            Sequential::new().add(Input::new([4])).add(block).build().map(drop)
        },
        &["/inner: ", "units", "0"],
    ),
    (
        "a first mistake, used on",
        || {
            let a = input([4]);
            let wrong = Dense::new(0).named("first").apply(&a);
            Model::new(&a, Dense::new(0).named("second").apply(&wrong)).map(drop)
        },
        &["first: ", "units"],
    ),
    ("a layer of the model of no name", || single()?.get_layer("scor").map(drop), &["`scor`", "`score`"]),
    (
        "an optimizer of no name",
        || compiled(single()?, Compile::new("adm", "mse")).map(drop),
        &["`adm`", "`adam`"],
    ),
    (
        "a loss of no name",
        || compiled(single()?, Compile::new("sgd", "mean_square_error")).map(drop),
        &["mean_square_error", "`mean_squared_error`"],
    ),
    (
        "a metric of no name",
        || compiled(single()?, Compile::new("sgd", "mse").metrics(["acuracy"])).map(drop),
        &["acuracy", "accuracy"],
    ),
    (
        "a rate below zero",
        || compiled(single()?, Compile::new(SGD::new().learning_rate(-1.0), "mse")).map(drop),
        &["SGD", "learning_rate", "-1"],
    ),
    (
        "a loss for no output",
        || compiled(double()?, Compile::with_losses("sgd", [("klass", "mse")])).map(drop),
        &["`klass`", "`class`"],
    ),
    (
        "a weight for no output",
        || compiled(double()?, Compile::new("sgd", "mse").loss_weights([("scores", 0.5)])).map(drop),
        &["`scores`", "`score`"],
    ),
    (
        "metrics of no output",
        || compiled(double()?, Compile::new("sgd", "mse").metrics_of("klass", ["mae"])).map(drop),
        &["`klass`", "`class`"],
    ),
    ("one array for two inputs", || double()?.predict(x(4)).map(drop), &["2", "1"]),
    ("three arrays for two inputs", || double()?.predict((&x(4), &x(4), &x(4))).map(drop), &["2", "3"]),
    (
        "arrays of unequal length",
        || double()?.predict((&x(4), &Array2::<f32>::zeros((5, 4)))).map(drop),
        &["6 rows", "f32[5,4]"],
    ),
    (
        "an array for no input",
        || double()?.predict([("left", &x(4)), ("wrong", &x(4))]).map(drop),
        &["`wrong`", "right"],
    ),
    ("no array for an input", || double()?.predict([("left", &x(4))]).map(drop), &["input", "`right`"]),
    (
        "an array of other width",
        || double()?.predict((&x(4), &x(5))).map(drop),
        &["right", "(None, 4)", "f32[6,5]"],
    ),
    (
        "one target for two outputs",
        || compiled(double()?, Compile::new("sgd", "mse"))?.fit((&x(4), &x(4)), x(3), silent()).map(drop),
        &["2 outputs", "1"],
    ),
    ("targets of other width", || fit_single(x(3), "mse"), &["mean_squared_error", "f32[6,3]", "f32[6,1]"]),
    ("classes beside a probability", || fit_single(x(3), "binary_crossentropy"), &["f32[6,3]", "f32[6,1]"]),
    ("targets of other length", || fit_single(Array2::zeros((5, 1)), "mse"), &["6", "f32[5,1]"]),
    (
        "training before compile",
        || single()?.fit(x(4), x(1), silent()).map(drop),
        &["not compiled", "compile"],
    ),
    (
        "no batch",
        || compiled(single()?, Compile::new("sgd", "mse"))?.fit(x(4), x(1), silent().batch_size(0)).map(drop),
        &["batch_size", "0"],
    ),
    (
        "nothing held out, nor shown",
        || {
            compiled(single()?, Compile::new("sgd", "mse"))?
                .fit(x(4), x(1), silent().validation_split(1.5))
                .map(drop)
        },
        &["validation_split", "1.5"],
    ),
    (
        "weights for other samples",
        || {
            let how = silent().sample_weight(Array1::<f32>::ones(5));
            compiled(single()?, Compile::new("sgd", "mse"))?.fit(x(4), x(1), how).map(drop)
        },
        &["6 rows", "f32[5]"],
    ),
    (
        "weights of another model",
        || {
            let weights = double()?.get_weights()?;
            single()?.set_weights(&weights)
        },
        &["2", "4"],
    ),
    ("a part to a layer of no name", || single()?.part_to(["scor"]).map(drop), &["`scor`", "`score`"]),
];
