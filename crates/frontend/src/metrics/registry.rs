//! Metrics by name and from Keras's JSON.

use std::sync::Arc;

use cornu_ir::Type;
use serde_json::{Map, Value, json};

use crate::config::{Arguments, Serialized};
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::losses::{self, Labels};
use crate::metrics::*;
use crate::registered::{Registered, not_registered};
use crate::saving::snake_case::snake_case;

/// Makes a metric from its arguments and a name, if it is to have another than that of its class.
type Read = fn(&Arguments, Option<String>) -> Result<Arc<dyn Metric>>;

/// A line of the table below: the class, its value without a name, and the way to give it one.
macro_rules! classes {
    ($($class:ident = $make:expr;)*) => {
        [$((stringify!($class), |arguments, name| {
            let make: fn(&Arguments) -> Result<$class> = $make;
            let metric = make(arguments)?;
            Ok(match name {
                Some(name) => Arc::new(metric.name(name)),
                None => Arc::new(metric),
            })
        }),)*]
    };
}

/// Keras's classes and how each is made.
const CLASSES: [(&str, Read); 42] = classes! {
    Accuracy = |_| Ok(Accuracy::new());
    BinaryAccuracy = BinaryAccuracy::from_config;
    CategoricalAccuracy = |_| Ok(CategoricalAccuracy::new());
    SparseCategoricalAccuracy = |_| Ok(SparseCategoricalAccuracy::new());
    TopKCategoricalAccuracy = TopKCategoricalAccuracy::from_config;
    SparseTopKCategoricalAccuracy = SparseTopKCategoricalAccuracy::from_config;
    MeanSquaredError = |_| Ok(MeanSquaredError::new());
    MeanAbsoluteError = |_| Ok(MeanAbsoluteError::new());
    MeanAbsolutePercentageError = |_| Ok(MeanAbsolutePercentageError::new());
    MeanSquaredLogarithmicError = |_| Ok(MeanSquaredLogarithmicError::new());
    RootMeanSquaredError = |_| Ok(RootMeanSquaredError::new());
    CosineSimilarity = CosineSimilarity::from_config;
    LogCoshError = |_| Ok(LogCoshError::new());
    BinaryCrossentropy = BinaryCrossentropy::from_config;
    CategoricalCrossentropy = CategoricalCrossentropy::from_config;
    SparseCategoricalCrossentropy = SparseCategoricalCrossentropy::from_config;
    KLDivergence = |_| Ok(KLDivergence::new());
    Poisson = |_| Ok(Poisson::new());
    Hinge = |_| Ok(Hinge::new());
    SquaredHinge = |_| Ok(SquaredHinge::new());
    CategoricalHinge = |_| Ok(CategoricalHinge::new());
    R2Score = R2Score::from_config;
    PearsonCorrelation = PearsonCorrelation::from_config;
    ConcordanceCorrelation = ConcordanceCorrelation::from_config;
    AUC = AUC::from_config;
    TruePositives = TruePositives::from_config;
    TrueNegatives = TrueNegatives::from_config;
    FalsePositives = FalsePositives::from_config;
    FalseNegatives = FalseNegatives::from_config;
    Precision = Precision::from_config;
    Recall = Recall::from_config;
    PrecisionAtRecall = PrecisionAtRecall::from_config;
    RecallAtPrecision = RecallAtPrecision::from_config;
    SensitivityAtSpecificity = SensitivityAtSpecificity::from_config;
    SpecificityAtSensitivity = SpecificityAtSensitivity::from_config;
    F1Score = F1Score::from_config;
    FBetaScore = FBetaScore::from_config;
    IoU = IoU::from_config;
    BinaryIoU = BinaryIoU::from_config;
    MeanIoU = MeanIoU::from_config;
    OneHotIoU = OneHotIoU::from_config;
    OneHotMeanIoU = OneHotMeanIoU::from_config;
};

/// Further names, also in upper case.
const ALIASES: [(&str, &str); 5] = [
    ("mse", "MeanSquaredError"),
    ("mae", "MeanAbsoluteError"),
    ("mape", "MeanAbsolutePercentageError"),
    ("msle", "MeanSquaredLogarithmicError"),
    ("bce", "BinaryCrossentropy"),
];

