//! Optimizers: the paths of three weights under fixed gradients, with every common argument.

use std::sync::Arc;

use cornu::optimizers::{self, Initial, LearningRate, Optimizer, Schedule, Step, TrainedWeight, Variable};
use cornu::{
    Adam, AdamW, Compile, Dense, Expr, Ftrl, Input, Lion, LossScaleOptimizer, MultiOptimizer, RMSprop, SGD,
    ScheduleFreeAdamW, Sequential, constraints,
};
use cornu_ir::{DType, Tensor, Type};
use serde_json::{Value, json};

use crate::reading::*;

/// Iterations and learning rate, the weights, the slots.
#[derive(Clone)]
struct State {
    count: [Tensor; 2],
    weights: Vec<Tensor>,
    slots: Vec<Tensor>,
}

impl State {
    fn new(optimizer: &dyn Optimizer, about: &[TrainedWeight], weights: &[Tensor]) -> State {
        let slot = |slot: &optimizers::SlotSpec| match slot.initial {
            Initial::Fill(value) => {
                Tensor::from_floats(&slot.ty, std::iter::repeat_n(value, slot.ty.elements()))
            }
            Initial::Weight => weights[slot.weight.unwrap()].clone(),
        };
        let count = [Tensor::scalar(0i32), Tensor::scalar(optimizer.learning_rate() as f32)];
        let slots = optimizer.slots(about).iter().map(slot).collect();
        State { count, weights: weights.to_vec(), slots }
    }

    fn stepped(&self, optimizer: &dyn Optimizer, about: &[TrainedWeight], gradients: &[Tensor]) -> State {
        let count = self.weights.len();
        let inputs: Vec<Tensor> =
            self.count.iter().chain(&self.weights).chain(&self.slots).chain(gradients).cloned().collect();
        let mut values = evaluate(&inputs, |given| {
            let (state, gradients) = given.split_at(given.len() - count);
            let step = Step { iterations: state[0], learning_rate: state[1], weights: about };
            let (weights, slots) = state[2..].split_at(count);
            let gradients: Vec<_> = gradients.iter().copied().map(Some).collect();
            let stepped = optimizer.apply(&step, weights, &gradients, slots).unwrap();
            [vec![stepped.iterations, step.learning_rate], stepped.weights, stepped.slots].concat()
        });
        let slots = values.split_off(2 + count);
        let weights = values.split_off(2);
        let count = values.try_into().unwrap();
        State { count, weights, slots }
    }

    /// What Keras stores, in its order, with its paths.
    fn stored(&self, optimizer: &dyn Optimizer, about: &[TrainedWeight]) -> Vec<(String, Tensor)> {
        let slots = optimizer.slots(about);
        let variables = optimizer.variables(about, &slots).into_iter();
        let read = |variable: Variable| match variable.place {
            Variable::ITERATIONS => (format!("{}/iteration", variable.owner), self.count[0].clone()),
            Variable::LEARNING_RATE => (format!("{}/learning_rate", variable.owner), self.count[1].clone()),
            place => {
                let number = place - Variable::slot(0);
                let slot = &slots[number];
                let weight = slot.weight.map_or(String::new(), |weight| format!("{}_", about[weight].path));
                (format!("{}/{weight}{}", variable.owner, slot.name), self.slots[number].clone())
            }
        };
        variables.map(read).collect()
    }
}

/// A case of a fixture.
struct Case<'v> {
    name: String,
    about: Vec<TrainedWeight>,
    start: Vec<Tensor>,
    gradients: Vec<Vec<Tensor>>,
    written: Vec<usize>,
    expected: &'v Value,
}

