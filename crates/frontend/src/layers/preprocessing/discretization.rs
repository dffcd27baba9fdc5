//! Discretization: numbers into bins. Keras: `Discretization`.

use cornu_ir::{DType, Expr, Tensor};
use serde_json::json;

use super::super::{Config, Context, Layer, LayerConfig, Spec, Weights, only};
use super::output_mode::OutputMode;
use super::quantiles::Summary;
use crate::error::{Error, Result};
use crate::training::IntoTensor;

const MODES: [OutputMode; 4] = [OutputMode::Int, OutputMode::OneHot, OutputMode::MultiHot, OutputMode::Count];

/// The number of the bin that each number falls into: how many boundaries are not above it.
///
/// Boundaries are given, or [`Discretization::adapt`] cuts the data into bins of like counts. Output: `i32` of the
/// input's shape, or another [`OutputMode`] of `f32`.
#[derive(Clone, Debug)]
pub struct Discretization {
    bin_boundaries: Option<Vec<f64>>,
    num_bins: Option<usize>,
    epsilon: f64,
    output_mode: OutputMode,
}

impl Discretization {
    /// Bins between these ascending boundaries, and one beyond each end.
    pub fn new(bin_boundaries: impl Into<Vec<f64>>) -> Discretization {
        Discretization { bin_boundaries: Some(bin_boundaries.into()), ..Discretization::with_bins(0) }
            .without_bins()
    }

    /// This many bins, to be cut by [`Discretization::adapt`].
    pub fn with_bins(num_bins: usize) -> Discretization {
        Discretization {
            bin_boundaries: None,
            num_bins: Some(num_bins),
            epsilon: 0.01,
            output_mode: OutputMode::Int,
        }
    }

    fn without_bins(mut self) -> Discretization {
        self.num_bins = None;
        self
    }

    /// How fine the summary is that `adapt` keeps: as a share of the data.
    pub fn epsilon(mut self, epsilon: f64) -> Discretization {
        self.epsilon = epsilon;
        self
    }

    /// How the bins are written.
    pub fn output_mode(mut self, mode: OutputMode) -> Discretization {
        self.output_mode = mode;
        self
    }

    /// With bins cut so that each holds about as many of these numbers.
    pub fn adapt(self, data: impl IntoTensor) -> Result<Discretization> {
        self.adapt_batches([data])
    }

    /// [`Discretization::adapt`] on data that come in batches, of which one at a time is in memory.
    pub fn adapt_batches<T: IntoTensor>(
        mut self,
        batches: impl IntoIterator<Item = T>,
    ) -> Result<Discretization> {
        let Some(bins) = self.num_bins.filter(|&bins| bins > 0) else {
            let needed = "1 or more for a layer that is adapted: use `Discretization::with_bins`";
            return Err(Error::config("Discretization", "num_bins", json!(self.num_bins), needed));
        };
        if !(self.epsilon > 0.0 && self.epsilon <= 1.0) {
            let needed = "more than 0 and at most 1";
            return Err(Error::config("Discretization", "epsilon", self.epsilon, needed));
        }
        let mut summary = Summary::default();
        for batch in batches {
            let values: Vec<f32> = batch.into_tensor().floats().into_iter().map(|x| x as f32).collect();
            if values.iter().any(|value| value.is_nan()) {
                let what = "Discretization: `adapt` cannot order data with NaN in them".to_string();
                return Err(Error::Data { what });
            }
            summary.add(&values, self.epsilon);
        }
        if summary == Summary::default() {
            let what = "Discretization: `adapt` needs at least one number; it got none".to_string();
            return Err(Error::Data { what });
        }
        self.bin_boundaries = Some(summary.boundaries(bins));
        Ok(self)
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<Discretization> {
        let bin_boundaries = config.numbers("bin_boundaries")?;
        let num_bins = config.size("num_bins")?;
        if bin_boundaries.is_none() && num_bins.is_none() {
            return Err(config.wrong("bin_boundaries", "given where `num_bins` is not"));
        }
        super::refuse_sparse(config)?;
        Ok(Discretization {
            bin_boundaries,
            num_bins,
            epsilon: config.number_or("epsilon", 0.01)?,
            output_mode: OutputMode::read(config)?.unwrap_or(OutputMode::Int),
        })
    }

    fn boundaries(&self) -> Result<&[f64]> {
        self.bin_boundaries.as_deref().ok_or_else(|| Error::NotReady {
            what: "Discretization has no boundaries yet".to_string(),
            fix: "Call `adapt` with data first, or give the boundaries".to_string(),
        })
    }
}

impl Layer for Discretization {
    fn class_name(&self) -> &str {
        "Discretization"
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        config.insert("bin_boundaries".into(), json!(self.bin_boundaries));
        config.insert("num_bins".into(), json!(self.num_bins));
        config.insert("epsilon".into(), json!(self.epsilon));
        config.insert("output_mode".into(), json!(self.output_mode.name()));
        config.insert("sparse".into(), json!(false));
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], _: &mut Weights) -> Result<()> {
        only(inputs)?;
        self.output_mode.check("Discretization", &MODES)?;
        let boundaries = self.boundaries()?;
        if boundaries.windows(2).any(|pair| pair[0] > pair[1]) {
            let needed = "in ascending order";
            return Err(Error::config("Discretization", "bin_boundaries", json!(boundaries), needed));
        }
        Ok(())
    }

    fn call<'b>(&self, _: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?.cast(DType::F32);
        let boundaries = self.boundaries()?;
        let bins = if boundaries.is_empty() {
            x.full_like(0.0).cast(DType::I32)
        } else {
            let row: Vec<f32> = boundaries.iter().map(|&boundary| boundary as f32).collect();
            let shape: Vec<usize> = x.shape().iter().copied().chain([row.len()]).collect();
            let row = x.constant(Tensor::vector(row)).broadcast_leading(&shape.into());
            x.expand(x.rank()).ge(row).cast(DType::I32).sum(&[x.rank()])
        };
        Ok(vec![self.output_mode.encode(bins, boundaries.len() + 1, None)?])
    }
}
