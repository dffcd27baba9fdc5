//! Streams: batches that are made while the model trains.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cornu::{
    Batch, Batches, Compile, Dense, Evaluate, Fit, Give, Predict, Sequential, Stream, Tensor, Verbose,
};

use crate::models::*;

fn silent(epochs: usize) -> Fit {
    Fit::new().epochs(epochs).verbose(Verbose::Silent)
}

/// The batches of 16 rows that arrays are cut into.
fn batches(x: &Tensor, y: &Tensor) -> Vec<(Tensor, Tensor)> {
    let starts = (0..x.shape()[0]).step_by(16);
    let end = |start: usize| (start + 16).min(x.shape()[0]);
    starts.map(|start| (rows(x, start, end(start)), rows(y, start, end(start)))).collect()
}

#[test]
fn a_stream_trains_as_arrays_do() {
    let (x, y) = data(70);
    let (mut by_arrays, mut by_stream, mut by_iterator) = (model(), model(), model());
    let history = by_arrays.fit(&x, &y, epochs(3).shuffle(false)).unwrap();
    let all = batches(&x, &y);
    assert_eq!(by_stream.fit_batches(|_| all.iter().cloned(), silent(3)).unwrap(), history);
    let endless = Stream::new(all.iter().cloned().cycle());
    assert_eq!(by_iterator.fit_batches(endless, silent(3).steps_per_epoch(5)).unwrap(), history);
    assert_eq!(bits(&by_arrays), bits(&by_stream));
    assert_eq!(bits(&by_arrays), bits(&by_iterator));

    let evaluated = by_arrays.evaluate_with(&x, &y, Evaluate::new().batch_size(16)).unwrap();
    assert_eq!(by_stream.evaluate_batches(|_| all.clone(), Evaluate::new()).unwrap(), evaluated);
    let predicted = by_arrays.predict_tensors(&x, 16).unwrap();
    let inputs = Stream::new(all.iter().map(|(x, _)| Batch::inputs(x)));
    assert_eq!(by_stream.predict_batches(inputs, Predict::new()).unwrap(), predicted);
    let first = by_stream.predict_batches(|_| all.clone(), Predict::new().steps(2)).unwrap();
    assert_eq!(first[0], rows(&predicted[0], 0, 32));
}

#[test]
fn a_model_without_shapes_learns_them_from_the_first_batch() {
    let mut model = Sequential::new().add(Dense::new(1)).build().unwrap();
    model.compile(Compile::new("sgd", "mse")).unwrap();
    let weighted = |number: usize| (numbers(&[4, 3], number), numbers(&[4], 9), vec![1.0f32, 0.0, 2.0, 1.0]);
    let history = model.fit_batches(|_| (0..3).map(weighted), silent(2)).unwrap();
    assert_eq!((history.epoch.len(), model.count_params()), (2, 4));
}

#[test]
fn errors_and_panics_of_a_stream_end_training() {
    let (x, y) = data(16);
    let failing = |_| (0..9).map(|number| if number < 3 { Ok((&x, &y)) } else { Err("the disk is full") });
    let owned = |pass| failing(pass).map(|batch| batch.map(|(x, y)| (x.clone(), y.clone())));
    let error = model().fit_batches(owned, silent(1)).unwrap_err();
    assert_eq!(error.to_string(), "no further batch: the disk is full");
    let panics =
        |_| (0..9).map(|number| if number < 3 { (x.clone(), y.clone()) } else { panic!("number {number}") });
    let error = model().fit_batches(panics, silent(1)).unwrap_err().to_string();
    assert_eq!(error, "making a batch panicked: number 3");
    let wrong = |_| [(numbers(&[16, 7], 1), y.clone())];
    assert!(model().fit_batches(wrong, silent(1)).unwrap_err().to_string().contains("7"));
    let none = |_| Vec::<(Tensor, Tensor)>::new();
    let error = model().fit_batches(none, silent(1)).unwrap_err().to_string();
    assert_eq!(error, "there was no batch for epoch 1");
    let empty = |_| [(numbers(&[0, 6], 1), numbers(&[0, 1], 1))];
    assert!(model().fit_batches(empty, silent(1)).unwrap_err().to_string().contains("at least one sample"));
}

#[test]
fn only_a_few_batches_are_made_ahead() {
    let made = Arc::new(AtomicUsize::new(0));
    let counted = made.clone();
    let (x, y) = data(16);
    let endless = std::iter::repeat_with(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        (x.clone(), y.clone())
    });
    model().fit_batches(Stream::new(endless), silent(2).steps_per_epoch(10)).unwrap();
    let made = made.load(Ordering::SeqCst);
    assert!((20..=26).contains(&made), "{made}");
}

#[test]
fn a_stream_that_ends_early_ends_training() {
    let (x, y) = data(16);
    let seven = Stream::new(std::iter::repeat_n((x, y), 7));
    let history = model().fit_batches(seven, silent(9).steps_per_epoch(3)).unwrap();
    assert_eq!(history.epoch, [0, 1, 2]);
}

/// Knows how many batches it has.
struct Known(Vec<(Tensor, Tensor)>);

impl Batches for Known {
    fn pass(&mut self, pass: usize, skip: usize, give: &mut Give<'_>) {
        let turned = (0..self.0.len()).map(|number| &self.0[(number + pass) % self.0.len()]);
        for (x, y) in turned.skip(skip) {
            if give(Ok(Batch::new(x, y))).is_break() {
                return;
            }
        }
    }

    fn steps(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

#[test]
fn a_type_of_ones_own_can_be_a_stream() {
    let (x, y) = data(64);
    let (mut one, mut other) = (model(), model());
    one.fit_batches(Known(batches(&x, &y)), silent(3)).unwrap();
    let all = batches(&x, &y);
    let turned = |pass: usize| {
        let mut all = all.clone();
        all.rotate_left(pass);
        all
    };
    other.fit_batches(turned, silent(3)).unwrap();
    assert_eq!(bits(&one), bits(&other));
}

#[test]
fn what_a_stream_brings_itself_cannot_be_given() {
    let (x, y) = data(16);
    let one = |_| [(x.clone(), y.clone())];
    for (how, key) in [
        (silent(1).batch_size(4), "batch_size"),
        (silent(1).sample_weight(numbers(&[16], 1)), "sample_weight"),
        (silent(1).validation_split(0.5), "validation_split"),
    ] {
        let error = model().fit_batches(one, how).unwrap_err().to_string();
        assert!(error.contains(key), "{error}");
    }
}
