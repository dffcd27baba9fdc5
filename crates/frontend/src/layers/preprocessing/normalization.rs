//! Normalization: to mean 0 and variance 1, by the statistics of the data. Keras: `Normalization`.

use std::sync::Arc;

use cornu_ir::{DType, Expr, Shape, Type};
use serde_json::{Value, json};

use super::super::{Config, Context, Layer, LayerConfig, Spec, Weights, only};
use super::moments::Moments;
use super::output_mode::built;
use crate::EPSILON;
use crate::error::{Error, Result};
use crate::initializers::{Constant, Initializer, Ones, Zeros};
use crate::training::IntoTensor;

/// `(x - mean) / max(√variance, 1e-7)`, with a mean and a variance for each place of the axes kept; or back.
///
/// The statistics are given as numbers, or found by [`Normalization::adapt`] and held as variables that training
/// leaves alone: `mean` and `variance` of the kept axes' sizes, then `count`.
///
/// ```
/// use cornu::{Dense, Input, Sequential, layers::Normalization};
/// use ndarray::array;
///
/// let x = array![[1.0_f32, 20.0], [3.0, 40.0]];
/// let normalization = Normalization::new().adapt(&x)?;
/// let mut model = Sequential::new().add(Input::new([2])).add(normalization).build()?;
/// assert_eq!(model.predict(&x)?, array![[-1.0_f32, -1.0], [1.0, 1.0]].into_dyn());
/// # Ok::<(), cornu::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Normalization {
    axis: Vec<i64>,
    given: Option<(Statistic, Statistic)>,
    invert: bool,
    adapted: Option<Moments>,
}

