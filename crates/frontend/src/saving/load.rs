//! Load: a model from a file that Keras or Cornu wrote.
//!
//! A file is hostile until read: the layers are made and every shape in the file is compared with what they need
//! before memory is taken for weights. Nothing in a file is run.

use std::path::Path;

use cornu_ir::{Tensor, Type};
use serde_json::Value;

use super::archive::{self, Archive};
use super::config::{ReadNetwork, read_compile_config, read_network};
use super::legacy::Legacy;
use super::lookups;
use super::save::places;
use super::upgrade::{self, Generation, Slot, Stored};
use super::weights::Weights;
use super::{Format, Place, Source, json};
use crate::error::{Error, Result};
use crate::model::{Built, Model};
use crate::optimizers::momentum_product;

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
            Format::Weights => {
                Err(Place::file(path).missing("the layers; this file holds weights alone").into())
            }
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
        let stored = Stored::Numbered(weights.count("optimizer")?);
        let read = |position: usize, ty: &Type| Ok(weights.read("optimizer", position, ty)?);
        restore_optimizer(self, &Value::Null, stored, Generation::Keras3, read)
    }
}

fn load_archive(source: Source) -> Result<Model> {
    let mut archive = Archive::open(source)?;
    let at = archive.place().inside(archive::CONFIG);
    let generation = archive_generation(&mut archive)?;
    let config = json::parse(&at, &archive.read(archive::CONFIG, MAX_CONFIG_BYTES)?)?;
    let compile = config.get("compile_config").cloned().unwrap_or_default();
    let mut config = upgrade::model(&at, config, generation)?;
    let weights = Weights::open(archive.source(archive::WEIGHTS)?)?;
    lookups::fill(&mut config, &mut archive, &weights)?;
    let (mut model, built) = model_of(&config)?;
    if let Some(built) = built {
        let values = read_weights(&model, &built, &weights)?;
        let values = model.uploaded(values.into_iter().map(Ok))?;
        model.install(built, values)?;
    }
    let compile = upgrade::compile(compile, &model.output_names(), generation);
    if let Some(how) = read_compile_config(&compile)? {
        model.compile(how)?;
        let stored = Stored::Numbered(weights.count("optimizer")?);
        let read = |position: usize, ty: &Type| Ok(weights.read("optimizer", position, ty)?);
        restore_optimizer(&mut model, &compile["optimizer"], stored, generation, read)?;
    }
    Ok(model)
}

/// Which Keras wrote an archive. Keras 3 reads archives without metadata, and so do we.
fn archive_generation(archive: &mut Archive) -> Result<Generation> {
    if !archive.has(archive::METADATA) {
        return Ok(Generation::Keras3);
    }
    let at = archive.place().inside(archive::METADATA);
    let metadata = json::parse(&at, &archive.read(archive::METADATA, MAX_CONFIG_BYTES)?)?;
    let version = metadata.get("keras_version").and_then(Value::as_str);
    Ok(version.map_or(Generation::Keras3, |version| Generation::of(Some(version))))
}

fn load_legacy(source: Source) -> Result<Model> {
    let file = Legacy::open(source)?;
    let at = file.place().clone();
    let text = file.header().model_config.as_ref().ok_or_else(|| {
        at.missing("the attribute model_config says what the layers are; this file holds weights alone")
    })?;
    let generation = Generation::of(file.header().keras_version.as_deref());
    let at_config = at.inside("model_config");
    let mut config = upgrade::model(&at_config, json::parse(&at_config, text.as_bytes())?, generation)?;
    lookups::refuse_lost(&mut config, &at_config)?;
    let (mut model, built) = model_of(&config)?;
    if let Some(built) = built {
        let values = read_legacy_weights(&model, &built, &file)?;
        let values = model.uploaded(values.into_iter().map(Ok))?;
        model.install(built, values)?;
    }
    if let Some(text) = &file.header().training_config {
        let training = json::parse(&at.inside("training_config"), text.as_bytes())?;
        let compile = upgrade::compile(training, &model.output_names(), generation);
        if let Some(how) = read_compile_config(&compile)? {
            model.compile(how)?;
            let stored = file.optimizer()?.unwrap_or_default();
            let names: Vec<String> = stored.iter().map(|weight| weight.name.clone()).collect();
            let read = |position: usize, ty: &Type| Ok(file.read(&stored[position], ty)?);
            restore_optimizer(&mut model, &compile["optimizer"], Stored::Named(&names), generation, read)?;
        }
    }
    Ok(model)
}

