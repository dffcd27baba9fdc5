//! Sequential: layers one after another. Keras: `Sequential`.

use cornu_ir::{Builder, Expr};
use serde_json::{Value, json};

use super::Model;
use super::network::{Network, Tracer};
use crate::error::{Error, Result};
use crate::layers::{AnyLayer, CallArguments, Config, Context, Layer, Masked, Spec, Sublayer, Weights, only};
use crate::saving::snake_case::snake_case;

/// A stack of layers, each of which takes what the one before it gives.
///
/// ```
/// use cornu::{Dense, Input, Sequential};
///
/// let model = Sequential::new().add(Input::new([4])).add(Dense::new(3).activation("softmax")).build()?;
/// assert_eq!(model.count_params(), 15);
/// # Ok::<(), cornu::Error>(())
/// ```
///
/// It is a layer itself, so one may be added to another. Without an `Input` the model learns its shapes from the
/// first batch.
#[derive(Clone, Default)]
pub struct Sequential {
    name: Option<String>,
    layers: Vec<AnyLayer>,
}

impl Sequential {
    /// A stack without layers.
    pub fn new() -> Sequential {
        Sequential::default()
    }

    /// With a name, for the summary and for files.
    pub fn name(mut self, name: &str) -> Sequential {
        self.name = Some(name.to_string());
        self
    }

    /// Puts a layer on top. Without a name of its own it is called as Keras would: `dense`, `dense_1`, ….
    #[allow(clippy::should_implement_trait)]
    pub fn add(mut self, layer: impl Into<AnyLayer>) -> Sequential {
        let layer: AnyLayer = layer.into();
        layer.name_unless_named(|| self.unused_name(&snake_case(layer.class_name())));
        self.layers.push(layer);
        self
    }

    /// The model, on the default device. Mistakes in its layers are reported here.
    pub fn build(self) -> Result<Model> {
        Model::of(self.model_name(), self)
    }

    pub(crate) fn model_name(&self) -> String {
        self.name.clone().unwrap_or_else(|| "sequential".to_string())
    }

    fn unused_name(&self, base: &str) -> String {
        let is_free = |name: &String| self.layers.iter().all(|layer| layer.name() != name);
        let numbered = (1..).map(|number| format!("{base}_{number}"));
        [base.to_string()].into_iter().chain(numbered).find(is_free).unwrap_or_default()
    }

    fn check_names(&self) -> Result<()> {
        for (index, layer) in self.layers.iter().enumerate() {
            let name = layer.name();
            if name.is_empty() || name.contains('/') {
                return Err(Error::config(
                    layer.class_name(),
                    "name",
                    format!("{name:?}"),
                    "a text without `/`",
                ));
            }
            if self.layers[..index].iter().any(|other| other.name() == name) {
                let needed = "a name that no other layer of the model has";
                return Err(Error::config(layer.class_name(), "name", format!("{name:?}"), needed));
            }
        }
        Ok(())
    }

    /// From the arguments in a Keras file.
    pub(crate) fn from_config(config: &Config) -> Result<Sequential> {
        let layers = config.get("layers").and_then(Value::as_array);
        let layers =
            layers.ok_or_else(|| Error::config("Sequential", "layers", "missing", "a list of layers"))?;
        let name = config.get("name").and_then(Value::as_str).map(String::from);
        Ok(Sequential { name, layers: layers.iter().map(AnyLayer::deserialize).collect::<Result<_>>()? })
    }
}

impl Layer for Sequential {
    fn class_name(&self) -> &str {
        "Sequential"
    }

    fn config(&self) -> Result<Config> {
        let layers: Vec<Value> = self.layers.iter().map(AnyLayer::serialize).collect::<Result<_>>()?;
        let mut config = Config::new();
        config.insert("layers".into(), json!(layers));
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        self.trace(inputs, weights).map(drop)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let mask = context.mask(0);
        let start = inputs.iter().map(|&value| Masked { value, mask }).collect();
        let outputs: Vec<Masked<'b>> = self
            .layers
            .iter()
            .try_fold(start, |values, layer| layer.call_with(context, &CallArguments::new(values, false)))?;
        for (index, output) in outputs.iter().enumerate() {
            context.set_output_mask(index, output.mask);
        }
        Ok(outputs.into_iter().map(|output| output.value).collect())
    }

    fn input_spec(&self) -> Option<Spec> {
        self.layers.first()?.layer().input_spec()
    }

    fn sublayers(&self) -> Vec<Sublayer<'_>> {
        Sublayer::list("layers", &self.layers)
    }
}

impl Network for Sequential {
    fn layers(&self) -> &[AnyLayer] {
        &self.layers
    }

    fn trace(&self, inputs: &[Spec], weights: &mut Weights) -> Result<Vec<Spec>> {
        self.check_names()?;
        let builders = [Builder::new(), Builder::new()];
        let mut tracer = Tracer::new(&builders);
        let mut value = tracer.input(&only(inputs)?);
        let mut specs = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            value = only(&tracer.call(layer, &[value], weights)?)?;
            specs.push(tracer.spec(value));
        }
        Ok(specs)
    }
}
