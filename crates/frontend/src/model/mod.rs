//! Model: a network with weights on a device, that can be trained, asked and saved.

mod network;
mod program;
mod sequential;
mod summary;
mod values;

use std::collections::HashMap;
use std::sync::Arc;

use cornu_ir::backend::{Backend, Buffer};
use cornu_ir::{DType, Tensor};

pub use sequential::Sequential;

pub(crate) use network::Network;
pub(crate) use program::{Program, Purpose, Signature};

use crate::device::Device;
use crate::error::{Error, Result};
use crate::layers::{AnyLayer, Spec, WeightSpec, Weights};
use crate::random;
use crate::training::Compiled;

/// A network of layers with its weights, and, once compiled, with all that training needs.
pub struct Model {
    pub(crate) name: String,
    pub(crate) network: Arc<dyn Network>,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) seed: u64,
    pub(crate) built: Option<Built>,
    pub(crate) compiled: Option<Compiled>,
    /// The weights, then what training keeps: see [`Compiled`].
    pub(crate) state: Vec<Buffer>,
    pub(crate) programs: HashMap<Signature, Program>,
}

/// What is known of a model once the shape of its input is.
#[derive(Clone, Debug)]
pub(crate) struct Built {
    pub(crate) inputs: Vec<Spec>,
    /// What comes out of each layer.
    pub(crate) layer_outputs: Vec<Spec>,
    /// Every variable, in the order of [`Model::state`].
    pub(crate) weights: Vec<WeightSpec>,
}

impl Built {
    pub(crate) fn outputs(&self) -> Vec<Spec> {
        self.layer_outputs.last().or(self.inputs.first()).cloned().into_iter().collect()
    }
}

impl Model {
    pub(crate) fn of(name: String, network: impl Network + 'static) -> Result<Model> {
        let mut model = Model::without_weights(name, Arc::new(network))?;
        if let Some(input) = model.network.input_spec() {
            model.build(vec![input])?;
        }
        Ok(model)
    }

    /// A model that knows its layers and no shapes.
    pub(crate) fn without_weights(name: String, network: Arc<dyn Network>) -> Result<Model> {
        Ok(Model {
            name,
            network,
            backend: Device::default().backend()?,
            seed: random::next_seed(),
            built: None,
            compiled: None,
            state: Vec::new(),
            programs: HashMap::new(),
        })
    }

    /// What the layers make of inputs of these specs. Takes no memory for weights.
    pub(crate) fn trace(&self, inputs: Vec<Spec>) -> Result<Built> {
        let mut weights = Weights::default();
        let layer_outputs = self.network.trace(&inputs, &mut weights)?;
        Ok(Built { inputs, layer_outputs, weights: weights.into_specs() })
    }

    /// Builds the layers for inputs of these specs, and gives the weights their first values.
    pub(crate) fn build(&mut self, inputs: Vec<Spec>) -> Result<()> {
        let built = self.trace(inputs)?;
        let value = |(number, spec): (usize, &WeightSpec)| {
            let seed = random::derive(self.seed, number as u64);
            spec.initializer.generate(&spec.ty, seed).map_err(|error| error.within(&spec.path))
        };
        let values = built.weights.iter().enumerate().map(value).collect::<Result<Vec<Tensor>>>()?;
        self.install(built, &values)
    }

    /// Takes on shapes, and values of all weights.
    pub(crate) fn install(&mut self, built: Built, values: &[Tensor]) -> Result<()> {
        self.state = values.iter().map(|value| Ok(self.backend.upload(value)?)).collect::<Result<_>>()?;
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
        let input =
            self.layers().iter().find(|layer| layer.layer().input_spec().is_some()).or(self.layers().first());
        input.map(|layer| layer.name().to_string()).into_iter().collect()
    }

    /// Names of the outputs, in order: those of the layers that make them.
    pub fn output_names(&self) -> Vec<String> {
        self.layers().last().map(|layer| layer.name().to_string()).into_iter().collect()
    }

    /// Shapes (`None`: any size) and element types of the inputs, in order. Empty before they are known.
    pub fn input_types(&self) -> Vec<(Vec<Option<usize>>, DType)> {
        let inputs = self.built.iter().flat_map(|built| &built.inputs);
        inputs.map(|spec| (spec.shape.clone(), spec.dtype)).collect()
    }

    /// Number of numbers in all weights; 0 before the model's shapes are known.
    pub fn count_params(&self) -> usize {
        self.built.iter().flat_map(|built| &built.weights).map(|weight| weight.ty.elements()).sum()
    }
}
