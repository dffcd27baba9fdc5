//! TensorBoard: event files that TensorBoard shows. Keras: `TensorBoard`.

mod events;
mod graph;
mod protobuf;
mod writer;

use std::path::PathBuf;
use std::time::Instant;

use serde_json::json;

use self::events::{Event, Histogram};
use self::writer::Writer;
use super::{Callback, CallbackState, SaveFreq, Training};
use crate::error::Result;
use crate::training::Logs;

/// Writes logs, weights and the model's layers into event files below `train` and `validation`. Keras: `TensorBoard`.
///
/// `tensorboard --logdir logs` shows them: `epoch_loss` and the like for each epoch, `epoch_learning_rate`,
/// `evaluation_loss_vs_iterations`, histograms of weights, the graph of layers. Training that goes on from a checkpoint
/// writes further files. Images of weights, embeddings and traces of the profiler are left out.
#[derive(Debug)]
pub struct TensorBoard {
    log_dir: PathBuf,
    histogram_freq: usize,
    write_graph: bool,
    /// Whether the graph is still to be written.
    graph_is_due: bool,
    write_steps_per_second: bool,
    update_freq: SaveFreq,
    train: Option<Writer>,
    validation: Option<Writer>,
    /// Steps of training so far, counted through all epochs.
    steps: usize,
    epoch_begun: (Instant, usize),
    step_begun: Instant,
    /// The epoch from which on earlier files do not count any more.
    goes_on_from: Option<usize>,
}

impl Default for TensorBoard {
    fn default() -> TensorBoard {
        TensorBoard::new("logs")
    }
}

impl TensorBoard {
    /// Logs of epochs, and the graph, below this folder.
    pub fn new(log_dir: impl Into<PathBuf>) -> TensorBoard {
        TensorBoard {
            log_dir: log_dir.into(),
            histogram_freq: 0,
            write_graph: true,
            graph_is_due: false,
            write_steps_per_second: false,
            update_freq: SaveFreq::Epoch,
            train: None,
            validation: None,
            steps: 0,
            epoch_begun: (Instant::now(), 0),
            step_begun: Instant::now(),
            goes_on_from: None,
        }
    }

    /// After every how many epochs to write histograms of the weights; 0 for never.
    pub fn histogram_freq(mut self, epochs: usize) -> TensorBoard {
        self.histogram_freq = epochs;
        self
    }

    /// Whether to write the graph of layers.
    pub fn write_graph(mut self, write: bool) -> TensorBoard {
        self.write_graph = write;
        self
    }

    /// Whether to write how many steps a second takes.
    pub fn write_steps_per_second(mut self, write: bool) -> TensorBoard {
        self.write_steps_per_second = write;
        self
    }

    /// After every how many batches to write their logs, beside those of epochs: [`SaveFreq::Epoch`] for never.
    pub fn update_freq(mut self, freq: impl Into<SaveFreq>) -> TensorBoard {
        self.update_freq = freq.into();
        self
    }

    /// The file for training (true) or validation.
    fn writer(&mut self, training: bool) -> Result<&mut Writer> {
        let (place, folder) = match training {
            true => (&mut self.train, "train"),
            false => (&mut self.validation, "validation"),
        };
        let writer = match place.take() {
            Some(writer) => writer,
            None => {
                let mut writer = Writer::create(&self.log_dir.join(folder))?;
                // It counts for all steps in the folder, be they epochs or batches: where there are both, what was
                // trained twice stays there twice, with the same numbers.
                let without_batch_logs = training && self.update_freq == SaveFreq::Epoch;
                if let Some(epoch) = self.goes_on_from.filter(|_| without_batch_logs) {
                    writer.write(&Event::start(epoch))?;
                }
                writer
            }
        };
        Ok(place.insert(writer))
    }

    fn scalar(&mut self, training: bool, tag: &str, step: usize, value: f64) -> Result<()> {
        self.writer(training)?.write(&Event::scalar(step, tag, value))
    }

