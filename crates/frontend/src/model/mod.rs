//! Model: a network with weights on a device, that can be trained, asked and saved.

mod functional;
mod host;
mod nested;
mod network;
mod plot;
mod program;
mod sequential;
mod summary;
mod symbol;
mod values;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use cornu_ir::Tensor;
use cornu_ir::backend::{Backend, Buffer};

pub use plot::{Direction, Plot};
pub use sequential::Sequential;
pub use summary::Summary;
pub use symbol::{Apply, IntoSymbols, Keywords, Symbol, input};

pub(crate) use functional::Functional;
pub(crate) use host::HostPart;
pub(crate) use network::{Network, Trace};
pub(crate) use program::{Program, Purpose, Signature};
pub(crate) use sequential::unused_name;

use crate::device::Device;
use crate::error::{Error, Result};
use crate::layers::{AnyLayer, DTypePolicy, Spec, WeightSpec, Weights, dtype_policy};
use crate::random;
use crate::training::Compiled;

/// A network of layers with its weights, and, once compiled, with all that training needs.
pub struct Model {
    pub(crate) name: String,
    pub(crate) network: Arc<dyn Network>,
    /// The policy of all layers as the model was made, by which `compile` decides whether to scale the loss.
    pub(crate) policy: DTypePolicy,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) seed: u64,
    pub(crate) built: Option<Built>,
    pub(crate) compiled: Option<Compiled>,
    /// The weights, then what training keeps: see [`Compiled`].
    pub(crate) state: Vec<Buffer>,
    pub(crate) programs: HashMap<Signature, Program>,
    /// Whether weights and their moving averages have changed places.
    pub(crate) averages_swapped: bool,
}

/// What is known of a model once the shape of its input is.
#[derive(Clone, Debug)]
pub(crate) struct Built {
    pub(crate) inputs: Vec<Spec>,
    /// What goes into each layer, and what comes out of the model.
    pub(crate) trace: Trace,
    /// The first output of each layer, those inside others included, by path.
    pub(crate) shapes: HashMap<String, Spec>,
    /// Every variable, in the order of [`Model::state`]: those that are saved, then those that are not.
    pub(crate) weights: Vec<WeightSpec>,
}

impl Built {
    pub(crate) fn outputs(&self) -> &[Spec] {
        &self.trace.outputs
    }

    /// How many of the weights are saved.
    pub(crate) fn saved(&self) -> usize {
        self.weights.iter().filter(|weight| weight.saved).count()
    }
}

impl Model {
    /// The model between these symbols: what Keras's `Model(inputs, outputs)` makes. All mistakes made on the way are
    /// reported here.
    ///
    /// Models do not share memory: each has weights of its own. [`Model::part`] makes a model of a part of another,
    /// with the values of its weights.
    pub fn new(inputs: impl IntoSymbols, outputs: impl IntoSymbols) -> Result<Model> {
        Model::named("functional", inputs, outputs)
    }

    /// [`Model::new`] with a name, for the summary and for files.
    pub fn named(name: &str, inputs: impl IntoSymbols, outputs: impl IntoSymbols) -> Result<Model> {
        let functional = Functional::new(Some(name), &inputs.into_symbols(), &outputs.into_symbols())?;
        Model::of(name.to_string(), functional)
    }

    pub(crate) fn of(name: String, network: impl Network + 'static) -> Result<Model> {
        let mut model = Model::without_weights(name, Arc::new(network))?;
        if let Some(inputs) = model.network.input_specs() {
            model.build(inputs)?;
        }
        Ok(model)
    }

    /// A model that knows its layers and no shapes.
    pub(crate) fn without_weights(name: String, network: Arc<dyn Network>) -> Result<Model> {
        Ok(Model {
            name,
            network,
            policy: dtype_policy(),
            backend: Device::current()?.backend()?,
            seed: random::next_seed(),
            built: None,
            compiled: None,
            state: Vec::new(),
            programs: HashMap::new(),
            averages_swapped: false,
        })
    }

    /// What the layers make of inputs of these specs. Takes no memory for weights.
    pub(crate) fn trace(&self, inputs: Vec<Spec>) -> Result<Built> {
        let mut weights = Weights::default();
        let trace = self.network.trace(&inputs, &mut weights)?;
        if trace.outputs.iter().any(Spec::is_text) {
            let reason = "an output of the model is strings, and models give numbers".to_string();
            return Err(Error::Layer { path: self.name.clone(), reason });
        }
        let (mut weights, shapes) = weights.into_parts();
        weights.sort_by_key(|weight| !weight.saved);
        Ok(Built { inputs, trace, shapes, weights })
    }

