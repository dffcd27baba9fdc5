//! Layers called by themselves: outputs, masks, gradients, losses and what a call leaves behind, a group a test.

mod policies;
mod random;
mod refusals;
mod saved;
mod stateful;

use cornu::DTypePolicy;
use cornu::layers::{self, AnyLayer, Argument, CallArguments, Masked, Spec, StatelessCall, WeightSpec};
use cornu_ir::interpret::interpret;
use cornu_ir::{Builder, DType, Expr, Tensor};
use serde_json::{Value, json};

use crate::reading::*;

/// A test for each group of layers, so that one can be run alone. The number is how near to Keras its results are.
macro_rules! groups {
    ($($test:ident $file:literal $tolerance:literal),* $(,)?) => {$(
        #[test]
        fn $test() {
            every_case_holds($file, $tolerance);
        }
    )*};
}

groups! {
    layers_activation "activation" 1e-5,
    layers_attention "attention" 1e-4,
    layers_convolution "convolution" 1e-4,
    layers_core "core" 1e-4,
    layers_images "images" 1e-5,
    layers_merging "merging" 1e-5,
    layers_normalization "normalization" 1e-4,
    layers_preprocessing "preprocessing" 1e-5,
    layers_pooling "pooling" 1e-4,
    layers_recurrent "recurrent" 1e-4,
    layers_regularization "regularization" 1e-4,
    layers_reshaping "reshaping" 1e-5,
}

/// Layers on the host, which `preprocessing.rs` tests, and those that are not there.
const ELSEWHERE: [&str; 15] = [
    "Hashing",
    "HashedCrossing",
    "IntegerLookup",
    "StringLookup",
    "TextVectorization",
    "AugMix",
    "ContrastLimitedAdaptiveHistogramEqualization",
    "CutMix",
    "MaxNumBoundingBoxes",
    "MixUp",
    "Pipeline",
    "RandAugment",
    "RandomColorJitter",
    "RandomElasticTransform",
    "RandomPerspective",
];

/// Keras on JAX lets the mask of a ConvLSTM, `[batch, 1]`, meet the last two axes of the states, `[columns,
/// filters]`: it masks columns, which no one can mean. Here, as in Keras on TensorFlow, it masks samples.
const MISTAKEN: &str = "conv_lstm_2d_mask";

/// True for those layers, for images with boxes, and for what Keras gets wrong.
fn is_elsewhere(case: &Value) -> bool {
    ELSEWHERE.contains(&text(&case["class_name"])) || case["form"] == "dict" || case["name"] == MISTAKEN
}

