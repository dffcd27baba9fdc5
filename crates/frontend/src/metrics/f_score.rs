//! F scores: precision and recall in one number for each class.

use cornu_ir::ops::Reduction;
use cornu_ir::{DType, Expr, Type, derived};
use serde_json::{Map, Value, json};

use crate::EPSILON;
use crate::config::Arguments;
use crate::error::{Error, Result};
use crate::losses;
use crate::metrics::mean::{config, variables};
use crate::metrics::naming::name_builder;
use crate::metrics::{Direction, Metric, StateSpec, weights};

/// How the scores of classes become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Average {
    /// All classes are counted together.
    Micro,
    /// The mean of the classes' scores.
    Macro,
    /// The mean weighted by how often each class is a label.
    Weighted,
}

impl Average {
    const ALL: [Average; 3] = [Average::Micro, Average::Macro, Average::Weighted];

    /// Keras's word.
    pub fn name(self) -> &'static str {
        match self {
            Average::Micro => "micro",
            Average::Macro => "macro",
            Average::Weighted => "weighted",
        }
    }

    fn from_config(arguments: &Arguments) -> Result<Option<Average>> {
        let Some(word) = arguments.text("average")? else { return Ok(None) };
        let found = Average::ALL.into_iter().find(|average| average.name() == word);
        found.map(Some).ok_or_else(|| arguments.wrong("average", "micro, macro, weighted or null"))
    }
}

/// (1 + β²)·precision·recall / (β²·precision + recall): recall counts β times as much as precision.
///
/// Labels and predictions are `[batch, classes]`, the result `[classes]`, or a number with `average`. Without a
/// threshold the likeliest class of each sample counts as predicted.
#[derive(Clone, Debug, PartialEq)]
pub struct FBetaScore {
    name: Option<String>,
    average: Option<Average>,
    beta: f64,
    threshold: Option<f64>,
}

impl FBetaScore {
    /// With β = 1, for each class.
    pub fn new() -> FBetaScore {
        FBetaScore { name: None, average: None, beta: 1.0, threshold: None }
    }

    name_builder!(FBetaScore);

    /// How the scores of classes become one.
    pub fn average(mut self, average: Average) -> FBetaScore {
        self.average = Some(average);
        self
    }

    /// How much more recall counts than precision; above 0.
    pub fn beta(mut self, beta: f64) -> FBetaScore {
        self.beta = beta;
        self
    }

    /// What a prediction must be above to count as 1; above 0, at most 1.
    pub fn threshold(mut self, threshold: f64) -> FBetaScore {
        self.threshold = Some(threshold);
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<FBetaScore> {
        Ok(FBetaScore {
            name: None,
            average: Average::from_config(arguments)?,
            beta: arguments.number_or("beta", 1.0)?,
            threshold: arguments.number("threshold")?,
        })
    }

    fn check(&self) -> Result<()> {
        if self.beta.is_nan() || self.beta <= 0.0 {
            return Err(Error::config("FBetaScore", "beta", self.beta, "a number above 0"));
        }
        match self.threshold.filter(|&threshold| !(threshold > 0.0 && threshold <= 1.0)) {
            Some(threshold) => {
                Err(Error::config("FBetaScore", "threshold", threshold, "above 0 and at most 1"))
            }
            None => Ok(()),
        }
    }

    /// 1 for what counts as predicted.
    fn decided<'b>(&self, p: Expr<'b>) -> Expr<'b> {
        let chosen = match self.threshold {
            Some(threshold) => p.gt(p.number(threshold)),
            None => {
                let largest = p.reduce(Reduction::Max, &[1]).expand(1);
                p.ge(largest).and(p.abs().gt(p.number(1e-9)))
            }
        };
        chosen.cast(DType::F32)
    }
}

impl Default for FBetaScore {
    fn default() -> FBetaScore {
        FBetaScore::new()
    }
}

impl Metric for FBetaScore {
    fn class_name(&self) -> &str {
        "FBetaScore"
    }

    fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| "fbeta_score".into())
    }

    fn config(&self) -> Map<String, Value> {
        let average = self.average.map(Average::name);
        let arguments =
            [("average", json!(average)), ("beta", json!(self.beta)), ("threshold", json!(self.threshold))];
        config(&self.name(), arguments)
    }

    fn state(&self, y_pred: &Type) -> Result<Vec<StateSpec>> {
        self.check()?;
        let classes = columns(&self.name(), y_pred)?;
        let shape = if self.average == Some(Average::Micro) { vec![] } else { vec![classes] };
        let names = ["true_positives", "false_positives", "false_negatives", "intermediate_weights"];
        Ok(names.map(|name| StateSpec::zeros(name, shape.clone())).into())
    }

    fn update<'b>(
        &self,
        state: &[Expr<'b>],
        y_true: Expr<'b>,
        y_pred: Expr<'b>,
        sample_weight: Option<Expr<'b>>,
    ) -> Result<Vec<Expr<'b>>> {
        let name = self.name();
        let [tp, fp, fn_, labelled] = variables(&name, state)?;
        let (t, p) = losses::paired(&name, y_true, y_pred)?;
        columns(&name, &p.ty())?;
        let (t, p) = (t.cast(DType::F32), self.decided(p.cast(DType::F32)));
        let weight = sample_weight.map(|weight| weights::for_each(&name, weight, p)).transpose()?;
        let axes: &[usize] = if self.average == Some(Average::Micro) { &[0, 1] } else { &[0] };
        let sum = |x: Expr<'b>| weight.map_or(x, |weight| x * weight).sum(axes);
        Ok(vec![tp + sum(p * t), fp + sum(p * (1.0 - t)), fn_ + sum((1.0 - p) * t), labelled + sum(t)])
    }

    fn result<'b>(&self, state: &[Expr<'b>]) -> Result<Expr<'b>> {
        let [tp, fp, fn_, labelled] = variables(&self.name(), state)?;
        let (precision, recall) = (tp / (tp + fp + EPSILON), tp / (tp + fn_ + EPSILON));
        let square = self.beta * self.beta;
        let score = precision * recall / (precision * square + recall + EPSILON) * (1.0 + square);
        Ok(match self.average {
            None | Some(Average::Micro) => score,
            Some(Average::Macro) => derived::mean_all(score),
            Some(Average::Weighted) => (score * (labelled / (labelled.sum_all() + EPSILON))).sum_all(),
        })
    }

    fn direction(&self) -> Direction {
        Direction::Up
    }
}

/// The number of columns of predictions `[batch, columns]`.
pub(super) fn columns(metric: &str, y_pred: &Type) -> Result<usize> {
    match *y_pred.shape {
        [_, columns] => Ok(columns),
        _ => {
            let needed = "predictions `[batch, columns]`".to_string();
            Err(Error::Shape { what: metric.into(), needed, got: y_pred.clone() })
        }
    }
}

/// The harmonic mean of precision and recall: [`FBetaScore`] with β = 1.
#[derive(Clone, Debug, PartialEq)]
pub struct F1Score(FBetaScore);

impl F1Score {
    /// For each class.
    pub fn new() -> F1Score {
        F1Score(FBetaScore::new().name("f1_score"))
    }

    /// The name that reports show.
    pub fn name(self, name: impl Into<String>) -> F1Score {
        F1Score(self.0.name(name))
    }

    /// How the scores of classes become one.
    pub fn average(self, average: Average) -> F1Score {
        F1Score(self.0.average(average))
    }

    /// What a prediction must be above to count as 1; above 0, at most 1.
    pub fn threshold(self, threshold: f64) -> F1Score {
        F1Score(self.0.threshold(threshold))
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<F1Score> {
        let score = FBetaScore::from_config(arguments)?;
        Ok(F1Score(FBetaScore { beta: 1.0, ..score }.name("f1_score")))
    }
}

impl Default for F1Score {
    fn default() -> F1Score {
        F1Score::new()
    }
}

impl Metric for F1Score {
    fn class_name(&self) -> &str {
        "F1Score"
    }

    fn name(&self) -> String {
        Metric::name(&self.0)
    }

    fn config(&self) -> Map<String, Value> {
        let mut config = self.0.config();
        config.shift_remove("beta");
        config
    }

    fn state(&self, y_pred: &Type) -> Result<Vec<StateSpec>> {
        self.0.state(y_pred)
    }

    fn update<'b>(
        &self,
        state: &[Expr<'b>],
        y_true: Expr<'b>,
        y_pred: Expr<'b>,
        sample_weight: Option<Expr<'b>>,
    ) -> Result<Vec<Expr<'b>>> {
        self.0.update(state, y_true, y_pred, sample_weight)
    }

    fn result<'b>(&self, state: &[Expr<'b>]) -> Result<Expr<'b>> {
        self.0.result(state)
    }

    fn direction(&self) -> Direction {
        Direction::Up
    }
}
