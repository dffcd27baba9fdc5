//! The part of the page on losses and metrics.

use std::sync::Arc;

use serde_json::json;

use super::{arguments, code, row};
use crate::error::Result;
use crate::identifier::Identifier;
use crate::losses::{self, loss_names};
use crate::metrics::{self, Direction, Metric, metric_names};

const LOSSES: &str = "
All have the arguments `name` and `reduction`. A loss is named by its class, by the class in snake case, or by one of
its other names, these also in upper case; `crossentropy` means the one that fits labels and predictions. Labels and
predictions whose shapes only broadcasting would fit are refused. `losses::from_fn` makes a loss of a function;
`losses::register_fn` and `losses::register` let files name your own.

| Class | Other names | Arguments of its own |
|---|---|---|
";

const METRICS: &str = "
All have the argument `name`. They are named as losses are; `accuracy` means the one that fits labels and predictions.
A result of several numbers is reported part by part: `f1_score[0]`, `f1_score[1]`. As in Keras, what a mask hides is
left out of means (in training as well, where Keras on JAX forgets the mask) and counts in all others.
`metrics::from_fn` makes a metric of a function; `losses::register_fn` and `metrics::register` let files name your
own.

| Class | Other names | Arguments of its own | Better | Different from Keras |
|---|---|---|---|---|
";

/// What is different from Keras on purpose, class by class.
const DEVIATIONS: [(&str, &str); 3] = [
    (
        "IoU MeanIoU BinaryIoU OneHotIoU OneHotMeanIoU",
        "the weight of a sample is that of all its places, where Keras takes a weight for each place alone",
    ),
    ("Mean Sum", "as a metric of a model: of the predictions"),
    ("MeanMetricWrapper", "wraps any loss, or a function of your own"),
];

/// Losses with their arguments, then metrics.
pub(super) fn write(text: &mut String) -> Result<()> {
    *text += "\n## Losses\n";
    *text += LOSSES;
    for (class, others) in loss_names() {
        row(text, [code([class]), code(others), arguments(&losses::get(class)?.arguments())]);
    }
    *text += "\n## Metrics\n";
    *text += METRICS;
    for (class, others) in metric_names() {
        let metric = metric(class)?;
        let mut own = metric.config();
        own.retain(|key, _| !["name", "dtype"].contains(&&**key));
        let better = match metric.direction() {
            Direction::Up => "more",
            Direction::Down => "less",
            Direction::Unknown => "",
        };
        let differs = |(classes, _): &&(&str, &str)| classes.split_whitespace().any(|name| name == class);
        let deviation = DEVIATIONS.iter().find(differs).map_or("", |(_, what)| what);
        row(text, [code([class]), code(others), arguments(&own), better.into(), deviation.into()]);
    }
    Ok(())
}

/// One of this class. Classes leave arguments alone that are not theirs, so all are made from one list.
fn metric(class: &str) -> Result<Arc<dyn Metric>> {
    let config = json!({
        "fn": "huber", "num_classes": 2, "precision": 0.5, "recall": 0.5, "sensitivity": 0.5, "specificity": 0.5,
        "target_class_ids": [0], "thresholds": [0.5],
    });
    match metrics::deserialize(&json!({"class_name": class, "config": config}))? {
        Identifier::Object(metric) => Ok(metric),
        Identifier::Name(name) => metrics::get(&name),
    }
}
