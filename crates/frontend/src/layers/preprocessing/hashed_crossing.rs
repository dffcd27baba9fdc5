//! HashedCrossing: several features as one, into bins. Keras: `HashedCrossing`.

use cornu_ir::{Expr, Tensor};
use serde_json::json;

use super::super::{Config, Context, HostLayer, Layer, LayerConfig, Spec, Weights};
use super::hash::{combine, fingerprint64};
use super::on_host;
use super::output_mode::OutputMode;
use crate::error::{Error, Result};
use crate::training::Values;

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
/// The layer works on the host: as the first of a model, called with two or more inputs, or by itself.
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
        self.check()?;
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

    fn check(&self) -> Result<()> {
        self.output_mode.check("HashedCrossing", &[OutputMode::Int, OutputMode::OneHot])?;
        match self.num_bins {
            0 => Err(Error::config("HashedCrossing", "num_bins", 0, "1 or more")),
            _ => Ok(()),
        }
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

    fn build(&self, _: &[Spec], _: &mut Weights) -> Result<()> {
        self.check()
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, _: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        Err(on_host::not_in_graph(context, "HashedCrossing", "cross"))
    }

    fn takes_list(&self) -> bool {
        true
    }

    fn as_host(&self) -> Option<&dyn HostLayer> {
        Some(self)
    }
}

impl HostLayer for HashedCrossing {
    fn output_spec(&self, inputs: &[Spec]) -> Result<Spec> {
        let is_column = |input: &Spec| matches!(input.shape.as_slice(), [_] | [_, Some(1)]);
        let fits =
            |input: &Spec| input.shape == inputs[0].shape && (input.is_text() || !input.dtype.is_float());
        if inputs.len() < 2 || !is_column(&inputs[0]) || !inputs.iter().all(fits) {
            let got: Vec<String> =
                inputs.iter().map(|input| format!("{input} of {}", input.dtype_name())).collect();
            return Err(on_host::refused(format!(
                "HashedCrossing takes two or more inputs of strings or whole numbers, all (batch,) or all \
                 (batch, 1); it got {}",
                got.join(" and ")
            )));
        }
        on_host::encoded("HashedCrossing", self.output_mode, &inputs[0], self.num_bins)
    }

    fn run(&self, inputs: &[&Values]) -> Result<Values> {
        let columns: Vec<Column<'_>> = inputs.iter().map(|input| Column::of(input)).collect();
        let features: Vec<Feature<'_>> = columns.iter().map(Column::feature).collect();
        let crossed = Values::from(self.cross(&features)?);
        match (self.output_mode, inputs.first()) {
            // An axis of size 1 stays where the bins themselves are given.
            (OutputMode::Int, Some(first)) => match crossed.reshaped(first.shape().to_vec()) {
                Some(crossed) => Ok(crossed),
                None => unreachable!("a column has a bin for each row"),
            },
            (_, _) => Ok(crossed),
        }
    }
}

/// What a [`Feature`] of a batch lends from.
enum Column<'a> {
    Text(Vec<&'a str>),
    Numbers(Vec<i64>),
}

impl Column<'_> {
    fn of(values: &Values) -> Column<'_> {
        match values {
            Values::Numbers(tensor) => Column::Numbers(tensor.integers()),
            Values::Strings(strings) => Column::Text(strings.items().iter().map(String::as_str).collect()),
        }
    }

    fn feature(&self) -> Feature<'_> {
        match self {
            Column::Text(texts) => Feature::Text(texts),
            Column::Numbers(numbers) => Feature::Numbers(numbers),
        }
    }
}
