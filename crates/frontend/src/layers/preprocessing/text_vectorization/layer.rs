//! TextVectorization as a layer: its configuration, and what it does in a model.

use cornu_ir::{DType, Expr};
use serde_json::{Value, json};

use super::super::lookup_config::{self, string};
use super::super::on_host;
use super::super::output_mode::OutputMode;
use super::super::standardize::{Split, Standardize};
use super::{Ngrams, TextVectorization};
use crate::error::{Error, Result};
use crate::layers::{Config, Context, HostLayer, Layer, LayerConfig, LookupState, Spec, Weights};
use crate::training::Values;

impl TextVectorization {
    /// From a Keras configuration.
    pub fn from_config(config: &LayerConfig<'_>) -> Result<TextVectorization> {
        let mut layer = TextVectorization::new();
        layer.standardize = match config.text("standardize")? {
            None if config.is_null("standardize") => Standardize::None,
            None | Some("lower_and_strip_punctuation") => Standardize::LowerAndStripPunctuation,
            Some("lower") => Standardize::Lower,
            Some("strip_punctuation") => Standardize::StripPunctuation,
            Some(_) => {
                let needed = "lower_and_strip_punctuation, lower, strip_punctuation or null";
                return Err(config.wrong("standardize", needed));
            }
        };
        layer.split = match config.text("split")? {
            None if config.is_null("split") => Split::None,
            None | Some("whitespace") => Split::Whitespace,
            Some("character") => Split::Character,
            Some(_) => return Err(config.wrong("split", "whitespace, character or null")),
        };
        layer.ngrams = match config.value("ngrams") {
            None => None,
            Some(Value::Array(_)) => Some(Ngrams::Widths(read_widths(config)?)),
            Some(_) => Some(Ngrams::UpTo(config.positive("ngrams")?)),
        };
        layer.output_sequence_length = config.size("output_sequence_length")?;
        super::super::refuse_other_encodings(config)?;
        if config.boolean_or("ragged", false)? {
            return Err(config.wrong("ragged", "false: rows are of one length"));
        }
        layer.lookup = lookup_config::read_sizes(config, layer.lookup, string)?;
        Ok(layer)
    }
}

/// The argument `ngrams` as a list of sizes of 1 or more.
fn read_widths(config: &LayerConfig<'_>) -> Result<Vec<usize>> {
    let widths = config.integers("ngrams")?.unwrap_or_default();
    let sizes = widths.into_iter().map(|width| usize::try_from(width).ok().filter(|&width| width > 0));
    sizes.collect::<Option<_>>().ok_or_else(|| config.wrong("ngrams", "sizes of 1 or more"))
}

impl Layer for TextVectorization {
    fn class_name(&self) -> &str {
        "TextVectorization"
    }

    fn config(&self) -> Result<Config> {
        let custom = |argument: &str| Error::NotInKeras {
            what: format!("a {argument} of one's own of TextVectorization"),
            reason: "it is code; use one of Keras's, or prepare the texts before".to_string(),
        };
        let standardize = match &self.standardize {
            Standardize::None => Value::Null,
            Standardize::Lower => json!("lower"),
            Standardize::StripPunctuation => json!("strip_punctuation"),
            Standardize::LowerAndStripPunctuation => json!("lower_and_strip_punctuation"),
            Standardize::Custom(_) => return Err(custom("standardize")),
        };
        let split = match &self.split {
            Split::None => Value::Null,
            Split::Whitespace => json!("whitespace"),
            Split::Character => json!("character"),
            Split::Custom(_) => return Err(custom("split")),
        };
        let ngrams = match &self.ngrams {
            None => Value::Null,
            Some(Ngrams::UpTo(longest)) => json!(longest),
            Some(Ngrams::Widths(widths)) => json!(widths),
        };
        let (vocabulary, idf_weights) = self.lookup.state_json();
        let mut config = Config::new();
        config.insert("max_tokens".into(), json!(self.lookup.max_tokens));
        config.insert("standardize".into(), standardize);
        config.insert("split".into(), split);
        config.insert("ngrams".into(), ngrams);
        config.insert("output_mode".into(), json!(self.lookup.output_mode.name()));
        config.insert("output_sequence_length".into(), json!(self.output_sequence_length));
        config.insert("pad_to_max_tokens".into(), json!(self.lookup.pad_to_max_tokens));
        config.insert("sparse".into(), json!(false));
        config.insert("ragged".into(), json!(false));
        config.insert("vocabulary".into(), vocabulary);
        config.insert("idf_weights".into(), idf_weights);
        config.insert("encoding".into(), json!("utf-8"));
        config.insert("vocabulary_size".into(), json!(self.lookup.size()));
        Ok(config)
    }

    fn build(&self, _: &[Spec], _: &mut Weights) -> Result<()> {
        self.check()?;
        on_host::check_ready(&self.lookup)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, _: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        Err(on_host::not_in_graph(context, "TextVectorization", "vectorize"))
    }

    fn lookup_state(&self) -> Option<LookupState> {
        Some(LookupState { is_inside_too: true, ..self.lookup.state() })
    }

    fn as_host(&self) -> Option<&dyn HostLayer> {
        Some(self)
    }
}

impl HostLayer for TextVectorization {
    fn output_spec(&self, inputs: &[Spec]) -> Result<Spec> {
        let input = on_host::only_text("TextVectorization", inputs)?;
        let batch = match input.shape.as_slice() {
            [batch] | [batch, Some(1)] => *batch,
            _ => {
                let reason = format!(
                    "TextVectorization takes one text for each sample, (batch,) or (batch, 1); it got {input}"
                );
                return Err(on_host::refused(reason));
            }
        };
        let depth = Some(self.lookup.depth());
        Ok(match self.lookup.output_mode {
            OutputMode::Int => Spec::new(DType::I64, [batch, self.output_sequence_length]),
            OutputMode::OneHot => Spec::new(DType::F32, [batch, None, depth]),
            OutputMode::MultiHot | OutputMode::Count | OutputMode::TfIdf => {
                Spec::new(DType::F32, [batch, depth])
            }
        })
    }

    fn run(&self, inputs: &[&Values]) -> Result<Values> {
        let vectors =
            Values::from(self.vectorize(on_host::only_strings("TextVectorization", inputs)?.items())?);
        let (texts, depth) = (vectors.shape()[0], self.lookup.depth());
        match self.lookup.output_mode {
            // The axis of tokens stays, even if no text has more than one.
            OutputMode::OneHot if vectors.shape().len() == 2 => match vectors.reshaped(vec![texts, 1, depth])
            {
                Some(vectors) => Ok(vectors),
                None => unreachable!("an axis of size 1 changes no number of elements"),
            },
            OutputMode::Int
            | OutputMode::OneHot
            | OutputMode::MultiHot
            | OutputMode::Count
            | OutputMode::TfIdf => Ok(vectors),
        }
    }
}
