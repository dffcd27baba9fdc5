//! Learns to read handwritten digits, saves the model, loads it again and asks it.
//!
//! `cargo run --release --example quickstart`

use std::io::Read;

use cornu::{Compile, Dense, Dropout, Fit, Input, Model, Sequential};
use flate2::read::GzDecoder;
use ndarray::{Array1, Array2, Axis, s};

/// 8x8 images and their digits: see `data/README.md`.
static DIGITS: &[u8] = include_bytes!("data/digits.csv.gz");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    cornu::set_random_seed(7);
    let (images, digits) = digits()?;
    // Every fifth image is held out: the model sees it only to be measured.
    let (held_out, shown): (Vec<usize>, Vec<usize>) = (0..images.nrows()).partition(|row| row % 5 == 0);
    let (test_images, train_images) = (images.select(Axis(0), &held_out), images.select(Axis(0), &shown));
    let (test_digits, train_digits) = (digits.select(Axis(0), &held_out), digits.select(Axis(0), &shown));

    let mut model = Sequential::new()
        .add(Input::new([64]))
        .add(Dense::new(256).activation("relu"))
        .add(Dropout::new(0.3))
        .add(Dense::new(128).activation("relu"))
        .add(Dense::new(10).activation("softmax"))
        .build()?;
    print!("{}", model.summary());

    model.compile(Compile::new("adam", "sparse_categorical_crossentropy").metrics(["accuracy"]))?;
    model.fit(&train_images, &train_digits, Fit::new().epochs(30).validation_split(0.1))?;
    let report = model.evaluate(&test_images, &test_digits)?;
    println!("held-out accuracy: {:.2} %", 100.0 * report.get("accuracy").unwrap_or(0.0));

    let path = std::env::temp_dir().join("digits.keras");
    model.save(&path)?;
    let mut again = Model::load(&path)?;
    println!("saved to {} and loaded again", path.display());

    let scores = again.predict(test_images.slice(s![..5, ..]))?;
    for ((image, scores), digit) in test_images.outer_iter().zip(scores.outer_iter()).zip(test_digits) {
        let (guess, score) =
            scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).ok_or("no scores")?;
        println!(
            "{}this is a {digit}; the model says {guess} ({:.1} %)\n",
            drawn(&image.to_vec()),
            100.0 * score
        );
    }
    Ok(())
}

/// Images with pixels from 0 to 1, and digits.
fn digits() -> Result<(Array2<f32>, Array1<i32>), Box<dyn std::error::Error>> {
    let mut text = String::new();
    GzDecoder::new(DIGITS).read_to_string(&mut text)?;
    let (mut pixels, mut digits) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let (image, digit) = line.rsplit_once(',').ok_or("a row ends with its digit")?;
        for pixel in image.split(',') {
            pixels.push(pixel.parse::<f32>()? / 16.0);
        }
        digits.push(digit.parse()?);
    }
    Ok((Array2::from_shape_vec((digits.len(), 64), pixels)?, Array1::from(digits)))
}

/// An image in characters.
fn drawn(pixels: &[f32]) -> String {
    let shade = |pixel: &f32| [' ', '░', '▒', '▓', '█'][(pixel * 4.0).round().clamp(0.0, 4.0) as usize];
    pixels
        .chunks(8)
        .map(|row| row.iter().flat_map(|pixel| [shade(pixel); 2]).chain(['\n']).collect::<String>())
        .collect()
}
