//! BackupAndRestore: a training that is killed goes on as if it had never stopped. Keras: `BackupAndRestore`.

use std::path::PathBuf;

use serde_json::json;

use super::save_freq::SaveCounter;
use super::{Callback, CallbackState, Ending, SaveFreq, Training};
use crate::checkpoint::{Checkpoint, CheckpointFolder};
use crate::error::Result;
use crate::training::Logs;

/// Writes checkpoints, and begins from the newest if there is one. Keras: `BackupAndRestore`.
///
/// Run the same program again after it was killed, and it ends with the same weights and the same history, bit for bit,
/// as if it had run through: a checkpoint holds weights, optimizer variables, metrics, random state, the position in
/// the data, the history and what other callbacks remember. Build and compile the model in the same way, and give `fit`
/// the same data and callbacks. Files are complete and on the disk before they take their names; where the newest is
/// damaged, the one before it is taken.
///
/// Each training needs a folder of its own. It is removed when training has ended by itself; after an error or an
/// interrupt it stays.
#[derive(Clone, Debug)]
pub struct BackupAndRestore {
    backup_dir: PathBuf,
    counter: SaveCounter,
    max_to_keep: usize,
    delete_checkpoint: bool,
}

impl BackupAndRestore {
    /// In this folder, after each epoch, keeping two checkpoints.
    pub fn new(backup_dir: impl Into<PathBuf>) -> BackupAndRestore {
        BackupAndRestore {
            backup_dir: backup_dir.into(),
            counter: SaveCounter::default(),
            max_to_keep: 2,
            delete_checkpoint: true,
        }
    }

    /// How often: [`SaveFreq::Epoch`], or a number of batches.
    pub fn save_freq(mut self, freq: impl Into<SaveFreq>) -> BackupAndRestore {
        self.counter = SaveCounter::new(freq.into());
        self
    }

    /// How many checkpoints are kept; with 1 there is none to fall back to. (Keras: `double_checkpoint` keeps 2.)
    pub fn max_to_keep(mut self, count: usize) -> BackupAndRestore {
        self.max_to_keep = count;
        self
    }

    /// Whether the folder is removed when training has ended by itself.
    pub fn delete_checkpoint(mut self, delete: bool) -> BackupAndRestore {
        self.delete_checkpoint = delete;
        self
    }

    fn folder(&self) -> CheckpointFolder {
        CheckpointFolder::new(&self.backup_dir, self.max_to_keep)
    }
}

impl Callback for BackupAndRestore {
    fn resume(&mut self) -> Result<Option<Checkpoint>> {
        self.folder().newest()
    }

    fn on_train_batch_begin(&mut self, training: &mut Training<'_>, _: usize) -> Result<()> {
        self.counter.count(training);
        Ok(())
    }

    fn on_train_batch_end(&mut self, training: &mut Training<'_>, _: usize, _: &Logs) -> Result<()> {
        training.save_checkpoint(self.folder());
        Ok(())
    }

    fn wants_batch(&mut self, _: usize) -> bool {
        self.counter.is_due()
    }

    fn on_epoch_end(&mut self, training: &mut Training<'_>, _: usize, _: &mut Logs) -> Result<()> {
        if self.counter.freq == SaveFreq::Epoch {
            training.save_checkpoint(self.folder());
        }
        Ok(())
    }

    fn on_interrupt(&mut self, training: &mut Training<'_>) -> Result<()> {
        training.save_checkpoint(self.folder());
        Ok(())
    }

    fn on_train_end(&mut self, training: &mut Training<'_>) -> Result<()> {
        match training.ending() {
            Some(Ending::Finished | Ending::Stopped) if self.delete_checkpoint => self.folder().delete(),
            Some(_) | None => Ok(()),
        }
    }

    fn wants_test_batch(&mut self, _: usize) -> bool {
        false
    }

    fn name(&self) -> &str {
        "BackupAndRestore"
    }

    fn state(&self) -> CallbackState {
        json!({ "batches": self.counter.seen() }).into()
    }

    fn restore(&mut self, _: &mut Training<'_>, state: CallbackState) -> Result<()> {
        self.counter.restore(state.get_count("batches"));
        Ok(())
    }
}
