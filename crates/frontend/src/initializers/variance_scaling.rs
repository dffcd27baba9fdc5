//! VarianceScaling and its six named cases: random values as wide as the shape of the weight asks for.

use std::sync::Arc;

use cornu_ir::{Tensor, Type};
use serde_json::{Map, Value, json};

use crate::config::Arguments;
use crate::error::{Error, Result};
use crate::initializers::Initializer;
use crate::initializers::draws::{self, Draws};
use crate::initializers::random::{config, drawn};

/// Which count of connections the variance is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Inputs of a unit: keeps the variance going forward.
    FanIn,
    /// Outputs of a unit: keeps the variance going backward.
    FanOut,
    /// Their mean.
    FanAvg,
}

impl Mode {
    const ALL: [Mode; 3] = [Mode::FanIn, Mode::FanOut, Mode::FanAvg];

    /// Keras's word.
    pub fn name(self) -> &'static str {
        match self {
            Mode::FanIn => "fan_in",
            Mode::FanOut => "fan_out",
            Mode::FanAvg => "fan_avg",
        }
    }
}

/// How values are spread about 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Normal without what lies beyond two standard deviations.
    TruncatedNormal,
    /// Normal.
    UntruncatedNormal,
    /// Uniform.
    Uniform,
}

impl Distribution {
    const ALL: [Distribution; 3] =
        [Distribution::TruncatedNormal, Distribution::UntruncatedNormal, Distribution::Uniform];

    /// Keras's word.
    pub fn name(self) -> &'static str {
        match self {
            Distribution::TruncatedNormal => "truncated_normal",
            Distribution::UntruncatedNormal => "untruncated_normal",
            Distribution::Uniform => "uniform",
        }
    }
}

/// Values with mean 0 and variance `scale / fan`.
///
/// A weight `[…, in, out]` has fan_in = in·r and fan_out = out·r, with r the product of the leading sizes (a kernel's
/// window). He et al. 2015, <https://arxiv.org/abs/1502.01852>; Glorot, Bengio 2010.
#[derive(Clone, Debug, PartialEq)]
pub struct VarianceScaling {
    scale: f64,
    mode: Mode,
    distribution: Distribution,
    seed: Option<i64>,
    axes: Option<(Vec<i64>, Vec<i64>)>,
}

impl VarianceScaling {
    /// With Keras's defaults: scale 1, fan_in, truncated normal.
    pub fn new() -> VarianceScaling {
        VarianceScaling::of(1.0, Mode::FanIn, Distribution::TruncatedNormal)
    }

    fn of(scale: f64, mode: Mode, distribution: Distribution) -> VarianceScaling {
        VarianceScaling { scale, mode, distribution, seed: None, axes: None }
    }

    /// The variance times the fan.
    pub fn scale(mut self, scale: f64) -> VarianceScaling {
        self.scale = scale;
        self
    }

    /// Which fan.
    pub fn mode(mut self, mode: Mode) -> VarianceScaling {
        self.mode = mode;
        self
    }

    /// Which distribution.
    pub fn distribution(mut self, distribution: Distribution) -> VarianceScaling {
        self.distribution = distribution;
        self
    }

    /// The same values at every call.
    pub fn seed(mut self, seed: i64) -> VarianceScaling {
        self.seed = Some(seed);
        self
    }

