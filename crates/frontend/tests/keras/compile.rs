//! What models report that are compiled and weighted in many ways, and what is made of functions of one's own.

use cornu::callbacks::LambdaCallback;
use cornu::metrics::Metric;
use cornu::{
    Apply, Compile, DType, Dense, Embedding, Evaluate, Fit, Input, Logs, Model, Naming, OnBatch, SGD,
    Sequential, Tensor, Tensors, Values, Verbose, input, losses, metrics,
};
use serde_json::Value;

use crate::reading::*;

/// Rows of a batch of `evaluate`.
const BATCH: usize = 4;

fn tensors(list: &Value) -> Vec<Tensor> {
    items(list).iter().map(array).collect()
}

fn given(tensors: Vec<Tensor>) -> Tensors {
    Tensors::InOrder(tensors.into_iter().map(Values::from).collect())
}

/// The model of a case, and how it is compiled.
fn model(case: &str) -> (Model, Compile) {
    let sgd = || SGD::new().learning_rate(0.1);
    let one_hot = ["categorical_crossentropy", "mse"];
    match case {
        "one_loss_for_all" => {
            (two_outputs(), Compile::new(sgd(), "mse").metrics_in_order([vec!["mae"], vec!["mse", "mae"]]))
        }
        "in_order" => {
            let how = Compile::with_losses_in_order(sgd(), one_hot).loss_weights_in_order([0.5, 2.0]);
            let how = how.metrics_in_order([["accuracy"], ["mae"]]);
            (two_outputs(), how.weighted_metrics_in_order([vec!["accuracy"], vec!["mae", "mse"]]))
        }
        "by_name" => {
            let how = Compile::with_losses(sgd(), [("b", "mse"), ("a", "categorical_crossentropy")]);
            let how = how.loss_weights([("a", 0.25), ("b", 3.0)]).metrics_of("b", ["mae", "mae"]);
            (two_outputs(), how.weighted_metrics_of("a", ["accuracy", "categorical_crossentropy"]))
        }
        "weights_for_each_output" => {
            let how = Compile::with_losses_in_order(sgd(), one_hot).metrics_in_order([["accuracy"], ["mae"]]);
            (two_outputs(), how.weighted_metrics_in_order([["accuracy"], ["mae"]]))
        }
        "weights_for_each_step" => {
            let x = input([2, 3]);
            let how = Compile::new(sgd(), "mse").metrics(["mae"]).weighted_metrics(["mae"]);
            (Model::new(&x, Dense::new(2).apply(&x)).unwrap(), how)
        }
        "masked" => {
            let overlap = metrics::MeanIoU::new(3).sparse_y_pred(false).name("overlap");
            let both: [metrics::MetricIdentifier; 2] = ["accuracy".into(), overlap.into()];
            (masked(), Compile::new(sgd(), "sparse_categorical_crossentropy").metrics(both))
        }
        "masked_and_weighted" => {
            let how = Compile::new(sgd(), "sparse_categorical_crossentropy");
            (masked(), how.metrics(["accuracy"]).weighted_metrics(["accuracy"]))
        }
        other => panic!("no model for {other}"),
    }
}

fn two_outputs() -> Model {
    let x = input([3]);
    let a = Dense::new(3).activation("softmax").named("a").apply(&x);
    Model::new(&x, [&a, &Dense::new(2).named("b").apply(&x)]).unwrap()
}

fn masked() -> Model {
    let x = Input::new([4]).dtype(DType::I32).symbol();
    let embedded = Embedding::new(5, 2).mask_zero(true).apply(&x);
    Model::new(&x, Dense::new(3).activation("softmax").apply(&embedded)).unwrap()
}

fn assert_logs(what: &str, got: &Logs, expected: &Value) {
    let expected = expected.as_object().unwrap();
    let names: Vec<&str> = got.iter().map(|(name, _)| name).collect();
    assert_eq!(names, expected.keys().collect::<Vec<_>>(), "{what}");
    for (name, value) in got.iter() {
        let expected = number(&expected[name]);
        assert!(
            (value - expected).abs() < 1e-5 * expected.abs().max(1.0),
            "{what}: {name} {value} {expected}"
        );
    }
}

