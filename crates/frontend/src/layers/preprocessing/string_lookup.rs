//! StringLookup: strings to numbers and back. Keras: `StringLookup`.

use cornu_ir::{Expr, Tensor};
use serde_json::json;

use super::super::{Config, Context, Layer, LayerConfig};
use super::documents::Document;
use super::hash::StringHash;
use super::lookup_config::{self, lookup_arguments, string};
use super::output_mode::OutputMode;
use super::vocabulary::Vocabulary;
use crate::error::Result;

/// The number of each string in a vocabulary.
///
/// Tensors hold no strings, so the layer works on the host, before a model:
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

    fn call<'b>(&self, context: &mut Context<'_, 'b>, _: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        Err(super::host_only(context, "StringLookup", "lookup"))
    }
}
