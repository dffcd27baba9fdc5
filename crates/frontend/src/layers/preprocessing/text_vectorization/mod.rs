//! TextVectorization: texts to rows of numbers. Keras: `TextVectorization`.

mod layer;

use cornu_ir::Tensor;

use super::output_mode::{OutputMode, built};
use super::standardize::{Split, Standardize, ngrams};
use super::vocabulary::Vocabulary;
use crate::error::{Error, Result};

/// Cleans each text, cuts it into tokens and looks these up in a vocabulary.
///
/// Tensors hold no strings, so the layer works on the host: as the first of a model, after an
/// [`Input`](crate::Input) of strings `(texts,)` or `(texts, 1)`, or by itself:
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
/// In a model without `output_sequence_length` a batch is as long as its longest text, and a step is compiled once for
/// each length.
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
