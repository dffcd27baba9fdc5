//! Preprocessing layers beside numbers that real Keras 3.15 gave.

use cornu::layers::{AnyLayer, Layer};
use cornu::layers::{
    CategoryEncoding, Discretization, Feature, HashedCrossing, Hashing, IntegerLookup, Normalization,
    OutputMode, Rescaling, Split, Standardize, StringLookup, TextVectorization,
};
use cornu::{DType, Error, Input, Sequential, Tensor};
use ndarray::{Array2, ArrayD, array};

fn modeled(input: Input, layer: impl Into<AnyLayer>, x: impl cornu::IntoTensor) -> ArrayD<f32> {
    Sequential::new().add(input).add(layer).build().unwrap().predict(x).unwrap()
}

fn close(got: &[f32], known: &[f32]) {
    assert_eq!(got.len(), known.len(), "{got:?}");
    got.iter().zip(known).for_each(|(a, b)| assert!((a - b).abs() < 1e-5, "{got:?} is not {known:?}"));
}

fn floats(tensor: &Tensor) -> Vec<f32> {
    tensor.items::<f32>().unwrap().to_vec()
}

const X: [[f32; 4]; 2] = [[-1.5, 1.0, 3.4, 0.5], [0.0, 3.0, 1.3, 0.0]];

fn x() -> Array2<f32> {
    Array2::from(X.to_vec())
}

#[test]
fn rescaling_and_normalization() {
    let rescaled = modeled(Input::new([4]), Rescaling::new(2.0).offset([0.5, 0.0, 1.0, -1.0]), x());
    close(rescaled.as_slice().unwrap(), &[-2.5, 2.0, 7.8, 0.0, 0.5, 6.0, 3.6, -1.0]);
    let each = Normalization::new().adapt(x()).unwrap();
    let normalized = modeled(Input::new([4]), each.clone(), x());
    close(normalized.as_slice().unwrap(), &[-1.0, -1.0, 1.0, 1.0, 1.0, 1.0, -1.0, -1.0]);
    let back = modeled(
        Input::new([4]),
        each.invert(true),
        normalized.into_dimensionality::<ndarray::Ix2>().unwrap(),
    );
    close(back.as_slice().unwrap(), X.concat().as_slice());
    let all = [-1.626434, 0.024768, 1.609922, -0.305472, -0.635713, 1.345729, 0.222912, -0.635713];
    let whole = Normalization::new().axis([]).adapt(x()).unwrap();
    let rows = [array![X[0]], array![X[1]]].map(|row| Array2::from(row.to_vec()));
    let batches = Normalization::new().axis([]).adapt_batches(&rows).unwrap();
    let given = Normalization::new().axis([]).statistics([0.9625], [2.292343854904175]);
    for layer in [whole, batches, given] {
        close(modeled(Input::new([4]), layer, x()).as_slice().unwrap(), &all);
    }
}

#[test]
fn wrong_statistics_are_refused() {
    let wrong = Normalization::new().statistics([1.0, 2.0], [1.0, 2.0]);
    let error = Sequential::new().add(Input::new([4])).add(wrong).build().err().unwrap();
    assert!(error.to_string().contains("of the shape [4] of the kept axes"), "{error}");
    let adapted = Normalization::new().adapt(x()).unwrap();
    let error = Sequential::new().add(Input::new([3])).add(adapted).build().err().unwrap();
    assert!(error.to_string().contains("was adapted to data of sizes [4]"), "{error}");
}

#[test]
fn discretization() {
    let bins = |mode| {
        let layer = Discretization::new([0.0, 1.0, 2.0]).output_mode(mode);
        modeled(Input::new([4]), layer, x()).into_raw_vec_and_offset().0
    };
    close(&bins(OutputMode::Int), &[0., 2., 3., 1., 1., 3., 2., 1.]);
    close(&bins(OutputMode::MultiHot), &[1., 1., 1., 1., 0., 1., 1., 1.]);
    close(&bins(OutputMode::Count), &[1., 1., 1., 1., 0., 2., 1., 1.]);
    assert_eq!(bins(OutputMode::OneHot).len(), 32);
    let adapted = Discretization::with_bins(4).adapt(x()).unwrap();
    let known = serde_json::json!([0.0, 0.5, 1.2999999523162842]);
    assert_eq!(adapted.config().unwrap()["bin_boundaries"], known);
    let unready =
        Sequential::new().add(Input::new([4])).add(Discretization::with_bins(4)).build().err().unwrap();
    assert!(unready.to_string().contains("no boundaries yet"), "{unready}");
}

#[test]
fn category_encoding() {
    let encoded = |mode| {
        let layer = CategoryEncoding::new(4).output_mode(mode);
        let input = Input::new([3]).dtype(DType::I64);
        modeled(input, layer, &array![[0_i64, 1, 1], [2, 3, 9]]).into_raw_vec_and_offset().0
    };
    close(&encoded(OutputMode::MultiHot), &[1., 1., 0., 0., 0., 0., 1., 1.]);
    close(&encoded(OutputMode::Count), &[1., 2., 0., 0., 0., 0., 1., 1.]);
    assert_eq!(encoded(OutputMode::OneHot)[20..], [0., 0., 0., 0.]);
}

