//! Regression on a table: the flow that many people learn Keras with.
//!
//! `cargo run --release --example sales -- TRAIN.csv TEST.csv [EPOCHS]`
//!
//! Both files have a header and the column `total_earnings`, which is to be predicted from all others. Writes
//! `trained_model.h5` into the working folder.

use std::error::Error;
use std::fs;

use cornu::{Compile, Dense, Fit, Input, Model, Sequential};
use ndarray::{Array1, Array2, Axis, s};

/// The column to predict.
const TARGET: &str = "total_earnings";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (train, test, epochs) = match arguments.as_slice() {
        [train, test] => (train, test, 50),
        [train, test, epochs] => (train, test, epochs.parse()?),
        _ => return Err("usage: sales TRAIN.csv TEST.csv [EPOCHS]".into()),
    };
    let (train, test) = (Table::read(train)?, Table::read(test)?);
    // Fitted on the training file alone: the test file must not leak into what the model is told.
    let scaler = MinMax::fit(&train.values);
    let (x, y) = split(&scaler.scale(&train.values), train.target);
    let (x_test, y_test) = split(&scaler.scale(&test.values), test.target);

    let mut model = Sequential::new()
        .add(Input::new([x.ncols()]))
        .add(Dense::new(50).activation("relu"))
        .add(Dense::new(100).activation("relu"))
        .add(Dense::new(50).activation("relu"))
        .add(Dense::new(1).activation("linear"))
        .build()?;
    model.compile(Compile::new("adam", "mean_squared_error"))?;
    model.fit(&x, &y, Fit::new().epochs(epochs).shuffle(true))?;
    let error = model.evaluate(&x_test, &y_test)?.get("loss").ok_or("a loss")?;
    println!("mean squared error on the test file, scaled: {error:.6}");

    model.save("trained_model.h5")?;
    let mut model = Model::load("trained_model.h5")?;
    let prediction = model.predict(x_test.slice(s![..1, ..]))?;
    let predicted = scaler.unscale(train.target, prediction[[0, 0]]);
    let actual = test.values[[0, test.target]];
    println!("first row of the test file: predicted ${predicted:.2}, actual ${actual:.2}");
    Ok(())
}

/// Columns of numbers.
struct Table {
    values: Array2<f32>,
    /// Which column is to be predicted.
    target: usize,
}

impl Table {
    fn read(path: &str) -> Result<Table, Box<dyn Error>> {
        let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let header: Vec<&str> = lines.next().ok_or_else(|| format!("{path} is empty"))?.split(',').collect();
        let target = header.iter().position(|name| name.trim() == TARGET);
        let target = target.ok_or_else(|| format!("{path} has no column {TARGET}"))?;
        let mut values = Vec::new();
        for (number, line) in lines.enumerate() {
            let row: Result<Vec<f32>, _> = line.split(',').map(|cell| cell.trim().parse()).collect();
            let row = row.map_err(|error| format!("{path}, row {}: {error}", number + 1))?;
            if row.len() != header.len() {
                return Err(
                    format!("{path}, row {}: {} cells, not {}", number + 1, row.len(), header.len()).into()
                );
            }
            values.extend(row);
        }
        Ok(Table {
            values: Array2::from_shape_vec((values.len() / header.len(), header.len()), values)?,
            target,
        })
    }
}

/// Scales every column to the range from 0 to 1.
struct MinMax {
    low: Array1<f32>,
    span: Array1<f32>,
}

impl MinMax {
    fn fit(values: &Array2<f32>) -> MinMax {
        let low = values.fold_axis(Axis(0), f32::INFINITY, |low, &value| low.min(value));
        let high = values.fold_axis(Axis(0), f32::NEG_INFINITY, |high, &value| high.max(value));
        // A column of one value becomes zeros.
        let span = (high - &low).mapv(|span| if span > 0.0 { span } else { 1.0 });
        MinMax { low, span }
    }

    fn scale(&self, values: &Array2<f32>) -> Array2<f32> {
        (values - &self.low) / &self.span
    }

    fn unscale(&self, column: usize, value: f32) -> f32 {
        value * self.span[column] + self.low[column]
    }
}

/// All columns but one, and that one.
fn split(values: &Array2<f32>, target: usize) -> (Array2<f32>, Array1<f32>) {
    let others: Vec<usize> = (0..values.ncols()).filter(|&column| column != target).collect();
    (values.select(Axis(1), &others), values.column(target).to_owned())
}
