//! Load: a model from a file that Keras or Cornu wrote.
//!
//! A file is hostile until read: the layers are made and every shape in the file is compared with what they need
//! before memory is taken for weights. Nothing in a file is run.

use std::path::Path;
use std::sync::Arc;

use cornu_ir::Tensor;
use serde_json::Value;

use super::archive::{self, Archive};
use super::config::{read_compile_config, read_network};
use super::legacy::Legacy;
use super::save::places;
use super::weights::Weights;
use super::{Format, Place, Source, json, upgrade};
use crate::error::{Error, Result};
use crate::layers::Spec;
use crate::model::{Built, Model};
use crate::training::Compile;

/// Largest configuration that is read.
const MAX_CONFIG_BYTES: u64 = 256 << 20;

impl Model {
    /// Opens a whole model: a `.keras` archive, or an `.h5` file of any version of Keras.
    ///
    /// What the file is, its content says. Weights, and, if the model was compiled, the optimizer's state come along,
    /// so that training goes on where it stopped.
    pub fn load(path: impl AsRef<Path>) -> Result<Model> {
        let path = path.as_ref();
        let source = Source::open(path)?;
        match Format::of_content(path, &source)? {
            Format::Archive => load_archive(source),
            Format::Legacy => load_legacy(source),
            Format::Weights => Err(Place::file(path).missing("the layers; this file holds weights alone").into()),
        }
        .map_err(|error| error.in_file(path))
    }

    /// Sets the weights from a `.weights.h5` file, and the optimizer's state if both have one.
    pub fn load_weights(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let weights = Weights::open(Source::open(path)?)?;
        let built = self.built()?.clone();
        let values = read_weights(self, &built, &weights)?;
        self.set_weights(&values)?;
        read_optimizer(self, &weights)
    }
}

fn load_archive(source: Source) -> Result<Model> {
    let mut archive = Archive::open(source)?;
    let config = archive.read(archive::CONFIG, MAX_CONFIG_BYTES)?;
    let config = json::parse(&archive.place().inside(archive::CONFIG), &config)?;
    let config = upgrade::archive_config(config)?;
    let weights = Weights::open(archive.source(archive::WEIGHTS)?)?;
    let (mut model, built) = model_of(&config)?;
    if let Some(built) = built {
        let values = read_weights(&model, &built, &weights)?;
        model.install(built, &values)?;
    }
    if let Some(compile) = read_compile_config(&config["compile_config"])? {
        model.compile(compile)?;
        read_optimizer(&mut model, &weights)?;
    }
    Ok(model)
}

fn load_legacy(source: Source) -> Result<Model> {
    let file = Legacy::open(source)?;
    let at = file.place().clone();
    let text = file.header().model_config.as_ref().ok_or_else(|| {
        at.missing("the attribute model_config says what the layers are; this file holds weights alone")
    })?;
    let version = file.header().keras_version.clone();
    let config = upgrade::model_config(json::parse(&at.inside("model_config"), text.as_bytes())?, version.as_deref())?;
    let (mut model, built) = model_of(&config)?;
    if let Some(built) = built {
        let values = read_legacy_weights(&model, &built, &file)?;
        model.install(built, &values)?;
    }
    if let Some(text) = &file.header().training_config {
        let training = json::parse(&at.inside("training_config"), text.as_bytes())?;
        let training = upgrade::training_config(training, version.as_deref())?;
        if let Some(compile) = read_compile_config(&training)? {
            compile_with_state(&mut model, compile, &file)?;
        }
    }
    Ok(model)
}

/// The model that a configuration describes, and its shapes if it tells them.
fn model_of(config: &Value) -> Result<(Model, Option<Built>)> {
    let (network, input) = read_network(config)?;
    let model = Model::without_weights(network.model_name(), Arc::new(network))?;
    let built = input.map(|input: Spec| model.trace(vec![input])).transpose()?;
    Ok((model, built))
}