/// Runs all cases of a group, then fails with what is wrong with each.
fn every_case_holds(group: &str, tolerance: f64) {
    let cases = fixture(&format!("layers/{group}.json"));
    let wrong: Vec<String> = items(&cases)
        .iter()
        .filter(|case| !is_elsewhere(case))
        .filter_map(|case| {
            let checked = if case["random"] == true {
                random::check(case)
            } else if case["stateful"] == true {
                stateful::check(case, tolerance)
            } else {
                Case::read(case, tolerance).and_then(|case| case.check())
            };
            let complaint = checked.err()?;
            Some(format!("{}: {complaint}", text(&case["name"])))
        })
        .collect();
    let count = items(&cases).len();
    assert!(
        wrong.is_empty(),
        "{} of {count} cases of layers/{group}.json:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// A value's number in a list, and its mask's.
type Place = (usize, Option<usize>);

/// The layer that a case is about.
fn layer(record: &Value) -> Check<AnyLayer> {
    let written = json!({"class_name": record["class_name"], "config": record["config"]});
    layers::deserialize(&written).map_err(|error| error.to_string())
}

/// What a check says of a case that fails.
type Check<T = ()> = Result<T, String>;

/// One call of one layer: what goes in, as numbered tensors, and what should come out.
struct Case<'a> {
    record: &'a Value,
    layer: AnyLayer,
    specs: Vec<WeightSpec>,
    /// Everything that the program is given: arguments in order, weights, random state.
    given: Vec<Tensor>,
    /// The call; each value is a number in `given`, with the number of its mask.
    arguments: CallArguments<Place>,
    first_weight: usize,
    tolerance: f64,
}

impl<'a> Case<'a> {
    fn read(record: &'a Value, tolerance: f64) -> Check<Case<'a>> {
        let layer = layer(record)?;
        let mut given = Vec::new();
        let arguments = arguments(record, &mut given);
        let specs = layer.weight_specs(&input_specs(record)).map_err(|error| error.to_string())?;
        let first_weight = given.len();
        given.extend(items(&record["weights"]).iter().map(|weight| array(&weight["array"])));
        if record["training"] == true {
            given.push(Tensor::vector(vec![1u32, 2, 3, 0]));
        }
        Ok(Case { record, layer, specs, given, arguments, first_weight, tolerance })
    }

    fn check(&self) -> Check {
        self.check_config()?;
        self.check_weights()?;
        let builder = Builder::new();
        let given: Vec<Expr<'_>> =
            self.given.iter().map(|tensor| builder.input("given", tensor.ty())).collect();
        let weights = self.weights(&given);
        let call = self.write(&builder, &given)?;

        let mut expected = Vec::new();
        self.expect_outputs(&call.outputs, &mut expected)?;
        let after = self.record.get("weights_after");
        for (index, &weight) in call.weights.iter().enumerate() {
            let array = after.map_or(&self.record["weights"][index]["array"], |after| &after[index]);
            expected.push((format!("weight {index} afterwards"), weight, array));
        }
        self.expect_gradients(&call.outputs, &given, &mut expected)?;
        let values: Vec<Expr<'_>> = expected
            .iter()
            .map(|(_, value, _)| *value)
            .chain([self.loss(&builder, call.loss, weights)])
            .collect();
        let graph = builder.finish(&values).map_err(|error| error.to_string())?;
        let values = interpret(&graph, &self.given);
        for ((what, _, array), value) in expected.iter().zip(&values) {
            near(what, value, array, self.tolerance)?;
        }
        let losses = self.record.get("losses").map_or(0.0, |losses| numbers(losses).iter().sum());
        let loss = json!({"shape": [], "dtype": "float32", "data": [losses]});
        near("the sum of losses", &values[expected.len()], &loss, self.tolerance)
    }

    fn weights<'g, 'b>(&self, given: &'g [Expr<'b>]) -> &'g [Expr<'b>] {
        &given[self.first_weight..][..self.specs.len()]
    }

    /// Writes the call.
    fn write<'b>(&self, builder: &'b Builder, given: &[Expr<'b>]) -> Check<StatelessCall<'b>> {
        let arguments = self
            .arguments
            .map(|&(value, mask)| Ok(Masked { value: given[value], mask: mask.map(|mask| given[mask]) }));
        let random = (self.record["training"] == true).then(|| given[given.len() - 1]);
        let weights = self.weights(given);
        let call = arguments.and_then(|arguments| {
            self.layer.stateless_call(builder, &self.specs, weights, &arguments, random)
        });
        call.map_err(|error| error.to_string())
    }

    /// Fails unless all variables have the types of this policy.
    fn check_types(&self, policy: DTypePolicy) -> Check {
        let is_wrong =
            |spec: &&WeightSpec| spec.ty.dtype.is_float() && spec.ty.dtype != policy.variable_dtype();
        match self.specs.iter().find(is_wrong) {
            Some(spec) => Err(format!("the weight {} is {}", spec.path, spec.ty)),
            None => Ok(()),
        }
    }

    fn check_config(&self) -> Check {
        let written = layers::serialize(&self.layer).map_err(|error| error.to_string())?;
        let (ours, mut keras) = (written["config"].clone(), self.record["config"].clone());
        // A policy of whole numbers is a name and no more: the type of the input decides.
        if keras["dtype"]["config"]["name"] == "int32" {
            keras["dtype"] = ours["dtype"].clone();
        }
        let own = |config: &Value| {
            let keys = config.as_object().into_iter().flat_map(|config| config.keys().cloned());
            keys.filter(|key| !["name", "trainable", "dtype"].contains(&key.as_str())).collect::<Vec<_>>()
        };
        if !same(&ours, &keras) {
            return Err(format!("the config is written as {ours}, by Keras as {keras}"));
        }
        if own(&ours) != own(&keras) {
            return Err(format!("the keys are in the order {:?}, Keras's is {:?}", own(&ours), own(&keras)));
        }
        Ok(())
    }

    fn check_weights(&self) -> Check {
        let weights = items(&self.record["weights"]);
        let ours: Vec<String> =
            self.specs.iter().map(|spec| described(spec.name(), spec.trainable)).collect();
        let keras: Vec<String> = weights
            .iter()
            .map(|weight| {
                let name = text(&weight["path"]).rsplit('/').next().unwrap_or_default();
                described(name, weight["trainable"] == true)
            })
            .collect();
        if ours != keras {
            return Err(format!("the weights are {ours:?}, Keras's are {keras:?}"));
        }
        for (spec, given) in self.specs.iter().zip(&self.given[self.first_weight..]) {
            if spec.ty != given.ty() {
                return Err(format!("the weight {} is {}, Keras's is {}", spec.path, spec.ty, given.ty()));
            }
        }
        Ok(())
    }

    fn expect_outputs<'b>(&self, outputs: &[Masked<'b>], expected: &mut Vec<Expected<'a, 'b>>) -> Check {
        let arrays = items(&self.record["outputs"]);
        if arrays.len() != outputs.len() {
            return Err(format!("there are {} outputs, in Keras {}", outputs.len(), arrays.len()));
        }
        for (index, (output, array)) in outputs.iter().zip(arrays).enumerate() {
            expected.push((format!("output {index}"), output.value, array));
            let keras = &self.record["output_masks"][index];
            match output.mask {
                Some(mask) if !keras.is_null() => {
                    expected.push((format!("the mask of output {index}"), mask, keras));
                }
                Some(_) => return Err(format!("output {index} has a mask, in Keras it has none")),
                None if !keras.is_null() => {
                    return Err(format!("output {index} has no mask, in Keras it has"));
                }
                None => {}
            }
        }
        Ok(())
    }

    /// The gradients of the sum of outputs times cotangents.
    fn expect_gradients<'b>(
        &self,
        outputs: &[Masked<'b>],
        given: &[Expr<'b>],
        expected: &mut Vec<Expected<'a, 'b>>,
    ) -> Check {
        let Some(cotangents) = self.record.get("cotangents") else { return Ok(()) };
        let products = outputs.iter().zip(items(cotangents)).filter(|(_, cotangent)| !cotangent.is_null());
        let total = products
            .map(|(output, cotangent)| (output.value * output.value.constant(array(cotangent))).sum_all())
            .reduce(|sum, product| sum + product)
            .ok_or("there is no cotangent")?;
        let positions = [("d_inputs", 0), ("d_weights", self.first_weight)];
        let mut wanted: Vec<(String, Expr<'b>, &Value)> = Vec::new();
        for (key, first) in positions {
            for (index, array) in items(&self.record[key]).iter().enumerate().filter(|(_, a)| !a.is_null()) {
                wanted.push((format!("{key} {index}"), given[first + index], array));
            }
        }
        if let Some(states) = self.record.get("d_initial_state") {
            let states_given =
                self.arguments.keyword("initial_state").ok_or("there is no initial_state")?.tensors();
            for (index, (array, &&(value, _))) in items(states).iter().zip(&states_given).enumerate() {
                wanted.push((format!("d_initial_state {index}"), given[value], array));
            }
        }
        let wrt: Vec<Expr<'b>> = wanted.iter().map(|(_, value, _)| *value).collect();
        let found = cornu_ir::grad::gradients(total, &wrt).map_err(|error| error.to_string())?;
        for ((what, value, array), gradient) in wanted.into_iter().zip(found) {
            expected.push((what, gradient.unwrap_or(value.full_like(0.0)), array));
        }
        Ok(())
    }

    /// What the layer adds to the loss, and what its fitted weights cost.
    fn loss<'b>(&self, builder: &'b Builder, added: Option<Expr<'b>>, weights: &[Expr<'b>]) -> Expr<'b> {
        let costs = self.specs.iter().zip(weights).filter(|(spec, _)| spec.trainable);
        let costs = costs.filter_map(|(spec, &weight)| Some(spec.regularizer.as_ref()?.penalty(weight)));
        added.into_iter().chain(costs).fold(builder.scalar(DType::F32, 0.0), |sum, cost| sum + cost)
    }
}

