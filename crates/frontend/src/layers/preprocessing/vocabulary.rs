//! Vocabulary: tokens by number and numbers by token, as all lookup layers have them. Keras: `IndexLookup`.
//!
//! The numbers, in order: 0 for the mask token, if there is one and the mode is `int`; those for tokens out of the
//! vocabulary; the tokens.

use std::borrow::Borrow;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;
use std::hash::Hash;

use cornu_ir::Tensor;
use serde_json::{Value, json};

use super::documents::Document;
use super::hash::StringHash;
use super::output_mode::OutputMode;
use crate::error::{Error, Result};

/// What a vocabulary holds: text or whole numbers.
pub(super) trait Token: Borrow<Self::Part> + Clone + Debug + Hash + Ord {
    /// The form without an owner: `str` for `String`.
    type Part: Hash + Ord + Debug + ToOwned<Owned = Self> + ?Sized;

    /// For the configuration.
    fn json(&self) -> Value;

    /// For a file of tokens.
    fn line(&self) -> String;

    /// The place, of `bins`, for a token that the vocabulary has not.
    fn unknown_bin(token: &Self::Part, hash: Option<StringHash>, bins: usize) -> i64;
}

impl Token for String {
    type Part = str;

    fn json(&self) -> Value {
        json!(self)
    }

    fn line(&self) -> String {
        self.clone()
    }

    fn unknown_bin(token: &str, hash: Option<StringHash>, bins: usize) -> i64 {
        hash.unwrap_or(StringHash::Farm).bin(token, bins)
    }
}

impl Token for i64 {
    type Part = i64;

    fn json(&self) -> Value {
        json!(self)
    }

    fn line(&self) -> String {
        self.to_string()
    }

    fn unknown_bin(token: &i64, hash: Option<StringHash>, bins: usize) -> i64 {
        match hash {
            Some(hash) => hash.bin(&token.to_string(), bins),
            None => token.rem_euclid(bins.max(1) as i64),
        }
    }
}

/// The arguments of a lookup layer and its tokens.
#[derive(Clone, Debug)]
pub(super) struct Vocabulary<T: Token> {
    /// The layer, for errors.
    pub(super) class: &'static str,
    pub(super) max_tokens: Option<usize>,
    pub(super) num_oov_indices: usize,
    pub(super) mask_token: Option<T>,
    pub(super) oov_token: T,
    pub(super) invert: bool,
    pub(super) output_mode: OutputMode,
    pub(super) pad_to_max_tokens: bool,
    /// How numbers for unknown tokens are found; `None` for whole numbers modulo their count.
    pub(super) hash: Option<StringHash>,
    /// As the user gave them: what the file says.
    pub(super) given: Option<(Vec<T>, Option<Vec<f64>>)>,
    tokens: Vec<T>,
    /// Counted from the first token's.
    numbers: HashMap<T, i64>,
    /// One weight for each number up to the last token's, in mode `tf_idf`.
    idf: Vec<f32>,
}

impl<T: Token> Vocabulary<T> {
    pub(super) fn new(class: &'static str, oov_token: T) -> Vocabulary<T> {
        Vocabulary {
            class,
            max_tokens: None,
            num_oov_indices: 1,
            mask_token: None,
            oov_token,
            invert: false,
            output_mode: OutputMode::Int,
            pad_to_max_tokens: false,
            hash: None,
            given: None,
            tokens: Vec::new(),
            numbers: HashMap::new(),
            idf: Vec::new(),
        }
    }

    fn config_error(&self, key: &str, given: impl ToString, needed: impl Into<String>) -> Error {
        Error::config(self.class, key, given, needed)
    }

    /// Arguments that contradict each other.
    pub(super) fn check(&self) -> Result<()> {
        if let Some(max) = self.max_tokens.filter(|&max| max <= 1) {
            return Err(self.config_error("max_tokens", max, "more than 1, or left out"));
        }
        if self.pad_to_max_tokens && self.max_tokens.is_none() {
            return Err(self.config_error("max_tokens", "null", "given where `pad_to_max_tokens` is true"));
        }
        if self.invert && self.output_mode != OutputMode::Int {
            let mode = self.output_mode.name();
            return Err(self.config_error("output_mode", mode, "int where `invert` is true"));
        }
        Ok(())
    }

    /// The number of the first unknown token.
    pub(super) fn oov_start(&self) -> usize {
        usize::from(self.mask_token.is_some() && self.output_mode == OutputMode::Int)
    }

    /// The number of the first token.
    pub(super) fn token_start(&self) -> usize {
        self.oov_start() + self.num_oov_indices
    }

    /// How many numbers there are.
    pub(super) fn size(&self) -> usize {
        self.token_start() + self.tokens.len()
    }

    /// The length of the vectors of all modes but `int`.
    pub(super) fn depth(&self) -> usize {
        self.max_tokens.filter(|_| self.pad_to_max_tokens).unwrap_or_else(|| self.size())
    }

    /// The tokens alone.
    pub(super) fn tokens(&self) -> &[T] {
        &self.tokens
    }