/// The values of all weights, in the model's order; every object is first checked to have as many as it needs.
fn read_weights(model: &Model, built: &Built, file: &Weights) -> Result<Vec<Tensor>> {
    let mut values: Vec<Option<Tensor>> = vec![None; built.weights.len()];
    let places = places(model.layers(), "", "");
    for place in &places {
        let (needed, stored) = (place.own(&built.weights).count(), file.stored(&place.path)?);
        if stored.len() != needed {
            let at = file.place().inside(&place.path);
            return Err(at.mismatch(format!("{} variables", stored.len()), needed).into());
        }
        for ((_, spec), stored) in place.own(&built.weights).zip(stored) {
            if stored.shape != spec.ty.shape {
                let at = file.place().inside(&place.path);
                return Err(at.mismatch(format!("{} of shape {}", spec.name(), stored.shape), &spec.ty.shape).into());
            }
        }
    }
    for place in &places {
        for (index, (number, spec)) in place.own(&built.weights).enumerate() {
            values[number] = Some(file.read(&place.path, index, &spec.ty)?);
        }
    }
    Ok(values.into_iter().flatten().collect())
}

fn read_optimizer(model: &mut Model, file: &Weights) -> Result<()> {
    let stored = file.stored("optimizer")?;
    let Some(types) = model.optimizer_types() else { return Ok(()) };
    if stored.len() != types.len() {
        // As in Keras: an optimizer that was saved before its first step, or another one, begins anew.
        return Ok(());
    }
    let read = |(index, ty)| Ok(file.read("optimizer", index, ty)?);
    let values = types.iter().enumerate().map(read).collect::<Result<Vec<_>>>()?;
    model.set_optimizer_values(&values)
}

/// Legacy files list weights by layer: those that have any are matched in order.
fn read_legacy_weights(model: &Model, built: &Built, file: &Legacy) -> Result<Vec<Tensor>> {
    let stored: Vec<_> = file.layers()?.into_iter().filter(|layer| !layer.weights.is_empty()).collect();
    let prefixes: Vec<String> = model.layers().iter().map(|layer| format!("{}/", layer.name())).collect();
    let of_layer = |prefix: &String| -> Vec<usize> {
        (0..built.weights.len()).filter(|&number| built.weights[number].path.starts_with(prefix)).collect()
    };
    let needed: Vec<(&String, Vec<usize>)> =
        prefixes.iter().map(|prefix| (prefix, of_layer(prefix))).filter(|(_, numbers)| !numbers.is_empty()).collect();
    if stored.len() != needed.len() {
        let found = format!("{} layers with weights", stored.len());
        return Err(file.place().inside("model_weights").mismatch(found, needed.len()).into());
    }
    let mut pairs = Vec::new();
    for (stored, (prefix, numbers)) in stored.iter().zip(&needed) {
        let at = file.place().inside(&format!("model_weights/{}", stored.name));
        if stored.weights.len() != numbers.len() {
            return Err(at.mismatch(format!("{} weights", stored.weights.len()), numbers.len()).into());
        }
        for (weight, &number) in stored.weights.iter().zip(numbers) {
            let spec = &built.weights[number];
            if weight.ty.shape != spec.ty.shape {
                let found = format!("{} of shape {} for {prefix}", weight.name, weight.ty.shape);
                return Err(at.mismatch(found, &spec.ty.shape).into());
            }
            pairs.push((number, weight));
        }
    }
    let mut values: Vec<Option<Tensor>> = vec![None; built.weights.len()];
    for (number, weight) in pairs {
        values[number] = Some(file.read(weight, &built.weights[number].ty)?);
    }
    Ok(values.into_iter().flatten().collect())
}

/// Compiles the model, and takes over the optimizer's state if the file has all of it.
fn compile_with_state(model: &mut Model, compile: Compile, file: &Legacy) -> Result<()> {
    model.compile(compile)?;
    let (Some(stored), Some(types)) = (file.optimizer()?, model.optimizer_types()) else { return Ok(()) };
    let names: Vec<&str> = stored.iter().map(|weight| weight.name.as_str()).collect();
    let Some(order) = upgrade::optimizer_order(&names, types.len()) else { return Ok(()) };
    let mut values = model.optimizer_values()?.unwrap_or_default();
    for (to, from) in order {
        values[to] = file.read(&stored[from], &types[to])?;
    }
    model.set_optimizer_values(&values)
}

impl Error {
    /// The same error, naming the file unless it does already.
    fn in_file(self, path: &Path) -> Error {
        match self {
            Error::File(_) => self,
            other => Error::Data { what: format!("{}: {other}", path.display()) },
        }
    }
}
