//! Mean and Sum: what most metrics add up.

use cornu_ir::{DType, Expr, Type, derived};
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::losses::divide_no_nan;
use crate::metrics::{Metric, StateSpec};
use crate::shapes::same_rank;

/// The weighted mean of values: Σ(w·v)/Σw, and 0 before the first.
///
/// As a metric of a model it is the mean of the predictions.
#[derive(Clone, Debug, PartialEq)]
pub struct Mean {
    name: String,
}

impl Mean {
    /// With a name.
    pub fn new(name: impl Into<String>) -> Mean {
        Mean { name: name.into() }
    }

    /// The variables after values of the shape `[batch, …]`, each sample of which counts once, or by its weight.
    pub fn update_values<'b>(
        &self,
        state: &[Expr<'b>],
        values: Expr<'b>,
        sample_weight: Option<Expr<'b>>,
    ) -> Result<Vec<Expr<'b>>> {
        let [total, count] = variables(&self.name, state)?;
        let (values, weight) = samplewise(&self.name, values, sample_weight, derived::mean)?;
        let samples = match weight {
            Some(weight) => weight.sum_all(),
            None => count.number(values.shape().first().copied().unwrap_or(1) as f64),
        };
        Ok(vec![total + values.sum_all(), count + samples])
    }

    /// The variables of every mean.
    pub(super) fn variables() -> Vec<StateSpec> {
        vec![StateSpec::scalar("total"), StateSpec::scalar("count")]
    }
}

impl Default for Mean {
    fn default() -> Mean {
        Mean::new("mean")
    }
}

impl Metric for Mean {
    fn class_name(&self) -> &str {
        "Mean"
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn config(&self) -> Map<String, Value> {
        config(&self.name, [])
    }

    fn state(&self, _: &Type) -> Result<Vec<StateSpec>> {
        Ok(Mean::variables())
    }

    fn update<'b>(
        &self,
        state: &[Expr<'b>],
        _: Expr<'b>,
        y_pred: Expr<'b>,
        sample_weight: Option<Expr<'b>>,
    ) -> Result<Vec<Expr<'b>>> {
        self.update_values(state, y_pred, sample_weight)
    }

    fn result<'b>(&self, state: &[Expr<'b>]) -> Result<Expr<'b>> {
        let [total, count] = variables(&self.name, state)?;
        Ok(divide_no_nan(total, count))
    }
}

/// The weighted sum of values. As a metric of a model it is the sum of the predictions.
#[derive(Clone, Debug, PartialEq)]
pub struct Sum {
    name: String,
}

impl Sum {
    /// With a name.
    pub fn new(name: impl Into<String>) -> Sum {
        Sum { name: name.into() }
    }
}

impl Default for Sum {
    fn default() -> Sum {
        Sum::new("sum")
    }
}

impl Metric for Sum {
    fn class_name(&self) -> &str {
        "Sum"
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn config(&self) -> Map<String, Value> {
        config(&self.name, [])
    }

    fn state(&self, _: &Type) -> Result<Vec<StateSpec>> {
        Ok(vec![StateSpec::scalar("total")])
    }

    fn update<'b>(
        &self,
        state: &[Expr<'b>],
        _: Expr<'b>,
        y_pred: Expr<'b>,
        sample_weight: Option<Expr<'b>>,
    ) -> Result<Vec<Expr<'b>>> {
        let [total] = variables(&self.name, state)?;
        let (values, _) = samplewise(&self.name, y_pred, sample_weight, |x, axes| x.sum(axes))?;
        Ok(vec![total + values.sum_all()])
    }

    fn result<'b>(&self, state: &[Expr<'b>]) -> Result<Expr<'b>> {
        let [total] = variables(&self.name, state)?;
        Ok(total)
    }
}

/// The variables of a metric, which must be as many as its `state` says.
pub(super) fn variables<'b, const N: usize>(metric: &str, state: &[Expr<'b>]) -> Result<[Expr<'b>; N]> {
    state.try_into().map_err(|_| Error::config(metric, "state", state.len(), format!("{N} variables")))
}

/// What Keras writes of a metric.
pub(super) fn config<const N: usize>(name: &str, arguments: [(&str, Value); N]) -> Map<String, Value> {
    let common = [("name", json!(name)), ("dtype", json!("float32"))];
    common.into_iter().chain(arguments).map(|(key, value)| (key.to_string(), value)).collect()
}

/// One value for each sample, times its weight, and the weights. Axes beyond those of the weights are reduced before
/// the product, the others after it.
fn samplewise<'b>(
    what: &str,
    values: Expr<'b>,
    weight: Option<Expr<'b>>,
    reduce: fn(Expr<'b>, &[usize]) -> Expr<'b>,
) -> Result<(Expr<'b>, Option<Expr<'b>>)> {
    let beyond = |x: Expr<'b>, first: usize| {
        let axes: Vec<usize> = (first..x.rank()).collect();
        if axes.is_empty() { x } else { reduce(x, &axes) }
    };
    let values = values.cast(DType::F32);
    let Some(weight) = weight else { return Ok((beyond(values, 1), None)) };
    let (values, weight) = same_rank(values, weight.cast(DType::F32));
    let values = beyond(values, weight.rank());
    let stretches = |(&own, &given): (&usize, &usize)| given == own || given == 1;
    let (own, given) = (values.shape(), weight.shape());
    if own.rank() != given.rank() || !own.iter().zip(given.iter()).all(stretches) {
        return Err(Error::Shapes {
            what: format!("{what}: sample_weight against the values of the samples"),
            left: weight.ty().into(),
            right: values.ty().into(),
            fix: "Give one weight for each sample".into(),
        });
    }
    let weight = values.full_like(1.0) * weight;
    Ok((beyond(values * weight, 1), Some(beyond(weight, 1))))
}