/// A value with its name and Keras's numbers for it.
type Expected<'a, 'b> = (String, Expr<'b>, &'a Value);

/// The arguments of the call; their numbers go to `given`, the inputs first.
fn arguments(record: &Value, given: &mut Vec<Tensor>) -> CallArguments<Place> {
    let inputs = items(&record["inputs"]);
    given.extend(inputs.iter().map(array));
    let mut places: Vec<Place> = (0..inputs.len()).map(|index| (index, None)).collect();
    for (place, mask) in places.iter_mut().zip(items(&record["input_masks"])) {
        if !mask.is_null() {
            place.1 = Some(given.len());
            given.push(array(mask));
        }
    }
    let mut arguments = CallArguments::new(places, record["form"] == "list");
    let keywords = record["kwargs"].as_object().expect("kwargs should be an object");
    arguments.keywords =
        keywords.iter().map(|(name, value)| (name.clone(), argument(value, given))).collect();
    arguments
}

fn argument(value: &Value, given: &mut Vec<Tensor>) -> Argument<Place> {
    match value {
        Value::Object(object) if object.contains_key("data") => {
            given.push(array(value));
            Argument::Tensor((given.len() - 1, None))
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            Argument::List(items.iter().map(|item| argument(item, given)).collect())
        }
        constant => Argument::Constant(constant.clone()),
    }
}

