//! Save: a model into a file that Keras opens.

use std::path::Path;
use std::time::SystemTime;

use cornu_ir::{Builder, Tensor};
use serde_json::{Value, json};

use super::archive::{self, Contents};
use super::legacy::{self, Header, LegacyModel};
use super::lookups::{self, Learned};
use super::snake_case::snake_case;
use super::weights::{self, Saved};
use super::{Format, Place, atomic, json};
use crate::error::Result;
use crate::layers::{AnyLayer, LoraKernel, Sublayer, WeightSpec};
use crate::model::{Model, Program};
use crate::optimizers::{SlotSpec, TrainedWeight, Variable};
use crate::training::{Compiled, Rows};

/// The version of Keras whose files ours are like.
const KERAS_VERSION: &str = "3.15.1";

impl Model {
    /// Writes the model into a file: its layers, weights, and, if it is compiled, how, with the optimizer's state.
    ///
    /// The suffix says the format: `.keras` (Keras 3), `.h5` (all Keras versions), `.weights.h5` (weights only). The
    /// file is complete under its name or not there: a failure leaves what was there before.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        match Format::of_output(path)? {
            Format::Archive => self.save_archive(path),
            Format::Legacy => self.save_legacy(path),
            Format::Weights => self.save_weights(path),
        }
    }

    /// Writes the weights alone, with the optimizer's state if the model is compiled, into a `.weights.h5` file.
    pub fn save_weights(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let saved = self.saved_objects()?;
        let at = Place::file(path);
        Ok(atomic::write(path, |file| weights::write(&saved, &at, file))?)
    }

    fn save_archive(&self, path: &Path) -> Result<()> {
        let learned = lookups::learned(self.network.sublayers(), "");
        let assets: Vec<_> = learned.iter().flat_map(Learned::assets).collect();
        let contents = Contents {
            keras_version: KERAS_VERSION,
            date_saved: &archive::date_saved(SystemTime::now()),
            config: &lookups::without(self.serialize()?, &learned)?,
            weights: &self.saved_objects()?,
            assets: &assets,
        };
        Ok(archive::write(path, &contents)?)
    }

    /// Every object of the model that has a group in the weight tree.
    fn saved_objects(&self) -> Result<Vec<Saved>> {
        let values = if self.built.is_some() { self.get_weights()? } else { Vec::new() };
        let mut saved = vec![Saved::new("", &self.name, Vec::new())];
        for place in places(self.network.sublayers(), "", "") {
            let stored = place.stored(self.weight_specs());
            let vars = stored.map(|(number, spec)| match place.merges(spec, self.weight_specs()) {
                Some((lora, matrices)) => self.merged(lora, [number, matrices[0], matrices[1]], &values),
                None => Ok(values[number].clone()),
            });
            let vars = vars.collect::<Result<_>>()?;
            saved.push(Saved::new(place.path, place.layer.name(), vars));
        }
        lookups::learned(self.network.sublayers(), "").iter().for_each(|learned| learned.add_to(&mut saved));
        if let (Some(compiled), Some(vars)) = (&self.compiled, self.optimizer_values()?) {
            saved.extend(saved_optimizer(compiled, vars));
        }
        Ok(saved)
    }

    fn save_legacy(&self, path: &Path) -> Result<()> {
        let model = self.serialize()?;
        let header = Header {
            model_config: Some(json::print(&json!({
                "class_name": model["class_name"],
                "config": without_modules(model["config"].clone()),
            }))),
            training_config: legacy_training_config(&model["compile_config"])
                .map(|config| json::print(&config)),
            keras_version: Some(KERAS_VERSION.to_string()),
            backend: Some("jax".to_string()),
        };
        let values = if self.built.is_some() { self.get_weights()? } else { Vec::new() };
        let layers: Vec<(String, Vec<(String, Tensor)>)> = self
            .layers()
            .iter()
            .filter(|layer| layer.class_name() != "InputLayer")
            .map(|layer| (layer.name().to_string(), self.legacy_weights(layer, &values)))
            .collect();
        let optimizer = self.legacy_optimizer()?;
        let legacy = LegacyModel { header: &header, layers: &layers, top_level: &[], optimizer: &optimizer };
        let at = Place::file(path);
        Ok(atomic::write(path, |file| legacy::write(legacy, &at, file))?)
    }

    /// The kernel, adapted by its two matrices; the weights are given by their numbers.
    fn merged(&self, lora: &LoraKernel, weights: [usize; 3], values: &[Tensor]) -> Result<Tensor> {
        let given = weights.map(|number| values[number].clone());
        let types = given.each_ref().map(Tensor::ty);
        let builder = Builder::new();
        let [kernel, a, b] = types.each_ref().map(|ty| builder.input("given", ty.clone()));
        let graph = builder.finish(&[lora.adapted(kernel, a, b)])?;
        let mut program = Program::new(&*self.backend, &format!("{}.merge", self.name), &graph, &types)?;
        program.run(&*self.backend, &mut [], &[], &given.map(Rows::from))?;
        let mut outputs = program.outputs(&*self.backend)?;
        Ok(outputs.swap_remove(0))
    }

    /// All weights of a layer, those of layers inside it included; those that are fitted come first.
    fn legacy_weights(&self, layer: &AnyLayer, values: &[Tensor]) -> Vec<(String, Tensor)> {
        let prefix = format!("{}/", layer.name());
        let own = self.weight_specs().iter().zip(values).filter(|(spec, _)| spec.path.starts_with(&prefix));
        let (fitted, fixed): (Vec<_>, Vec<_>) = own.partition(|(spec, _)| spec.trainable);
        let named =
            |(spec, value): (&WeightSpec, &Tensor)| (format!("{}/{}", self.name, spec.path), value.clone());
        fitted.into_iter().chain(fixed).map(named).collect()
    }

    /// The optimizer's variables with the names that Keras gives them: `adam/seq_dense_kernel_momentum`.
    fn legacy_optimizer(&self) -> Result<Vec<(String, Tensor)>> {
        let (Some(compiled), Some(values)) = (&self.compiled, self.optimizer_values()?) else {
            return Ok(Vec::new());
        };
        let name = |place: usize| match place {
            Variable::ITERATIONS => "iteration".to_string(),
            Variable::LEARNING_RATE => "learning_rate".to_string(),
            _ => slot_name(&self.name, &compiled.slots[place - Variable::slot(0)], &compiled.trained),
        };
        let variables = compiled.variables().into_iter();
        let paths = variables.map(|variable| format!("{}/{}", variable.owner, name(variable.place)));
        Ok(paths.zip(values).collect())
    }

    pub(super) fn weight_specs(&self) -> &[WeightSpec] {
        self.built.as_ref().map_or(&[], |built| &built.weights[..built.saved()])
    }
}

