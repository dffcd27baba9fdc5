//! Models as layers, and models of a part of another model.

use std::sync::Arc;

use cornu_ir::{Expr, Tensor, Type};
use serde_json::{Map, Value};

use super::symbol::{IntoSymbols, Symbol};
use super::{Model, Network};
use crate::error::{Error, Result};
use crate::initializers::Initializer;
use crate::layers::{AnyLayer, Autocast, Config, Context, Layer, Spec, Sublayer, Weights};

/// A model inside another: its network, and the values with which its weights begin there.
struct Nested {
    network: Arc<dyn Network>,
    values: Vec<(String, Tensor)>,
}

/// Begins with a value that is known.
#[derive(Debug)]
struct Given(Tensor);

impl Initializer for Given {
    fn class_name(&self) -> &str {
        "Given"
    }

    fn config(&self) -> Map<String, Value> {
        Map::new()
    }

    fn generate(&self, ty: &Type, _: u64) -> Result<Tensor> {
        match self.0.ty() == *ty {
            true => Ok(self.0.clone()),
            false => Err(Error::Shapes {
                what: "the weights of a model inside another".to_string(),
                left: Box::new(self.0.ty()),
                right: Box::new(ty.clone()),
                fix: "Call the model with inputs of the shape it was built for".to_string(),
            }),
        }
    }
}

impl Model {
    /// The model as a layer, to be called with symbols or added to a `Sequential`. Its weights begin there with the
    /// values they have now.
    pub fn as_layer(&self) -> Result<AnyLayer> {
        let values = match &self.built {
            Some(_) => self.weight_names().into_iter().zip(self.get_weights()?).collect(),
            None => Vec::new(),
        };
        Ok(AnyLayer::from(Nested { network: self.network.clone(), values }).named(&self.name))
    }

    /// The model from some symbols to others, made of layers of this one, with the values of their weights: for
    /// features from the middle of a trained model. Layers that this model does not have begin anew.
    pub fn part(&self, inputs: impl IntoSymbols, outputs: impl IntoSymbols) -> Result<Model> {
        let mut part = Model::new(inputs, outputs)?;
        part.take_values(self)?;
        Ok(part)
    }

    /// The model from this one's inputs to the outputs of the layers of these names, with the values of its weights.
    pub fn part_to<'n>(&self, layers: impl IntoIterator<Item = &'n str>) -> Result<Model> {
        let (inputs, known) = self.network.symbols()?;
        let mut outputs: Vec<Symbol> = Vec::new();
        for name in layers {
            self.get_layer(name)?;
            let of_layer = known.iter().find(|symbol| symbol.layer().name() == name);
            outputs.extend(of_layer.cloned());
        }
        self.part(inputs, outputs)
    }

    /// A model of the same layers with weights of their own, which begin anew. Keras: `clone_model`.
    pub fn cloned(&self) -> Result<Model> {
        let mut clone = Model::without_weights(self.name.clone(), self.network.clone())?;
        clone.policy = self.policy;
        if let Some(built) = &self.built {
            clone.build(built.inputs.clone())?;
        }
        if let Some(compiled) = &self.compiled {
            clone.compile(compiled.given.clone())?;
        }
        Ok(clone)
    }

    /// Sets every weight that another model has too to its value there.
    fn take_values(&mut self, other: &Model) -> Result<()> {
        let known: Vec<(String, Tensor)> =
            other.weight_names().into_iter().zip(other.get_weights()?).collect();
        let mut values = self.get_weights()?;
        for (name, value) in self.weight_names().iter().zip(&mut values) {
            if let Some((_, found)) =
                known.iter().find(|(path, found)| path == name && found.ty() == value.ty())
            {
                *value = found.clone();
            }
        }
        self.set_weights(&values)
    }
}

impl Layer for Nested {
    fn class_name(&self) -> &str {
        self.network.class_name()
    }

    fn registered_name(&self) -> Option<&str> {
        self.network.registered_name()
    }

    fn module(&self) -> Option<&str> {
        self.network.module()
    }

    fn config(&self) -> Result<Config> {
        self.network.config()
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        let before = weights.specs().len();
        self.network.build(inputs, weights)?;
        let scope = weights.scope();
        for spec in weights.since(before) {
            let own = spec.path.strip_prefix(&scope).map(|path| path.trim_start_matches('/').to_string());
            if let Some((_, value)) = self.values.iter().find(|(path, _)| Some(path) == own.as_ref()) {
                spec.initializer = Arc::new(Given(value.clone()));
            }
        }
        Ok(())
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        self.network.call(context, inputs)
    }

    fn takes_list(&self) -> bool {
        self.network.takes_list()
    }

    fn input_spec(&self) -> Option<Spec> {
        self.network.input_spec()
    }

    fn autocast(&self) -> Autocast {
        Autocast::Nothing
    }

    fn sublayers(&self) -> Vec<Sublayer<'_>> {
        self.network.sublayers()
    }
}