impl<'v> Case<'v> {
    fn new(name: &str, data: &Value, expected: &'v Value) -> Case<'v> {
        let start: Vec<Tensor> = items(&data["start"]).iter().map(array).collect();
        let path = |(number, value): (usize, &Tensor)| {
            let constraint = &expected["constraints"][number];
            let constraint = (!constraint.is_null()).then(|| constraints::deserialize(constraint).unwrap());
            TrainedWeight { constraint, ..TrainedWeight::new(format!("weight_{number}"), value.ty()) }
        };
        let about: Vec<TrainedWeight> = start.iter().enumerate().map(path).collect();
        let gradient = |(g, value): (&Value, &Tensor)| floats(value.shape(), numbers(g));
        let gradients = items(&data["gradients"]).iter();
        let mut gradients: Vec<Vec<Tensor>> =
            gradients.map(|step| items(step).iter().zip(&start).map(gradient).collect()).collect();
        if let Some(place) = expected["infinite"].as_array() {
            let [step, weight, element] = [0, 1, 2].map(|i| number(&place[i]) as usize);
            let infinite = &mut gradients[step][weight];
            let mut values = infinite.floats();
            values[element] = f64::INFINITY;
            *infinite = Tensor::from_floats(&infinite.ty(), values);
        }
        let name = format!("{name}/{}", text(&expected["name"]));
        let written = sizes(&data["written"]);
        Case { name, about, start, gradients, written, expected }
    }

    fn check(&self, optimizer: &dyn Optimizer) {
        let Case { name, about, expected, .. } = self;
        assert_eq!(optimizers::serialize(optimizer), expected["config"], "{name}");
        let mut state = State::new(optimizer, about, &self.start);
        let mut written = self.written.iter().zip(items(&expected["steps"])).peekable();
        for (step, gradients) in self.gradients.iter().enumerate() {
            state = state.stepped(optimizer, about, gradients);
            if let Some((_, expected)) = written.next_if(|&(&at, _)| at == step) {
                for (weight, expected) in state.weights.iter().zip(items(expected)) {
                    assert_close(&format!("{name}, step {step}"), weight, &numbers(expected), 1e-5);
                }
            }
        }
        let (stored, variables) = (state.stored(optimizer, about), items(&expected["variables"]));
        assert_eq!(stored.len(), variables.len(), "{name}");
        for ((path, value), variable) in stored.iter().zip(variables) {
            assert_eq!(value.ty(), array(variable).ty(), "{name}, {path}");
            assert_close(&format!("{name}, {path}"), value, &numbers(&variable["data"]), 1e-5);
            assert!(is_nameless_in_keras(path) || path == text(&variable["path"]), "{name}, {path}");
        }
        self.check_averages(optimizer, &state);
    }

    /// The averages, which the weights become at the end, are where we look for them.
    fn check_averages(&self, optimizer: &dyn Optimizer, state: &State) {
        let slots = optimizer.slots(&self.about);
        let averages: Vec<&Tensor> = slots
            .iter()
            .zip(&state.slots)
            .filter(|(slot, _)| slot.name == "average")
            .map(|(_, value)| value)
            .collect();
        let finalized = self.expected["finalized"].as_array();
        if let Some(finalized) = finalized {
            assert_eq!(averages.len(), finalized.len(), "{}", self.name);
        }
        for (average, expected) in averages.iter().zip(finalized.into_iter().flatten()) {
            assert_close(&self.name, average, &numbers(expected), 1e-5);
        }
    }
}

/// True for slots that Keras calls after their weight alone, or after nothing.
fn is_nameless_in_keras(path: &str) -> bool {
    ["_r", "_c", "u_product"].iter().any(|end| path.ends_with(end))
}

fn check(name: &str) {
    let (data, cases) = (fixture("optimizers/data.json"), fixture(&format!("optimizers/{name}.json")));
    for expected in items(&cases) {
        Case::new(name, &data, expected).check(&*optimizers::deserialize(&expected["config"]).unwrap());
    }
}

macro_rules! check {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*
    };
}

check! {
    sgd rmsprop adam adamw adadelta adagrad adamax adafactor nadam ftrl lion lamb muon schedule_free_adamw
}

#[test]
fn exclusions_constraints_and_scaled_losses() {
    let (data, cases) = (fixture("optimizers/data.json"), fixture("optimizers/special.json"));
    for expected in items(&cases) {
        let optimizer: Arc<dyn Optimizer> = match expected["exclude"].as_array() {
            Some(patterns) => {
                let patterns: Vec<&str> = patterns.iter().map(text).collect();
                Arc::new(SGD::new().learning_rate(0.05).weight_decay(0.3).exclude_from_weight_decay(patterns))
            }
            None => optimizers::deserialize(&expected["config"]).unwrap(),
        };
        Case::new("special", &data, expected).check(&*optimizer);
    }
}

