//! TextVectorization: texts to rows of numbers. Keras: `TextVectorization`.

use cornu_ir::{DType, Expr, Tensor};
use serde_json::{Value, json};

use super::super::{Config, Context, HostLayer, Layer, LayerConfig, LookupState, Spec, Weights};
use super::lookup_config::{self, string};
use super::on_host;
use super::output_mode::{OutputMode, built};
use super::standardize::{Split, Standardize, ngrams};
use super::vocabulary::Vocabulary;
use crate::error::{Error, Result};
use crate::training::Values;

/// Cleans each text, cuts it into tokens and looks these up in a vocabulary.
///
/// Tensors hold no strings, so the layer works on the host: as the first of a model, after an
/// [`Input`](super::super::Input) of strings `(texts,)` or `(texts, 1)`, or by itself:
///
/// ```
/// use cornu::layers::TextVectorization;
///
/// let vectors = TextVectorization::new().output_sequence_length(4).adapt(["The cat sat.", "The dog!"])?;
/// assert_eq!(vectors.get_vocabulary(), ["", "[UNK]", "the", "sat", "dog", "cat"]);
/// assert_eq!(vectors.vectorize(["the bird sat"])?.integers(), [2, 1, 3, 0]);
/// # Ok::<(), cornu::Error>(())
/// ```
///
/// Output: `i64` `(texts, tokens)`, filled up with 0 to `output_sequence_length` or to the longest text; or `f32`
/// `(texts, tokens of the vocabulary)` in another [`OutputMode`].
#[derive(Clone, Debug)]
pub struct TextVectorization {
    standardize: Standardize,
    split: Split,
    ngrams: Option<Ngrams>,
    output_sequence_length: Option<usize>,
    lookup: Vocabulary<String>,
}

/// How long runs of neighbouring tokens are that become tokens.
#[derive(Clone, Debug)]
enum Ngrams {
    UpTo(usize),
    Widths(Vec<usize>),
}

impl Ngrams {
    fn widths(&self) -> Vec<usize> {
        match self {
            Ngrams::UpTo(longest) => (1..=*longest).collect(),
            Ngrams::Widths(widths) => widths.clone(),
        }
    }
}

impl TextVectorization {
    /// Small letters, no punctuation, words as tokens, numbers as output.
    pub fn new() -> TextVectorization {
        let mut lookup = Vocabulary::new("TextVectorization", "[UNK]".to_string());
        lookup.mask_token = Some(String::new());
        TextVectorization {
            standardize: Standardize::LowerAndStripPunctuation,
            split: Split::Whitespace,
            ngrams: None,
            output_sequence_length: None,
            lookup,
        }
    }

    /// No more numbers than this, special ones included.
    pub fn max_tokens(mut self, max: usize) -> TextVectorization {
        self.lookup.max_tokens = Some(max);
        self
    }

    /// How texts are cleaned.
    pub fn standardize(mut self, standardize: Standardize) -> TextVectorization {
        self.standardize = standardize;
        self
    }

    /// How texts are cut.
    pub fn split(mut self, split: Split) -> TextVectorization {
        self.split = split;
        self
    }

    /// Runs of up to this many neighbouring tokens become tokens too.
    pub fn ngrams(mut self, longest: usize) -> TextVectorization {
        self.ngrams = Some(Ngrams::UpTo(longest));
        self
    }

    /// Runs of just these lengths become the tokens.
    pub fn ngram_widths(mut self, widths: impl Into<Vec<usize>>) -> TextVectorization {
        self.ngrams = Some(Ngrams::Widths(widths.into()));
        self
    }

    /// How the numbers are written.
    pub fn output_mode(mut self, mode: OutputMode) -> TextVectorization {
        self.lookup.output_mode = mode;
        self
    }

    /// Rows of this length: longer texts are cut, shorter ones filled up with 0.
    pub fn output_sequence_length(mut self, length: usize) -> TextVectorization {
        self.output_sequence_length = Some(length);
        self
    }

    /// Vectors of length `max_tokens` even if there are fewer tokens.
    pub fn pad_to_max_tokens(mut self, pad: bool) -> TextVectorization {
        self.lookup.pad_to_max_tokens = pad;
        self
    }

