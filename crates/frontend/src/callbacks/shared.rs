//! Shared callbacks: a handle stays with the program, to be asked after training.

use std::cell::RefCell;
use std::rc::Rc;

use cornu_ir::Tensor;

use super::{Callback, CallbackState, Training};
use crate::checkpoint::Checkpoint;
use crate::error::Result;
use crate::training::{BadStep, Logs};

/// Hands each moment on to the callback inside.
macro_rules! hand_on {
    ($($method:ident($($argument:ident: $ty:ty),*);)*) => {$(
        fn $method(&mut self, training: &mut Training<'_>, $($argument: $ty),*) -> Result<()> {
            self.borrow_mut().$method(training, $($argument),*)
        }
    )*};
}

/// `let early = Rc::new(RefCell::new(EarlyStopping::new())); fit.callback(early.clone())`; then `early` still tells.
impl<C: Callback> Callback for Rc<RefCell<C>> {
    hand_on! {
        on_train_begin();
        on_train_end();
        on_epoch_begin(epoch: usize);
        on_epoch_end(epoch: usize, logs: &mut Logs);
        on_train_batch_begin(step: usize);
        on_train_batch_end(step: usize, logs: &Logs);
        on_test_begin();
        on_test_end(logs: &Logs);
        on_test_batch_begin(step: usize);
        on_test_batch_end(step: usize, logs: &Logs);
        on_predict_begin();
        on_predict_end();
        on_predict_batch_begin(step: usize);
        on_predict_batch_end(step: usize, outputs: &[Tensor]);
        on_interrupt();
        on_bad_step(bad: &BadStep);
    }

    fn guards_steps(&self) -> bool {
        self.borrow().guards_steps()
    }

    fn wants_batch(&mut self, step: usize) -> bool {
        self.borrow_mut().wants_batch(step)
    }

    fn wants_test_batch(&mut self, step: usize) -> bool {
        self.borrow_mut().wants_test_batch(step)
    }

    /// Not that of the callback inside, which cannot be lent: the same for all of its type.
    fn name(&self) -> &str {
        std::any::type_name::<C>()
    }

    fn state(&self) -> CallbackState {
        self.borrow().state()
    }

    fn restore(&mut self, training: &mut Training<'_>, state: CallbackState) -> Result<()> {
        self.borrow_mut().restore(training, state)
    }

    fn resume(&mut self) -> Result<Option<Checkpoint>> {
        self.borrow_mut().resume()
    }
}
