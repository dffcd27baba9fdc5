//! Bidirectional: a recurrent layer run in both directions. Keras: `Bidirectional`.

use cornu_ir::Expr;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::layers::{
    AnyLayer, Argument, CallArguments, Config, Context, Layer, LayerConfig, Masked, Spec, Sublayer, Weights,
};
use crate::saving::snake_case::snake_case;

/// How the outputs of both directions come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeMode {
    /// One after the other, on the last axis.
    Concat,
    /// Their sum.
    Sum,
    /// Their product.
    Mul,
    /// Their mean.
    Ave,
    /// As two outputs.
    Separate,
}

impl MergeMode {
    const ALL: [(MergeMode, &'static str); 4] = [
        (MergeMode::Concat, "concat"),
        (MergeMode::Sum, "sum"),
        (MergeMode::Mul, "mul"),
        (MergeMode::Ave, "ave"),
    ];

    fn word(self) -> Value {
        let word = MergeMode::ALL.iter().find(|(mode, _)| *mode == self);
        word.map_or(Value::Null, |(_, word)| json!(word))
    }
}

/// A recurrent layer, and one like it that runs backwards over the same sequences; the outputs are merged, those of
/// the states follow one after the other.
///
/// Weights: the forward layer's, then the backward layer's. `initial_state` holds the states of both in this order.
#[derive(Clone)]
pub struct Bidirectional {
    forward: std::result::Result<AnyLayer, String>,
    backward: std::result::Result<AnyLayer, String>,
    merge_mode: MergeMode,
}

impl Bidirectional {
    /// Runs layers like this one, which are called `forward_…` and `backward_…`.
    pub fn new(layer: impl Into<AnyLayer>) -> Bidirectional {
        let layer: AnyLayer = layer.into();
        layer.name_unless_named(|| snake_case(layer.class_name()));
        let backwards = [("go_backwards", json!(!flag(&layer, "go_backwards")))];
        Bidirectional {
            forward: remade(&layer, "forward_", &[]).map_err(|error| error.to_string()),
            backward: remade(&layer, "backward_", &backwards).map_err(|error| error.to_string()),
            merge_mode: MergeMode::Concat,
        }
    }

    /// How the outputs come together.
    pub fn merge_mode(mut self, merge_mode: MergeMode) -> Bidirectional {
        self.merge_mode = merge_mode;
        self
    }

    /// Another layer for the way back; it must run backwards.
    pub fn backward_layer(mut self, layer: impl Into<AnyLayer>) -> Bidirectional {
        let layer: AnyLayer = layer.into();
        layer.name_unless_named(|| snake_case(layer.class_name()));
        self.backward = remade(&layer, "", &[]).map_err(|error| error.to_string());
        self
    }

    pub(crate) fn from_config(config: &LayerConfig<'_>) -> Result<Bidirectional> {
        let layer = config.value("layer").ok_or_else(|| config.wrong("layer", "a recurrent layer"))?;
        let needed = "concat, sum, mul, ave or null";
        let merge_mode = match config.text("merge_mode")? {
            None if config.is_null("merge_mode") => MergeMode::Separate,
            None => MergeMode::Concat,
            Some(word) => {
                let known = MergeMode::ALL.iter().find(|(_, name)| *name == word);
                known.map(|(mode, _)| *mode).ok_or_else(|| config.wrong("merge_mode", needed))?
            }
        };
        let both = Bidirectional::new(AnyLayer::deserialize(layer)?).merge_mode(merge_mode);
        match config.value("backward_layer") {
            Some(layer) => Ok(both.backward_layer(AnyLayer::deserialize(layer)?)),
            None => Ok(both),
        }
    }

    fn both(&self) -> Result<[&AnyLayer; 2]> {
        let layer = |of: &'_ std::result::Result<AnyLayer, String>, key: &str| match of {
            Ok(_) => Ok(()),
            Err(reason) => Err(Error::config("Bidirectional", key, reason, "a recurrent layer")),
        };
        layer(&self.forward, "layer")?;
        layer(&self.backward, "backward_layer")?;
        match (&self.forward, &self.backward) {
            (Ok(forward), Ok(backward)) => Ok([forward, backward]),
            (_, _) => unreachable!("both were just looked at"),
        }
    }

    /// Checks that one layer runs backwards and that both return the same.
    fn check(&self) -> Result<()> {
        let [forward, backward] = self.both()?;
        for (key, equal) in
            [("go_backwards", false), ("stateful", true), ("return_sequences", true), ("return_state", true)]
        {
            let (left, right) = (flag(forward, key), flag(backward, key));
            if (left == right) != equal {
                let needed = if equal { "the same in both layers" } else { "true in one of the layers" };
                let given = format!("{left} and {right}");
                return Err(Error::config("Bidirectional", key, given, needed));
            }
        }
        Ok(())
    }
}