/// The optimizer, with all variables; then those inside it, with theirs a second time.
fn saved_optimizer(compiled: &Compiled, vars: Vec<Tensor>) -> Vec<Saved> {
    let mut inner: Vec<Saved> = Vec::new();
    for (variable, value) in compiled.variables().into_iter().zip(&vars) {
        let Some(group) = variable.group else { continue };
        let path = format!("optimizer/{group}");
        match inner.iter_mut().find(|saved| saved.path == path) {
            Some(saved) => saved.vars.push(value.clone()),
            None => inner.push(Saved::new(path, variable.owner, vec![value.clone()])),
        }
    }
    let name = snake_case(compiled.optimizer.class_name());
    [vec![Saved::new("optimizer", name, vars)], inner].concat()
}

/// What Keras calls a slot: `seq_dense_kernel_momentum`.
fn slot_name(model: &str, slot: &SlotSpec, trained: &[TrainedWeight]) -> String {
    match slot.weight.and_then(|number| trained.get(number)) {
        Some(weight) => format!("{model}_{}_{}", weight.path.replace('/', "_"), slot.name),
        None => slot.name.clone(),
    }
}

/// Where a layer stands in the weight tree, and in the model.
pub(super) struct LayerPlace<'a> {
    /// In the tree: `layers/sequential/layers/dense`.
    pub(super) path: String,
    layer: &'a AnyLayer,
    /// What its weights' paths begin with: `sequential/dense/`.
    prefix: String,
    /// The paths of weights of layers inside it that stand among its own too.
    shared: Vec<String>,
}

