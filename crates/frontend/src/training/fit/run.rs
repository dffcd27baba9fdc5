//! Run: the loop over epochs and steps.

use std::ops::ControlFlow;

use super::validation::OpenValidation;
use super::{Fit, Times};
use crate::callbacks::{CallbackList, Ending, History, Training};
use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::interrupt::Interrupt;
use crate::model::{Model, Signature};
use crate::notice::warn;
use crate::training::batches::ReadyBatch;
use crate::training::feed::Feed;
use crate::training::{Logs, Verbose, evaluate_feed};

/// A training in progress.
pub(super) struct Run<'m, 'f, 'v> {
    pub(super) training: Training<'m>,
    pub(super) callbacks: CallbackList,
    pub(super) history: History,
    pub(super) interrupt: Interrupt,
    pub(super) times: Times,
    /// Whether steps that would write numbers that are not finite are not taken.
    guarded: bool,
    feed: Feed<'f>,
    validation: Option<OpenValidation<'v>>,
    /// The logs of the epoch in progress, as far as they were read.
    logs: Logs,
    pub(super) how: Fit,
}

impl<'m, 'f, 'v> Run<'m, 'f, 'v> {
    pub(super) fn new(
        model: &'m mut Model,
        feed: Feed<'f>,
        validation: Option<OpenValidation<'v>>,
        mut how: Fit,
    ) -> Run<'m, 'f, 'v> {
        let mut training = Training::new(model, how.epochs, feed.steps());
        (training.moment.epoch, training.moment.in_fit) = (how.initial_epoch, true);
        let interrupt = Interrupt::new(std::mem::take(&mut how.interrupts), how.ctrl_c);
        let callbacks = how.all_callbacks();
        Run {
            training,
            guarded: callbacks.guards_steps(),
            callbacks,
            history: History::default(),
            interrupt,
            times: Times::begin(),
            feed,
            validation,
            logs: Logs::default(),
            how,
        }
    }

    /// Trains, and ends the training however it went.
    pub(super) fn all(mut self, resumed: Option<Checkpoint>) -> Result<History> {
        let outcome = self.train(resumed);
        self.end(outcome)
    }

    fn train(&mut self, resumed: Option<Checkpoint>) -> Result<()> {
        self.find_first_batch(resumed.as_ref())?;
        self.tell(|callback, training| callback.on_train_begin(training))?;
        let mut within = match resumed {
            Some(checkpoint) => self.resume(checkpoint)?,
            None => false,
        };
        while self.training.moment.epoch < self.training.epochs
            && !self.training.stopped
            && !self.interrupt.came()
        {
            if self.epoch(within)?.is_break() {
                break;
            }
            within = false;
        }
        let is_done = self.training.stopped || self.training.moment.epoch >= self.training.epochs;
        if self.interrupt.came() && !is_done {
            self.training.ending = Some(Ending::Interrupted);
            self.tell(|callback, training| callback.on_interrupt(training))?;
            self.write_checkpoints()?;
        }
        Ok(())
    }

    /// A first look at the data: it tells shapes to a model that has none, and what the names of losses mean.
    fn find_first_batch(&mut self, resumed: Option<&Checkpoint>) -> Result<()> {
        let place = resumed.and_then(|checkpoint| checkpoint.place);
        if place.map_or(self.training.moment.epoch, |place| place.epoch) >= self.training.epochs {
            return Ok(());
        }
        match place {
            Some(place) => self.feed.resume(place.epoch, place.step, place.feed)?,
            None => self.feed.begin(self.training.moment.epoch)?,
        }
        if let Some(batch) = self.feed.peek(self.training.model)? {
            self.training.model.decide_goals(batch)?;
        }
        Ok(())
    }

    /// Takes on the state of a checkpoint; true if it is from within an epoch.
    fn resume(&mut self, checkpoint: Checkpoint) -> Result<bool> {
        let place = checkpoint.place.unwrap_or_default();
        (self.training.moment.epoch, self.training.moment.step) = (place.epoch, place.step);
        let within = place.step > 0;
        if within {
            let epoch = place.epoch;
            self.tell(|callback, training| callback.on_epoch_begin(training, epoch))?;
        }
        self.training.model.restore_state(&checkpoint.state)?;
        self.training.stopped = checkpoint.stopped;
        (self.history, self.logs) = (checkpoint.history, checkpoint.logs);
        self.callbacks.restore(&mut self.training, checkpoint.callbacks)?;
        Ok(within)
    }

    /// One epoch, or the rest of it. Breaks off if there is nothing more to train on.
    fn epoch(&mut self, within: bool) -> Result<ControlFlow<()>> {
        let epoch = self.training.moment.epoch;
        if !within {
            (self.training.moment.step, self.logs) = (0, Logs::default());
            self.feed.begin(epoch)?;
            self.training.model.reset_metrics()?;
            self.tell(|callback, training| callback.on_epoch_begin(training, epoch))?;
        }
        let mut last = None;
        while !self.training.stopped && !self.interrupt.came() {
            let Some(batch) = self.times.data(|| self.feed.next(self.training.model))? else { break };
            last = Some(self.step(&batch)?);
        }
        if let Some(step) = &last {
            self.logs = self.training.model.logs(step)?;
        }
        if self.interrupt.came() && !self.training.stopped {
            return Ok(ControlFlow::Break(()));
        }
        if self.training.moment.step == 0 && !self.training.stopped {
            return self.no_data();
        }
        self.end_epoch()?;
        Ok(ControlFlow::Continue(()))
    }

    fn no_data(&self) -> Result<ControlFlow<()>> {
        let what = format!("there was no batch for epoch {}", self.training.moment.epoch + 1);
        if self.history.epoch.is_empty() {
            return Err(Error::Data { what });
        }
        warn(&format!("{what}: training ends"));
        Ok(ControlFlow::Break(()))
    }

    /// As many steps as `compile` says that callbacks are told of together, beginning with this batch.
    fn step(&mut self, batch: &ReadyBatch) -> Result<Signature> {
        let first = self.training.moment.step;
        self.tell(|callback, training| callback.on_train_batch_begin(training, first))?;
        let together = self.training.model.compiled()?.given.steps_per_execution;
        // As in Keras the number of the last that a whole group has.
        let step = first + together - 1;
        let wanted = self.callbacks.wants_batch(step);
        let mut signature = self.take(batch)?;
        for _ in 1..together {
            if self.training.stopped {
                break;
            }
            let Some(batch) = self.times.data(|| self.feed.next(self.training.model))? else { break };
            signature = self.take(&batch)?;
        }
        if wanted {
            let logs = self.times.steps(|| self.training.model.logs(&signature))?;
            self.times.callbacks(|| self.callbacks.batch_end(&mut self.training, step, &logs))?;
            self.logs = logs;
        }
        if !self.training.saves.is_empty() {
            self.logs = self.training.model.logs(&signature)?;
            self.write_checkpoints()?;
        }
        Ok(signature)
    }

    /// One step, which callbacks are told of if it was not taken.
    fn take(&mut self, batch: &ReadyBatch) -> Result<Signature> {
        let guarded = self.guarded;
        let signature = self.times.steps(|| self.training.model.train_step(batch, guarded))?;
        let (epoch, step) = (self.training.moment.epoch, self.training.moment.step);
        self.training.moment.step += 1;
        if guarded && !self.training.model.step_was_taken(&signature)? {
            let bad = self.training.model.find_bad(batch, epoch, step)?;
            self.tell(|callback, training| callback.on_bad_step(training, &bad))?;
        }
        Ok(signature)
    }

    fn end_epoch(&mut self) -> Result<()> {
        let epoch = self.training.moment.epoch;
        let steps = self.training.moment.step;
        self.training.steps.get_or_insert(steps);
        let mut logs = std::mem::take(&mut self.logs);
        if let Some(mut feed) = self.validation.as_mut().and_then(|validation| validation.feed(epoch)) {
            let (training, callbacks) = (&mut self.training, &mut self.callbacks);
            let found = self.times.validation(|| evaluate_feed(training, callbacks, &mut feed))?;
            logs = logs.with("val_", &found);
        }
        self.tell(|callback, training| callback.on_epoch_end(training, epoch, &mut logs))?;
        self.history.add(epoch, &logs);
        (self.training.moment.epoch, self.training.moment.step) = (epoch + 1, 0);
        self.write_checkpoints()
    }

    /// Writes the checkpoints that callbacks asked for.
    pub(super) fn write_checkpoints(&mut self) -> Result<()> {
        for folder in std::mem::take(&mut self.training.saves) {
            let checkpoint = self.checkpoint()?;
            self.times.callbacks(|| folder.save(&checkpoint))?;
        }
        Ok(())
    }

    /// All that there is to know of this moment.
    fn checkpoint(&self) -> Result<Checkpoint> {
        let moment = self.training.moment;
        let model = &*self.training.model;
        let mut checkpoint = Checkpoint::of(model)?.at(moment.epoch, moment.step, self.feed.position());
        checkpoint.logs = self.logs.clone();
        checkpoint.history = self.history.clone();
        checkpoint.stopped = self.training.stopped;
        checkpoint.callbacks = self.callbacks.states();
        Ok(checkpoint)
    }

    pub(super) fn tell(
        &mut self,
        what: impl FnMut(&mut dyn crate::callbacks::Callback, &mut Training<'m>) -> Result<()>,
    ) -> Result<()> {
        self.times.callbacks(|| self.callbacks.tell(&mut self.training, what))
    }

    /// Whether the times are to be shown.
    pub(super) fn shows_times(&self) -> bool {
        self.how.verbose == Verbose::Profile
    }
}
