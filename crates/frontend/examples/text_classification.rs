//! Reads short reviews and says whether they are kind. The reviews are made up here; a "not" turns one around, so the
//! order of words matters. The model takes the texts as they are: its first layer makes numbers of them.
//!
//! `cargo run --release --example text_classification -- [EPOCHS]`

use cornu::{Compile, Dense, Embedding, Fit, Input, LSTM, Sequential, TextVectorization};
use ndarray::Array1;

const SUBJECTS: [&str; 8] =
    ["The plot", "Every actor", "The music", "This film", "The ending", "Her voice", "The hero", "That joke"];
const VERBS: [&str; 6] = ["is", "was", "felt", "seemed", "is really", "was, I think,"];
const KIND: [&str; 8] = ["wonderful", "moving", "clever", "bright", "charming", "superb", "funny", "warm"];
const HARSH: [&str; 8] = ["dull", "clumsy", "boring", "awful", "flat", "noisy", "cold", "endless"];

/// A review, and 1 if it is kind.
fn review(number: usize) -> (String, f32) {
    let word = |words: &[&'static str], step: usize| words[number / step % words.len()];
    let (kind, turned) = (number.is_multiple_of(2), (number / 2).is_multiple_of(3));
    let judgement = word(if kind { &KIND } else { &HARSH }, 6);
    let not = if turned { "not " } else { "" };
    let text = format!("{} {} {not}{judgement}.", word(&SUBJECTS, 48), word(&VERBS, 384));
    (text, f32::from(kind != turned))
}

fn reviews(numbers: Vec<usize>) -> (Vec<String>, Array1<f32>) {
    let (texts, kind): (_, Vec<f32>) = numbers.into_iter().map(review).unzip();
    (texts, Array1::from(kind))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let epochs = std::env::args().nth(1).map_or(Ok(10), |epochs| epochs.parse())?;
    let (held_out, shown): (Vec<usize>, Vec<usize>) = (0..2304).partition(|number| number % 5 == 0);
    let ((texts, kind), (test_texts, test_kind)) = (reviews(shown), reviews(held_out));
    cornu::set_random_seed(5);

    let vectorize = TextVectorization::new().output_sequence_length(8).adapt(&texts)?;
    let words = vectorize.vocabulary_size();
    let mut model = Sequential::new()
        .add(Input::new([]).strings())
        .add(vectorize)
        .add(Embedding::new(words, 16).mask_zero(true))
        .add(LSTM::new(16))
        .add(Dense::new(1).activation("sigmoid"))
        .build()?;
    print!("{}", model.summary());
    model.compile(Compile::new("adam", "binary_crossentropy").metrics(["accuracy"]))?;
    model.fit(&texts, &kind, Fit::new().epochs(epochs))?;
    let report = model.evaluate(&test_texts, &test_kind)?;
    println!(
        "accuracy on reviews it has not seen: {:.2} %\n",
        100.0 * report.get("accuracy").ok_or("an accuracy")?
    );

    let new =
        ["The music was warm.", "The music was not warm.", "Her voice is not dull.", "This film is awful!"];
    for (text, score) in new.iter().zip(model.predict(new)?) {
        println!("{:>5.1} % kind: {text}", 100.0 * score);
    }
    Ok(())
}
