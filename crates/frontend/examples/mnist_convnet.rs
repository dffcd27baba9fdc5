//! A small convolutional network that reads handwritten digits.
//!
//! `cargo run --release --example mnist_convnet -- [EPOCHS] [FOLDER]`
//!
//! With a folder that holds the four files of MNIST, unpacked (`train-images-idx3-ubyte` and so on), it learns these;
//! else the 8x8 digits in `data`.

#[path = "data/digits.rs"]
mod digits;

use std::error::Error;
use std::fs;
use std::path::Path;

use cornu::layers::Padding;
use cornu::{Compile, Conv2D, Dense, Dropout, Fit, Flatten, Input, MaxPooling2D, Sequential};
use ndarray::{Array1, Array4};

/// Images `(image, row, column, channel)` with pixels from 0 to 1, and their digits.
type Samples = (Array4<f32>, Array1<i32>);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let epochs = arguments.next().map_or(Ok(30), |epochs| epochs.parse())?;
    let ((x, y), (x_test, y_test)) = match arguments.next() {
        Some(folder) => (mnist(folder.as_ref(), "train")?, mnist(folder.as_ref(), "t10k")?),
        None => small_digits()?,
    };
    cornu::set_random_seed(1);
    let mut model = Sequential::new()
        .add(Input::new(&x.shape()[1..]))
        .add(Conv2D::new(32, 3).padding(Padding::Same).activation("relu"))
        .add(Conv2D::new(32, 3).padding(Padding::Same).activation("relu"))
        .add(MaxPooling2D::new(2))
        .add(Conv2D::new(64, 3).padding(Padding::Same).activation("relu"))
        .add(MaxPooling2D::new(2))
        .add(Flatten::new())
        .add(Dropout::new(0.5))
        .add(Dense::new(10).activation("softmax"))
        .build()?;
    print!("{}", model.summary());

    model.compile(Compile::new("adam", "sparse_categorical_crossentropy").metrics(["accuracy"]))?;
    model.fit(&x, &y, Fit::new().epochs(epochs).batch_size(64))?;
    let report = model.evaluate(&x_test, &y_test)?;
    println!("held-out accuracy: {:.2} %", 100.0 * report.get("accuracy").ok_or("an accuracy")?);
    Ok(())
}

/// The digits in `data`, as images.
fn small_digits() -> Result<(Samples, Samples), Box<dyn Error>> {
    let images =
        |(x, y): digits::Samples| Ok::<_, Box<dyn Error>>((x.into_shape_with_order((y.len(), 8, 8, 1))?, y));
    let (shown, held_out) = digits::digits()?;
    Ok((images(shown)?, images(held_out)?))
}

/// The images and labels of MNIST whose files begin with this word.
fn mnist(folder: &Path, word: &str) -> Result<Samples, Box<dyn Error>> {
    let (sizes, pixels) = idx(&folder.join(format!("{word}-images-idx3-ubyte")))?;
    let (_, labels) = idx(&folder.join(format!("{word}-labels-idx1-ubyte")))?;
    let [images, rows, columns] = sizes[..] else { return Err("images have three sizes".into()) };
    let pixels = pixels.into_iter().map(|pixel| f32::from(pixel) / 255.0).collect();
    let labels = labels.into_iter().map(i32::from).collect();
    Ok((Array4::from_shape_vec((images, rows, columns, 1), pixels)?, labels))
}

/// An idx file of bytes: a word whose last byte counts the sizes, the sizes, the bytes.
fn idx(path: &Path) -> Result<(Vec<usize>, Vec<u8>), Box<dyn Error>> {
    let file = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let sizes = usize::from(*file.get(3).ok_or("an idx file begins with 4 bytes")?);
    let (head, bytes) = file.split_at_checked(4 + 4 * sizes).ok_or("an idx file lists its sizes")?;
    let size = |bytes: &[u8]| bytes.iter().fold(0, |size, &byte| size << 8 | usize::from(byte));
    Ok((head[4..].chunks(4).map(size).collect(), bytes.to_vec()))
}
