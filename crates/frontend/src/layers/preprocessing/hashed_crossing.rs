//! HashedCrossing: several features as one, into bins. Keras: `HashedCrossing`.

use cornu_ir::{Expr, Tensor};
use serde_json::json;

use super::super::{Config, Context, Layer, LayerConfig};
use super::hash::{combine, fingerprint64};
use super::output_mode::OutputMode;
use crate::error::{Error, Result};

/// Where TensorFlow begins to combine.
const SEED: u64 = 0x00de_cafc_affe;

/// One column of categories.
#[derive(Clone, Copy, Debug)]
pub enum Feature<'a> {
    /// Strings.
    Text(&'a [&'a str]),
    /// Whole numbers.
    Numbers(&'a [i64]),
}

impl Feature<'_> {
    fn len(&self) -> usize {
        match self {
            Feature::Text(column) => column.len(),
            Feature::Numbers(column) => column.len(),
        }
    }

    /// What stands for the entry of this row: a string's fingerprint, or the number itself.
    fn fingerprint(&self, row: usize) -> u64 {
        match self {
            Feature::Text(column) => fingerprint64(column[row].as_bytes()),
            Feature::Numbers(column) => column[row] as u64,
        }
    }
}

/// The bin, of `num_bins`, that each combination of categories falls into: a color *and* a shape.
///
/// The layer works on the host, before a model.
#[derive(Clone, Debug)]
pub struct HashedCrossing {
    num_bins: usize,
    output_mode: OutputMode,
}

impl HashedCrossing {
    /// Into this many bins.
    pub fn new(num_bins: usize) -> HashedCrossing {
        HashedCrossing { num_bins, output_mode: OutputMode::Int }
    }

    /// [`OutputMode::Int`] or [`OutputMode::OneHot`].
    pub fn output_mode(mut self, mode: OutputMode) -> HashedCrossing {
        self.output_mode = mode;
        self
    }

    /// The bin of each row of two or more columns of one length.
    pub fn cross(&self, features: &[Feature<'_>]) -> Result<Tensor> {
        self.output_mode.check("HashedCrossing", &[OutputMode::Int, OutputMode::OneHot])?;
        if self.num_bins == 0 {
            return Err(Error::config("HashedCrossing", "num_bins", 0, "1 or more"));
        }
        let rows = features.first().map_or(0, Feature::len);
        if features.len() < 2 || features.iter().any(|feature| feature.len() != rows) {
            let lengths: Vec<usize> = features.iter().map(Feature::len).collect();
            let what =
                format!("HashedCrossing takes two or more columns of one length; these have {lengths:?}");
            return Err(Error::Data { what });
        }
        let hash =
            |row: usize| features.iter().fold(SEED, |hash, feature| combine(hash, feature.fingerprint(row)));
        let bins = (0..rows).map(|row| (hash(row) % self.num_bins as u64) as i64).collect();
        Ok(self.output_mode.encode_host(bins, &[rows], self.num_bins, &[]))
    }

    /// From a Keras configuration.
    pub fn from_config(config: &LayerConfig<'_>) -> Result<HashedCrossing> {
        super::refuse_sparse(config)?;
        Ok(HashedCrossing {
            num_bins: config.positive("num_bins")?,
            output_mode: OutputMode::read(config)?.unwrap_or(OutputMode::Int),
        })
    }
}

impl Layer for HashedCrossing {
    fn class_name(&self) -> &str {
        "HashedCrossing"
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        let dtype = if self.output_mode == OutputMode::Int { "int64" } else { "float32" };
        config.insert("num_bins".into(), json!(self.num_bins));
        config.insert("output_mode".into(), json!(self.output_mode.name()));
        config.insert("sparse".into(), json!(false));
        config.insert("dtype".into(), json!(dtype));
        Ok(config)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, _: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        Err(super::host_only(context, "HashedCrossing", "cross"))
    }

    fn takes_list(&self) -> bool {
        true
    }
}