    /// A weight for each number up to the last token's; none unless the mode is `tf_idf`.
    pub(super) fn idf(&self) -> &[f32] {
        &self.idf
    }

    /// The tokens that come before the vocabulary's.
    fn special(&self) -> Vec<T> {
        let mask = self.mask_token.iter().take(self.oov_start());
        mask.cloned().chain(std::iter::repeat_n(self.oov_token.clone(), self.num_oov_indices)).collect()
    }

    /// The token of each number.
    pub(super) fn all_tokens(&self) -> Vec<T> {
        self.special().into_iter().chain(self.tokens.iter().cloned()).collect()
    }

    /// Takes these tokens, with or without the special ones before them.
    pub(super) fn set(&mut self, given: Vec<T>, idf: Option<Vec<f64>>) -> Result<()> {
        self.check()?;
        if given.is_empty() {
            return Err(self.config_error("vocabulary", "[]", "a list of at least one token"));
        }
        let special = self.special();
        let has_special = given.starts_with(&special);
        let tokens = if has_special { given[special.len()..].to_vec() } else { given.clone() };
        self.check_tokens(&tokens)?;
        self.idf = self.weights_of(&given, idf.as_deref(), if has_special { 0 } else { special.len() })?;
        self.keep(tokens);
        self.given = Some((given, idf));
        Ok(())
    }

