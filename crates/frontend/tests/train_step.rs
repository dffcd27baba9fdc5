//! Steps written by hand: they do what `fit` does byte for byte, train several models, and differentiate gradients.

use std::sync::Mutex;

use cornu::losses::{MeanSquaredError, total};
use cornu::{
    Adam, BatchNormalization, Compile, Dense, Dropout, Error, Expr, Fit, Input, Model, SGD, Sequential,
    Tensor, TrainStep, Type, Verbose,
};
use cornu_ir::DType;
use ndarray::{Array2, s};

fn data(rows: usize) -> (Array2<f32>, Array2<f32>) {
    let x = Array2::from_shape_fn((rows, 4), |(i, j)| ((i * 37 + j * 101) % 97) as f32 / 97.0 - 0.5);
    let y = Array2::from_shape_fn((rows, 1), |(i, _)| x.row(i).sum());
    (x, y)
}

/// The model, from seed 5.
fn seeded(layers: Sequential) -> Model {
    // The seed is that of the next model of the whole program, and tests run side by side.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock();
    cornu::set_random_seed(5);
    layers.build().expect("a model")
}

/// Everything that a step has to look after: random numbers, moving averages, penalties.
fn model() -> Model {
    seeded(
        Sequential::new()
            .add(Input::new([4]))
            .add(Dense::new(8).activation("tanh").kernel_regularizer("l2"))
            .add(BatchNormalization::new())
            .add(Dropout::new(0.4))
            .add(Dense::new(1)),
    )
}

fn step() -> TrainStep<1> {
    TrainStep::new(|step, [model]| {
        let [x, y] = step.batch()?;
        let predicted = step.call(model, x)?;
        let loss = total(&MeanSquaredError::default(), y, predicted, None, None)?;
        let loss = step.with_added_losses(model, loss)?;
        let optimizer = step.optimizer(Adam::new().learning_rate(0.02), &[model])?;
        step.minimize(loss, &optimizer)?;
        step.log_mean("loss", loss)?;
        step.log_metric(&cornu::metrics::MeanAbsoluteError::default(), y, predicted)
    })
}

#[test]
fn a_step_by_hand_is_that_of_fit_byte_for_byte() {
    let (x, y) = data(26);
    let mut fitted = model();
    let how = Compile::new(Adam::new().learning_rate(0.02), "mse").metrics(["mean_absolute_error"]);
    fitted.compile(how).expect("compiled");
    let history = fitted
        .fit(&x, &y, Fit::new().epochs(3).batch_size(8).shuffle(false).verbose(Verbose::Silent))
        .expect("trained");

    let mut stepped = model();
    let mut step = step();
    for epoch in 0..3 {
        step.reset_metrics([&stepped]).expect("reset");
        let mut logs = Default::default();
        // The last batch is a short one, which is a program of its own.
        for first in (0..26).step_by(8) {
            let rows = first..(first + 8).min(26);
            let (x, y) = (x.slice(s![rows.clone(), ..]), y.slice(s![rows, ..]));
            logs = step.run([&mut stepped], (&x, &y)).expect("a step");
        }
        for (name, values) in &history.metrics {
            assert_eq!(logs.get(name), Some(values[epoch]), "{name} of epoch {epoch}");
        }
    }
    assert_eq!(stepped.get_weights().expect("weights"), fitted.get_weights().expect("weights"));
}

#[test]
fn a_step_goes_on_where_it_was_left() {
    let (x, y) = data(8);
    let run = |model: &mut Model, step: &mut TrainStep<1>, count: usize| {
        (0..count).for_each(|_| drop(step.run([&mut *model], (&x, &y)).expect("a step")));
    };
    let (mut whole, mut whole_step) = (model(), step());
    run(&mut whole, &mut whole_step, 6);

    let (mut first, mut first_step) = (model(), step());
    run(&mut first, &mut first_step, 2);
    let kept = first_step.variables([&first]).expect("variables");
    assert!(kept.iter().any(|(name, _)| name == "adam/iterations"), "{kept:?}");
    let values: Vec<Tensor> = kept.into_iter().map(|(_, value)| value).collect();
    let (mut second, mut second_step) = (model(), step());
    second.set_weights(&first.get_weights().expect("weights")).expect("weights");
    let types = [Type::new(DType::F32, [8, 4]), Type::new(DType::F32, [8, 1])];
    second_step.set_variables([&second], &types, &values).expect("variables");
    run(&mut second, &mut second_step, 4);
    assert_eq!(second.get_weights().expect("weights"), whole.get_weights().expect("weights"));
}

/// y = x·w in 64 bits: the step is that of doubles, which digits beyond those of 32 bits show.
#[test]
fn doubles_stay_doubles_from_data_to_weights() {
    cornu::set_dtype_policy("float64").expect("a policy");
    let (third, seventh) = (1.0 / 3.0, 1.0 / 7.0);
    let x = ndarray::array![[third, seventh]];
    let y = ndarray::array![[0.1f64]];
    let start = [0.3f64, -0.7];
    let rate = 0.5f64;
    let mut model = seeded(Sequential::new().add(Input::new([2])).add(Dense::new(1).use_bias(false)));
    model.set_weights(&[Tensor::new([2, 1], start.to_vec()).expect("two")]).expect("weights");
    let difference = third * start[0] + seventh * start[1] - 0.1;
    let expected = [third, seventh].into_iter().zip(start).map(|(x, w)| w - rate * 2.0 * difference * x);
    model.compile(Compile::new(SGD::new().learning_rate(rate), "mse")).expect("compiled");
    model.train_on_batch(&x, &y).expect("a step");
    for (got, expected) in kernel(&model).into_iter().zip(expected) {
        assert!((got - expected).abs() < 1e-15, "{got:e} is not {expected:e}");
    }
    let predicted = model.predict_tensors(&x, 32).expect("predictions");
    assert_eq!(predicted[0].dtype(), DType::F64);
}