impl LayerPlace<'_> {
    /// The layer's own weights with their numbers in the model, and those it shares with a layer inside it; the others
    /// of layers inside it are not among them.
    pub(super) fn own<'w>(&self, weights: &'w [WeightSpec]) -> impl Iterator<Item = (usize, &'w WeightSpec)> {
        weights.iter().enumerate().filter(|(_, weight)| {
            weight.path.strip_prefix(&self.prefix).is_some_and(|name| !name.contains('/'))
                || self.shared.contains(&weight.path)
        })
    }

    /// Those of its own weights that files hold: a low-rank adaptation is merged into its kernel.
    pub(super) fn stored<'w>(
        &self,
        weights: &'w [WeightSpec],
    ) -> impl Iterator<Item = (usize, &'w WeightSpec)> {
        self.own(weights).filter(|(_, weight)| !self.adapts(weight))
    }

    /// True for the matrices of a low-rank adaptation.
    pub(super) fn adapts(&self, weight: &WeightSpec) -> bool {
        let lora = self.layer.layer().lora();
        lora.is_some_and(|lora| lora.matrices().iter().any(|name| name == weight.name()))
    }

    /// If files hold this weight with a low-rank adaptation merged into it: that, and the numbers of its matrices.
    fn merges(&self, weight: &WeightSpec, weights: &[WeightSpec]) -> Option<(&LoraKernel, Vec<usize>)> {
        let lora = self.layer.layer().lora().filter(|lora| lora.name() == weight.name())?;
        let matrices = self.own(weights).filter(|(_, weight)| self.adapts(weight));
        let matrices: Vec<usize> = matrices.map(|(number, _)| number).collect();
        (matrices.len() == 2).then_some((lora, matrices))
    }
}

/// The places of layers and of the layers inside them, in order.
pub(super) fn places<'a>(layers: Vec<Sublayer<'a>>, path: &str, prefix: &str) -> Vec<LayerPlace<'a>> {
    let mut found = Vec::new();
    for Sublayer { attribute, layer } in layers {
        let path = format!("{path}{attribute}");
        let prefix = format!("{prefix}{}/", layer.name());
        let shared = layer.layer().shared_weights().iter().map(|name| format!("{prefix}{name}")).collect();
        found.push(LayerPlace { path: path.clone(), layer, prefix: prefix.clone(), shared });
        found.extend(places(layer.layer().sublayers(), &format!("{path}/"), &prefix));
    }
    found
}

/// Legacy files name no modules on layers, but for the operations between them: only by these can a reader tell the
/// operation `Add` from the layer.
fn without_modules(mut config: Value) -> Value {
    if let Some(layers) = config.get_mut("layers").and_then(Value::as_array_mut) {
        for layer in layers.iter_mut().filter(|layer| !is_operation(layer)) {
            layer["config"] = without_modules(layer["config"].take());
            if let Some(entry) = layer.as_object_mut() {
                ["module", "registered_name", "build_config"].iter().for_each(|key| drop(entry.remove(*key)));
            }
        }
    }
    config
}

fn is_operation(layer: &Value) -> bool {
    layer["module"].as_str().is_some_and(|module| module.starts_with("keras.src.ops"))
}

fn legacy_training_config(compile: &Value) -> Option<Value> {
    let optimizer = compile.get("optimizer")?;
    Some(json!({
        "loss": compile["loss"],
        "loss_weights": compile["loss_weights"],
        "metrics": compile["metrics"],
        "weighted_metrics": compile["weighted_metrics"],
        "run_eagerly": false,
        "steps_per_execution": 1,
        "jit_compile": compile["jit_compile"],
        "optimizer_config": {"class_name": optimizer["class_name"], "config": optimizer["config"]},
    }))
}
