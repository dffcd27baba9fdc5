//! Losses by name and from Keras's JSON.

use std::sync::Arc;

use cornu_ir::Type;
use serde_json::{Map, Value, json};

use crate::config::{Arguments, Serialized};
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::losses::*;
use crate::registered::{Registered, not_registered};
use crate::saving::snake_case::snake_case;

type Read = fn(&Arguments, Settings) -> Result<Arc<dyn Loss>>;

/// Keras's classes and how each is made. The name of its function is the class name in snake case.
const CLASSES: [(&str, Read); 22] = [
    ("MeanSquaredError", |_, s| Ok(Arc::new(MeanSquaredError::new().with_settings(s)))),
    ("MeanAbsoluteError", |_, s| Ok(Arc::new(MeanAbsoluteError::new().with_settings(s)))),
    ("MeanAbsolutePercentageError", |_, s| Ok(Arc::new(MeanAbsolutePercentageError::new().with_settings(s)))),
    ("MeanSquaredLogarithmicError", |_, s| Ok(Arc::new(MeanSquaredLogarithmicError::new().with_settings(s)))),
    ("Huber", |a, s| Ok(Arc::new(Huber::from_config(a)?.with_settings(s)))),
    ("LogCosh", |_, s| Ok(Arc::new(LogCosh::new().with_settings(s)))),
    ("CosineSimilarity", |a, s| Ok(Arc::new(CosineSimilarity::from_config(a)?.with_settings(s)))),
    ("KLDivergence", |_, s| Ok(Arc::new(KLDivergence::new().with_settings(s)))),
    ("Poisson", |_, s| Ok(Arc::new(Poisson::new().with_settings(s)))),
    ("Hinge", |_, s| Ok(Arc::new(Hinge::new().with_settings(s)))),
    ("SquaredHinge", |_, s| Ok(Arc::new(SquaredHinge::new().with_settings(s)))),
    ("CategoricalHinge", |_, s| Ok(Arc::new(CategoricalHinge::new().with_settings(s)))),
    ("BinaryCrossentropy", |a, s| Ok(Arc::new(BinaryCrossentropy::from_config(a)?.with_settings(s)))),
    ("BinaryFocalCrossentropy", |a, s| {
        Ok(Arc::new(BinaryFocalCrossentropy::from_config(a)?.with_settings(s)))
    }),
    ("CategoricalCrossentropy", |a, s| {
        Ok(Arc::new(CategoricalCrossentropy::from_config(a)?.with_settings(s)))
    }),
    ("CategoricalFocalCrossentropy", |a, s| {
        Ok(Arc::new(CategoricalFocalCrossentropy::from_config(a)?.with_settings(s)))
    }),
    ("SparseCategoricalCrossentropy", |a, s| {
        Ok(Arc::new(SparseCategoricalCrossentropy::from_config(a)?.with_settings(s)))
    }),
    ("CategoricalGeneralizedCrossEntropy", |a, s| {
        Ok(Arc::new(CategoricalGeneralizedCrossEntropy::from_config(a)?.with_settings(s)))
    }),
    ("Dice", |a, s| Ok(Arc::new(Dice::from_config(a)?.with_settings(s)))),
    ("Tversky", |a, s| Ok(Arc::new(Tversky::from_config(a)?.with_settings(s)))),
    ("Circle", |a, s| Ok(Arc::new(Circle::from_config(a)?.with_settings(s)))),
    ("CTC", |_, s| Ok(Arc::new(CTC::new().with_settings(s)))),
];

/// Further names, also in upper case.
const ALIASES: [(&str, &str); 6] = [
    ("mse", "MeanSquaredError"),
    ("mae", "MeanAbsoluteError"),
    ("mape", "MeanAbsolutePercentageError"),
    ("msle", "MeanSquaredLogarithmicError"),
    ("bce", "BinaryCrossentropy"),
    ("kld", "KLDivergence"),
];

/// Names that Keras 2 had and Keras 3 does not.
const KERAS2: [(&str, &str); 4] = [
    ("logcosh", "LogCosh"),
    ("huber_loss", "Huber"),
    ("kullback_leibler_divergence", "KLDivergence"),
    ("cosine_proximity", "CosineSimilarity"),
];

