//! A siamese network: one encoder looks at two images, and the model says whether they show the same digit.
//!
//! `cargo run --release --example siamese -- [EPOCHS]`

#[path = "data/digits.rs"]
mod digits;

use cornu::{Apply, Compile, Dense, Dropout, Fit, Input, Model, Multiply, Naming, Sequential, Subtract};
use ndarray::{Array1, Array2, Axis};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let epochs = std::env::args().nth(1).map_or(Ok(15), |epochs| epochs.parse())?;
    let (shown, held_out) = digits::digits()?;
    cornu::set_random_seed(3);

    let encoder = Sequential::new()
        .add(Dense::new(128).activation("relu"))
        .add(Dropout::new(0.2))
        .add(Dense::new(32))
        .shared();
    let left = Input::new([64]).named("left").symbol();
    let right = Input::new([64]).named("right").symbol();
    let difference = Subtract::new().apply([&encoder.apply(&left), &encoder.apply(&right)]);
    let distance = Multiply::new().apply([&difference, &difference]);
    let same = Dense::new(1).activation("sigmoid").named("same").apply(&distance);

    let mut model = Model::named("siamese", [&left, &right], &same)?;
    print!("{}", model.summary());
    model.compile(Compile::new("adam", "binary_crossentropy").metrics(["accuracy"]))?;
    let ([left, right], same) = pairs(&shown, 12);
    model.fit((&left, &right), &same, Fit::new().epochs(epochs).batch_size(128))?;

    let ([left, right], same) = pairs(&held_out, 4);
    let report = model.evaluate([("left", &left), ("right", &right)], &same)?;
    println!(
        "accuracy on images it has not seen: {:.2} %",
        100.0 * report.get("accuracy").ok_or("an accuracy")?
    );
    Ok(())
}

/// Pairs of images, and 1 for those of one digit, which are every second: `each` pairs for each image.
fn pairs((images, digits): &digits::Samples, each: usize) -> ([Array2<f32>; 2], Array1<f32>) {
    let (mut left, mut right, mut same) = (Vec::new(), Vec::new(), Vec::new());
    for (first, digit) in digits.iter().enumerate() {
        for number in 0..each {
            let wanted = number % 2 == 0;
            let from = first + 1 + 37 * number;
            let others = (from..from + digits.len()).map(|other| other % digits.len());
            let other = others.into_iter().find(|&other| (digits[other] == *digit) == wanted);
            left.push(first);
            right.push(other.unwrap_or(first));
            same.push(f32::from(wanted));
        }
    }
    ([images.select(Axis(0), &left), images.select(Axis(0), &right)], Array1::from(same))
}
