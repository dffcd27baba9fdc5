//! Models that take strings: how data is given, what is told of them, what is refused, what files keep.

use std::io::{Read, Write};
use std::path::Path;

use cornu::{
    Adam, Apply, Compile, Concatenate, Dense, Embedding, Fit, Flatten, GlobalAveragePooling1D,
    HashedCrossing, Hashing, Input, IntoValues, Model, Naming, OutputMode, Plot, Result, Sequential,
    StringLookup, Tensors, TextVectorization, Verbose,
};
use ndarray::{Array1, Array2, array};

const TEXTS: [&str; 6] =
    ["a good film", "a dull film", "good music", "dull and flat", "so good", "flat, so flat"];

fn vectors() -> TextVectorization {
    TextVectorization::new().output_sequence_length(3).adapt(TEXTS).unwrap()
}

fn kind() -> Array1<f32> {
    array![1.0, 0.0, 1.0, 0.0, 1.0, 0.0]
}

fn silent() -> Fit {
    Fit::new().verbose(Verbose::Silent)
}

fn layers(stack: Sequential) -> Sequential {
    stack.add(vectors()).add(Embedding::new(12, 4)).add(GlobalAveragePooling1D::new()).add(Dense::new(1))
}

fn classifier() -> Model {
    let mut model = layers(Sequential::new().add(Input::new([]).strings())).build().unwrap();
    model.compile(Compile::new(Adam::new().learning_rate(0.05), "mse")).unwrap();
    model
}

/// A color among three, beside a number.
fn mixed() -> Result<Model> {
    let color = Input::new([1]).strings().named("color").symbol();
    let size = Input::new([1]).named("size").symbol();
    let hot = StringLookup::new().output_mode(OutputMode::OneHot).vocabulary(["red", "blue"])?.apply(&color);
    let joined = Concatenate::new().apply([&hot, &size]);
    Model::new([&color, &size], Dense::new(1).apply(&joined))
}

/// The error's text, which must hold all of these.
fn says<T>(result: Result<T>, parts: &[&str]) {
    let Err(error) = result else { panic!("no error, where one should say {parts:?}") };
    let text = error.to_string();
    assert_eq!(text.lines().count(), 1, "{text}");
    parts.iter().for_each(|part| assert!(text.contains(part), "`{part}` is not in: {text}"));
}

#[test]
fn strings_are_given_as_arrays_and_lists() {
    let mut model = classifier();
    let known = model.predict(TEXTS).unwrap();
    assert_eq!(known.shape(), [6, 1]);
    let owned: Vec<String> = TEXTS.map(String::from).into();
    assert_eq!(model.predict(&owned).unwrap(), known);
    assert_eq!(model.predict(owned.as_slice()).unwrap(), known);
    assert_eq!(model.predict(&TEXTS[..]).unwrap(), known);
    assert_eq!(model.predict(Array1::from(owned.clone())).unwrap(), known);
    let column = Array2::from_shape_vec((6, 1), TEXTS.to_vec()).unwrap();
    assert_eq!(model.predict(&column).unwrap(), known);
    assert_eq!(model.predict(Vec::<String>::new()).unwrap().shape(), [0, 1]);
}

#[test]
fn what_layers_on_the_host_give_is_what_they_give_alone() {
    let mut whole = layers(Sequential::new().add(Input::new([1]).strings())).build().unwrap();
    let alone = Sequential::new()
        .add(Input::new([3]).dtype(cornu::DType::I64))
        .add(Embedding::new(12, 4))
        .add(GlobalAveragePooling1D::new())
        .add(Dense::new(1));
    let mut alone = alone.build().unwrap();
    alone.set_weights(&whole.get_weights().unwrap()).unwrap();
    let numbers = vectors().vectorize(TEXTS).unwrap();
    assert_eq!(whole.predict(TEXTS).unwrap(), alone.predict(&numbers).unwrap());
}

#[test]
fn samples_are_shuffled_split_and_validated_as_numbers_are() {
    let mut model = classifier();
    let how = || silent().epochs(3).batch_size(2);
    let history = model.fit(TEXTS, kind(), how().validation_split(0.34)).unwrap();
    assert_eq!(history.get("val_loss").unwrap().len(), 3);
    let history = model.fit(TEXTS, kind(), how().validation_data(TEXTS, kind())).unwrap();
    let last = history.get("val_loss").unwrap()[2];
    let evaluated = model.evaluate(TEXTS, kind()).unwrap().get("loss").unwrap();
    assert!((last - evaluated).abs() < 1e-6, "{last} {evaluated}");
    let before = model.evaluate(TEXTS, kind()).unwrap().get("loss").unwrap();
    model.fit(TEXTS, kind(), silent().epochs(100)).unwrap();
    assert!(model.evaluate(TEXTS, kind()).unwrap().get("loss").unwrap() < 0.5 * before);
    model.train_on_batch(TEXTS, kind()).unwrap();
}

