//! Checkpoints: everything of a training, in one file, so that it goes on as if it had never stopped.

mod bytes;
mod callback_state;
mod file;
mod folder;

use std::path::Path;

use cornu_ir::Tensor;

pub use callback_state::CallbackState;
pub(crate) use folder::CheckpointFolder;

use crate::callbacks::History;
use crate::error::Result;
use crate::model::Model;
use crate::training::{FeedPosition, Logs};

/// A moment of a training: weights, optimizer variables, metrics, random state, position in the data, the history, and
/// what callbacks remember.
///
/// The file is a zip archive of `checkpoint.json` and `tensors`. Keras cannot read it: what [`Model::save`] writes is
/// for Keras, and holds less.
pub struct Checkpoint {
    /// Where random numbers begin: weights, orders of samples.
    pub(crate) seed: u64,
    /// All variables of the model, in the order of its state.
    pub(crate) state: Vec<Tensor>,
    /// Where in a training; nothing if it is not from within one.
    pub(crate) place: Option<TrainingPlace>,
    /// Whether training was asked to end.
    pub(crate) stopped: bool,
    /// The logs after the last step of an epoch in progress.
    pub(crate) logs: Logs,
    pub(crate) history: History,
    /// What each callback remembers, by name.
    pub(crate) callbacks: Vec<(String, CallbackState)>,
}

/// A place in a training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TrainingPlace {
    /// The epoch.
    pub(crate) epoch: usize,
    /// Steps of it that are done.
    pub(crate) step: usize,
    pub(crate) feed: FeedPosition,
}

impl Checkpoint {
    /// The model as it is, outside of any training.
    pub(crate) fn of(model: &Model) -> Result<Checkpoint> {
        Ok(Checkpoint {
            seed: model.seed,
            state: model.state_values()?,
            place: None,
            stopped: false,
            logs: Logs::default(),
            history: History::default(),
            callbacks: Vec::new(),
        })
    }

    /// At a place in a training.
    pub(crate) fn at(mut self, epoch: usize, step: usize, feed: FeedPosition) -> Checkpoint {
        self.place = Some(TrainingPlace { epoch, step, feed });
        self
    }
}

impl Model {
    /// Writes all that training changes of the model into a file: weights, optimizer variables, the random state, what
    /// layers remember. Steps after [`Model::load_checkpoint`] give the same bits as if nothing had happened between.
    ///
    /// The file is complete under its name, and on the disk, or not there. Of trainings by `fit`, the callback
    /// [`crate::callbacks::BackupAndRestore`] keeps position and history too.
    pub fn save_checkpoint(&self, path: impl AsRef<Path>) -> Result<()> {
        self.built()?;
        Ok(file::write(path.as_ref(), &Checkpoint::of(self)?)?)
    }

    /// Takes on what [`Model::save_checkpoint`] wrote. The model must be built, and compiled if it was, with the same
    /// layers and optimizer. Nothing changes if something does not fit.
    pub fn load_checkpoint(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let checkpoint = file::read(path.as_ref())?;
        self.restore_state(&checkpoint.state)?;
        self.seed = checkpoint.seed;
        Ok(())
    }
}