/// The classes that there are, with the other names that each has.
pub(crate) fn loss_names() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    let others = |class: &str| {
        let aliases = ALIASES.iter().chain(&KERAS2).filter(move |(_, of)| *of == class);
        aliases.map(|(alias, _)| *alias).collect()
    };
    CLASSES.iter().map(move |(class, _)| (*class, others(class)))
}

type Make = Arc<dyn Fn(&Arguments) -> Result<Arc<dyn Loss>> + Send + Sync>;

static REGISTERED: Registered<Make> = Registered::new();

/// Lets files, and `compile`, name a class of one's own. `name` is Keras's registered name, `package>Name`, which
/// [`Loss::registered_name`] says too; `make` gets the arguments that [`Loss::config`] wrote.
pub fn register<L: Loss + 'static>(
    name: &str,
    make: impl Fn(&Arguments) -> Result<L> + Send + Sync + 'static,
) {
    REGISTERED.insert(name, Arc::new(move |arguments| Ok(Arc::new(make(arguments)?))));
}

/// The loss with this name and default arguments. `"crossentropy"` needs shapes: see [`Identifier::resolve`].
pub fn get(name: &str) -> Result<Arc<dyn Loss>> {
    // A function's name is kept as the name of the loss; a class has its own.
    let own = (!CLASSES.iter().any(|(class, _)| *class == name)).then(|| name.to_string());
    let settings = Settings { name: own, ..Settings::default() };
    read(name, &Arguments::new(name, &Map::new()), settings)
}

/// The form that stands in a Keras file.
pub fn serialize(loss: &dyn Loss) -> Value {
    let (class, config) = (loss.class_name(), loss.config());
    match (loss.function(), loss.registered_name()) {
        (Some(function), _) if loss.settings() == Settings::default() => Serialized::function(function),
        (Some(_), _) => json!({
            "module": "keras.src.losses.losses", "class_name": class, "config": config, "registered_name": class
        }),
        (None, Some(name)) => {
            json!({"module": null, "class_name": class, "config": config, "registered_name": name})
        }
        (None, None) => {
            Serialized::write("keras.losses", CLASSES.iter().map(|(class, _)| *class), class, config)
        }
    }
}

/// From a Keras file: a serialized object, or a name, which may need shapes before it is a loss.
pub fn deserialize(value: &Value) -> Result<Identifier<dyn Loss>> {
    let object = Serialized::read("loss", value)?;
    if value.is_string() || is_crossentropy(&object.class_name) {
        return Ok(Identifier::Name(object.class_name));
    }
    let (arguments, settings) = (object.arguments(), Settings::from_config(&object.arguments())?);
    if object.class_name == "LossFunctionWrapper" {
        let function = arguments.value("fn").ok_or_else(|| arguments.wrong("fn", "a function"))?;
        let function = Serialized::read("loss", function)?.class_name;
        return Ok(Identifier::Object(known(&function, None, &arguments, settings)?));
    }
    let registered_name = object.registered_name.as_deref();
    Ok(Identifier::Object(known(&object.class_name, registered_name, &arguments, settings)?))
}

/// What a file names, or an error that says how to register it.
fn known(
    name: &str,
    registered_name: Option<&str>,
    arguments: &Arguments,
    settings: Settings,
) -> Result<Arc<dyn Loss>> {
    let how = "`losses::register`, or `losses::register_fn` for a function,";
    find(name, registered_name, arguments, settings)
        .unwrap_or_else(|| Err(not_registered("loss", registered_name.unwrap_or(name), how)))
}

/// The loss that this function is, with these arguments, if there is one.
pub(crate) fn of_function(name: &str, arguments: &Arguments) -> Option<Result<Arc<dyn Loss>>> {
    find(name, None, arguments, Settings { name: Some(name.to_string()), ..Settings::default() })
}

/// The function of one's own that is registered under this name.
pub(crate) fn registered_function(name: &str) -> Option<Arc<dyn Loss>> {
    Some(Arc::new(Function::registered(name, Settings::default())?))
}

