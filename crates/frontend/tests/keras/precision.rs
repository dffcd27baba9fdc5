//! Small networks under each dtype policy: they open, predict and train as in Keras, as far as their types hold the
//! numbers, and so does what is saved from them.

use cornu::{DTypePolicy, Logs, Model, Tensor, set_dtype_policy};
use cornu_ir::DType;
use serde_json::Value;

use crate::reading::*;

/// How far predictions and losses may be from Keras's: some units of the last place of what is computed in. Keras's
/// compiler rounds at other places than ours.
fn tolerance(policy: DTypePolicy) -> f64 {
    match policy.compute_dtype() {
        DType::BF16 => 0.04,
        DType::F16 => 0.004,
        DType::F64 => 1e-6,
        other => panic!("no policy of {other} is tested"),
    }
}

/// What was recorded, with the model as its file describes it. Compiling goes by the policy, as in Keras.
struct Case {
    name: String,
    policy: DTypePolicy,
    record: Value,
    model: Model,
}

/// Runs a check for every network under every policy, and fails with what is wrong with each.
fn for_each(check: impl Fn(&mut Case) -> Result<(), String>) {
    let records = fixture("precision/networks.json");
    let records = records.as_object().expect("networks by name");
    assert!(records.len() >= 18, "only {} networks", records.len());
    let mut wrong = Vec::new();
    for (name, record) in records {
        let policy = DTypePolicy::named(text(&record["policy"])).expect("a policy");
        set_dtype_policy(policy).expect("a policy");
        let model = load(&format!("{}/tests/fixtures/precision/{name}.keras", env!("CARGO_MANIFEST_DIR")));
        let mut case = Case { name: name.clone(), policy, record: record.clone(), model };
        if let Err(complaint) = check(&mut case) {
            wrong.push(format!("{name}: {complaint}"));
        }
    }
    assert!(wrong.is_empty(), "{} networks:\n{}", wrong.len(), wrong.join("\n"));
}

fn load(path: &str) -> Model {
    Model::load(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

impl Case {
    /// Fails unless the model predicts what was recorded, in the type that Keras gives.
    fn predicts(&mut self, expected: &str) -> Result<(), String> {
        let x = vec![array(&self.record["x"])];
        let got = self.model.predict_tensors(x, 32).map_err(|error| error.to_string())?;
        let expected = array(&self.record[expected]);
        if got[0].ty() != expected.ty() {
            return Err(format!("gives {}, Keras {}", got[0].ty(), expected.ty()));
        }
        near("a prediction", &got[0], &expected, tolerance(self.policy))
    }

    /// Fails unless all steps report Keras's losses.
    fn trains(&mut self) -> Result<(), String> {
        for (step, expected) in numbers(&self.record["losses"]).into_iter().enumerate() {
            let x = vec![array(&self.record["x"])];
            let logs = self.model.train_on_batch(x, vec![array(&self.record["targets"])]);
            let loss = logs.map_err(|error| error.to_string())?.get("loss").unwrap_or(f64::NAN);
            let allowed = tolerance(self.policy) * expected.abs().max(1.0);
            let is_near = (loss - expected).abs() <= allowed;
            if !is_near {
                return Err(format!("the loss of step {step} is {loss}, in Keras {expected}"));
            }
        }
        Ok(())
    }
}

fn near(what: &str, got: &Tensor, expected: &Tensor, tolerance: f64) -> Result<(), String> {
    let (got, expected) = (got.floats(), expected.floats());
    let largest = expected.iter().fold(1.0f64, |largest, x| largest.max(x.abs()));
    let is_near = |got: f64, expected: f64| (got - expected).abs() <= tolerance * largest;
    let wrong = got.iter().zip(&expected).find(|&(&got, &expected)| !is_near(got, expected));
    wrong.map_or(Ok(()), |(got, expected)| Err(format!("{what} is {got}, in Keras {expected}")))
}

#[test]
fn networks_predict_and_keep_their_variables_in_the_types_of_keras() {
    for_each(|case| {
        let weights = case.model.get_weights().map_err(|error| error.to_string())?;
        let keras = items(&case.record["weights"]).iter().map(|name| DTypePolicy::named(text(name)));
        let keras: Vec<DType> = keras.map(|policy| policy.expect("a type").variable_dtype()).collect();
        let ours: Vec<DType> = weights.iter().map(Tensor::dtype).collect();
        if ours != keras {
            return Err(format!("the weights are {ours:?}, in Keras {keras:?}"));
        }
        case.predicts("y")
    });
}

#[test]
fn networks_train_in_their_types_as_in_keras() {
    for_each(|case| {
        case.trains()?;
        case.predicts("y_after")
    });
}

#[test]
fn networks_saved_here_keep_their_policies() {
    let folder = tempfile::tempdir().expect("a folder");
    for_each(|case| {
        let path = folder.path().join(format!("{}.keras", case.name));
        case.model.save(&path).map_err(|error| error.to_string())?;
        let again = load(&path.to_string_lossy());
        let policies = |model: &Model| -> Vec<Option<DTypePolicy>> {
            model.layers().iter().map(|layer| layer.dtype_policy().ok()).collect()
        };
        assert_eq!(policies(&again), policies(&case.model), "{}", case.name);
        let (before, after) = (case.model.get_weights(), again.get_weights());
        assert_eq!(before.expect("weights"), after.expect("weights"), "{}", case.name);
        case.model = again;
        case.trains()
    });
}

#[test]
fn a_model_of_mixed_float16_scales_its_loss() {
    use cornu::{Compile, Dense, Input, Sequential};
    set_dtype_policy("mixed_float16").expect("a policy");
    let model = || Sequential::new().add(Input::new([2])).add(Dense::new(1)).build().expect("a model");
    let steps = |how: Compile| {
        let mut model = model();
        model.set_weights(&[floats(&[2, 1], vec![0.0, 0.0]), floats(&[1], vec![0.0])]).expect("weights");
        model.compile(how).expect("compiled");
        // The gradient, 2·10⁻⁸, is nothing in 16 bits.
        let (x, y) = (floats(&[1, 2], vec![1e-4, 1e-4]), floats(&[1, 1], vec![1e-4]));
        let _: Logs = model.train_on_batch(vec![x], vec![y]).expect("a step");
        model.get_weights().expect("weights")[0].floats()
    };
    let plain = Compile::new(cornu::SGD::new().learning_rate(1.0), "mse");
    assert_eq!(steps(plain.clone().auto_scale_loss(false)), [0.0, 0.0]);
    assert_ne!(steps(plain), [0.0, 0.0]);
}