/// What a layer's configuration says of a flag.
fn flag(layer: &AnyLayer, key: &str) -> bool {
    layer.layer().config().is_ok_and(|config| config.get(key) == Some(&Value::Bool(true)))
}

/// The layer made again, under a name with this prefix and with some other arguments. Where it returns sequences, the
/// outputs of masked steps become zero: the two directions would repeat different ones.
fn remade(layer: &AnyLayer, prefix: &str, changes: &[(&str, Value)]) -> Result<AnyLayer> {
    let mut object = layer.serialize()?;
    let name = layer.name().strip_prefix(prefix).unwrap_or(layer.name());
    object["config"]["name"] = json!(format!("{prefix}{name}"));
    for (key, value) in changes {
        object["config"][*key] = value.clone();
    }
    let Some(config) =
        object["config"].as_object_mut().filter(|config| config.contains_key("return_sequences"))
    else {
        return Err(Error::config("Bidirectional", "layer", layer.class_name(), "a recurrent layer"));
    };
    if config.contains_key("zero_output_for_mask") {
        let sequences = config["return_sequences"].clone();
        config.insert("zero_output_for_mask".into(), sequences);
    }
    AnyLayer::deserialize(&object)
}

impl Layer for Bidirectional {
    fn class_name(&self) -> &str {
        "Bidirectional"
    }

    fn config(&self) -> Result<Config> {
        let [forward, backward] = self.both()?;
        let mut config = Config::new();
        config.insert("merge_mode".into(), self.merge_mode.word());
        config.insert("layer".into(), forward.serialize()?);
        config.insert("backward_layer".into(), backward.serialize()?);
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        self.check()?;
        self.both()?.into_iter().try_for_each(|layer| layer.build(inputs, weights))
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let [forward, backward] = self.both()?;
        let Some((&sequences, given)) = inputs.split_first() else {
            return Err(Error::Layer { path: context.path(), reason: "takes sequences".to_string() });
        };
        let by_name = context.keywords("initial_state");
        let states = if by_name.is_empty() { given.to_vec() } else { by_name };
        let (ahead, back) = states.split_at(states.len() / 2);
        let mask = context.mask(0);
        let mut run = |layer: &AnyLayer, states: &[Expr<'b>]| {
            let mut arguments = CallArguments::new(vec![Masked { value: sequences, mask }], false);
            if !states.is_empty() {
                let states = states.iter().map(|&state| Argument::Tensor(Masked::from(state))).collect();
                arguments.keywords.push(("initial_state".to_string(), Argument::List(states)));
            }
            let outputs = layer.call_with(context, &arguments)?.into_iter();
            Ok::<Vec<Expr<'b>>, Error>(outputs.map(|output| output.value).collect())
        };
        let (ahead, back) = (run(forward, ahead)?, run(backward, back)?);
        let ([y, ahead @ ..], [y_back, back @ ..]) = (&ahead[..], &back[..]) else {
            let reason = "has a layer inside that gives nothing".to_string();
            return Err(Error::Layer { path: context.path(), reason });
        };
        let sequences = flag(forward, "return_sequences");
        let y_back = if sequences { y_back.reverse(&[1]) } else { *y_back };
        let merged = merge(self.merge_mode, *y, y_back);
        let outputs: Vec<Expr<'b>> =
            merged.iter().copied().chain(ahead.iter().chain(back).copied()).collect();
        for index in 0..outputs.len() {
            context.set_output_mask(index, mask.filter(|_| sequences && index < merged.len()));
        }
        Ok(outputs)
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn input_names(&self) -> &'static [&'static str] {
        &["sequences"]
    }

    fn sublayers(&self) -> Vec<Sublayer<'_>> {
        let both = [("forward_layer", &self.forward), ("backward_layer", &self.backward)];
        let known = both.into_iter().filter_map(|(name, layer)| Some((name, layer.as_ref().ok()?)));
        known.map(|(name, layer)| Sublayer::new(name, layer)).collect()
    }
}

fn merge<'b>(mode: MergeMode, ahead: Expr<'b>, back: Expr<'b>) -> Vec<Expr<'b>> {
    match mode {
        MergeMode::Concat => vec![Expr::concat(&[ahead, back], ahead.rank().saturating_sub(1))],
        MergeMode::Sum => vec![ahead + back],
        MergeMode::Mul => vec![ahead * back],
        MergeMode::Ave => vec![(ahead + back) / 2.0],
        MergeMode::Separate => vec![ahead, back],
    }
}
