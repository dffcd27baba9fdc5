//! The moments that callbacks are told of, in their order.

use std::cell::RefCell;
use std::rc::Rc;

use cornu::callbacks::{Callback, Training};
use cornu::{Evaluate, Logs, Predict, Result, Tensor};

use crate::models::*;

/// Writes down what it is told.
#[derive(Clone, Default)]
struct Diary {
    lines: Rc<RefCell<Vec<String>>>,
    silent: bool,
}

impl Diary {
    fn note(&self, line: String) -> Result<()> {
        self.lines.borrow_mut().push(line);
        Ok(())
    }
}

impl Callback for Diary {
    fn on_train_begin(&mut self, _: &mut Training<'_>) -> Result<()> {
        self.note("train".into())
    }
    fn on_train_end(&mut self, training: &mut Training<'_>) -> Result<()> {
        self.note(format!("{:?}", training.ending().unwrap()))
    }
    fn on_epoch_begin(&mut self, _: &mut Training<'_>, epoch: usize) -> Result<()> {
        self.note(format!("epoch {epoch}"))
    }
    fn on_epoch_end(&mut self, _: &mut Training<'_>, epoch: usize, logs: &mut Logs) -> Result<()> {
        let names: Vec<&str> = logs.iter().map(|(name, _)| name).collect();
        self.note(format!("epoch {epoch}: {}", names.join(" ")))
    }
    fn on_train_batch_begin(&mut self, _: &mut Training<'_>, step: usize) -> Result<()> {
        self.note(format!("step {step}"))
    }
    fn on_train_batch_end(&mut self, _: &mut Training<'_>, step: usize, logs: &Logs) -> Result<()> {
        assert!(logs.get("loss").unwrap() > 0.0);
        self.note(format!("step {step} done"))
    }
    fn on_test_begin(&mut self, training: &mut Training<'_>) -> Result<()> {
        self.note(format!("test of {:?} in fit: {}", training.steps, training.is_fit()))
    }
    fn on_test_end(&mut self, _: &mut Training<'_>, logs: &Logs) -> Result<()> {
        assert!(logs.get("mean_absolute_error").or(logs.get("mae")).is_some());
        self.note("test done".into())
    }
    fn on_test_batch_begin(&mut self, _: &mut Training<'_>, step: usize) -> Result<()> {
        self.note(format!("test {step}"))
    }
    fn on_test_batch_end(&mut self, _: &mut Training<'_>, step: usize, _: &Logs) -> Result<()> {
        self.note(format!("test {step} done"))
    }
    fn on_predict_begin(&mut self, _: &mut Training<'_>) -> Result<()> {
        self.note("predict".into())
    }
    fn on_predict_end(&mut self, _: &mut Training<'_>) -> Result<()> {
        self.note("predicted".into())
    }
    fn on_predict_batch_end(&mut self, _: &mut Training<'_>, step: usize, outputs: &[Tensor]) -> Result<()> {
        self.note(format!("predict {step}: {}", outputs[0].ty()))
    }
    fn wants_batch(&mut self, _: usize) -> bool {
        !self.silent
    }
    fn wants_test_batch(&mut self, _: usize) -> bool {
        !self.silent
    }
}

#[test]
fn callbacks_are_told_of_each_moment_in_keras_order() {
    let (x, y) = data(20);
    let diary = Diary::default();
    model().fit(&x, &y, epochs(1).validation_split(0.1).callback(diary.clone())).unwrap();
    let lines = diary.lines.borrow().join("; ");
    let expected = "train; epoch 0; step 0; step 0 done; step 1; step 1 done; test of Some(2) in fit: true; \
                    test 0; test 0 done; test done; epoch 0: loss mae val_loss val_mae; Finished";
    assert_eq!(lines, expected);
}

#[test]
fn logs_that_nobody_wants_are_not_read() {
    let (x, y) = data(20);
    let diary = Diary { silent: true, ..Diary::default() };
    model().fit(&x, &y, epochs(1).validation_split(0.1).callback(diary.clone())).unwrap();
    assert!(!diary.lines.borrow().iter().any(|line| line.ends_with("0 done")));
}

#[test]
fn evaluating_and_predicting_have_moments_too() {
    let (x, y) = data(20);
    let diary = Diary::default();
    let mut model = model();
    model.evaluate_with(&x, &y, Evaluate::new().callback(diary.clone())).unwrap();
    model.predict_with(&x, Predict::new().batch_size(16).callback(diary.clone())).unwrap();
    let expected = "test of Some(1) in fit: false; test 0; test 0 done; test done; \
                    predict; predict 0: f32[16,1]; predict 1: f32[4,1]; predicted";
    assert_eq!(diary.lines.borrow().join("; "), expected);
}
