//! R²: the share of the labels' variance that predictions explain.

use cornu_ir::{DType, Expr, Type, derived};
use serde_json::{Map, Value, json};

use crate::config::Arguments;
use crate::error::Result;
use crate::losses;
use crate::metrics::f_score::columns;
use crate::metrics::mean::{config, variables};
use crate::metrics::naming::{name_builder, own_name};
use crate::metrics::{Direction, Metric, StateSpec, weights};

/// How the scores of several columns become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClassAggregation {
    /// Their mean.
    #[default]
    UniformAverage,
    /// Their mean weighted by the variance of each column's labels.
    VarianceWeightedAverage,
    /// They stay apart.
    None,
}

impl ClassAggregation {
    const ALL: [ClassAggregation; 3] =
        [ClassAggregation::UniformAverage, ClassAggregation::VarianceWeightedAverage, ClassAggregation::None];

    /// Keras's word.
    fn name(self) -> Option<&'static str> {
        match self {
            ClassAggregation::UniformAverage => Some("uniform_average"),
            ClassAggregation::VarianceWeightedAverage => Some("variance_weighted_average"),
            ClassAggregation::None => None,
        }
    }

    fn from_config(arguments: &Arguments) -> Result<ClassAggregation> {
        if !arguments.has("class_aggregation") {
            return Ok(ClassAggregation::default());
        }
        let word = arguments.text("class_aggregation")?;
        let found = ClassAggregation::ALL.into_iter().find(|way| way.name() == word);
        let needed = "uniform_average, variance_weighted_average or null";
        found.ok_or_else(|| arguments.wrong("class_aggregation", needed))
    }
}

/// 1 - Σ(t - p)² / Σ(t - t̄)² for each column: 1 for perfect predictions, 0 for those that are always the mean label.
///
/// Labels and predictions are `[batch, columns]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct R2Score {
    name: Option<String>,
    class_aggregation: ClassAggregation,
    num_regressors: usize,
}

impl R2Score {
    /// The mean over the columns.
    pub fn new() -> R2Score {
        R2Score::default()
    }

    name_builder!(R2Score);

    /// How the scores of several columns become one.
    pub fn class_aggregation(mut self, aggregation: ClassAggregation) -> R2Score {
        self.class_aggregation = aggregation;
        self
    }

    /// With the number of inputs that the predictions are made from the score is adjusted for it; 0 for not at all.
    pub fn num_regressors(mut self, count: usize) -> R2Score {
        self.num_regressors = count;
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<R2Score> {
        Ok(R2Score {
            name: None,
            class_aggregation: ClassAggregation::from_config(arguments)?,
            num_regressors: arguments.size("num_regressors")?.unwrap_or(0),
        })
    }

    /// 1 - (1 - R²)·(n - 1)/(n - p - 1), where n counts labels, as Keras's does, and exceeds p + 1.
    fn adjusted<'b>(&self, score: Expr<'b>, labels: Expr<'b>) -> Expr<'b> {
        let (others, regressors) = (labels - 1.0, self.num_regressors as f64);
        let is_enough = others.gt(others.number(regressors));
        let left = is_enough.select(others - regressors, others.number(1.0));
        is_enough.select(1.0 - (1.0 - score) * others / left, score)
    }
}

impl Metric for R2Score {
    fn class_name(&self) -> &str {
        "R2Score"
    }

    own_name!(Metric);

    fn config(&self) -> Map<String, Value> {
        let arguments = [
            ("class_aggregation", json!(self.class_aggregation.name())),
            ("num_regressors", json!(self.num_regressors)),
        ];
        config(&Metric::name(self), arguments)
    }

    fn state(&self, y_pred: &Type) -> Result<Vec<StateSpec>> {
        let columns = columns(&Metric::name(self), y_pred)?;
        let each = ["squared_sum", "sum", "residual", "count"].map(|name| StateSpec::zeros(name, [columns]));
        Ok([StateSpec::scalar("num_samples")].into_iter().chain(each).collect())
    }

    fn update<'b>(
        &self,
        state: &[Expr<'b>],
        y_true: Expr<'b>,
        y_pred: Expr<'b>,
        sample_weight: Option<Expr<'b>>,
    ) -> Result<Vec<Expr<'b>>> {
        let name = Metric::name(self);
        let [labels, squared_sum, sum, residual, count] = variables(&name, state)?;
        let (t, p) = losses::paired(&name, y_true, y_pred)?;
        columns(&name, &p.ty())?;
        let (t, p) = (t.cast(DType::F32), p.cast(DType::F32));
        let weight = match sample_weight {
            Some(weight) => weights::for_each(&name, weight, p)?,
            None => p.full_like(1.0),
        };
        Ok(vec![
            labels + t.ty().elements() as f64,
            squared_sum + (t.square() * weight).sum(&[0]),
            sum + (t * weight).sum(&[0]),
            residual + ((t - p).square() * weight).sum(&[0]),
            count + weight.sum(&[0]),
        ])
    }

    fn result<'b>(&self, state: &[Expr<'b>]) -> Result<Expr<'b>> {
        let [labels, squared_sum, sum, residual, count] = variables(&Metric::name(self), state)?;
        let total = squared_sum - sum * (sum / count);
        let scores = 1.0 - residual / total;
        let is_infinite = scores.abs().eq(scores.number(f64::INFINITY));
        let scores = is_infinite.select(scores.number(0.0), scores);
        let score = match self.class_aggregation {
            ClassAggregation::UniformAverage => derived::mean_all(scores),
            ClassAggregation::VarianceWeightedAverage => (total * scores).sum_all() / total.sum_all(),
            ClassAggregation::None => scores,
        };
        Ok(if self.num_regressors == 0 { score } else { self.adjusted(score, labels) })
    }

    fn direction(&self) -> Direction {
        Direction::Up
    }
}
