//! An autoencoder: digits through eight numbers and back. Its first half, taken out, gives the eight numbers.
//!
//! `cargo run --release --example autoencoder -- [EPOCHS]`

#[path = "data/digits.rs"]
mod digits;

use cornu::{Apply, Compile, Dense, Fit, Model, input};
use ndarray::s;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let epochs = std::env::args().nth(1).map_or(Ok(60), |epochs| epochs.parse())?;
    let ((images, _), (held_out, digits)) = digits::digits()?;
    cornu::set_random_seed(2);

    let image = input([64]);
    let hidden = Dense::new(64).activation("relu").apply(&image);
    let code = Dense::new(8).apply(&hidden);
    let hidden = Dense::new(64).activation("relu").apply(&code);
    let copy = Dense::new(64).activation("sigmoid").apply(&hidden);

    let mut autoencoder = Model::new(&image, &copy)?;
    autoencoder.compile(Compile::new("adam", "mse"))?;
    autoencoder.fit(&images, &images, Fit::new().epochs(epochs))?;
    let error = autoencoder.evaluate(&held_out, &held_out)?.get("loss").ok_or("a loss")?;
    println!("mean squared error on images it has not seen: {error:.4}\n");

    let mut encoder = autoencoder.part(&image, &code)?;
    let some = held_out.slice(s![..4, ..]);
    let (copies, codes) = (autoencoder.predict(some)?, encoder.predict(some)?);
    let rows = some.outer_iter().zip(copies.outer_iter()).zip(codes.outer_iter());
    for (((image, copy), code), digit) in rows.zip(&digits) {
        println!("{digit} is {code:.1} and from these");
        let (image, copy) = (image.to_vec(), copy.iter().copied().collect::<Vec<_>>());
        println!("{}", digits::drawn(&[&image, &copy]));
    }
    Ok(())
}
