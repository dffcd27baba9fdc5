//! The configuration that `StringLookup` and `IntegerLookup` share.

use serde_json::{Value, json};

use super::super::{Config, LayerConfig};
use super::hash::StringHash;
use super::lookup_state::{LEARNED_IDF_WEIGHTS, LEARNED_VOCABULARY};
use super::output_mode::OutputMode;
use super::vocabulary::{Token, Vocabulary};
use crate::error::Result;

/// The builder methods that the lookup layers share. `$part` is what one token may be given as.
macro_rules! lookup_arguments {
    ($layer:ident, $token:ty, $part:ty) => {
        impl $layer {
            /// No more numbers than this, special ones included.
            pub fn max_tokens(mut self, max: usize) -> $layer {
                self.lookup.max_tokens = Some(max);
                self
            }

            /// How many numbers unknown tokens share, by their hash; with 0 an unknown token is an error.
            pub fn num_oov_indices(mut self, count: usize) -> $layer {
                self.lookup.num_oov_indices = count;
                self
            }

            /// The token of number 0 that stands for nothing.
            pub fn mask_token(mut self, token: impl Into<$token>) -> $layer {
                self.lookup.mask_token = Some(token.into());
                self
            }

            /// What an unknown number is turned back into.
            pub fn oov_token(mut self, token: impl Into<$token>) -> $layer {
                self.lookup.oov_token = token.into();
                self
            }

            /// From numbers to tokens.
            pub fn invert(mut self, invert: bool) -> $layer {
                self.lookup.invert = invert;
                self
            }

            /// How the numbers are written.
            pub fn output_mode(mut self, mode: OutputMode) -> $layer {
                self.lookup.output_mode = mode;
                self
            }

            /// Vectors of length `max_tokens` even if there are fewer tokens.
            pub fn pad_to_max_tokens(mut self, pad: bool) -> $layer {
                self.lookup.pad_to_max_tokens = pad;
                self
            }

            /// With these tokens, in the order of their numbers. All other arguments come before.
            pub fn vocabulary<S: Into<$token>>(
                mut self,
                tokens: impl IntoIterator<Item = S>,
            ) -> Result<$layer> {
                self.lookup.set(tokens.into_iter().map(Into::into).collect(), None)?;
                Ok(self)
            }

            /// With these tokens and the weight of each, for [`OutputMode::TfIdf`].
            pub fn weighted_vocabulary<S: Into<$token>>(
                mut self,
                tokens: impl IntoIterator<Item = S>,
                idf_weights: impl Into<Vec<f64>>,
            ) -> Result<$layer> {
                let tokens = tokens.into_iter().map(Into::into).collect();
                self.lookup.set(tokens, Some(idf_weights.into()))?;
                Ok(self)
            }

            /// With the vocabulary of these documents: the most frequent tokens first. One document at a time is in
            /// memory, so they may come from anywhere.
            pub fn adapt<D: Document<$part>>(
                mut self,
                documents: impl IntoIterator<Item = D>,
            ) -> Result<$layer> {
                self.lookup.adapt(documents)?;
                Ok(self)
            }

            /// The token of each number, special ones included.
            pub fn get_vocabulary(&self) -> Vec<$token> {
                self.lookup.all_tokens()
            }

            /// How many numbers there are.
            pub fn vocabulary_size(&self) -> usize {
                self.lookup.size()
            }

            /// The numbers of rows of tokens, `(rows, tokens)` or, in other modes, as [`OutputMode`] says.
            pub fn lookup_rows<D: Document<$part>>(
                &self,
                rows: impl IntoIterator<Item = D>,
            ) -> Result<Tensor> {
                self.lookup.encode_rows(rows)
            }

            /// The tokens of these numbers; of unknown ones the token for those.
            pub fn tokens(&self, numbers: &[i64]) -> Vec<$token> {
                self.lookup.tokens_of(numbers)
            }
        }
    };
}
pub(super) use lookup_arguments;