    /// Builds the layers for inputs of these specs, and gives the weights their first values.
    pub(crate) fn build(&mut self, inputs: Vec<Spec>) -> Result<()> {
        let built = self.trace(inputs)?;
        let saved = built.weights[..built.saved()].iter();
        let values = self.uploaded(saved.zip(0..).map(|(spec, number)| self.first_value(spec, number)))?;
        self.install(built, values)
    }

    /// Values on the device. They come one after another, so that only one lies in two places at a time.
    pub(crate) fn uploaded(&self, values: impl Iterator<Item = Result<Tensor>>) -> Result<Vec<Buffer>> {
        values.map(|value| Ok(self.backend.upload(&value?)?)).collect()
    }

    /// What a weight begins with, drawn from this stream of the model's seed.
    fn first_value(&self, spec: &WeightSpec, stream: u64) -> Result<Tensor> {
        let seed = random::derive(self.seed, stream);
        spec.initializer.generate(&spec.ty, seed).map_err(|error| error.within(&spec.path))
    }

    /// Builds the layers again, of which some may have been frozen or adapted since. Weights that were there keep their
    /// values. The state must be that of a model that is not compiled.
    pub(crate) fn rebuild(&mut self) -> Result<()> {
        let Some(before) = &self.built else { return Ok(()) };
        let built = self.trace(before.inputs.clone())?;
        let known: HashSet<&str> = before.weights.iter().map(|weight| weight.path.as_str()).collect();
        // Streams that no weight has begun with: the first ones are numbered from 0.
        let streams = (before.weights.len() as u64) << 32..;
        let added = built.weights.iter().zip(streams).filter(|(spec, _)| !known.contains(spec.path.as_str()));
        let added = added.map(|(spec, stream)| {
            Ok((spec.path.clone(), self.backend.upload(&self.first_value(spec, stream)?)?))
        });
        let mut values = added.collect::<Result<HashMap<String, Buffer>>>()?;
        values.extend(before.weights.iter().map(|spec| spec.path.clone()).zip(self.state.drain(..)));
        self.state = built.weights.iter().filter_map(|spec| values.remove(&spec.path)).collect();
        self.built = Some(built);
        Ok(())
    }

    /// Takes on shapes, and values of all weights that are saved.
    pub(crate) fn install(&mut self, built: Built, values: Vec<Buffer>) -> Result<()> {
        let remembered = built.weights[built.saved()..]
            .iter()
            .map(|spec| Ok(self.backend.upload(&spec.initializer.generate(&spec.ty, 0)?)?));
        self.state = values.into_iter().map(Ok).chain(remembered).collect::<Result<_>>()?;
        self.built = Some(built);
        self.programs.clear();
        self.begin_training()
    }

    /// What is known once the input's shape is, or the error that it is not.
    pub(crate) fn built(&self) -> Result<&Built> {
        self.built.as_ref().ok_or_else(|| Error::NotReady {
            what: format!("the model `{}` has no shapes yet", self.name),
            fix: "Add an `Input` layer first, or show it data".to_string(),
        })
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The layers, in order; an `Input` is among them.
    pub fn layers(&self) -> &[AnyLayer] {
        self.network.layers()
    }

    /// The layer of this name.
    pub fn get_layer(&self, name: &str) -> Result<&AnyLayer> {
        let found = self.layers().iter().find(|layer| layer.name() == name);
        found.ok_or_else(|| {
            Error::unknown("layer of this model", name, self.layers().iter().map(AnyLayer::name))
        })
    }

    /// Names of the inputs, in order: those of the input layers.
    pub fn input_names(&self) -> Vec<String> {
        self.network.names_of_inputs()
    }

    /// Names of the outputs, in order: those of the layers that make them.
    pub fn output_names(&self) -> Vec<String> {
        self.network.names_of_outputs()
    }

    /// Shapes and element types of the inputs, in order. Empty before they are known.
    pub fn input_specs(&self) -> &[Spec] {
        self.built.as_ref().map_or(&[], |built| &built.inputs)
    }

    /// Number of numbers in all weights; 0 before the model's shapes are known.
    pub fn count_params(&self) -> usize {
        let weights = self.built.iter().flat_map(|built| &built.weights[..built.saved()]);
        weights.map(|weight| weight.ty.elements()).sum()
    }
}