/// A number, or numbers along the kept axes.
#[derive(Clone, Debug, PartialEq)]
struct Statistic {
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Normalization {
    /// Statistics for each place of the last axis.
    pub fn new() -> Normalization {
        Normalization { axis: vec![-1], given: None, invert: false, adapted: None }
    }

    /// The axes that keep statistics of their own; none for one mean and one variance of all numbers.
    pub fn axis(mut self, axes: impl Into<Vec<i64>>) -> Normalization {
        self.axis = axes.into();
        self
    }

    /// The statistics as numbers, one each for all or one for each place of the kept axis.
    pub fn statistics(mut self, mean: impl Into<Vec<f64>>, variance: impl Into<Vec<f64>>) -> Normalization {
        self.given = Some((Statistic::new(mean.into()), Statistic::new(variance.into())));
        self
    }

    /// From normalized numbers back to what they came from.
    pub fn invert(mut self, invert: bool) -> Normalization {
        self.invert = invert;
        self
    }

    /// With the mean and the variance of these data, whose first axis is the batch.
    pub fn adapt(self, data: impl IntoTensor) -> Result<Normalization> {
        self.adapt_batches([data])
    }

    /// [`Normalization::adapt`] on data that come in batches, of which one at a time is in memory.
    pub fn adapt_batches<T: IntoTensor>(
        mut self,
        batches: impl IntoIterator<Item = T>,
    ) -> Result<Normalization> {
        if self.given.is_some() {
            let needed = "left out for a layer that is adapted";
            return Err(Error::config("Normalization", "mean", "given", needed));
        }
        let mut moments: Option<Moments> = None;
        for batch in batches {
            let batch = batch.into_tensor();
            let kept = self.kept(batch.shape().rank())?;
            moments.get_or_insert_with(|| Moments::new(&batch, &kept)).add(&batch, &kept)?;
        }
        self.adapted = Some(moments.ok_or_else(|| Error::Data {
            what: "Normalization: `adapt` needs at least one batch; it got none".to_string(),
        })?);
        Ok(self)
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<Normalization> {
        let axis = match config.is_null("axis") {
            true => Vec::new(),
            false => config.integers("axis")?.unwrap_or_else(|| vec![-1]),
        };
        let given = match (Statistic::read(config, "mean")?, Statistic::read(config, "variance")?) {
            (Some(mean), Some(variance)) => Some((mean, variance)),
            (None, None) => None,
            (Some(_), None) => return Err(config.wrong("variance", "given where `mean` is")),
            (None, Some(_)) => return Err(config.wrong("mean", "given where `variance` is")),
        };
        Ok(Normalization { axis, given, invert: config.boolean_or("invert", false)?, adapted: None })
    }

    /// The kept axes of an input of this rank, ascending.
    fn kept(&self, rank: usize) -> Result<Vec<usize>> {
        let counted = |&axis: &i64| {
            let counted = if axis < 0 { axis + rank as i64 } else { axis };
            let needed = format!("axes of an input of rank {rank}, which go from -{rank} to {rank} - 1");
            usize::try_from(counted)
                .ok()
                .filter(|&axis| axis < rank)
                .ok_or_else(|| Error::config("Normalization", "axis", json!(self.axis), needed))
        };
        let mut axes = self.axis.iter().map(counted).collect::<Result<Vec<_>>>()?;
        axes.sort_unstable();
        axes.dedup();
        Ok(axes)
    }

    /// The sizes of the kept axes.
    fn sizes(&self, input: &Spec) -> Result<Vec<usize>> {
        let kept = self.kept(input.rank())?;
        let sizes: Option<Vec<usize>> = kept.iter().map(|&axis| input.shape[axis]).collect();
        sizes.ok_or_else(|| {
            let needed = format!("axes of known size; the input is {input}");
            Error::config("Normalization", "axis", json!(self.axis), needed)
        })
    }

    fn add_weights(&self, sizes: &[usize], weights: &mut Weights) -> Result<()> {
        let (mean, variance): (Arc<dyn Initializer>, Arc<dyn Initializer>) = match &self.adapted {
            None => (Arc::new(Zeros), Arc::new(Ones)),
            Some(moments) if moments.sizes() != sizes => {
                let reason = format!(
                    "was adapted to data of sizes {:?} on its axes {:?}; the input has {sizes:?} there",
                    moments.sizes(),
                    self.axis
                );
                return Err(Error::Layer { path: String::new(), reason });
            }
            Some(moments) => {
                (Arc::new(Constant::array(moments.mean())), Arc::new(Constant::array(moments.variance())))
            }
        };
        weights.add("mean", sizes.to_vec(), mean)?.non_trainable();
        weights.add("variance", sizes.to_vec(), variance)?.non_trainable();
        let count = Type::new(DType::I32, Shape::scalar());
        weights.add_typed("count", count, Arc::new(Zeros))?.non_trainable();
        Ok(())
    }
}

impl Default for Normalization {
    fn default() -> Normalization {
        Normalization::new()
    }
}

impl Statistic {
    /// A list of one number stands for that number.
    fn new(values: Vec<f64>) -> Statistic {
        let shape = if values.len() == 1 { Vec::new() } else { vec![values.len()] };
        Statistic { shape, values }
    }

    fn read(config: &LayerConfig<'_>, key: &str) -> Result<Option<Statistic>> {
        let value = config.value(key).map(|value| value.pointer("/config/value").unwrap_or(value));
        let needed = "a number or nested lists of numbers of one length each";
        value.map(|value| Statistic::nested(value).ok_or_else(|| config.wrong(key, needed))).transpose()
    }

    fn nested(value: &Value) -> Option<Statistic> {
        let Value::Array(items) = value else {
            return Some(Statistic { shape: Vec::new(), values: vec![value.as_f64()?] });
        };
        let items = items.iter().map(Statistic::nested).collect::<Option<Vec<_>>>()?;
        let inner = items.first().map_or(Vec::new(), |first| first.shape.clone());
        if items.iter().any(|item| item.shape != inner) {
            return None;
        }
        let shape = [items.len()].into_iter().chain(inner).collect();
        Some(Statistic { shape, values: items.into_iter().flat_map(|item| item.values).collect() })
    }

    fn json(&self) -> Value {
        fn nested(shape: &[usize], values: &[f64]) -> Value {
            match shape {
                [] => json!(values[0]),
                [_, inner @ ..] => {
                    let size = inner.iter().product::<usize>().max(1);
                    Value::Array(values.chunks(size).map(|chunk| nested(inner, chunk)).collect())
                }
            }
        }
        nested(&self.shape, &self.values)
    }

    fn check(&self, key: &str, sizes: &[usize]) -> Result<()> {
        let last = &sizes[sizes.len().saturating_sub(self.shape.len())..];
        let fits = |(&own, &size): (&usize, &usize)| own == size || own == 1;
        if self.shape.len() <= sizes.len() && self.shape.iter().zip(last).all(fits) {
            return Ok(());
        }
        let needed = format!("a number, or numbers of the shape {sizes:?} of the kept axes");
        Err(Error::config("Normalization", key, self.json(), needed))
    }

    /// Over the input: the shape's axes are the last of the kept ones.
    fn over<'b>(&self, x: Expr<'b>, kept: &[usize]) -> Expr<'b> {
        let mut shape = vec![1; x.rank()];
        let own = kept.iter().rev().zip(self.shape.iter().rev());
        own.for_each(|(&axis, &size)| shape[axis] = size);
        x.constant(built(shape, self.values.iter().map(|&value| value as f32).collect())).cast(x.dtype())
    }
}

impl Layer for Normalization {
    fn class_name(&self) -> &str {
        "Normalization"
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        config.insert("axis".into(), json!(self.axis));
        config.insert("invert".into(), json!(self.invert));
        let given = self.given.as_ref();
        config.insert("mean".into(), given.map_or(Value::Null, |(mean, _)| mean.json()));
        config.insert("variance".into(), given.map_or(Value::Null, |(_, variance)| variance.json()));
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        let sizes = self.sizes(&only(inputs)?)?;
        match &self.given {
            None => self.add_weights(&sizes, weights),
            Some((mean, variance)) if mean.shape != variance.shape => {
                let needed = format!("of the shape {:?} of `mean`", mean.shape);
                Err(Error::config("Normalization", "variance", variance.json(), needed))
            }
            Some((mean, variance)) => {
                mean.check("mean", &sizes)?;
                variance.check("variance", &sizes)
            }
        }
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?.cast(context.compute_dtype());
        let kept = self.kept(x.rank())?;
        let (mean, variance) = match &self.given {
            Some((mean, variance)) => (mean.over(x, &kept), variance.over(x, &kept)),
            None => {
                let over = |weight: Expr<'b>| weight.broadcast(x.shape(), &kept);
                (over(context.weight("mean")?), over(context.weight("variance")?))
            }
        };
        let deviation = variance.sqrt();
        let deviation = deviation.max(deviation.number(EPSILON));
        Ok(vec![if self.invert { mean + x * deviation } else { (x - mean) / deviation }])
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
