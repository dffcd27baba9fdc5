//! Sequential: layers one after another. Keras: `Sequential`.

use cornu_ir::{Builder, Expr};
use serde_json::{Value, json};

use super::Model;
use super::host::{HostCall, HostPart};
use super::network::{Edge, Network, Trace, Tracer, refuse_host_layers};
use super::symbol::Symbol;
use crate::error::{Error, Result};
use crate::layers::{
    AnyLayer, Autocast, CallArguments, Config, Context, Layer, Masked, Spec, Sublayer, Weights, only,
};
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
        layer.name_unless_named(|| unused_name(layer.class_name(), self.layers.iter()));
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

    /// How many layers come before the graph: up to the last that works on the host.
    fn on_host(&self) -> usize {
        self.layers.iter().rposition(|layer| layer.layer().as_host().is_some()).map_or(0, |last| last + 1)
    }

    /// What runs on the host: one layer after another.
    fn host_part(&self) -> HostPart {
        let layers = self.layers[..self.on_host()].iter().filter(|layer| layer.layer().as_host().is_some());
        let calls: Vec<HostCall> = layers
            .enumerate()
            .map(|(number, layer)| HostCall { layer: layer.clone(), takes: vec![number] })
            .collect();
        HostPart { feeds: vec![calls.len()], calls }
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

    fn own_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn module(&self) -> Option<&str> {
        Some("keras")
    }

    fn config(&self) -> Result<Config> {
        let layers: Vec<Value> = self.layers.iter().map(AnyLayer::serialize).collect::<Result<_>>()?;
        let mut config = Config::new();
        config.insert("layers".into(), json!(layers));
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        refuse_host_layers(self)?;
        self.trace(inputs, weights).map(drop)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let mask = context.mask(0);
        let start = inputs.iter().map(|&value| Masked { value, mask }).collect();
        let outputs: Vec<Masked<'b>> = self.layers[self.on_host()..]
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

    fn autocast(&self) -> Autocast {
        Autocast::Nothing
    }

    fn sublayers(&self) -> Vec<Sublayer<'_>> {
        Sublayer::list("layers", &self.layers)
    }
}

impl Network for Sequential {
    fn layers(&self) -> &[AnyLayer] {
        &self.layers
    }

    fn input_specs(&self) -> Option<Vec<Spec>> {
        Some(vec![self.input_spec()?])
    }

    fn names_of_inputs(&self) -> Vec<String> {
        self.layers.first().map(|layer| layer.name().to_string()).into_iter().collect()
    }

    fn names_of_outputs(&self) -> Vec<String> {
        self.layers.last().map(|layer| layer.name().to_string()).into_iter().collect()
    }

    fn symbols(&self) -> Result<(Vec<Symbol>, Vec<Symbol>)> {
        let Some((first, rest)) =
            self.layers.split_first().filter(|(first, _)| first.layer().input_spec().is_some())
        else {
            return Err(Error::NotReady {
                what: "the model has no shapes of its own".to_string(),
                fix: "Begin it with an `Input`".to_string(),
            });
        };
        let mut symbols = vec![first.symbol()];
        for layer in rest {
            let next = layer.apply(&symbols[symbols.len() - 1]);
            symbols.push(next);
        }
        Ok((vec![symbols[0].clone()], symbols))
    }

    fn trace(&self, inputs: &[Spec], weights: &mut Weights) -> Result<Trace> {
        check_names(&self.layers)?;
        let builders = [Builder::new(), Builder::new()];
        let mut tracer = Tracer::new(&builders);
        let mut value = tracer.input(&only(inputs)?);
        let mut trace = Trace { host: self.host_part(), feeds: inputs.to_vec(), ..Trace::default() };
        for (number, layer) in self.layers.iter().enumerate() {
            let arguments = CallArguments::new(vec![value], layer.layer().takes_list());
            trace.layer_inputs.push(tracer.inputs(layer, &arguments));
            tracer.build(layer, &arguments, weights)?;
            value = only(&tracer.call(layer, &arguments, weights.scopes())?)?;
            weights.note_shape(layer.name(), tracer.spec(&value));
            if number + 1 == self.on_host() {
                trace.feeds = vec![tracer.spec(&value)];
            }
        }
        trace.outputs = vec![tracer.spec(&value)];
        Ok(trace)
    }

    fn edges(&self) -> Vec<Vec<Edge>> {
        let before = |layer: usize| layer.checked_sub(1).map(|layer| Edge { layer, node: 0, output: 0 });
        (0..self.layers.len()).map(|layer| before(layer).into_iter().collect()).collect()
    }

    fn is_linear(&self) -> bool {
        true
    }
}

/// Checks that every layer of a network has a name, and one of its own.
pub(super) fn check_names(layers: &[AnyLayer]) -> Result<()> {
    for (index, layer) in layers.iter().enumerate() {
        let name = layer.name();
        if name.is_empty() || name.contains('/') {
            let given = format!("{name:?}");
            return Err(Error::config(layer.class_name(), "name", given, "a text without `/`"));
        }
        if layers[..index].iter().any(|other| other.name() == name) {
            let needed = "a name that no other layer of the model has";
            return Err(Error::config(layer.class_name(), "name", format!("{name:?}"), needed));
        }
    }
    Ok(())
}

/// The class in snake case, numbered where that is taken: `dense`, `dense_1`, ….
pub(crate) fn unused_name<'a>(class: &str, taken: impl Iterator<Item = &'a AnyLayer> + Clone) -> String {
    let base = snake_case(class);
    let is_free = |name: &String| taken.clone().all(|layer| layer.name() != name);
    let numbered = (1..).map(|number| format!("{base}_{number}"));
    [base.clone()].into_iter().chain(numbered).find(is_free).unwrap_or_default()
}