#[test]
fn compiled_models_report_what_keras_does() {
    for (name, case) in fixture("compile.json").as_object().unwrap() {
        let (mut model, how) = model(name);
        model.set_weights(&tensors(&case["weights"])).unwrap();
        model.compile(how).unwrap();
        let (x, y) = (array(&case["x"]), given(tensors(&case["y"])));
        let weights = tensors(&case["sample_weight"]);
        let (mut evaluate, mut on_batch) = (Evaluate::new().batch_size(BATCH), OnBatch::new());
        if !weights.is_empty() {
            evaluate = evaluate.sample_weight(given(weights.clone()));
            on_batch = on_batch.sample_weight(given(weights));
        }
        let logs = model.evaluate_with(&x, y.clone(), evaluate).unwrap();
        assert_logs(&format!("{name}, evaluate"), &logs, &case["evaluate"]);
        let logs = model.test_on_batch_with(&x, y.clone(), on_batch.clone()).unwrap();
        assert_logs(&format!("{name}, test_on_batch"), &logs, &case["test_on_batch"]);
        let logs = model.train_on_batch_with(&x, y, on_batch).unwrap();
        // Keras on JAX forgets masks between a training step and its metrics.
        let expected =
            if name.starts_with("masked") { &case["test_on_batch"] } else { &case["train_on_batch"] };
        assert_logs(&format!("{name}, train_on_batch"), &logs, expected);
        assert_eq!(number(&case["train_on_batch"]["loss"]), number(&case["test_on_batch"]["loss"]));
        for (after, expected) in model.get_weights().unwrap().iter().zip(items(&case["after"])) {
            assert_close(&format!("{name}, weights"), after, &numbers(&expected["data"]), 1e-5);
        }
    }
}

fn one_output() -> Model {
    Sequential::new().add(Input::new([2])).add(Dense::new(3).activation("softmax")).build().unwrap()
}

#[test]
fn vectors_are_reported_part_by_part() {
    let mut model = one_output();
    let scores = metrics::F1Score::new();
    let how = Compile::new("sgd", "categorical_crossentropy").metrics([scores]);
    model.compile(how.weighted_metrics([metrics::Recall::new().thresholds([0.2, 0.5])])).unwrap();
    let (x, y) =
        (floats(&[2, 2], vec![1.0, 2.0, 3.0, 4.0]), floats(&[2, 3], vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0]));
    let logs = model.train_on_batch(&x, &y).unwrap();
    let names: Vec<&str> = logs.iter().map(|(name, _)| name).collect();
    let parts = ["f1_score[0]", "f1_score[1]", "f1_score[2]", "loss", "recall[0]", "recall[1]"];
    assert_eq!(names, parts);
}

/// Inside of a step's program a metric gives what its formula gives by itself.
#[test]
fn metrics_of_a_step_are_those_of_their_formulas() {
    let all: Vec<std::sync::Arc<dyn Metric>> = vec![
        std::sync::Arc::new(metrics::AUC::new()),
        std::sync::Arc::new(metrics::AUC::new().multi_label(true).curve(metrics::Curve::PR).name("auc_pr")),
        std::sync::Arc::new(metrics::AUC::new().thresholds([0.3, 0.4]).name("auc_three")),
        std::sync::Arc::new(metrics::FalseNegatives::new().threshold(0.3)),
        std::sync::Arc::new(metrics::Precision::new().top_k(2)),
        std::sync::Arc::new(metrics::Recall::new().class_id(1)),
        std::sync::Arc::new(metrics::PrecisionAtRecall::new(0.5)),
        std::sync::Arc::new(metrics::FBetaScore::new().average(metrics::Average::Weighted).beta(2.0)),
        std::sync::Arc::new(metrics::OneHotMeanIoU::new(3)),
        std::sync::Arc::new(metrics::R2Score::new()),
        std::sync::Arc::new(metrics::PearsonCorrelation::new()),
    ];
    let (x, y) = (floats(&[3, 2], vec![1.0, 2.0, -3.0, 4.0, 0.5, -1.0]), [[1, 0, 0], [0, 1, 0], [0, 0, 1]]);
    let y = floats(&[3, 3], y.as_flattened().iter().map(|&bit| f64::from(bit)).collect());
    let mut model = one_output();
    let given = all.iter().map(|metric| metrics::MetricIdentifier::from(metric.clone()));
    model.compile(Compile::new("sgd", "categorical_crossentropy").metrics(given)).unwrap();
    let logs = model.test_on_batch(&x, &y).unwrap();
    let predictions = model.predict_on_batch(&x).unwrap().swap_remove(0);
    for metric in all {
        let state = metric.state(&predictions.ty()).unwrap();
        let mut inputs: Vec<Tensor> = state.iter().map(|spec| Tensor::zeros(&spec.ty)).collect();
        inputs.extend([y.clone(), predictions.clone()]);
        let values = evaluate(&inputs, |given| {
            let [state @ .., y, predictions] = given else { panic!("two inputs behind the state") };
            vec![metric.result(&metric.update(state, *y, *predictions, None).unwrap()).unwrap()]
        });
        assert_close(&metric.name(), &values[0], &[logs.get(&metric.name()).unwrap()], 1e-5);
    }
}