/// Takes over the optimizer's variables, if the file has all of them. As in Keras, an optimizer that was saved before
/// its first step, or another one, begins anew.
fn restore_optimizer(
    model: &mut Model,
    optimizer: &Value,
    stored: Stored<'_>,
    generation: Generation,
    read: impl Fn(usize, &Type) -> Result<Tensor>,
) -> Result<()> {
    let count = match stored {
        Stored::Named(names) => names.len(),
        Stored::Numbered(count) => count,
    };
    let (Some(types), Some(mut values)) = (model.optimizer_types(), model.optimizer_values()?) else {
        return Ok(());
    };
    let slots = match generation {
        Generation::Keras3 => Some((0..count).map(Slot::Stored).collect()),
        Generation::Keras1 | Generation::Keras2 => {
            let trained = model.weight_specs().iter().filter(|weight| weight.trainable).count();
            upgrade::optimizer_slots(optimizer, stored, trained)
        }
    };
    let Some(slots) = slots.filter(|slots| slots.len() == types.len()) else { return Ok(()) };
    for (place, (slot, ty)) in slots.into_iter().zip(&types).enumerate() {
        match slot {
            Slot::Stored(position) if position < count => values[place] = read(position, ty)?,
            Slot::MomentumProduct => {
                let beta_1 = optimizer["config"]["beta_1"].as_f64().unwrap_or(0.9);
                let steps = values[0].integers().first().copied().unwrap_or(0);
                values[place] = Tensor::from_floats(ty, [momentum_product(beta_1, steps)]);
            }
            // What else the file leaves out begins as the configuration says.
            Slot::Stored(_) | Slot::LearningRate | Slot::Placeholder => {}
        }
    }
    model.set_optimizer_values(&values)
}

/// The model that a configuration describes, and its shapes if it tells them.
fn model_of(config: &Value) -> Result<(Model, Option<Built>)> {
    let ReadNetwork { name, network, inputs, policy } = read_network(config)?;
    let mut model = Model::without_weights(name, network)?;
    model.policy = policy.unwrap_or(model.policy);
    let built = inputs.map(|inputs| model.trace(inputs)).transpose()?;
    Ok((model, built))
}

/// The values of all weights, in the model's order; every object is first checked to have as many as it needs.
fn read_weights(model: &Model, built: &Built, file: &Weights) -> Result<Vec<Tensor>> {
    let weights = &built.weights[..built.saved()];
    let mut values: Vec<Option<Tensor>> = vec![None; weights.len()];
    let places = places(model.network.sublayers(), "", "");
    for place in &places {
        let (needed, stored) = (place.stored(weights).count(), file.stored(&place.path)?);
        if stored.len() != needed {
            let at = file.place().inside(&place.path);
            return Err(at.mismatch(format!("{} variables", stored.len()), needed).into());
        }
        for ((_, spec), stored) in place.stored(weights).zip(stored) {
            if stored.shape != spec.ty.shape {
                let at = file.place().inside(&place.path);
                return Err(at
                    .mismatch(format!("{} of shape {}", spec.name(), stored.shape), &spec.ty.shape)
                    .into());
            }
        }
    }
    for place in &places {
        for (index, (number, spec)) in place.stored(weights).enumerate() {
            values[number] = Some(file.read(&place.path, index, &spec.ty)?);
        }
        // What adapts a kernel is merged into it in the file.
        for (number, spec) in place.own(weights).filter(|(_, spec)| place.adapts(spec)) {
            let zeros = std::iter::repeat_n(0.0, spec.ty.elements());
            values[number] = Some(Tensor::from_floats(&spec.ty, zeros));
        }
    }
    Ok(values.into_iter().flatten().collect())
}

/// Legacy files list weights by layer, those that are fitted first: layers that have any are matched in order.
fn read_legacy_weights(model: &Model, built: &Built, file: &Legacy) -> Result<Vec<Tensor>> {
    let stored: Vec<_> = file.layers()?.into_iter().filter(|layer| !layer.weights.is_empty()).collect();
    let prefixes: Vec<String> = model.layers().iter().map(|layer| format!("{}/", layer.name())).collect();
    let of_layer = |prefix: &String| -> Vec<usize> {
        let all = (0..built.saved()).filter(|&number| built.weights[number].path.starts_with(prefix));
        let (fitted, fixed): (Vec<_>, Vec<_>) = all.partition(|&number| built.weights[number].trainable);
        [fitted, fixed].concat()
    };
    let needed: Vec<(&String, Vec<usize>)> = prefixes
        .iter()
        .map(|prefix| (prefix, of_layer(prefix)))
        .filter(|(_, numbers)| !numbers.is_empty())
        .collect();
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
    let mut values: Vec<Option<Tensor>> = vec![None; built.saved()];
    for (number, weight) in pairs {
        values[number] = Some(file.read(weight, &built.weights[number].ty)?);
    }
    Ok(values.into_iter().flatten().collect())
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
