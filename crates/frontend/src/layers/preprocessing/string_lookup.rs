//! StringLookup: strings to numbers and back. Keras: `StringLookup`.

use cornu_ir::{Expr, Tensor};
use serde_json::json;

use super::super::{Config, Context, HostLayer, Layer, LayerConfig, LookupState, Spec, Weights};
use super::documents::Document;
use super::hash::StringHash;
use super::lookup_config::{self, lookup_arguments, string};
use super::on_host;
use super::output_mode::OutputMode;
use super::vocabulary::Vocabulary;
use crate::error::Result;
use crate::training::Values;

/// The number of each string in a vocabulary.
///
/// Tensors hold no strings, so the layer works on the host: as the first of a model, after an
/// [`Input`](super::super::Input) of strings, or by itself:
///
/// ```
/// use cornu::layers::StringLookup;
///
/// let colors = StringLookup::new().adapt(["red", "blue", "red"])?;
/// assert_eq!(colors.get_vocabulary(), ["[UNK]", "red", "blue"]);
/// assert_eq!(colors.lookup(["blue", "green"])?.integers(), [2, 0]);
/// assert_eq!(colors.tokens(&[1, 2]), ["red", "blue"]);
/// # Ok::<(), cornu::Error>(())
/// ```
///
/// ```
/// use cornu::layers::{Dense, Input, OutputMode, StringLookup};
///
/// let colors = StringLookup::new().output_mode(OutputMode::OneHot).vocabulary(["red", "blue"])?;
/// let mut model = cornu::Sequential::new()
///     .add(Input::new([1]).strings())
///     .add(colors)
///     .add(Dense::new(1))
///     .build()?;
/// assert_eq!(model.predict(["blue", "green", "red"])?.shape(), [3, 1]);
/// # Ok::<(), cornu::Error>(())
/// ```
///
/// Output: `i64` of the input's shape, or another [`OutputMode`] of `f32`.
#[derive(Clone, Debug)]
pub struct StringLookup {
    lookup: Vocabulary<String>,
}

lookup_arguments!(StringLookup, String, str);

impl StringLookup {
    /// One number for all unknown strings, none for a mask.
    pub fn new() -> StringLookup {
        StringLookup { lookup: Vocabulary::new("StringLookup", "[UNK]".to_string()) }
    }

    /// Spreads unknown strings over their numbers by a hash under this key.
    pub fn salt(mut self, salt: [i64; 2]) -> StringLookup {
        self.lookup.hash = Some(StringHash::salted(Some(salt)));
        self
    }

    /// The numbers of a list of strings.
    pub fn lookup<S: AsRef<str>>(&self, strings: impl IntoIterator<Item = S>) -> Result<Tensor> {
        let strings: Vec<S> = strings.into_iter().collect();
        let numbers = self.lookup.numbers(strings.iter().map(AsRef::as_ref))?;
        let shape = [numbers.len()];
        Ok(self.lookup.encode(numbers, &shape))
    }

    /// From a Keras configuration.
    pub fn from_config(config: &LayerConfig<'_>) -> Result<StringLookup> {
        let mut lookup = StringLookup::new().lookup;
        lookup.hash = lookup_config::read_salt(config)?.map(|salt| StringHash::salted(Some(salt)));
        let lookup = lookup_config::read(config, lookup, string)?;
        super::refuse_other_encodings(config)?;
        Ok(StringLookup { lookup })
    }
}

impl Default for StringLookup {
    fn default() -> StringLookup {
        StringLookup::new()
    }
}

impl Layer for StringLookup {
    fn class_name(&self) -> &str {
        "StringLookup"
    }

    fn config(&self) -> Result<Config> {
        let mut config = lookup_config::write(&self.lookup, None);
        config.insert("encoding".into(), json!("utf-8"));
        Ok(config)
    }

    fn build(&self, _: &[Spec], _: &mut Weights) -> Result<()> {
        on_host::check_ready(&self.lookup)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, _: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        Err(on_host::not_in_graph(context, "StringLookup", "lookup"))
    }

    fn lookup_state(&self) -> Option<LookupState> {
        Some(self.lookup.state())
    }

    fn as_host(&self) -> Option<&dyn HostLayer> {
        Some(self)
    }
}

impl HostLayer for StringLookup {
    fn output_spec(&self, inputs: &[Spec]) -> Result<Spec> {
        let input = on_host::only_text("StringLookup", inputs)?;
        on_host::encoded("StringLookup", self.lookup.output_mode, input, self.lookup.depth())
    }

    fn run(&self, inputs: &[&Values]) -> Result<Values> {
        let strings = on_host::only_strings("StringLookup", inputs)?;
        let numbers = self.lookup.numbers(strings.items().iter().map(String::as_str))?;
        Ok(self.lookup.encode(numbers, strings.shape()).into())
    }
}