/// The inputs' types as a model knows them: any number of samples.
fn input_specs(record: &Value) -> Vec<Spec> {
    let spec = |input: &Value| {
        let ty = array(input).ty();
        let mut shape: Vec<Option<usize>> = ty.shape.iter().copied().map(Some).collect();
        if let Some(batch) = shape.first_mut() {
            *batch = None;
        }
        Spec::new(ty.dtype, shape)
    };
    items(&record["inputs"]).iter().map(spec).collect()
}

fn described(name: &str, trainable: bool) -> String {
    format!("{name}{}", if trainable { "" } else { " (not trained)" })
}

/// Equal as JSON; `1` is `1.0`. What Keras says and we do not: the shape that a layer inside another was built for,
/// which we read off the input, and axes of initializers and optional inputs where there are none, which older Keras
/// refuses.
fn same(ours: &Value, keras: &Value) -> bool {
    match (ours, keras) {
        (Value::Object(ours), Value::Object(keras)) => {
            let said = |(key, value): &(&String, &Value)| match key.as_str() {
                "build_config" | "build_input_shape" => false,
                "compile_config" => *value != &json!({}),
                "input_axes" | "output_axes" => !value.is_null(),
                "optional" => *value != &json!(false),
                _ => true,
            };
            ours.len() == keras.iter().filter(said).count()
                && ours.iter().all(|(key, value)| keras.get(key).is_some_and(|other| same(value, other)))
        }
        (Value::Array(ours), Value::Array(keras)) => {
            ours.len() == keras.len() && ours.iter().zip(keras).all(|(ours, keras)| same(ours, keras))
        }
        (Value::Number(ours), Value::Number(keras)) => ours.as_f64() == keras.as_f64(),
        (ours, keras) => ours == keras,
    }
}