/// Names that look right but that Keras takes for losses only, or not at all, with what to write instead.
const MEANT: [(&str, &str); 4] = [
    ("kld", "kl_divergence"),
    ("rmse", "root_mean_squared_error"),
    ("logcosh", "log_cosh_error"),
    ("log_cosh", "log_cosh_error"),
];

/// The classes that there are, with the other names that each has.
pub(crate) fn metric_names() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    let others = |class: &str| {
        let aliases = ALIASES.iter().filter(move |(_, of)| *of == class);
        aliases.map(|(alias, _)| *alias).collect()
    };
    let bases = ["Mean", "Sum", "MeanMetricWrapper"].into_iter();
    bases.chain(CLASSES.iter().map(|(class, _)| *class)).map(move |class| (class, others(class)))
}

type Make = Arc<dyn Fn(&Arguments) -> Result<Arc<dyn Metric>> + Send + Sync>;

static REGISTERED: Registered<Make> = Registered::new();

/// Lets files, and `compile`, name a class of one's own. `name` is Keras's registered name, `package>Name`, which
/// [`Metric::registered_name`] says too; `make` gets the arguments that [`Metric::config`] wrote.
pub fn register<M: Metric + 'static>(
    name: &str,
    make: impl Fn(&Arguments) -> Result<M> + Send + Sync + 'static,
) {
    REGISTERED.insert(name, Arc::new(move |arguments| Ok(Arc::new(make(arguments)?))));
}

/// The metric with this name and default arguments. "accuracy" needs shapes: see [`Identifier::resolve`].
pub fn get(name: &str) -> Result<Arc<dyn Metric>> {
    read(name, &Arguments::new(name, &Map::new()), Some(name.to_string()))
}

/// The form that stands in a Keras file.
pub fn serialize(metric: &dyn Metric) -> Value {
    let (class, config) = (metric.class_name(), metric.config());
    match metric.registered_name() {
        Some(name) => json!({"module": null, "class_name": class, "config": config, "registered_name": name}),
        None => {
            let builtins =
                CLASSES.iter().map(|(class, _)| *class).chain(["Mean", "Sum", "MeanMetricWrapper"]);
            Serialized::write("keras.metrics", builtins, class, config)
        }
    }
}

/// From a Keras file: a serialized object, or a name, which may need shapes before it is a metric.
pub fn deserialize(value: &Value) -> Result<MetricIdentifier> {
    let object = Serialized::read("metric", value)?;
    if value.is_string() {
        return Ok(Identifier::Name(object.class_name));
    }
    let arguments = object.arguments();
    let name = arguments.text("name")?.map(String::from);
    let metric: Arc<dyn Metric> = match object.class_name.as_str() {
        "Mean" => Arc::new(Mean::new(name.unwrap_or("mean".into()))),
        "Sum" => Arc::new(Sum::new(name.unwrap_or("sum".into()))),
        "MeanMetricWrapper" => wrapped(&arguments, name)?,
        class => {
            let registered_name = object.registered_name.as_deref();
            let own = registered_name.unwrap_or(class);
            let how = "`metrics::register`, or `losses::register_fn` for a function,";
            find(class, registered_name, &arguments, name)
                .unwrap_or_else(|| Err(not_registered("metric", own, how)))?
        }
    };
    Ok(Identifier::Object(metric))
}

/// A function that Keras wrapped: one that has a metric of its own, or a loss.
fn wrapped(arguments: &Arguments, name: Option<String>) -> Result<Arc<dyn Metric>> {
    let needed = || arguments.wrong("fn", "the name of a metric or a loss");
    let function = Serialized::read("metric", arguments.value("fn").ok_or_else(needed)?)?.class_name;
    if class_of(&function).is_some() {
        return read(&function, arguments, name.or(Some(function.clone())));
    }
    let how = "`losses::register_fn`";
    let loss = losses::of_function(&function, arguments);
    let wrapper =
        MeanMetricWrapper::of(loss.unwrap_or_else(|| Err(not_registered("metric", &function, how)))?);
    Ok(Arc::new(wrapper.name(name.unwrap_or(function))))
}