fn read(name: &str, arguments: &Arguments, settings: Settings) -> Result<Arc<dyn Loss>> {
    find(name, None, arguments, settings).unwrap_or_else(|| Err(unknown(name)))
}

/// The loss of one's own, or of Keras's, with this name.
fn find(
    name: &str,
    registered_name: Option<&str>,
    arguments: &Arguments,
    settings: Settings,
) -> Option<Result<Arc<dyn Loss>>> {
    if let Some(make) = REGISTERED.find(name, registered_name) {
        return Some(make(arguments));
    }
    let class = class_of(name);
    match CLASSES.iter().find(|(known, _)| Some(*known) == class) {
        Some((_, read)) => Some(read(arguments, settings)),
        None => Function::registered(name, settings).map(|function| Ok(Arc::new(function) as Arc<dyn Loss>)),
    }
}

/// The class that a name means.
fn class_of(name: &str) -> Option<&'static str> {
    let upper = name.to_uppercase() == name;
    let plain = if upper { name.to_lowercase() } else { name.to_string() };
    let alias = ALIASES.iter().chain(&KERAS2).find(|(alias, _)| *alias == plain);
    let class = || CLASSES.iter().find(|(class, _)| *class == name || snake_case(class) == name);
    alias.map(|(_, class)| *class).or_else(|| class().map(|(class, _)| *class))
}

fn unknown(name: &str) -> Error {
    let functions = CLASSES.iter().map(|(class, _)| snake_case(class));
    let aliases = ALIASES.iter().map(|(alias, _)| alias.to_string());
    let own = REGISTERED.names().into_iter().chain(Function::names());
    let known: Vec<String> =
        functions.chain(aliases).chain(["crossentropy".to_string()]).chain(own).collect();
    Error::unknown("loss", name, known.iter().map(String::as_str))
}

/// True for the names of Keras's losses, and of those of Keras 2.
pub(crate) fn is_of_keras(name: &str) -> bool {
    class_of(name).is_some() || is_crossentropy(name)
}

/// True for the name that means one of three losses, depending on shapes.
pub(crate) fn is_crossentropy(name: &str) -> bool {
    matches!(name.to_lowercase().as_str(), "crossentropy" | "ce")
}

/// The class that "crossentropy" means for these labels and predictions.
pub(crate) fn crossentropy(y_true: &Type, y_pred: &Type) -> &'static str {
    match Labels::of(y_true, y_pred) {
        Labels::Binary => "BinaryCrossentropy",
        Labels::Sparse => "SparseCategoricalCrossentropy",
        Labels::Categorical => "CategoricalCrossentropy",
    }
}

impl<L: Loss + 'static> From<L> for Identifier<dyn Loss> {
    fn from(loss: L) -> Identifier<dyn Loss> {
        Identifier::Object(Arc::new(loss))
    }
}

impl Identifier<dyn Loss> {
    /// The loss that is meant for labels and predictions of these types.
    ///
    /// "crossentropy" and "ce" mean the binary one for predictions `[…, 1]`, the sparse one for labels that lack the
    /// predictions' last axis or have size 1 there, else the categorical one.
    pub fn resolve(&self, y_true: &Type, y_pred: &Type) -> Result<Arc<dyn Loss>> {
        match self {
            Identifier::Name(name) if is_crossentropy(name) => {
                let settings = Settings { name: Some(name.clone()), ..Settings::default() };
                read(crossentropy(y_true, y_pred), &Arguments::new(name, &Map::new()), settings)
            }
            Identifier::Name(name) => get(name),
            Identifier::Object(loss) => Ok(loss.clone()),
        }
    }

    /// The form that stands in a Keras file: a name stays a name, if Keras 3 has it.
    pub fn serialize(&self) -> Value {
        match self {
            Identifier::Name(name) => match KERAS2.iter().find(|(old, _)| old == name) {
                Some((_, class)) => json!(snake_case(class)),
                None => json!(name),
            },
            Identifier::Object(loss) => serialize(loss.as_ref()),
        }
    }
}