/// Reads what both layers have in common into `lookup`. `token` reads one token.
pub(super) fn read<T: Token>(
    config: &LayerConfig<'_>,
    mut lookup: Vocabulary<T>,
    token: impl Fn(&Value) -> Option<T>,
) -> Result<Vocabulary<T>> {
    let one = |key: &str| {
        config.value(key).map(|value| token(value).ok_or_else(|| config.wrong(key, "a token"))).transpose()
    };
    lookup.num_oov_indices = config.size("num_oov_indices")?.unwrap_or(1);
    lookup.mask_token = one("mask_token")?;
    lookup.oov_token = one("oov_token")?.unwrap_or(lookup.oov_token);
    lookup.invert = config.boolean_or("invert", false)?;
    read_sizes(config, lookup, token)
}

/// Reads what `TextVectorization` has too: sizes, the mode and the vocabulary, last.
pub(super) fn read_sizes<T: Token>(
    config: &LayerConfig<'_>,
    mut lookup: Vocabulary<T>,
    token: impl Fn(&Value) -> Option<T>,
) -> Result<Vocabulary<T>> {
    super::refuse_sparse(config)?;
    lookup.max_tokens = config.size("max_tokens")?;
    lookup.output_mode = OutputMode::read(config)?.unwrap_or(OutputMode::Int);
    lookup.pad_to_max_tokens = config.boolean_or("pad_to_max_tokens", false)?;
    if let Some(tokens) = read_tokens(config, "vocabulary", &token)? {
        lookup.set(tokens, config.numbers("idf_weights")?)?;
    } else if let Some(tokens) = read_tokens(config, LEARNED_VOCABULARY, &token)? {
        lookup.restore(tokens, config.numbers(LEARNED_IDF_WEIGHTS)?)?;
    }
    Ok(lookup)
}

/// A token of text.
pub(super) fn string(value: &Value) -> Option<String> {
    value.as_str().map(String::from)
}

/// A vocabulary: a list of tokens.
fn read_tokens<T>(
    config: &LayerConfig<'_>,
    key: &str,
    token: impl Fn(&Value) -> Option<T>,
) -> Result<Option<Vec<T>>> {
    let needed = "a list of tokens; vocabularies in files of their own are not read";
    let list = |value: &Value| value.as_array()?.iter().map(&token).collect::<Option<Vec<T>>>();
    let value = config.value(key);
    value.map(|value| list(value).ok_or_else(|| config.wrong(key, needed))).transpose()
}

/// The argument `salt`: a whole number or two.
pub(super) fn read_salt(config: &LayerConfig<'_>) -> Result<Option<[i64; 2]>> {
    match config.integers("salt")?.as_deref() {
        None => Ok(None),
        Some(&[salt]) => Ok(Some([salt, salt])),
        Some(&[a, b]) => Ok(Some([a, b])),
        Some(_) => Err(config.wrong("salt", "a whole number or a list of two")),
    }
}

/// What both layers write, in Keras's order. `vocabulary_dtype` is left out by `StringLookup`.
pub(super) fn write<T: Token>(lookup: &Vocabulary<T>, dtype: Option<&str>) -> Config {
    let (vocabulary, idf_weights) = lookup.state_json();
    let salt = match lookup.hash {
        Some(StringHash::Sip([a, b])) => json!([a as i64, b as i64]),
        Some(StringHash::Farm) | None => Value::Null,
    };
    let farmhash = dtype.is_some() && lookup.hash.is_some();
    let mut config = Config::new();
    config.insert("invert".into(), json!(lookup.invert));
    config.insert("max_tokens".into(), json!(lookup.max_tokens));
    config.insert("num_oov_indices".into(), json!(lookup.num_oov_indices));
    config.insert("oov_token".into(), lookup.oov_token.json());
    config.insert("mask_token".into(), lookup.mask_token.as_ref().map_or(Value::Null, Token::json));
    config.insert("output_mode".into(), json!(lookup.output_mode.name()));
    config.insert("sparse".into(), json!(false));
    config.insert("pad_to_max_tokens".into(), json!(lookup.pad_to_max_tokens));
    if let Some(dtype) = dtype {
        config.insert("vocabulary_dtype".into(), json!(dtype));
    }
    config.insert("idf_weights".into(), idf_weights);
    let size = (!vocabulary.is_null()).then(|| lookup.size());
    config.insert("vocabulary".into(), vocabulary);
    config.insert("vocabulary_size".into(), json!(size));
    config.insert("oov_method".into(), json!(if farmhash { "farmhash" } else { "floormod" }));
    config.insert("salt".into(), salt);
    config
}
