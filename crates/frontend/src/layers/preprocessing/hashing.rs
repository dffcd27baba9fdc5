//! Hashing: strings and whole numbers into bins, without a vocabulary. Keras: `Hashing`.

use cornu_ir::{Expr, Tensor};
use serde_json::{Value, json};

use super::super::{Config, Context, HostLayer, Layer, LayerConfig, Spec, Weights, only};
use super::documents::Document;
use super::hash::StringHash;
use super::lookup_config::read_salt;
use super::on_host;
use super::output_mode::OutputMode;
use crate::config::Serialized;
use crate::error::{Error, Result};
use crate::training::Values;

const MODES: [OutputMode; 4] = [OutputMode::Int, OutputMode::OneHot, OutputMode::MultiHot, OutputMode::Count];

/// The bin, of `num_bins`, that each token falls into by its hash: the same on every machine and in Keras.
///
/// Whole numbers are hashed as their decimal digits. The layer works on the host: as the first of a model, after an
/// [`Input`](super::super::Input), or by itself.
#[derive(Clone, Debug)]
pub struct Hashing {
    num_bins: usize,
    mask_value: Option<String>,
    salt: Option<[i64; 2]>,
    output_mode: OutputMode,
    /// Whether the mask value is a whole number, for the file.
    numeric_mask: bool,
}

impl Hashing {
    /// Into this many bins.
    pub fn new(num_bins: usize) -> Hashing {
        Hashing { num_bins, mask_value: None, salt: None, output_mode: OutputMode::Int, numeric_mask: false }
    }

    /// The string that alone falls into bin 0.
    pub fn mask_value(mut self, value: &str) -> Hashing {
        (self.mask_value, self.numeric_mask) = (Some(value.to_string()), false);
        self
    }

    /// The whole number that alone falls into bin 0.
    pub fn mask_number(mut self, value: i64) -> Hashing {
        (self.mask_value, self.numeric_mask) = (Some(value.to_string()), true);
        self
    }

    /// Hashes under this key, so that others cannot aim at one bin.
    pub fn salt(mut self, salt: [i64; 2]) -> Hashing {
        self.salt = Some(salt);
        self
    }

    /// How the bins are written.
    pub fn output_mode(mut self, mode: OutputMode) -> Hashing {
        self.output_mode = mode;
        self
    }

    /// The bins of a list of strings.
    pub fn hash<S: AsRef<str>>(&self, strings: impl IntoIterator<Item = S>) -> Result<Tensor> {
        self.check()?;
        let bins: Vec<i64> = strings.into_iter().map(|text| self.bin(text.as_ref())).collect();
        let shape = [bins.len()];
        Ok(self.output_mode.encode_host(bins, &shape, self.num_bins, &[]))
    }

    /// The bins of whole numbers of any shape. Floats are cut towards zero.
    pub fn hash_numbers(&self, numbers: &Tensor) -> Result<Tensor> {
        self.check()?;
        let bins = numbers.integers().into_iter().map(|number| self.bin(&number.to_string())).collect();
        Ok(self.output_mode.encode_host(bins, numbers.shape(), self.num_bins, &[]))
    }

    /// The bins of rows of strings, all of one length.
    pub fn hash_rows<D: Document<str>>(&self, rows: impl IntoIterator<Item = D>) -> Result<Tensor> {
        self.check()?;
        let bins = |row: D| row.tokens().into_iter().map(|text| self.bin(text)).collect();
        let rows: Vec<Vec<i64>> = rows.into_iter().map(bins).collect();
        let columns = rows.first().map_or(0, Vec::len);
        if rows.iter().any(|row| row.len() != columns) {
            let what = "Hashing: rows of one length are needed; pad the shorter ones".to_string();
            return Err(Error::Data { what });
        }
        Ok(self.output_mode.encode_host(rows.concat(), &[rows.len(), columns], self.num_bins, &[]))
    }

    fn bin(&self, text: &str) -> i64 {
        let hash = StringHash::salted(self.salt);
        match &self.mask_value {
            Some(mask) if self.num_bins > 1 && mask == text => 0,
            Some(_) if self.num_bins > 1 => hash.bin(text, self.num_bins - 1) + 1,
            Some(_) | None => hash.bin(text, self.num_bins),
        }
    }

    fn check(&self) -> Result<()> {
        self.output_mode.check("Hashing", &MODES)?;
        match self.num_bins {
            0 => Err(Error::config("Hashing", "num_bins", 0, "1 or more")),
            _ => Ok(()),
        }
    }

    /// From a Keras configuration.
    pub fn from_config(config: &LayerConfig<'_>) -> Result<Hashing> {
        super::refuse_sparse(config)?;
        let (mask_value, numeric_mask) = match config.value("mask_value") {
            None => (None, false),
            Some(Value::String(text)) => (Some(text.clone()), false),
            Some(value) => {
                let number =
                    value.as_i64().ok_or_else(|| config.wrong("mask_value", "a string or a whole number"));
                (Some(number?.to_string()), true)
            }
        };
        Ok(Hashing {
            num_bins: config.positive("num_bins")?,
            mask_value,
            salt: read_salt(config)?,
            output_mode: OutputMode::read(config)?.unwrap_or(OutputMode::Int),
            numeric_mask,
        })
    }
}

impl Layer for Hashing {
    fn class_name(&self) -> &str {
        "Hashing"
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        if self.output_mode == OutputMode::Int {
            // Keras refuses a float type here.
            let policy = Config::from_iter([("name".into(), json!("int64"))]);
            config.insert("dtype".into(), Serialized::builtin("keras", "DTypePolicy", policy));
        }
        config.insert("num_bins".into(), json!(self.num_bins));
        config.insert("salt".into(), json!(self.salt));
        let number = self.mask_value.as_ref().filter(|_| self.numeric_mask);
        let number = number.and_then(|text| text.parse::<i64>().ok());
        config.insert("mask_value".into(), number.map_or(json!(self.mask_value), Value::from));
        config.insert("output_mode".into(), json!(self.output_mode.name()));
        config.insert("sparse".into(), json!(false));
        Ok(config)
    }

    fn build(&self, _: &[Spec], _: &mut Weights) -> Result<()> {
        self.check()
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, _: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        Err(on_host::not_in_graph(context, "Hashing", "hash"))
    }

    fn as_host(&self) -> Option<&dyn HostLayer> {
        Some(self)
    }
}

impl HostLayer for Hashing {
    fn output_spec(&self, inputs: &[Spec]) -> Result<Spec> {
        on_host::encoded("Hashing", self.output_mode, &only(inputs)?, self.num_bins)
    }

    fn run(&self, inputs: &[&Values]) -> Result<Values> {
        let numbers = match only(inputs)? {
            Values::Numbers(numbers) => self.hash_numbers(numbers)?,
            Values::Strings(strings) => {
                let bins = strings.items().iter().map(|text| self.bin(text)).collect();
                self.output_mode.encode_host(bins, strings.shape(), self.num_bins, &[])
            }
        };
        Ok(numbers.into())
    }
}