#[test]
fn string_lookup_in_all_modes() {
    let rows = [["a", "c", "d"], ["d", "z", "b"]];
    let lookup = |mode| StringLookup::new().output_mode(mode).vocabulary(["a", "b", "c"]).unwrap();
    let int = lookup(OutputMode::Int);
    assert_eq!(int.get_vocabulary(), ["[UNK]", "a", "b", "c"]);
    assert_eq!(int.lookup_rows(rows).unwrap().integers(), [1, 3, 0, 0, 0, 2]);
    let hot = |mode| floats(&lookup(mode).lookup_rows(rows).unwrap());
    close(&hot(OutputMode::MultiHot), &[1., 1., 0., 1., 1., 0., 1., 0.]);
    close(&hot(OutputMode::Count), &[1., 1., 0., 1., 2., 0., 1., 0.]);
    assert_eq!(lookup(OutputMode::OneHot).lookup_rows([["a"], ["z"]]).unwrap().shape()[..], [2, 4]);
    assert_eq!(lookup(OutputMode::OneHot).lookup_rows(rows).unwrap().shape()[..], [2, 3, 4]);
    let weighted = StringLookup::new().output_mode(OutputMode::TfIdf);
    let weighted = weighted.weighted_vocabulary(["a", "b", "c"], [0.25, 0.5, 0.75]).unwrap();
    close(&floats(&weighted.lookup_rows(rows).unwrap()), &[0.5, 0.25, 0., 0.75, 1., 0., 0.5, 0.]);
}

#[test]
fn unknown_strings_and_masks() {
    let strings = ["", "a", "x", "y", "zed"];
    let lookup = StringLookup::new().mask_token("").num_oov_indices(3);
    let farm = lookup.clone().vocabulary(["a", "b", "c"]).unwrap();
    assert_eq!(farm.lookup(strings).unwrap().integers(), [0, 4, 3, 3, 3]);
    assert_eq!(farm.get_vocabulary(), ["", "[UNK]", "[UNK]", "[UNK]", "a", "b", "c"]);
    assert_eq!(farm.tokens(&[0, 1, 5, 99]), ["", "[UNK]", "b", "[UNK]"]);
    let sip = lookup.clone().salt([7, 7]).vocabulary(["", "[UNK]", "[UNK]", "[UNK]", "a", "b", "c"]).unwrap();
    assert_eq!(sip.lookup(strings).unwrap().integers(), [0, 4, 1, 3, 1]);
    let padded = StringLookup::new().mask_token("m").max_tokens(6).pad_to_max_tokens(true);
    let padded = padded.output_mode(OutputMode::MultiHot).vocabulary(["a", "b", "c"]).unwrap();
    close(&floats(&padded.lookup_rows([["m", "a", "x"]]).unwrap()), &[1., 1., 0., 0., 0., 0.]);
    let strict = StringLookup::new().num_oov_indices(0).vocabulary(["a"]).unwrap();
    let error = strict.lookup(["b"]).unwrap_err().to_string();
    assert!(error.contains("\"b\" is not in the vocabulary"), "{error}");
    let error = StringLookup::new().vocabulary(["a", "a"]).unwrap_err().to_string();
    assert!(error.contains("a list of different tokens"), "{error}");
}

#[test]
fn vocabularies_are_learned() {
    let learned = StringLookup::new().max_tokens(4).adapt(["b", "a", "b", "c", "d", "a", "e", "b"]).unwrap();
    assert_eq!(learned.get_vocabulary(), ["[UNK]", "b", "a", "e"]);
    let stream = (0..3).map(|i| vec![format!("t{}", i % 2), "x".to_string()]);
    assert_eq!(StringLookup::new().adapt(stream).unwrap().get_vocabulary(), ["[UNK]", "x", "t0", "t1"]);
    let idf = StringLookup::new().output_mode(OutputMode::TfIdf).pad_to_max_tokens(true).max_tokens(6);
    let idf = idf.adapt([["b", "a", "b"], ["c", "a", "a"]]).unwrap();
    let row = floats(&idf.lookup_rows([["a", "b", "zz"]]).unwrap());
    close(&row, &[0.63237333, 0.51082563, std::f32::consts::LN_2, 0., 0., 0.]);
    assert!(matches!(idf.vocabulary(["q"]), Err(Error::Config { .. })));
}