    fn is_due(&self) -> bool {
        match self.update_freq {
            SaveFreq::Epoch => false,
            SaveFreq::Batches(batches) => batches > 0 && self.steps.is_multiple_of(batches),
        }
    }

    fn write_weights(&mut self, training: &Training<'_>, epoch: usize) -> Result<()> {
        let weights = training.model.get_weights()?;
        for (path, weight) in training.model.weight_names().iter().zip(&weights) {
            let histogram = Histogram::of(&weight.floats());
            self.writer(true)?.write(&Event::histogram(epoch, &format!("{path}/histogram"), &histogram))?;
        }
        Ok(())
    }
}

impl Callback for TensorBoard {
    fn on_train_begin(&mut self, _: &mut Training<'_>) -> Result<()> {
        (self.train, self.validation, self.steps, self.goes_on_from) = (None, None, 0, None);
        self.graph_is_due = self.write_graph;
        Ok(())
    }

    fn on_train_end(&mut self, _: &mut Training<'_>) -> Result<()> {
        [self.train.take(), self.validation.take()].into_iter().flatten().try_for_each(Writer::finish)
    }

    fn on_epoch_begin(&mut self, training: &mut Training<'_>, _: usize) -> Result<()> {
        self.epoch_begun = (Instant::now(), training.model.iterations()?);
        Ok(())
    }

    fn on_epoch_end(&mut self, training: &mut Training<'_>, epoch: usize, logs: &mut Logs) -> Result<()> {
        if std::mem::take(&mut self.graph_is_due) {
            let graph = graph::of(training.model);
            self.writer(true)?.write(&Event::graph(&graph))?;
        }
        let mut own = logs.clone();
        own.set("learning_rate", training.model.learning_rate()?);
        if self.write_steps_per_second {
            let (begun, iterations) = self.epoch_begun;
            let steps = training.model.iterations()?.saturating_sub(iterations);
            own.set("steps_per_second", steps as f64 / begun.elapsed().as_secs_f64().max(1e-9));
        }
        for (name, value) in own.iter() {
            match name.strip_prefix("val_") {
                Some(name) => self.scalar(false, &format!("epoch_{name}"), epoch, value)?,
                None => self.scalar(true, &format!("epoch_{name}"), epoch, value)?,
            }
        }
        if self.histogram_freq > 0 && epoch.is_multiple_of(self.histogram_freq) {
            self.write_weights(training, epoch)?;
        }
        [&mut self.train, &mut self.validation].into_iter().flatten().try_for_each(Writer::flush)
    }

    fn on_train_batch_begin(&mut self, _: &mut Training<'_>, _: usize) -> Result<()> {
        self.steps += 1;
        self.step_begun = Instant::now();
        Ok(())
    }

    fn on_train_batch_end(&mut self, _: &mut Training<'_>, _: usize, logs: &Logs) -> Result<()> {
        let step = self.steps;
        if self.write_steps_per_second {
            let per_second = 1.0 / self.step_begun.elapsed().as_secs_f64().max(1e-9);
            self.scalar(true, "batch_steps_per_second", step, per_second)?;
        }
        logs.iter().try_for_each(|(name, value)| self.scalar(true, &format!("batch_{name}"), step, value))
    }

    fn wants_batch(&mut self, _: usize) -> bool {
        self.is_due()
    }

    fn on_test_end(&mut self, training: &mut Training<'_>, logs: &Logs) -> Result<()> {
        let step = training.model.iterations()?;
        let tag = |name: &str| format!("evaluation_{name}_vs_iterations");
        logs.iter().try_for_each(|(name, value)| self.scalar(false, &tag(name), step, value))
    }

    fn wants_test_batch(&mut self, _: usize) -> bool {
        false
    }

    fn name(&self) -> &str {
        "TensorBoard"
    }

    fn state(&self) -> CallbackState {
        json!({ "steps": self.steps }).into()
    }

    fn restore(&mut self, training: &mut Training<'_>, state: CallbackState) -> Result<()> {
        self.steps = state.get_count("steps");
        self.goes_on_from = Some(training.epoch());
        self.graph_is_due = false;
        Ok(())
    }
}