#[test]
fn names_and_old_forms_are_read() {
    let names = "SGD RMSprop Adam AdamW Adadelta Adagrad Adamax Adafactor Nadam Ftrl Lion Lamb Muon ScheduleFreeAdamW";
    for name in names.split(' ') {
        assert_eq!(optimizers::get(name).unwrap().class_name(), name);
        assert_eq!(optimizers::get(&name.to_lowercase()).unwrap().class_name(), name);
    }
    assert!(optimizers::get("adm").unwrap_err().to_string().contains("did you mean `adam`?"));
    let config = json!({"lr": 0.01, "decay": 0.5, "is_legacy_optimizer": false});
    let keras2 = json!({"class_name": "Custom>Adam", "config": config});
    let optimizer = optimizers::deserialize(&keras2).unwrap();
    assert!(optimizer.common().learning_rate.is_schedule());
    assert_eq!(optimizer.learning_rate(), 0.01);
}

#[test]
fn arguments_that_make_no_sense_name_class_and_key() {
    let sgd = json!({"class_name": "SGD", "config": {}});
    let cases: [(&str, Value, &str); 11] = [
        ("SGD", json!({"learning_rate": -1.0}), "learning_rate"),
        ("SGD", json!({"clipnorm": 1.0, "clipvalue": 1.0}), "clipnorm"),
        ("SGD", json!({"gradient_accumulation_steps": 1}), "gradient_accumulation_steps"),
        ("SGD", json!({"momentum": 2.0}), "momentum"),
        ("SGD", json!({"loss_scale_factor": 0.0}), "loss_scale_factor"),
        ("AdamW", json!({"weight_decay": null}), "weight_decay"),
        ("Lion", json!({"beta_1": 0.0}), "beta_1"),
        ("Ftrl", json!({"learning_rate_power": 0.5}), "learning_rate_power"),
        ("Muon", json!({"exclude_layers": ["("]}), "exclude_layers"),
        ("LossScaleOptimizer", json!({"inner_optimizer": sgd, "initial_scale": 0.0}), "initial_scale"),
        ("LossScaleOptimizer", json!({"inner_optimizer": sgd, "dynamic": false}), "dynamic"),
    ];
    for (class, config, key) in cases {
        let value = json!({"class_name": class, "config": config});
        let error = optimizers::deserialize(&value).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{class}: `{key}` must be ")), "{error}");
    }
    assert!(Ftrl::new().beta(0.1).check().is_ok() && Lion::new().beta_1(0.5).check().is_ok());
    let error = Adam::new().exclude_from_weight_decay(["["]).check().unwrap_err().to_string();
    assert!(error.contains("a regular expression"), "{error}");
}

/// New weights after a step on two weights of which only the second has a gradient.
fn half_step(optimizer: &dyn Optimizer, about: &[TrainedWeight]) -> Vec<Tensor> {
    let weights = about.iter().map(|about| Tensor::from_floats(&about.ty, [1.0, 2.0])).collect::<Vec<_>>();
    let state = State::new(optimizer, about, &weights);
    let inputs: Vec<Tensor> = state.count.iter().chain(&weights).chain(&state.slots).cloned().collect();
    evaluate(&inputs, |given| {
        let step = Step { iterations: given[0], learning_rate: given[1], weights: about };
        let none = optimizer.apply(&step, &given[2..4], &[None, None], &given[4..]);
        assert!(none.err().unwrap().to_string().contains("nothing to train"));
        optimizer.apply(&step, &given[2..4], &[None, Some(given[3])], &given[4..]).unwrap().weights
    })
}

fn pair() -> [TrainedWeight; 2] {
    ["dense/kernel", "dense/bias"].map(|path| TrainedWeight::new(path, Type::new(DType::F32, [2])))
}

#[test]
fn a_weight_without_gradient_stays() {
    let optimizers: [Arc<dyn Optimizer>; 4] = [
        Arc::new(Adam::new().weight_decay(0.1)),
        Arc::new(AdamW::new().learning_rate(0.1).ema(0.9)),
        Arc::new(LossScaleOptimizer::new(RMSprop::new())),
        Arc::new(cornu::Nadam::new()),
    ];
    for optimizer in optimizers {
        let values = half_step(&*optimizer, &pair());
        assert_eq!(values[0].floats(), [1.0, 2.0]);
        assert_ne!(values[1].floats(), [1.0, 2.0]);
        assert_eq!(values[1].dtype(), DType::F32);
    }
}

#[test]
fn weights_are_excluded_by_name_or_path() {
    let decays = |pattern: &str| {
        let sgd = SGD::new().weight_decay(0.5).exclude_from_weight_decay([pattern]);
        pair().map(|weight| sgd.decay_of(&weight).is_some())
    };
    assert_eq!(decays("bias"), [true, false]);
    assert_eq!(decays("dense"), [true, true]);
    assert_eq!(decays("^dense/"), [false, false]);
}