#[test]
fn integer_lookup_on_the_host_and_in_a_model() {
    let numbers = array![[12_i64, -4, 42, 0, 7]];
    let lookups = [
        IntegerLookup::new().vocabulary([12, 36, 1138, 42]).unwrap(),
        IntegerLookup::new().num_oov_indices(3).mask_token(0).vocabulary([12, 36]).unwrap(),
        IntegerLookup::new().output_mode(OutputMode::Count).mask_token(0).vocabulary([12, i64::MAX]).unwrap(),
        IntegerLookup::new().num_oov_indices(2).adapt([12, 1138, 42, 42, 1000, 36, 12, 42, 0, 1, 2]).unwrap(),
    ];
    assert_eq!(lookups[1].lookup(&[12, -4, 42, 0, 7]).unwrap().integers(), [4, 3, 1, 0, 2]);
    let hashed = IntegerLookup::new().num_oov_indices(3).hashed(None).vocabulary([12, 36]).unwrap();
    assert_eq!(hashed.lookup(&[12, -4, 42, 0, 7]).unwrap().integers(), [3, 1, 0, 1, 1]);
    let learned = IntegerLookup::new().adapt([12, 1138, 42, 42, 1000, 36, 12, 42]).unwrap();
    assert_eq!(learned.get_vocabulary(), [-1, 42, 12, 1138, 1000, 36]);
    for lookup in lookups {
        let host = lookup.lookup_rows([[12, -4, 42, 0, 7]]).unwrap();
        let host: Vec<f32> = host.floats().into_iter().map(|x| x as f32).collect();
        let model = modeled(Input::new([5]).dtype(DType::I64), lookup, &numbers);
        close(model.as_slice().unwrap(), &host);
    }
}

#[test]
fn hashing() {
    let letters = ["A", "B", "C", "D", "E"];
    assert_eq!(Hashing::new(3).hash(letters).unwrap().integers(), [1, 0, 1, 1, 2]);
    let masked = Hashing::new(3).mask_value("");
    assert_eq!(masked.hash(["A", "B", "", "C", "D"]).unwrap().integers(), [1, 1, 0, 2, 2]);
    assert_eq!(Hashing::new(3).salt([133, 137]).hash(letters).unwrap().integers(), [1, 2, 1, 0, 2]);
    assert_eq!(Hashing::new(3).salt([133, 133]).hash(letters).unwrap().integers(), [0, 0, 2, 1, 0]);
    let numbers = Tensor::vector(vec![0_i64, 1, -12, 12345678901, 7]);
    assert_eq!(Hashing::new(5).hash_numbers(&numbers).unwrap().integers(), [0, 4, 4, 2, 3]);
    let count = Hashing::new(4).output_mode(OutputMode::Count);
    close(&floats(&count.hash_rows([["A", "B"], ["C", "C"]]).unwrap()), &[2., 0., 0., 0., 0., 0., 0., 2.]);
}

#[test]
fn hashed_crossing() {
    let text = Feature::Text(&["A", "B", "A", "B", "A"]);
    let crossed =
        HashedCrossing::new(5).cross(&[text, Feature::Numbers(&[101, 101, 101, 102, 102])]).unwrap();
    assert_eq!(crossed.integers(), [1, 4, 1, 1, 3]);
    let wide = |features: &[Feature<'_>]| HashedCrossing::new(1 << 40).cross(features).unwrap().integers()[0];
    assert_eq!(wide(&[Feature::Text(&["a"]), Feature::Text(&["b"])]), 151925258090);
    let three = [Feature::Numbers(&[5]), Feature::Numbers(&[-7]), Feature::Numbers(&[9])];
    assert_eq!(wide(&three), 841887116513);
}

const TEXTS: [&str; 2] = ["Hello, World!  the   quick", "brown fox; the LAZY dog's naïve É"];

#[test]
fn text_vectorization() {
    let all = [TEXTS[0], TEXTS[1], "the zebra"];
    let words = TextVectorization::new().adapt(TEXTS).unwrap();
    let rows = words.vectorize(all).unwrap();
    assert_eq!(rows.shape()[..], [3, 7]);
    assert_eq!(rows.integers()[..14], [8, 4, 2, 5, 0, 0, 0, 11, 9, 2, 7, 10, 6, 3]);
    let short = TextVectorization::new().output_sequence_length(4).adapt(TEXTS).unwrap();
    let known = [8, 4, 2, 5, 11, 9, 2, 7, 2, 1, 0, 0];
    assert_eq!(short.vectorize(all).unwrap().integers(), known);
    let letters = TextVectorization::new().standardize(Standardize::Lower).split(Split::Character);
    let letters = letters.adapt(TEXTS).unwrap();
    assert_eq!(letters.get_vocabulary()[..6], ["", "[UNK]", " ", "o", "l", "e"]);
    assert_eq!(letters.vectorize(["the zebra"]).unwrap().integers(), [8, 6, 5, 2, 15, 5, 27, 9, 12]);
    let pairs = TextVectorization::new().ngram_widths([2]).max_tokens(8).adapt(TEXTS).unwrap();
    let known = ["", "[UNK]", "world the", "the quick", "the lazy", "naïve É", "lazy dogs", "hello world"];
    assert_eq!(pairs.get_vocabulary(), known);
    let counts = TextVectorization::new().ngrams(2).output_mode(OutputMode::Count).adapt(TEXTS).unwrap();
    assert_eq!(counts.vocabulary_size(), 20);
    assert_eq!(floats(&counts.vectorize(["the zebra"]).unwrap())[..3], [2.0, 1.0, 0.0]);
    let idf = TextVectorization::new().output_mode(OutputMode::TfIdf).adapt(TEXTS).unwrap();
    close(&floats(&idf.vectorize(["the zebra"]).unwrap())[..3], &[0.674915, 0.51082563, 0.0]);
}
