//! However training ends: weights are put back, files are closed, and it can go on.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cornu::callbacks::{
    BackupAndRestore, Callback, EarlyStopping, Ending, LambdaCallback, SwapEMAWeights, Training,
};
use cornu::{Adam, Compile, Error, Fit, Logs, Model, Result};

use crate::models::*;

/// Says that the first epoch was the best, fails after another, and notes the weights of the first.
struct Worse {
    fails_after: usize,
    first: Rc<RefCell<Vec<u32>>>,
}

impl Callback for Worse {
    fn on_epoch_end(&mut self, training: &mut Training<'_>, epoch: usize, logs: &mut Logs) -> Result<()> {
        logs.set("val_loss", epoch as f64);
        if epoch == 0 {
            *self.first.borrow_mut() = bits(training.model);
        }
        match epoch == self.fails_after {
            true => Err(Error::Data { what: "enough".to_string() }),
            false => Ok(()),
        }
    }
}

/// The best weights, those at the end, and what `fit` says.
fn ended(fails_after: usize, how: Fit) -> (Vec<u32>, Vec<u32>, Result<bool>) {
    let (x, y) = data(64);
    let mut model = model();
    let first = Rc::new(RefCell::new(Vec::new()));
    let worse = Worse { fails_after, first: first.clone() };
    let early = EarlyStopping::new().patience(50).restore_best_weights(true);
    let outcome = model.fit(&x, &y, how.callback(worse).callback(early));
    let best = first.borrow().clone();
    (best, bits(&model), outcome.map(|history| history.interrupted))
}

fn interrupted_at(epoch: usize, step: usize) -> (Arc<AtomicBool>, LambdaCallback) {
    let flag = Arc::new(AtomicBool::new(false));
    let set = flag.clone();
    let interrupt = LambdaCallback::new().on_train_batch_begin(move |training, now| {
        set.store((training.epoch(), now) == (epoch, step), Ordering::SeqCst);
    });
    (flag, interrupt)
}

#[test]
fn the_best_weights_are_put_back_however_training_ends() {
    let (best, end, outcome) = ended(9, epochs(4));
    assert!(best == end && !outcome.unwrap(), "after the last epoch");
    let (best, end, outcome) = ended(2, epochs(4));
    assert!(best == end, "after an error");
    assert_eq!(outcome.unwrap_err().to_string(), "enough");
    let (flag, interrupt) = interrupted_at(2, 1);
    let (best, end, outcome) = ended(9, epochs(4).stop_when(flag).callback(interrupt));
    assert!(best == end && outcome.unwrap(), "after an interrupt");
}

#[test]
fn an_interrupt_stops_after_the_batch_and_training_goes_on_from_there() {
    let (x, y) = data(64);
    let mut through = model();
    let history = through.fit(&x, &y, epochs(3).validation_split(0.2)).unwrap();
    for (epoch, step) in [(0, 0), (0, 2), (1, 3), (2, 1)] {
        let folder = tempfile::tempdir().unwrap();
        let backup = || BackupAndRestore::new(folder.path().join("backup"));
        let how = || epochs(3).validation_split(0.2).callback(backup());
        let (flag, interrupt) = interrupted_at(epoch, step);
        let first = model().fit(&x, &y, how().stop_when(flag).callback(interrupt)).unwrap();
        assert!(first.interrupted && first.epoch.len() == epoch, "{first:?}");
        let mut again = model();
        let second = again.fit(&x, &y, how().callback(LambdaCallback::new())).unwrap();
        assert_eq!(second, history, "interrupted in step {step} of epoch {epoch}");
        assert_eq!(bits(&again), bits(&through));
        assert!(!folder.path().join("backup").exists());
    }
}

#[test]
fn an_ending_has_a_name() {
    let (x, y) = data(32);
    let ending = |how: Fit| {
        let seen = Rc::new(RefCell::new(None));
        let note = seen.clone();
        let watch =
            LambdaCallback::new().on_train_end(move |training| *note.borrow_mut() = training.ending());
        let _ = model().fit(&x, &y, how.callback(watch));
        let ending = *seen.borrow();
        ending.unwrap()
    };
    assert_eq!(ending(epochs(1)), Ending::Finished);
    let stop = LambdaCallback::new().on_epoch_end(|training, _, _| training.stop());
    assert_eq!(ending(epochs(3).callback(stop)), Ending::Stopped);
    assert_eq!(ending(epochs(3).stop_when(Arc::new(AtomicBool::new(true)))), Ending::Interrupted);
    let worse = Worse { fails_after: 0, first: Rc::default() };
    assert_eq!(ending(epochs(3).callback(worse)), Ending::Failed);
}

fn averaged() -> Model {
    let mut model = model();
    model.compile(Compile::new(Adam::new().learning_rate(0.05).ema(0.9), "mse").metrics(["mae"])).unwrap();
    model
}

#[test]
fn averages_take_the_place_of_weights_for_evaluating_and_stay_at_the_end() {
    let (x, y) = data(64);
    let (mut plain, mut swapped) = (averaged(), averaged());
    plain.fit(&x, &y, epochs(3)).unwrap();
    for on_epoch in [false, true] {
        for stops in [false, true] {
            swapped = averaged();
            let seen = Rc::new(RefCell::new(Vec::new()));
            let note = seen.clone();
            let swap = SwapEMAWeights::new().swap_on_epoch(on_epoch);
            let watch = LambdaCallback::new().on_epoch_end(move |training, epoch, _| {
                note.borrow_mut().push(bits(training.model));
                if stops && epoch == 2 {
                    training.stop();
                }
            });
            let how = epochs(if stops { 5 } else { 3 }).callback(swap).callback(watch);
            let history = swapped.fit(&x, &y, how.validation_data(&x, &y)).unwrap();
            // The averages of the last epoch were evaluated, and are the weights now.
            assert_eq!(bits(&plain), bits(&swapped), "swap_on_epoch {on_epoch}, stopped {stops}");
            let loss = swapped.evaluate(&x, &y).unwrap().get("loss").unwrap();
            assert!((loss - history.last("val_loss").unwrap()).abs() < 1e-6);
            assert_eq!(seen.borrow()[2] == bits(&swapped), on_epoch);
        }
    }
    let error = model().fit(&x, &y, epochs(1).validation_data(&x, &y).callback(SwapEMAWeights::new()));
    assert!(error.unwrap_err().to_string().contains("use_ema"));
    assert_eq!(swapped.iterations().unwrap(), 12);
}