fn read(given: &str, arguments: &Arguments, name: Option<String>) -> Result<Arc<dyn Metric>> {
    find(given, None, arguments, name).unwrap_or_else(|| Err(unknown(given)))
}

/// The metric of one's own, or of Keras's, with this name.
fn find(
    given: &str,
    registered_name: Option<&str>,
    arguments: &Arguments,
    name: Option<String>,
) -> Option<Result<Arc<dyn Metric>>> {
    if let Some(make) = REGISTERED.find(given, registered_name) {
        return Some(make(arguments));
    }
    let class = class_of(given);
    if let Some((_, read)) = CLASSES.iter().find(|(known, _)| Some(*known) == class) {
        return Some(read(arguments, name));
    }
    let wrapper = MeanMetricWrapper::of(losses::registered_function(given)?);
    let own = wrapper.own_name();
    Some(Ok(Arc::new(wrapper.name(name.unwrap_or(own)))))
}

/// True for the names of Keras's metrics.
pub(crate) fn is_of_keras(name: &str) -> bool {
    class_of(name).is_some() || matches!(name, "acc" | "Mean" | "Sum")
}

/// The class that a name means.
fn class_of(name: &str) -> Option<&'static str> {
    let upper = name.to_uppercase() == name;
    let plain = if upper { name.to_lowercase() } else { name.to_string() };
    let alias = ALIASES.iter().find(|(alias, _)| *alias == plain);
    let class = || CLASSES.iter().find(|(class, _)| *class == name || snake_case(class) == name);
    alias.map(|(_, class)| *class).or_else(|| class().map(|(class, _)| *class))
}

fn unknown(name: &str) -> Error {
    let classes = CLASSES.iter().map(|(class, _)| snake_case(class));
    let others = ALIASES.iter().map(|(alias, _)| alias.to_string()).chain(["crossentropy".to_string()]);
    let known: Vec<String> = classes.chain(others).chain(REGISTERED.names()).collect();
    let error = Error::unknown("metric", name, known.iter().map(String::as_str));
    match (error, MEANT.iter().find(|(given, _)| *given == name)) {
        (Error::Unknown { what, given, known, .. }, Some((_, meant))) => {
            Error::Unknown { what, given, known, nearest: Some(meant.to_string()) }
        }
        (error, _) => error,
    }
}

/// The class that "accuracy" means for these labels and predictions.
fn accuracy(y_true: &Type, y_pred: &Type) -> &'static str {
    match Labels::of(y_true, y_pred) {
        Labels::Binary => "BinaryAccuracy",
        Labels::Sparse => "SparseCategoricalAccuracy",
        Labels::Categorical => "CategoricalAccuracy",
    }
}

impl<M: Metric + 'static> From<M> for Identifier<dyn Metric> {
    fn from(metric: M) -> Identifier<dyn Metric> {
        Identifier::Object(Arc::new(metric))
    }
}

impl Identifier<dyn Metric> {
    /// The metric that is meant for labels and predictions of these types, and the name it is reported under: the
    /// very string, if it was given as one.
    ///
    /// "accuracy" ("acc") and "crossentropy" ("ce") mean the binary one for predictions `[…, 1]`, the sparse one for
    /// labels that lack the predictions' last axis or have size 1 there, else the categorical one.
    pub fn resolve(&self, y_true: &Type, y_pred: &Type) -> Result<(String, Arc<dyn Metric>)> {
        match self {
            Identifier::Object(metric) => Ok((metric.name(), metric.clone())),
            Identifier::Name(name) => {
                let class = match name.to_lowercase().as_str() {
                    "accuracy" | "acc" => accuracy(y_true, y_pred),
                    other if losses::is_crossentropy(other) => losses::crossentropy(y_true, y_pred),
                    _ => name,
                };
                let metric = read(class, &Arguments::new(name, &Map::new()), Some(name.clone()))?;
                Ok((name.clone(), metric))
            }
        }
    }

    /// The form that stands in a Keras file: a name stays a name.
    pub fn serialize(&self) -> Value {
        match self {
            Identifier::Name(name) => json!(name),
            Identifier::Object(metric) => serialize(metric.as_ref()),
        }
    }
}