#[test]
fn a_model_without_an_input_learns_that_it_takes_strings() {
    let mut model = layers(Sequential::new()).build().unwrap();
    assert!(model.input_specs().is_empty());
    model.compile(Compile::new("sgd", "mse")).unwrap();
    model.fit(TEXTS, kind(), silent()).unwrap();
    assert_eq!(model.input_specs()[0].dtype_name(), "string");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.keras");
    model.save(&path).unwrap();
    assert_eq!(Model::load(&path).unwrap().predict(TEXTS).unwrap(), model.predict(TEXTS).unwrap());
}

#[test]
fn texts_of_any_length_make_batches_of_their_own() {
    let stack = Sequential::new().add(Input::new([]).strings());
    let stack = stack.add(TextVectorization::new().adapt(TEXTS).unwrap()).add(Embedding::new(12, 4));
    let mut model = stack.add(GlobalAveragePooling1D::new()).add(Dense::new(1)).build().unwrap();
    model.compile(Compile::new("sgd", "mse")).unwrap();
    model.fit(TEXTS, kind(), silent().batch_size(1).epochs(2)).unwrap();
    assert_eq!(model.predict(["film", "a good film so good"]).unwrap().shape(), [2, 1]);
    let stack = Sequential::new().add(Input::new([]).strings());
    let mut rows = stack.add(TextVectorization::new().adapt(TEXTS).unwrap()).build().unwrap();
    says(rows.predict_tensors(["film", "a film"], 1).map(drop), &["do not join", "output_sequence_length"]);
}

#[test]
fn strings_beside_numbers_in_order_and_by_name() {
    let mut model = mixed().unwrap();
    let (colors, sizes) = (["red", "blue", "grey"], array![1.0f32, 2.0, 3.0]);
    let known = model.predict((&colors, &sizes)).unwrap();
    assert_eq!(model.predict((("size", &sizes), ("color", &colors))).unwrap(), known);
    let named = vec![("color".to_string(), colors.into_values()), ("size".to_string(), sizes.into_values())];
    assert_eq!(model.predict(Tensors::ByName(named)).unwrap(), known);
    let sizes = array![1.0f32, 2.0, 3.0];
    says(model.predict((("size", &sizes), ("colour", &colors))), &["colour", "did you mean `color`"]);
    says(model.predict((&sizes, &colors)), &["input `color` takes strings", "f32[3]"]);
    says(model.predict((&colors, &colors)), &["input `size` takes numbers", "string[3]"]);
    says(model.predict((["red", "blue"], &sizes)), &["2 rows", "f32[3,1]"]);
    let wide = Array2::from_elem((3, 2), "red");
    says(model.predict((&wide, &sizes)), &["input `color` needs (None, 1)", "string[3, 2]"]);
}

#[test]
fn one_input_in_several_layers_and_several_in_one() {
    let [color, shape] = ["color", "shape"].map(|name| Input::new([1]).strings().named(name).symbol());
    let year = Input::new([1]).dtype(cornu::DType::I64).named("year").symbol();
    let crossed = HashedCrossing::new(5).output_mode(OutputMode::OneHot).apply([&color, &shape, &year]);
    let hashed = Hashing::new(4).output_mode(OutputMode::OneHot).apply(&color);
    let id = StringLookup::new().vocabulary(["disc"]).unwrap().apply(&shape);
    // A number that the host made goes back to the host, and into the graph.
    let again = Hashing::new(3).output_mode(OutputMode::OneHot).apply(&id);
    let embedded = Flatten::new().apply(Embedding::new(2, 3).apply(&id));
    let all = Concatenate::new().apply([&crossed, &hashed, &again, &embedded]);
    let mut model = Model::new([&color, &shape, &year], &all).unwrap();
    let out = model.predict((["red", "blue"], ["disc", "cube"], &array![1990_i64, 1991])).unwrap();
    assert_eq!(out.shape(), [2, 15]);
    let alone = Hashing::new(4).output_mode(OutputMode::OneHot).hash(["red", "blue"]).unwrap();
    let got: Vec<f64> =
        out.rows().into_iter().flat_map(|row| row.to_vec()[5..9].to_vec()).map(f64::from).collect();
    assert_eq!(got, alone.floats());
}

