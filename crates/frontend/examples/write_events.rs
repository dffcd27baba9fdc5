//! Trains with the `TensorBoard` callback, and leaves beside the event files what they should say: for the check by
//! TensorBoard's own package, `cargo xtask tensorboard`.
//!
//! Run it with a folder: `cargo run --example write_events -- logs`.

use std::path::{Path, PathBuf};

use cornu::callbacks::{BackupAndRestore, LearningRateScheduler, TensorBoard};
use cornu::{
    Apply, Compile, Concatenate, Dense, Error, Fit, History, Model, Result, Verbose, input, set_random_seed,
};
use ndarray::Array2;

fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or_else(|| Error::Data { what: "give a folder for the logs".to_string() })?;
    let (model, history) = fit(&folder.join("whole"), 5, None)?;
    // In two parts: the second goes on from the checkpoint of the first.
    let backup = || Some(BackupAndRestore::new(folder.join("backup")).delete_checkpoint(false));
    fit(&folder.join("resumed"), 2, backup())?;
    let (_, resumed) = fit(&folder.join("resumed"), 5, backup())?;
    let kernel: Vec<String> = model.get_weights()?[0].floats().iter().map(f64::to_string).collect();
    let text = format!(
        "{{\"whole\": {}, \"resumed\": {}, \"kernel\": [{}], \"kernel_name\": \"{}\"}}",
        history.to_json(),
        resumed.to_json(),
        kernel.join(", "),
        model.weight_names()[0]
    );
    std::fs::write(folder.join("expected.json"), text)
        .map_err(|error| Error::Data { what: error.to_string() })
}

/// The model and the history after so many epochs, with logs in this folder.
fn fit(folder: &Path, epochs: usize, backup: Option<BackupAndRestore>) -> Result<(Model, History)> {
    let mut model = model()?;
    let x = Array2::from_shape_fn((80, 4), |(i, j)| ((i * 7 + j * 13) % 11) as f32 / 11.0);
    let y = Array2::from_shape_fn((80, 1), |(i, _)| (i % 5) as f32 / 5.0);
    let board = TensorBoard::new(folder).histogram_freq(1).write_steps_per_second(true);
    let board = if backup.is_none() { board.update_freq(2) } else { board };
    let how = Fit::new().epochs(epochs).batch_size(16).verbose(Verbose::Silent).validation_split(0.2);
    let how = how.callback(LearningRateScheduler::new(|_, rate| rate * 0.9)).callback(board);
    let how = match backup {
        Some(backup) => how.callback(backup),
        None => how,
    };
    let history = model.fit(&x, &y, how)?;
    Ok((model, history))
}

/// A graph with a fork, so that there is something to see.
fn model() -> Result<Model> {
    set_random_seed(3);
    let x = input([4]);
    let left = Dense::new(6).activation("relu").apply(&x);
    let right = Dense::new(3).activation("tanh").apply(&x);
    let both = Concatenate::new().apply([&left, &right]);
    let mut model = Model::new(&x, Dense::new(1).apply(&both))?;
    model.compile(Compile::new("adam", "mse").metrics(["mae"]))?;
    Ok(model)
}
