//! IntegerLookup: whole numbers of any size to small ones and back. Keras: `IntegerLookup`.

use cornu_ir::{DType, Expr, Tensor};
use serde_json::Value;

use super::super::{Config, Context, Layer, LayerConfig, LookupState, Spec, Weights, only};
use super::documents::Document;
use super::hash::StringHash;
use super::lookup_config::{self, lookup_arguments};
use super::output_mode::OutputMode;
use super::vocabulary::Vocabulary;
use crate::error::{Error, Result};

/// The place of each whole number in a vocabulary: on the host by [`IntegerLookup::lookup`], or as a layer of a model.
///
/// Output: `i64` of the input's shape, or another [`OutputMode`] of `f32`. Unknown numbers share those before the
/// vocabulary's by their remainder.
#[derive(Clone, Debug)]
pub struct IntegerLookup {
    lookup: Vocabulary<i64>,
}

lookup_arguments!(IntegerLookup, i64, i64);

impl IntegerLookup {
    /// One number for all unknown ones, none for a mask.
    pub fn new() -> IntegerLookup {
        IntegerLookup { lookup: Vocabulary::new("IntegerLookup", -1) }
    }

    /// Spreads unknown numbers over theirs by a hash of their decimal digits, not by their remainder; under a key, if
    /// there is one. On the host only.
    pub fn hashed(mut self, salt: Option<[i64; 2]>) -> IntegerLookup {
        self.lookup.hash = Some(StringHash::salted(salt));
        self
    }

    /// The places of a list of numbers.
    pub fn lookup(&self, numbers: &[i64]) -> Result<Tensor> {
        Ok(self.lookup.encode(self.lookup.numbers(numbers)?, &[numbers.len()]))
    }

    /// From a Keras configuration.
    pub fn from_config(config: &LayerConfig<'_>) -> Result<IntegerLookup> {
        let mut lookup = IntegerLookup::new().lookup;
        let salt = lookup_config::read_salt(config)?;
        lookup.hash = match config.text("oov_method")? {
            None | Some("floormod") if salt.is_none() => None,
            None | Some("floormod") => {
                return Err(config.wrong("salt", "left out unless `oov_method` is farmhash"));
            }
            Some("farmhash") => Some(StringHash::salted(salt)),
            Some(_) => return Err(config.wrong("oov_method", "floormod or farmhash")),
        };
        Ok(IntegerLookup { lookup: lookup_config::read(config, lookup, Value::as_i64)? })
    }

    /// The vocabulary in ascending order, filled up to a power of two with the largest number, and the place of each.
    fn sorted(&self) -> (Vec<i64>, Vec<i64>) {
        let start = self.lookup.token_start() as i64;
        let mut pairs: Vec<(i64, i64)> = self.lookup.tokens().iter().copied().zip(start..).collect();
        pairs.sort_unstable();
        let size = pairs.len().max(1).next_power_of_two();
        pairs.resize(size, (i64::MAX, -1));
        pairs.into_iter().unzip()
    }

    /// The place in the vocabulary, by binary search; -1 where it is not.
    fn search<'b>(&self, x: Expr<'b>) -> Expr<'b> {
        let (known, places) = self.sorted();
        let mut step = known.len() / 2;
        let (known, places) = (x.constant(Tensor::vector(known)), x.constant(Tensor::vector(places)));
        let mut below = x.full_like(0.0);
        while step > 0 {
            let next = known.gather(below + (step - 1) as f64, 0, 0);
            below = below + next.lt(x).cast(DType::I64) * x.number(step as f64);
            step /= 2;
        }
        let found = known.gather(below, 0, 0).eq(x);
        found.select(places.gather(below, 0, 0), x.number(-1.0))
    }

    /// The number of what is not in the vocabulary.
    fn unknown<'b>(&self, x: Expr<'b>) -> Expr<'b> {
        let bins = x.number(self.lookup.num_oov_indices as f64);
        let remainder = x.rem(bins);
        // The remainder of Python, which has the sign of the divisor.
        let remainder = remainder.lt(x.number(0.0)).select(remainder + bins, remainder);
        remainder + self.lookup.oov_start() as f64
    }
}

impl Default for IntegerLookup {
    fn default() -> IntegerLookup {
        IntegerLookup::new()
    }
}

impl Layer for IntegerLookup {
    fn class_name(&self) -> &str {
        "IntegerLookup"
    }

    fn config(&self) -> Result<Config> {
        Ok(lookup_config::write(&self.lookup, Some("int64")))
    }

    fn build(&self, inputs: &[Spec], _: &mut Weights) -> Result<()> {
        let input = only(inputs)?;
        self.lookup.check()?;
        if self.lookup.output_mode == OutputMode::TfIdf && self.lookup.tokens().is_empty() {
            return Err(Error::NotReady {
                what: "IntegerLookup has no vocabulary yet".to_string(),
                fix: "Call `adapt` with data first, or give the vocabulary".to_string(),
            });
        }
        if !input.dtype.is_integer() {
            let reason = format!("takes whole numbers; the input is of {}", input.dtype);
            return Err(Error::Layer { path: String::new(), reason });
        }
        let hashed = self.lookup.hash.is_some() && self.lookup.num_oov_indices > 1;
        if hashed || self.lookup.num_oov_indices == 0 || self.lookup.invert {
            let reason = "in a model, IntegerLookup needs num_oov_indices of 1 or more, oov_method floormod and \
                          no `invert`; call its `lookup` before the model otherwise";
            return Err(Error::Layer { path: String::new(), reason: reason.to_string() });
        }
        Ok(())
    }

    fn lookup_state(&self) -> Option<LookupState> {
        Some(self.lookup.state())
    }

    fn call<'b>(&self, _: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?.cast(DType::I64);
        let place = self.search(x);
        let mut place = place.lt(x.number(0.0)).select(self.unknown(x), place);
        if let Some(mask) = self.lookup.mask_token {
            // Outside of all modes' vectors, so that it leaves no trace.
            let number = if self.lookup.output_mode == OutputMode::Int { 0.0 } else { -1.0 };
            let mask = x.constant(Tensor::scalar(mask));
            place = x.eq(mask).select(x.number(number), place);
        }
        let depth = self.lookup.depth();
        let encoded = self.lookup.output_mode.encode(place, depth, None)?;
        Ok(vec![match self.lookup.output_mode {
            OutputMode::TfIdf => encoded * self.idf(encoded, depth),
            OutputMode::Int | OutputMode::OneHot | OutputMode::MultiHot | OutputMode::Count => encoded,
        }])
    }
}

impl IntegerLookup {
    /// The weight of each category, over the counts.
    fn idf<'b>(&self, counts: Expr<'b>, depth: usize) -> Expr<'b> {
        let mut weights = self.lookup.idf().to_vec();
        weights.resize(depth, 0.0);
        counts.constant(Tensor::vector(weights)).broadcast_leading(&counts.shape())
    }
}