    /// The axes of the weight whose sizes multiply to fan_in and to fan_out, where the rule for `[…, in, out]` is not
    /// right: projections of an attention, for example.
    pub fn axes(mut self, input: impl Into<Vec<i64>>, output: impl Into<Vec<i64>>) -> VarianceScaling {
        self.axes = Some((input.into(), output.into()));
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<VarianceScaling> {
        let scale = arguments.number_or("scale", 1.0)?;
        if scale <= 0.0 {
            return Err(arguments.wrong("scale", "above 0"));
        }
        let mode = arguments.text("mode")?.unwrap_or("fan_in");
        let mode = Mode::ALL.into_iter().find(|known| known.name() == mode);
        let distribution = arguments.text("distribution")?.unwrap_or("truncated_normal").to_lowercase();
        // Up to Keras 2.2 there was one normal distribution, the truncated one.
        let distribution = if distribution == "normal" { "truncated_normal".into() } else { distribution };
        let distribution = Distribution::ALL.into_iter().find(|known| known.name() == distribution);
        let needed = "one of truncated_normal, untruncated_normal, uniform";
        VarianceScaling {
            scale,
            mode: mode.ok_or_else(|| arguments.wrong("mode", "one of fan_in, fan_out, fan_avg"))?,
            distribution: distribution.ok_or_else(|| arguments.wrong("distribution", needed))?,
            seed: None,
            axes: None,
        }
        .common_from_config(arguments)
    }

    fn common_from_config(mut self, arguments: &Arguments) -> Result<VarianceScaling> {
        self.seed = draws::seed(arguments)?;
        self.axes = arguments.integers("input_axes")?.zip(arguments.integers("output_axes")?);
        Ok(self)
    }

    /// What the whole family has. Axes are newer than Keras 3.0, which refuses keys it does not know.
    fn common_config(&self) -> Map<String, Value> {
        let mut common = config(self.seed, []);
        if let Some((input, output)) = &self.axes {
            common.insert("input_axes".into(), json!(input));
            common.insert("output_axes".into(), json!(output));
        }
        common
    }

    /// fan_in and fan_out of a weight.
    fn fans(&self, ty: &Type) -> Result<(f64, f64)> {
        let product = |sizes: &[usize]| sizes.iter().map(|&size| size as f64).product::<f64>();
        if let Some((input, output)) = &self.axes {
            let along = |axes: &[i64]| {
                let sizes: Option<Vec<usize>> = axes.iter().map(|&axis| size_of(ty, axis)).collect();
                let needed = || format!("a weight with the axes {axes:?}");
                let shape =
                    || Error::Shape { what: self.class_name().into(), needed: needed(), got: ty.clone() };
                sizes.map(|sizes| product(&sizes)).ok_or_else(shape)
            };
            return Ok((along(input)?, along(output)?));
        }
        Ok(match &ty.shape[..] {
            [] => (1.0, 1.0),
            [n] => (*n as f64, *n as f64),
            [window @ .., input, output] => {
                (*input as f64 * product(window), *output as f64 * product(window))
            }
        })
    }

    fn values(&self, ty: &Type, seed: u64) -> Result<Tensor> {
        // The standard deviation of a standard normal cut off at ±2.
        const TRUNCATED_STDDEV: f64 = 0.879_625_661_034_239_8;
        let (fan_in, fan_out) = self.fans(ty)?;
        let fan = match self.mode {
            Mode::FanIn => fan_in,
            Mode::FanOut => fan_out,
            Mode::FanAvg => (fan_in + fan_out) / 2.0,
        };
        let variance = self.scale / fan.max(1.0);
        let (width, draw): (f64, fn(&mut Draws) -> f64) = match self.distribution {
            Distribution::TruncatedNormal => (variance.sqrt() / TRUNCATED_STDDEV, Draws::truncated_normal),
            Distribution::UntruncatedNormal => (variance.sqrt(), Draws::normal),
            Distribution::Uniform => ((3.0 * variance).sqrt(), |draws| 2.0 * draws.uniform() - 1.0),
        };
        Ok(drawn(ty, self.seed, seed, |draws| width * draw(draws)))
    }
}

/// The size of an axis, counted from the end where negative.
fn size_of(ty: &Type, axis: i64) -> Option<usize> {
    let axis = if axis < 0 { axis + ty.shape.rank() as i64 } else { axis };
    ty.shape.get(usize::try_from(axis).ok()?).copied()
}

impl Default for VarianceScaling {
    fn default() -> VarianceScaling {
        VarianceScaling::new()
    }
}

impl Initializer for VarianceScaling {
    fn class_name(&self) -> &str {
        "VarianceScaling"
    }

    fn config(&self) -> Map<String, Value> {
        let mut config = config(
            self.seed,
            [
                ("scale", json!(self.scale)),
                ("mode", json!(self.mode.name())),
                ("distribution", json!(self.distribution.name())),
            ],
        );
        config.extend(self.common_config());
        config
    }

    fn generate(&self, ty: &Type, seed: u64) -> Result<Tensor> {
        self.values(ty, seed)
    }

    fn with_axes(&self, input: &[i64], output: &[i64]) -> Option<Arc<dyn Initializer>> {
        self.axes.is_none().then(|| Arc::new(self.clone().axes(input, output)) as Arc<dyn Initializer>)
    }
}

/// Makes the named cases: VarianceScaling with all but the seed and the axes fixed.
macro_rules! cases {
    ($($(#[$doc:meta])* $class:ident = ($scale:literal, $mode:ident, $distribution:ident);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $class(VarianceScaling);

        impl $class {
            /// Without a seed of its own.
            pub fn new() -> $class {
                $class(VarianceScaling::of($scale, Mode::$mode, Distribution::$distribution))
            }

            /// The same values at every call.
            pub fn seed(self, seed: i64) -> $class {
                $class(self.0.seed(seed))
            }

            /// See [`VarianceScaling::axes`].
            pub fn axes(self, input: impl Into<Vec<i64>>, output: impl Into<Vec<i64>>) -> $class {
                $class(self.0.axes(input, output))
            }

            pub(super) fn from_config(arguments: &Arguments) -> Result<$class> {
                Ok($class($class::new().0.common_from_config(arguments)?))
            }
        }

        impl Default for $class {
            fn default() -> $class {
                $class::new()
            }
        }

        impl Initializer for $class {
            fn class_name(&self) -> &str {
                stringify!($class)
            }

            fn config(&self) -> Map<String, Value> {
                self.0.common_config()
            }

            fn generate(&self, ty: &Type, seed: u64) -> Result<Tensor> {
                self.0.values(ty, seed)
            }

            fn with_axes(&self, input: &[i64], output: &[i64]) -> Option<Arc<dyn Initializer>> {
                let unset = self.0.axes.is_none();
                unset.then(|| Arc::new(self.clone().axes(input, output)) as Arc<dyn Initializer>)
            }
        }
    )*};
}

cases! {
    /// Truncated normal with variance 2/(fan_in + fan_out).
    GlorotNormal = (1.0, FanAvg, TruncatedNormal);
    /// Uniform within ±√(6/(fan_in + fan_out)): the default of most kernels.
    GlorotUniform = (1.0, FanAvg, Uniform);
    /// Truncated normal with variance 2/fan_in: for relu.
    HeNormal = (2.0, FanIn, TruncatedNormal);
    /// Uniform within ±√(6/fan_in): for relu.
    HeUniform = (2.0, FanIn, Uniform);
    /// Truncated normal with variance 1/fan_in: for selu.
    LecunNormal = (1.0, FanIn, TruncatedNormal);
    /// Uniform within ±√(3/fan_in): for selu.
    LecunUniform = (1.0, FanIn, Uniform);
}