#[test]
fn several_optimizers_share_the_weights() {
    let optimizer =
        MultiOptimizer::new(SGD::new().learning_rate(0.5)).of(".*bias", SGD::new().learning_rate(0.25));
    let config = optimizers::serialize(&optimizer);
    let optimizer = optimizers::deserialize(&config).unwrap();
    assert_eq!(optimizers::serialize(&*optimizer), config);
    let about = pair();
    let weights = about.each_ref().map(|about| Tensor::from_floats(&about.ty, [1.0, 2.0]));
    let state = State::new(&*optimizer, &about, &weights).stepped(&*optimizer, &about, &weights);
    assert_eq!(state.weights[0].floats(), [0.5, 1.0]);
    assert_eq!(state.weights[1].floats(), [0.75, 1.5]);
    let stored = state.stored(&*optimizer, &about);
    let values: Vec<f64> = stored.iter().map(|(_, value)| value.floats()[0]).collect();
    assert_eq!(values, [1.0, 0.0, 1.0, 0.25, 1.0, 0.5]);
    let disputed = MultiOptimizer::new(SGD::new()).of(".*bias", SGD::new()).of("dense.*", SGD::new());
    let inputs: Vec<Tensor> = State::new(&disputed, &about, &weights).slots;
    evaluate(&inputs, |slots| {
        let weight = slots[0].broadcast([2], &[]);
        let step = Step { iterations: slots[0], learning_rate: slots[0], weights: &about };
        let stepped = disputed.apply(&step, &[weight; 2], &[Some(weight); 2], slots);
        assert!(stepped.err().unwrap().to_string().contains("it is dense/bias"));
        vec![weight]
    });
}

#[test]
fn a_schedule_of_ones_own_is_named_in_files() {
    fn halved(step: Expr<'_>) -> Expr<'_> {
        step.number(0.5).pow(step)
    }
    let optimizer = SGD::new().learning_rate(Schedule::custom("tests>halved", halved));
    assert_eq!(Optimizer::learning_rate(&optimizer), 1.0);
    let config = optimizers::serialize(&optimizer);
    assert_eq!(config["config"]["learning_rate"]["registered_name"], "tests>halved");
    let error = optimizers::deserialize(&config).unwrap_err().to_string();
    assert!(error.contains("registered schedule") && error.contains("tests>halved"), "{error}");
    optimizers::register_schedule("tests>halved", halved);
    let read = optimizers::deserialize(&config).unwrap();
    let LearningRate::Schedule(schedule) = &read.common().learning_rate else { panic!("a schedule") };
    assert_eq!([0, 1, 3].map(|step| schedule.at(step)), [1.0, 0.5, 0.125]);
}

/// A model of one layer with these weights, after two steps.
fn trained(optimizer: impl Optimizer + 'static, set_first: bool) -> Vec<Tensor> {
    let mut model = Sequential::new().add(Input::new([2])).add(Dense::new(1)).build().unwrap();
    let weights = [floats(&[2, 1], vec![0.5, -0.25]), floats(&[1], vec![0.1])];
    if set_first {
        model.set_weights(&weights).unwrap();
    }
    model.compile(Compile::new(optimizer, "mse")).unwrap();
    model.set_weights(&weights).unwrap();
    let (x, y) = (floats(&[2, 2], vec![1.0, 2.0, -1.0, 0.5]), floats(&[2, 1], vec![1.0, 0.0]));
    for _ in 0..2 {
        model.train_on_batch(&x, &y).unwrap();
    }
    model.get_weights().unwrap()
}

#[test]
fn slots_that_begin_as_weights_follow_those_that_are_set() {
    let optimizer = ScheduleFreeAdamW::new;
    assert_eq!(trained(optimizer(), false), trained(optimizer(), true));
}

#[test]
fn a_scaled_loss_trains_as_the_loss_does() {
    // Powers of two change no digit.
    let adam = || Adam::new().learning_rate(0.1);
    let plain = trained(adam(), true);
    assert_eq!(trained(adam().loss_scale_factor(1024.0), true), plain);
    assert_eq!(trained(LossScaleOptimizer::new(adam()), true), plain);
    assert_eq!(trained(LossScaleOptimizer::new(adam().loss_scale_factor(8.0)), true), plain);
    let several = MultiOptimizer::new(adam()).of(".*bias", adam().loss_scale_factor(4.0));
    assert_eq!(trained(several.loss_scale_factor(16.0), true), plain);
}