    fn check_tokens(&self, tokens: &[T]) -> Result<()> {
        let mut seen = BTreeSet::new();
        if let Some(twice) = tokens.iter().find(|token| !seen.insert(*token)) {
            return Err(self.config_error(
                "vocabulary",
                format!("{twice:?}, twice"),
                "a list of different tokens",
            ));
        }
        let reserved = |token: &&T| tokens.contains(*token);
        let oov = Some(&self.oov_token).filter(|_| self.invert);
        if let Some(token) = self.mask_token.as_ref().filter(reserved).or(oov.filter(reserved)) {
            let needed = "without the mask token and those out of it, or begin with exactly these";
            return Err(self.config_error("vocabulary", format!("a list with {token:?} in it"), needed));
        }
        let size = self.token_start() + tokens.len();
        match self.max_tokens {
            Some(max) if size > max => {
                let needed = format!("at most {max} tokens, special ones included, as `max_tokens` says");
                Err(self.config_error("vocabulary", format!("a list that makes {size}"), needed))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// A weight for each number. Unknown tokens weigh as much as the others on average.
    fn weights_of(&self, given: &[T], idf: Option<&[f64]>, missing: usize) -> Result<Vec<f32>> {
        match (self.output_mode == OutputMode::TfIdf, idf) {
            (false, None) => Ok(Vec::new()),
            (false, Some(_)) => {
                Err(self.config_error("idf_weights", "given", "left out unless `output_mode` is tf_idf"))
            }
            (true, None) => Err(self.config_error(
                "idf_weights",
                "null",
                "given with the vocabulary in output_mode tf_idf",
            )),
            (true, Some(idf)) if idf.len() != given.len() => {
                let needed = format!("{} numbers, one for each token of the vocabulary", given.len());
                Err(self.config_error("idf_weights", format!("a list of {}", idf.len()), needed))
            }
            (true, Some(idf)) => {
                let average = idf.iter().sum::<f64>() / idf.len() as f64;
                let front = std::iter::repeat_n(average, missing);
                Ok(front.chain(idf.iter().copied()).map(|weight| weight as f32).collect())
            }
        }
    }

    fn keep(&mut self, tokens: Vec<T>) {
        self.numbers = tokens.iter().cloned().zip(0..).collect();
        self.tokens = tokens;
    }

    /// Counts the tokens of these documents and keeps the most frequent; among equals, the greater token.
    pub(super) fn adapt<D: Document<T::Part>>(
        &mut self,
        documents: impl IntoIterator<Item = D>,
    ) -> Result<()> {
        self.check()?;
        if self.given.is_some() {
            return Err(self.config_error("vocabulary", "given", "left out for a layer that is adapted"));
        }
        let mut counts: HashMap<T, Count> = HashMap::new();
        let mut total = 0;
        for document in documents {
            total += 1;
            for token in document.tokens() {
                match counts.get_mut(token) {
                    Some(count) => count.add(total),
                    None => {
                        let count = Count { occurrences: 1, documents: 1, last: total };
                        counts.insert(token.to_owned(), count);
                    }
                }
            }
        }
        self.learn(counts, total);
        Ok(())
    }

    fn learn(&mut self, mut counts: HashMap<T, Count>, documents: u64) {
        self.mask_token.iter().chain([&self.oov_token]).for_each(|special| {
            counts.remove(special.borrow());
        });
        let mut sorted: Vec<(T, Count)> = counts.into_iter().collect();
        sorted.sort_by(|(a, m), (b, n)| (n.occurrences, b).cmp(&(m.occurrences, a)));
        let room = self.max_tokens.map_or(usize::MAX, |max| max.saturating_sub(self.token_start()));
        sorted.truncate(room);
        if self.output_mode == OutputMode::TfIdf {
            let weight = |count: &Count| (1.0 + documents as f64 / (1.0 + count.documents as f64)).ln();
            let idf: Vec<f64> = sorted.iter().map(|(_, count)| weight(count)).collect();
            let average = idf.iter().sum::<f64>() / idf.len().max(1) as f64;
            let front = std::iter::repeat_n(average, self.token_start());
            self.idf = front.chain(idf).map(|weight| weight as f32).collect();
        }
        self.keep(sorted.into_iter().map(|(token, _)| token).collect());
    }

    /// The number of a token; the largest `i64` for a mask that leaves no trace.
    fn number(&self, token: &T::Part) -> Result<i64> {
        if self.mask_token.as_ref().is_some_and(|mask| mask.borrow() == token) {
            return Ok(if self.output_mode == OutputMode::Int { 0 } else { i64::MAX });
        }
        match (self.numbers.get(token), self.num_oov_indices) {
            (Some(&place), _) => Ok(place + self.token_start() as i64),
            (None, 0) => Err(Error::Data {
                what: format!(
                    "{}: {token:?} is not in the vocabulary. With num_oov_indices = 1 it would get a number",
                    self.class
                ),
            }),
            (None, 1) => Ok(self.oov_start() as i64),
            (None, bins) => Ok(T::unknown_bin(token, self.hash, bins) + self.oov_start() as i64),
        }
    }

    /// The numbers of these tokens.
    pub(super) fn numbers<'t>(&self, tokens: impl IntoIterator<Item = &'t T::Part>) -> Result<Vec<i64>>
    where
        T::Part: 't,
    {
        if self.invert {
            let needed = "false for a layer that looks tokens up; an inverted one gives `tokens` of numbers";
            return Err(self.config_error("invert", true, needed));
        }
        tokens.into_iter().map(|token| self.number(token)).collect()
    }

    /// Numbers of a tensor of this shape, in the layer's mode.
    pub(super) fn encode(&self, numbers: Vec<i64>, shape: &[usize]) -> Tensor {
        self.output_mode.encode_host(numbers, shape, self.depth(), &self.idf)
    }

    /// One row for each document, in the layer's mode. In mode `int` and `one_hot` all must be of one length.
    pub(super) fn encode_rows<D: Document<T::Part>>(
        &self,
        documents: impl IntoIterator<Item = D>,
    ) -> Result<Tensor> {
        let mut rows = Vec::new();
        for document in documents {
            rows.push(self.numbers(document.tokens())?);
        }
        let columns = rows.first().map_or(0, Vec::len);
        let even = rows.iter().all(|row| row.len() == columns);
        match self.output_mode {
            OutputMode::Int | OutputMode::OneHot if !even => Err(Error::Data {
                what: format!("{}: rows of one length are needed; pad the shorter ones", self.class),
            }),
            OutputMode::Int | OutputMode::OneHot => {
                let shape = [rows.len(), columns];
                Ok(self.encode(rows.concat(), &shape))
            }
            OutputMode::MultiHot | OutputMode::Count | OutputMode::TfIdf => Ok(self.hot_rows(&rows)),
        }
    }

    /// A vector for each row of numbers.
    pub(super) fn hot_rows(&self, rows: &[Vec<i64>]) -> Tensor {
        let depth = self.depth();
        let items = rows.iter().flat_map(|row| self.output_mode.row(row, depth, &self.idf)).collect();
        super::output_mode::built([rows.len(), depth], items)
    }

    /// The tokens of these numbers.
    pub(super) fn tokens_of(&self, numbers: &[i64]) -> Vec<T> {
        let token = |&number: &i64| match usize::try_from(number) {
            Ok(0) if self.oov_start() == 1 => self.mask_token.as_ref(),
            Ok(place) => place.checked_sub(self.token_start()).and_then(|place| self.tokens.get(place)),
            Err(_) => None,
        };
        numbers.iter().map(|number| token(number).unwrap_or(&self.oov_token).clone()).collect()
    }

    /// For the file: the vocabulary and its weights. What was learned is written as if it had been given, so that
    /// the file is whole.
    pub(super) fn state_json(&self) -> (Value, Value) {
        let list = |tokens: &[T]| Value::Array(tokens.iter().map(Token::json).collect());
        match &self.given {
            Some((tokens, idf)) => (list(tokens), json!(idf)),
            None if self.tokens.is_empty() => (Value::Null, Value::Null),
            None if self.output_mode == OutputMode::TfIdf => (list(&self.all_tokens()), json!(self.idf)),
            None => (list(&self.tokens), Value::Null),
        }
    }
}

/// How often a token occurs, and in how many documents.
struct Count {
    occurrences: u64,
    documents: u64,
    /// The number of the last document it was seen in.
    last: u64,
}

impl Count {
    fn add(&mut self, document: u64) {
        self.occurrences += 1;
        if self.last != document {
            (self.documents, self.last) = (self.documents + 1, document);
        }
    }
}