#[test]
fn what_is_told_of_a_model_of_strings() {
    let model = mixed().unwrap();
    assert_eq!(model.count_params(), 5);
    assert!(model.summary().contains("string_lookup"), "{}", model.summary());
    assert!(model.get_layer("string_lookup").is_ok());
    assert!(model.to_dot(Plot::new().show_dtype().show_shapes()).contains("string"));
    assert_eq!(model.input_specs()[0].to_string(), "(None, 1)");
    let mut clone = model.cloned().unwrap();
    assert_eq!(clone.predict((["red"], &array![1.0f32])).unwrap().shape(), [1, 1]);
    let mut part = model.part_to(["string_lookup"]).unwrap();
    assert_eq!(part.predict((["red"], &array![1.0f32])).unwrap(), array![[0.0, 1.0, 0.0]].into_dyn());
    assert!(model.cost(8).is_ok());
}

#[test]
fn a_trained_model_of_numbers_is_put_behind_a_layer_on_strings() {
    let inner = Sequential::new().add(Input::new([3]).dtype(cornu::DType::I64)).add(Embedding::new(12, 2));
    let mut inner = inner.add(Flatten::new()).add(Dense::new(1)).build().unwrap();
    let known = inner.predict(vectors().vectorize(TEXTS).unwrap()).unwrap();
    let whole = Sequential::new().name("whole").add(Input::new([]).strings()).add(vectors());
    let mut whole = whole.add(inner.as_layer().unwrap()).build().unwrap();
    assert_eq!(whole.predict(TEXTS).unwrap(), known);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whole.keras");
    whole.save(&path).unwrap();
    assert_eq!(Model::load(&path).unwrap().predict(TEXTS).unwrap(), known);
}

#[test]
fn models_of_strings_inside_others_are_refused() {
    let inner = classifier().as_layer().unwrap();
    let text = Input::new([]).strings().symbol();
    says(Model::new(&text, inner.apply(&text)).map(drop), &["sequential", "inputs of the whole model"]);
    let numbers = cornu::input([4]);
    says(Model::new(&numbers, inner.apply(&numbers)).map(drop), &["TextVectorization", "the host"]);
}

/// A copy of an archive with a member replaced, or left out.
fn with_member(from: &Path, to: &Path, name: &str, content: Option<&[u8]>) {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(from).unwrap()).unwrap();
    let mut out = zip::ZipWriter::new(std::fs::File::create(to).unwrap());
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for number in 0..archive.len() {
        let mut member = archive.by_index(number).unwrap();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).unwrap();
        let member = member.name().unwrap().to_string();
        let Some(bytes) = (if member == name { content } else { Some(bytes.as_slice()) }) else { continue };
        out.start_file(&member, options).unwrap();
        out.write_all(bytes).unwrap();
    }
    out.finish().unwrap();
}

#[test]
fn a_vocabulary_that_was_learned_has_a_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["first.keras", "second.keras"].map(|name| folder.path().join(name));
    let mut model = classifier();
    model.save(&first).unwrap();
    let loaded = Model::load(&first).unwrap();
    loaded.save(&second).unwrap();
    for path in [&first, &second] {
        let mut archive = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
        let mut read = |name: &str| std::io::read_to_string(archive.by_name(name).unwrap()).unwrap();
        assert!(read("config.json").contains(r#""vocabulary": null"#));
        let tokens = read("assets/layers/text_vectorization/vocabulary.txt");
        assert_eq!(tokens, vectors().get_vocabulary().join("\n"));
        assert_eq!(read("assets/layers/text_vectorization/_lookup_layer/vocabulary.txt"), tokens);
    }
    assert_eq!(Model::load(&second).unwrap().predict(TEXTS).unwrap(), model.predict(TEXTS).unwrap());
}

#[test]
fn a_token_that_no_line_can_hold_stays_in_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.keras");
    let lookup = StringLookup::new().output_mode(OutputMode::OneHot).adapt(["two\nlines", "one"]).unwrap();
    let mut model = Sequential::new().add(Input::new([1]).strings()).add(lookup).build().unwrap();
    model.save(&path).unwrap();
    let x = ["one", "two\nlines", "none"];
    assert_eq!(Model::load(&path).unwrap().predict(x).unwrap(), model.predict(x).unwrap());
}

#[test]
fn a_vocabulary_file_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let [good, bad] = ["good.keras", "bad.keras"].map(|name| folder.path().join(name));
    classifier().save(&good).unwrap();
    let name = "assets/layers/text_vectorization/vocabulary.txt";
    let cases: [(Option<&[u8]>, &str); 4] = [
        (None, "missing"),
        (Some(b"\n[UNK]\na\xff"), "UTF-8"),
        (Some(b"\n[UNK]\nfilm\nfilm"), "twice"),
        (Some(b"\n\n\n"), "no vocabulary yet"),
    ];
    for (content, said) in cases {
        with_member(&good, &bad, name, content);
        let named = if said == "no vocabulary yet" { "text_vectorization" } else { name };
        says(Model::load(&bad).map(drop), &["bad.keras", named, said]);
    }
}