fn linear(name: &str, weights: [f32; 2]) -> Model {
    let layers = Sequential::new().name(name).add(Input::new([2])).add(Dense::new(1).use_bias(false));
    let mut model = seeded(layers);
    model.set_weights(&[Tensor::new([2, 1], weights.to_vec()).expect("two")]).expect("weights");
    model
}

fn kernel(model: &Model) -> Vec<f64> {
    model.get_weights().expect("weights")[0].floats()
}

/// f(x) = x·w has the gradient w, so (‖w‖ - 1)² has the derivative 2(‖w‖ - 1)·w/‖w‖.
#[test]
fn a_penalty_on_a_gradient_is_differentiated() {
    let mut critic = linear("critic", [3.0, 4.0]);
    let mut step = TrainStep::new(|step, [critic]| {
        let [x] = step.batch()?;
        let scores = step.call(critic, x)?;
        let slope = step.gradients(scores.sum_all(), &[x])?[0];
        let lengths = slope.square().sum(&[1]).sqrt();
        let penalty = (lengths - 1.0).square().sum_all() / 2.0;
        let optimizer = step.optimizer(SGD::new().learning_rate(0.125), &[critic])?;
        step.minimize(penalty, &optimizer)?;
        step.log("penalty", penalty);
        Ok(())
    });
    let x = Array2::<f32>::ones((2, 2));
    let logs = step.run([&mut critic], &x).expect("a step");
    assert_eq!(logs.get("penalty"), Some(16.0));
    // 2·(5 - 1)·(0.6, 0.8)·0.125 = (0.6, 0.8)
    for (got, expected) in kernel(&critic).into_iter().zip([2.4, 3.2]) {
        assert!((got - expected).abs() < 1e-6, "{got} is not {expected}");
    }
}

#[test]
fn later_calls_see_the_weights_that_a_minimize_has_left() {
    let (mut one, mut other) = (linear("one", [1.0, 2.0]), linear("other", [0.5, 0.5]));
    let mut step = TrainStep::new(|step, [one, other]| {
        let [x] = step.batch()?;
        let before = step.call(one, x)?.sum_all();
        let optimizer = step.optimizer(SGD::new().learning_rate(0.5), &[one])?;
        step.minimize(before, &optimizer)?;
        let after = step.call(one, x)?.sum_all();
        // The copy follows: half of its own weights, half of the others.
        let (own, others) = (step.weights(other)?, step.weights(one)?);
        let moved: Vec<Expr<'_>> =
            own.into_iter().zip(others).map(|(own, other)| (own + other) * 0.5).collect();
        step.set_weights(other, &moved)?;
        step.log("before", before);
        step.log("after", after);
        Ok(())
    });
    let x = Array2::<f32>::ones((1, 2));
    let logs = step.run([&mut one, &mut other], &x).expect("a step");
    assert_eq!((logs.get("before"), logs.get("after")), (Some(3.0), Some(2.0)));
    assert_eq!(kernel(&one), [0.5, 1.5]);
    assert_eq!(kernel(&other), [0.5, 1.0]);
    // Between steps models are one's own.
    assert_eq!(one.predict(&x).expect("a prediction").as_slice(), Some(&[2.0][..]));
}

#[test]
fn mistakes_say_what_to_change() {
    let mut model = linear("one", [1.0, 2.0]);
    let x = Array2::<f32>::ones((1, 2));
    let said = |result: Result<cornu::Logs, Error>| result.expect_err("a mistake").to_string();

    let mut step = TrainStep::new(|step, [model]| {
        let [x, _y] = step.batch()?;
        step.call(model, x).map(drop)
    });
    let error = said(step.run([&mut model], &x));
    assert!(error.contains("takes 2 arrays; it was given 1"), "{error}");

    let stranger = linear("stranger", [0.0, 0.0]);
    let mut step = TrainStep::new(move |step, [_model]| {
        let [x] = step.batch()?;
        step.call(&stranger, x).map(drop)
    });
    let error = said(step.run([&mut model], &x));
    assert!(error.contains("`stranger` is not one of those"), "{error}");

    let mut step = TrainStep::new(|step, [model]| {
        let [x] = step.batch()?;
        let scores = step.call(model, x)?;
        let optimizer = step.optimizer("sgd", &[model])?;
        step.minimize(scores, &optimizer)
    });
    let error = said(step.run([&mut model], &x));
    assert!(error.contains("scalar"), "{error}");

    let mut step = TrainStep::new(|step, [model]| {
        let [x] = step.batch()?;
        let loss = step.call(model, x)?.sum_all();
        if x.shape()[0] == 1 {
            let optimizer = step.optimizer("sgd", &[model])?;
            step.minimize(loss, &optimizer)?;
        }
        step.log_mean("loss", loss)
    });
    step.run([&mut model], &x).expect("a step");
    let error = said(step.run([&mut model], Array2::<f32>::ones((2, 2))));
    assert!(error.contains("another one than at first"), "{error}");
    // And the model has all its weights still.
    assert_eq!(kernel(&model).len(), 2);
}
