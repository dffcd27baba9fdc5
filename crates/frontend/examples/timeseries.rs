//! Forecasts the next value of a noisy wave from the 24 before it.
//!
//! `cargo run --release --example timeseries -- [EPOCHS]`

use cornu::{Adam, Compile, Dense, Fit, Input, LSTM, Sequential};
use ndarray::{Array1, Array3, s};

const WINDOW: usize = 24;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let epochs = std::env::args().nth(1).map_or(Ok(20), |epochs| epochs.parse())?;
    let series: Array1<f32> = (0..1500).map(wave).collect();
    let (x, y) = windows(&series.slice(s![..1200]).to_owned());
    let (x_test, y_test) = windows(&series.slice(s![1200..]).to_owned());
    cornu::set_random_seed(4);

    let mut model =
        Sequential::new().add(Input::new([WINDOW, 1])).add(LSTM::new(32)).add(Dense::new(1)).build()?;
    print!("{}", model.summary());
    model.compile(Compile::new(Adam::new().learning_rate(3e-3), "mse").metrics(["mae"]))?;
    model.fit(&x, &y, Fit::new().epochs(epochs).validation_split(0.1))?;

    let error = model.evaluate(&x_test, &y_test)?.get("mae").ok_or("an error")?;
    let last = x_test.slice(s![.., WINDOW - 1, 0]);
    let naive = (&last - &y_test).mapv(f32::abs).mean().ok_or("some windows")?;
    println!("mean absolute error: {error:.3}; of saying the last value again: {naive:.3}");
    Ok(())
}

/// Two waves and noise.
fn wave(time: u32) -> f32 {
    let t = time as f32;
    let noise = ((t * 12.9898).sin() * 43758.547).fract();
    (t * 0.3).sin() + 0.5 * (t * 0.071).sin() + 0.1 * noise
}

/// Every run of `WINDOW` values, `(run, time, 1)`, and the value after each.
fn windows(series: &Array1<f32>) -> (Array3<f32>, Array1<f32>) {
    let runs = series.len() - WINDOW;
    let x = Array3::from_shape_fn((runs, WINDOW, 1), |(run, time, _)| series[run + time]);
    (x, series.slice(s![WINDOW..]).to_owned())
}
