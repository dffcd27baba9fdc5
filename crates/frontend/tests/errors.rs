//! What mistakes are answered with: where they are, what was given, what is needed.

use cornu::{Compile, Dense, Dropout, Fit, Input, Naming, Reshape, Sequential, Verbose};
use ndarray::{Array1, Array2};

fn model() -> cornu::Model {
    Sequential::new()
        .add(Input::new([4]))
        .add(Dense::new(2).named("hidden"))
        .add(Dense::new(1))
        .build()
        .expect("a model")
}

fn silent() -> Fit {
    Fit::new().verbose(Verbose::Silent)
}

/// The error's text, which must hold all of these.
fn assert_says<T>(result: cornu::Result<T>, parts: &[&str]) {
    let Err(error) = result else { panic!("no error, where one should say {parts:?}") };
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

#[test]
fn a_misspelled_name_is_answered_with_the_right_one() {
    let built =
        Sequential::new().add(Input::new([4])).add(Dense::new(2).activation("rleu").named("hidden")).build();
    assert_says(built.map(drop), &["hidden", "rleu", "did you mean `relu`?"]);
    assert_says(model().compile(Compile::new("adm", "mse")), &["adm", "`adam`"]);
    assert_says(model().compile(Compile::new("adam", "mean_square_error")), &["`mean_squared_error`"]);
    assert_says(model().compile(Compile::new("adam", "mse").metrics(["acuracy"])), &["acuracy"]);
}

#[test]
fn a_layer_that_does_not_fit_names_its_path_and_both_shapes() {
    let inner = Sequential::new().name("block").add(Reshape::new([3, 5]));
    let built = Sequential::new().add(Input::new([4])).add(Dense::new(8)).add(inner).build();
    assert_says(built.map(drop), &["block/reshape", "[3, 5]", "8]"]);
    let built = Sequential::new().add(Input::new([4])).add(Dropout::new(1.5)).build();
    assert_says(built.map(drop), &["dropout", "rate", "1.5"]);
    let twice =
        Sequential::new().add(Input::new([4])).add(Dense::new(1).named("a")).add(Dense::new(1).named("a"));
    assert_says(twice.build().map(drop), &["Dense", "name", "\"a\"", "no other layer"]);
}

#[test]
fn data_that_does_not_fit_says_what_is_needed() {
    let mut model = model();
    assert_says(model.predict(Array2::<f32>::zeros((3, 5))), &["input_layer", "(None, 4)", "f32[3,5]"]);
    let (x, y) = (Array2::<f32>::zeros((6, 4)), Array1::<f32>::zeros(6));
    assert_says(model.fit(&x, &y, silent()), &["not compiled", "compile"]);
    model.compile(Compile::new("sgd", "mse")).expect("compiled");
    assert_says(model.fit(&x, Array1::<f32>::zeros(5), silent()), &["6 rows", "f32[5]"]);
    assert_says(model.fit(&x, &y, silent().batch_size(0)), &["batch_size"]);
    assert_says(model.fit(&x, &y, silent().validation_split(1.0)), &["validation_split"]);
}

#[test]
fn targets_never_broadcast_against_predictions() {
    let mut model = model();
    model.compile(Compile::new("sgd", "mse")).expect("compiled");
    let x = Array2::<f32>::zeros((6, 4));
    // `(n,)` is taken as `(n, 1)`, as in Keras; anything else is an error.
    model.fit(&x, Array1::<f32>::zeros(6), silent()).expect("one target for each sample");
    assert_says(model.fit(&x, Array2::<f32>::zeros((6, 3)), silent()), &["f32[6,3]", "f32[6,1]"]);
}

#[test]
fn a_file_that_is_none_says_so() {
    assert_says(cornu::Model::load("no/such.keras").map(drop), &["no/such.keras"]);
    assert_says(model().save("model.txt"), &["model.txt", ".keras"]);
}
