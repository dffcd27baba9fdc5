//! The digits beside this file, for the examples that read them.

use std::error::Error;
use std::io::Read;

use flate2::read::GzDecoder;
use ndarray::{Array1, Array2, Axis};

/// 8x8 images and their digits: see `README.md`.
static DIGITS: &[u8] = include_bytes!("digits.csv.gz");

/// Images, a row of 64 pixels from 0 to 1 each, and their digits.
pub(crate) type Samples = (Array2<f32>, Array1<i32>);

/// What a model is shown, and every fifth image, which is held out to measure it.
pub(crate) fn digits() -> Result<(Samples, Samples), Box<dyn Error>> {
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
    let (images, digits) = (Array2::from_shape_vec((digits.len(), 64), pixels)?, Array1::from(digits));
    let (held_out, shown): (Vec<usize>, Vec<usize>) = (0..digits.len()).partition(|row| row % 5 == 0);
    let rows = |rows: &[usize]| (images.select(Axis(0), rows), digits.select(Axis(0), rows));
    Ok((rows(&shown), rows(&held_out)))
}

/// Images of 8 rows side by side, in characters.
#[allow(dead_code, reason = "not every example draws")]
pub(crate) fn drawn(images: &[&[f32]]) -> String {
    let shade = |pixel: &f32| [' ', '░', '▒', '▓', '█'][(pixel * 4.0).round().clamp(0.0, 4.0) as usize];
    let row = |image: &[f32], row: usize| -> String {
        image[8 * row..8 * (row + 1)].iter().flat_map(|pixel| [shade(pixel); 2]).collect()
    };
    (0..8).map(|y| images.iter().map(|image| row(image, y) + "  ").collect::<String>() + "\n").collect()
}