#[test]
fn what_does_not_fit_names_loss_or_metric_and_both_shapes() {
    let (x, y) = (floats(&[2, 2], vec![0.0; 4]), floats(&[2], vec![0.0; 2]));
    let says = |how: Compile, parts: &[&str]| {
        let mut model = one_output();
        let error = model.compile(how).and_then(|()| model.train_on_batch(&x, &y)).unwrap_err().to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    };
    says(Compile::new("sgd", "mse"), &["mean_squared_error: y_true against y_pred", "f32[2]", "f32[2,3]"]);
    let sparse = || Compile::new("sgd", "sparse_categorical_crossentropy");
    let auc = sparse().metrics([metrics::AUC::new()]);
    says(auc, &["auc: y_true against y_pred", "f32[2]", "f32[2,3]"]);
    let far = metrics::Precision::new().threshold(2.0);
    says(sparse().metrics([far]), &["Precision: `thresholds` must be one number from 0 to 1"]);
    let none = metrics::MeanIoU::new(3).sparse_y_pred(false).ignore_class(Some(1));
    let mut model = one_output();
    model.compile(sparse().metrics([none])).unwrap();
    model.train_on_batch(&x, &y).unwrap();
    says(sparse().metrics(["mean_io_u"]), &["mean_io_u: `num_classes` must be given"]);
    says(sparse().steps_per_execution(0), &["compile: `steps_per_execution` must be 1 or more"]);
    let wide = losses::from_fn("wide", |t, p| Ok((t.expand(0) - p).sum(&[0])));
    says(Compile::new("sgd", wide), &["wide"]);
    let mut two = two_outputs();
    two.compile(Compile::new("sgd", "mse")).unwrap();
    let x = floats(&[2, 3], vec![0.0; 6]);
    let one = OnBatch::new().sample_weight([("a", &y)]);
    let error =
        two.train_on_batch_with(&x, (&x, &floats(&[2, 2], vec![0.0; 4])), one).unwrap_err().to_string();
    assert!(error.contains("sample_weight is for 1 outputs; there are targets for 2"), "{error}");
    let error = two.train_on_batch(&x, (&x, &x)).unwrap_err().to_string();
    assert!(error.starts_with("b: mean_squared_error: y_true against y_pred"), "{error}");
}

#[test]
fn functions_of_ones_own_are_saved_by_name_and_asked_for() {
    let path = std::env::temp_dir().join(format!("cornu-own-function-{}.keras", std::process::id()));
    let (x, y) =
        (floats(&[2, 2], vec![1.0, 2.0, 3.0, 4.0]), floats(&[2, 3], vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0]));
    let mut model = one_output();
    let factor = 3.0;
    let loss = losses::from_fn("thrice", move |t, p| Ok(losses::mean_squared_error(t, p)? * factor));
    let metric = metrics::from_fn("half", |t, p| Ok(losses::mean_absolute_error(t, p)? * 0.5));
    let how = Compile::new("sgd", loss).metrics([metric]).steps_per_execution(2);
    model.compile(how).unwrap();
    let logs = model.evaluate(&x, &y).unwrap();
    model.save(&path).unwrap();
    let error = Model::load(&path).map(drop).unwrap_err().to_string();
    assert!(error.contains("the loss `thrice`, which is not one of Keras's"), "{error}");
    losses::register_fn("thrice", move |t, p| Ok(losses::mean_squared_error(t, p)? * factor));
    let error = Model::load(&path).map(drop).unwrap_err().to_string();
    assert!(error.contains("the metric `half`") && error.contains("losses::register_fn"), "{error}");
    losses::register_fn("half", |t, p| Ok(losses::mean_absolute_error(t, p)? * 0.5));
    let mut again = Model::load(&path).unwrap();
    assert_eq!(again.evaluate(&x, &y).unwrap(), logs);
    std::fs::remove_file(&path).unwrap();
}

/// As in Keras callbacks are told of a group of steps as of its last, though the last group is short.
#[test]
fn callbacks_are_told_of_steps_that_run_together() {
    let (x, y) = (floats(&[10, 2], vec![1.0; 20]), floats(&[10], vec![0.0; 10]));
    let trained = |together: usize| {
        let mut model = one_output();
        model.set_weights(&[floats(&[2, 3], vec![0.1; 6]), floats(&[3], vec![0.0, 0.1, 0.2])]).unwrap();
        let how = Compile::new("sgd", "sparse_categorical_crossentropy").steps_per_execution(together);
        model.compile(how).unwrap();
        let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let list = told.clone();
        let callback = LambdaCallback::new().on_train_batch_end(move |_, step, _| {
            list.lock().unwrap().push(step);
        });
        let how = Fit::new().batch_size(2).shuffle(false).verbose(Verbose::Silent).callback(callback);
        let history = model.fit(&x, &y, how).unwrap();
        let told = told.lock().unwrap().clone();
        (history.last("loss"), model.get_weights().unwrap(), told)
    };
    let (one, three) = (trained(1), trained(3));
    assert_eq!((one.0, one.1), (three.0, three.1));
    assert_eq!((one.2, three.2), (vec![0, 1, 2, 3, 4], vec![2, 5]));
}
