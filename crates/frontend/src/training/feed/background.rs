//! Background: a thread that makes batches a few ahead of the step that needs them.

use std::any::Any;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Builder, Scope};

use crate::error::{Error, Result};
use crate::training::stream::{Batch, Batches};

/// A pass that the thread should make. Those that it was asked for before are given up.
struct Request {
    ticket: usize,
    pass: usize,
    skip: usize,
}

/// A batch of the pass with this ticket, or its end.
type Made = (usize, Option<Result<Batch>>);

/// The near end of the thread. Dropping it ends the thread, once the batch that it is making is done.
pub(super) struct Background {
    requests: Sender<Request>,
    made: Receiver<Made>,
    /// The ticket of the pass that is wanted.
    wanted: Arc<AtomicUsize>,
}

impl Background {
    /// Starts the thread, which keeps so many batches ready.
    pub(super) fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        batches: impl Batches + 'scope,
        ready: usize,
    ) -> Result<Background> {
        let (requests, asked) = channel();
        let (sender, made) = sync_channel(ready.max(1));
        let wanted = Arc::new(AtomicUsize::new(0));
        let maker = Maker { made: sender, wanted: wanted.clone() };
        let thread = Builder::new().name("cornu-batches".to_string());
        let started = thread.spawn_scoped(scope, move || maker.work(batches, &asked));
        started.map_err(|error| Error::Data { what: format!("no thread for batches: {error}") })?;
        Ok(Background { requests, made, wanted })
    }

    /// Asks for a pass without its first batches, and gives up those asked for before.
    pub(super) fn ask(&mut self, pass: usize, skip: usize) {
        let ticket = self.wanted.fetch_add(1, Ordering::Relaxed) + 1;
        // A thread that has ended is noticed where a batch is awaited.
        let _ = self.requests.send(Request { ticket, pass, skip });
    }

    /// The next batch of the pass that was asked for last.
    pub(super) fn next(&mut self) -> Result<Option<Batch>> {
        let wanted = self.wanted.load(Ordering::Relaxed);
        loop {
            match self.made.recv() {
                Ok((ticket, made)) if ticket == wanted => return made.transpose(),
                // Left over from a pass that was given up.
                Ok(_) => {}
                Err(_) => {
                    return Err(Error::Data { what: "the thread that makes batches has ended".to_string() });
                }
            }
        }
    }
}

/// The far end.
struct Maker {
    made: SyncSender<Made>,
    wanted: Arc<AtomicUsize>,
}

impl Maker {
    fn work(&self, mut batches: impl Batches, asked: &Receiver<Request>) {
        for request in asked {
            let ticket = request.ticket;
            // After a panic nothing more is asked of the batches: the error ends the training.
            let made = catch_unwind(AssertUnwindSafe(|| self.make(&mut batches, &request)));
            let end = match made {
                Ok(()) => None,
                Err(payload) => Some(Err(panicked(&*payload))),
            };
            if self.made.send((ticket, end)).is_err() {
                return;
            }
        }
    }

    fn make(&self, batches: &mut impl Batches, request: &Request) {
        let is_wanted = || self.wanted.load(Ordering::Relaxed) == request.ticket;
        if !is_wanted() {
            return;
        }
        batches.pass(request.pass, request.skip, &mut |batch| match is_wanted()
            && self.made.send((request.ticket, Some(batch))).is_ok()
        {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        });
    }
}

fn panicked(payload: &(dyn Any + Send)) -> Error {
    let text = payload.downcast_ref::<&str>().map(|text| text.to_string());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    Error::Data { what: format!("making a batch panicked: {}", text.unwrap_or_default()) }
}