    /// With these tokens, in the order of their numbers. All other arguments come before.
    pub fn vocabulary<S: Into<String>>(
        mut self,
        tokens: impl IntoIterator<Item = S>,
    ) -> Result<TextVectorization> {
        self.lookup.set(tokens.into_iter().map(Into::into).collect(), None)?;
        Ok(self)
    }

    /// With these tokens and the weight of each, for [`OutputMode::TfIdf`].
    pub fn weighted_vocabulary<S: Into<String>>(
        mut self,
        tokens: impl IntoIterator<Item = S>,
        idf_weights: impl Into<Vec<f64>>,
    ) -> Result<TextVectorization> {
        self.lookup.set(tokens.into_iter().map(Into::into).collect(), Some(idf_weights.into()))?;
        Ok(self)
    }

    /// With the vocabulary of these texts: the most frequent tokens first. One text at a time is in memory, so they
    /// may come from anywhere.
    pub fn adapt<S: AsRef<str>>(mut self, texts: impl IntoIterator<Item = S>) -> Result<TextVectorization> {
        let (standardize, split, widths) = (self.standardize.clone(), self.split.clone(), self.widths());
        let tokens = |text: S| tokenize(&standardize, &split, widths.as_deref(), text.as_ref());
        self.lookup.adapt(texts.into_iter().map(tokens))?;
        Ok(self)
    }

    /// The token of each number, special ones included.
    pub fn get_vocabulary(&self) -> Vec<String> {
        self.lookup.all_tokens()
    }

    /// How many numbers there are.
    pub fn vocabulary_size(&self) -> usize {
        self.lookup.size()
    }

    /// The tokens of one text, as they are looked up.
    pub fn tokenize(&self, text: &str) -> Vec<String> {
        tokenize(&self.standardize, &self.split, self.widths().as_deref(), text)
    }

    /// One row for each text.
    pub fn vectorize<S: AsRef<str>>(&self, texts: impl IntoIterator<Item = S>) -> Result<Tensor> {
        self.check()?;
        let mut rows = Vec::new();
        for text in texts {
            let tokens = self.tokenize(text.as_ref());
            rows.push(self.lookup.numbers(tokens.iter().map(String::as_str))?);
        }
        Ok(self.encoded(rows))
    }

    /// Rows of numbers in the layer's mode.
    fn encoded(&self, rows: Vec<Vec<i64>>) -> Tensor {
        match self.lookup.output_mode {
            OutputMode::Int => self.padded(rows),
            OutputMode::MultiHot | OutputMode::Count | OutputMode::TfIdf => self.lookup.hot_rows(&rows),
            OutputMode::OneHot => {
                let padded = self.padded(rows);
                self.lookup.encode(padded.integers(), padded.shape())
            }
        }
    }

    /// Rows of one length. What is cut off and what fills up are at the end.
    fn padded(&self, mut rows: Vec<Vec<i64>>) -> Tensor {
        let longest = rows.iter().map(Vec::len).max().unwrap_or(0);
        let length = self.output_sequence_length.unwrap_or(longest);
        // In mode `one_hot` there is no number for padding; one outside leaves no trace.
        let padding = if self.lookup.output_mode == OutputMode::Int { 0 } else { -1 };
        rows.iter_mut().for_each(|row| row.resize(length, padding));
        built([rows.len(), length], rows.concat())
    }

    fn widths(&self) -> Option<Vec<usize>> {
        self.ngrams.as_ref().map(Ngrams::widths)
    }

    fn check(&self) -> Result<()> {
        self.lookup.check()?;
        match self.output_sequence_length {
            Some(length) if self.lookup.output_mode != OutputMode::Int => {
                let needed = "left out unless `output_mode` is int";
                Err(Error::config("TextVectorization", "output_sequence_length", length, needed))
            }
            Some(_) | None => Ok(()),
        }
    }

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
        super::refuse_other_encodings(config)?;
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

fn tokenize(standardize: &Standardize, split: &Split, widths: Option<&[usize]>, text: &str) -> Vec<String> {
    let tokens = split.apply(&standardize.apply(text));
    widths.map_or_else(|| tokens.clone(), |widths| ngrams(&tokens, widths))
}

impl Default for TextVectorization {
    fn default() -> TextVectorization {
        TextVectorization::new()
    }
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
