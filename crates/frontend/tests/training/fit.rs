//! What `fit` takes beside the data.

use std::cell::RefCell;
use std::rc::Rc;

use cornu::callbacks::LambdaCallback;
use cornu::{Evaluate, Fit, History, Stream, Verbose};

use crate::models::*;

fn val_losses(history: &History) -> usize {
    history.get("val_loss").map_or(0, <[f64]>::len)
}

#[test]
fn evaluating_after_training_gives_the_last_validation_loss() {
    let ((x, y), (other_x, other_y)) = (data(70), data(37));
    let mut model = model();
    let weights = numbers(&[37], 3);
    let how = epochs(2).weighted_validation_data(&other_x, &other_y, &weights).validation_batch_size(10);
    let history = model.fit(&x, &y, how).unwrap();
    for (size, weighted) in [(10, true), (37, true), (8, false)] {
        let how = Evaluate::new().batch_size(size);
        let how = if weighted { how.sample_weight(&weights) } else { how };
        let loss = model.evaluate_with(&other_x, &other_y, how).unwrap().get("loss").unwrap();
        let near = (loss - history.last("val_loss").unwrap()).abs() < 1e-6;
        assert_eq!(near, weighted, "{loss} in batches of {size}");
    }
    let history = model.fit(&x, &y, epochs(1).validation_data(&other_x, &other_y)).unwrap();
    for size in [1, 16, 37] {
        let how = Evaluate::new().batch_size(size);
        let logs = model.evaluate_with(&other_x, &other_y, how).unwrap();
        for name in ["loss", "mae"] {
            let last = history.last(&format!("val_{name}")).unwrap();
            assert!((logs.get(name).unwrap() - last).abs() < 1e-6, "{name} in batches of {size}");
        }
    }
}

#[test]
fn validation_comes_when_it_is_asked_for() {
    let (x, y) = data(64);
    let fit = |how: Fit| val_losses(&model().fit(&x, &y, how).unwrap());
    assert_eq!(fit(epochs(5).validation_split(0.25)), 5);
    assert_eq!(fit(epochs(5).validation_split(0.25).validation_freq(2)), 2);
    assert_eq!(fit(epochs(5).validation_split(0.25).validation_freq([1, 2, 5, 9])), 3);
    assert_eq!(fit(epochs(5)), 0);
    let batch = || (numbers(&[8, 6], 4), numbers(&[8, 1], 5));
    let endless = Stream::new(std::iter::repeat_with(batch));
    assert_eq!(fit(epochs(3).validation_batches(endless).validation_steps(2)), 3);
    // The first two batches of 16 rows.
    let (first_x, first_y) = (rows(&x, 0, 32), rows(&y, 0, 32));
    let mut model = model();
    let history = model.fit(&x, &y, epochs(1).validation_data(&x, &y).validation_steps(2)).unwrap();
    let loss = model.evaluate(&first_x, &first_y).unwrap().get("loss").unwrap();
    assert!((loss - history.last("val_loss").unwrap()).abs() < 1e-6);
}

#[test]
fn wrong_numbers_are_errors() {
    let (x, y) = data(16);
    let how = || Fit::new().verbose(Verbose::Silent);
    for (how, key) in [
        (how().batch_size(0), "batch_size"),
        (how().steps_per_epoch(0), "steps_per_epoch"),
        (how().validation_steps(0), "validation_steps"),
        (how().validation_batch_size(0), "validation_batch_size"),
        (how().validation_freq(0), "validation_freq"),
        (how().validation_split(1.0), "validation_split"),
        (how().validation_split(0.99), "leaves one part empty"),
        (how().validation_data(numbers(&[0, 6], 1), numbers(&[0, 1], 1)), "validation_data needs"),
        (how().validation_data(numbers(&[4, 6], 1), numbers(&[3, 1], 1)), "rows"),
    ] {
        let error = model().fit(&x, &y, how).unwrap_err().to_string();
        assert!(error.contains(key), "{error}");
    }
}

#[test]
fn an_epoch_may_take_fewer_steps_than_a_pass() {
    let (x, y) = data(64);
    let steps = Rc::new(RefCell::new(Vec::new()));
    let seen = steps.clone();
    let count = LambdaCallback::new().on_train_batch_begin(move |training, step| {
        seen.borrow_mut().push((training.epoch(), step));
    });
    // Four batches in three epochs of two: the third begins the second pass.
    let history = model().fit(&x, &y, epochs(3).steps_per_epoch(2).callback(count)).unwrap();
    assert_eq!(history.epoch, [0, 1, 2]);
    assert_eq!(*steps.borrow(), [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]);
    // Without a size of batches, there are as many as make the steps.
    let (mut one, mut other) = (model(), model());
    let how = || Fit::new().epochs(2).verbose(Verbose::Silent);
    one.fit(&x, &y, how().steps_per_epoch(3)).unwrap();
    other.fit(&x, &y, how().batch_size(22)).unwrap();
    assert_eq!(bits(&one), bits(&other));
}

#[test]
fn the_first_epoch_may_have_another_number() {
    let (x, y) = data(64);
    let (mut through, mut twice) = (model(), model());
    through.fit(&x, &y, epochs(4)).unwrap();
    twice.fit(&x, &y, epochs(2)).unwrap();
    let history = twice.fit(&x, &y, epochs(4).initial_epoch(2)).unwrap();
    assert_eq!(history.epoch, [2, 3]);
    assert_eq!(bits(&through), bits(&twice));
}

#[test]
fn classes_have_weights_in_training_alone() {
    let (x, y) = data(48);
    let classes = || [(0, 3.0)];
    let mut model = model();
    let history = model.fit(&x, &y, epochs(1).class_weight(classes()).validation_split(0.5)).unwrap();
    let loss = model.evaluate(rows(&x, 24, 48), rows(&y, 24, 48)).unwrap().get("loss").unwrap();
    assert!((loss - history.last("val_loss").unwrap()).abs() < 1e-6);
    let both = epochs(1).class_weight(classes()).sample_weight(numbers(&[48], 1));
    assert!(model.fit(&x, &y, both).unwrap_err().to_string().contains("class_weight"));
}
