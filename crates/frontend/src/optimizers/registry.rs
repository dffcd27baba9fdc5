//! Optimizers by name and from Keras's JSON.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::config::{Arguments, Serialized};
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::optimizers::*;

type Read = fn(&Arguments) -> Result<Arc<dyn Optimizer>>;

/// Keras's classes and how each is made from its arguments.
const CLASSES: [(&str, Read); 16] = [
    ("SGD", |arguments| Ok(Arc::new(SGD::from_config(arguments)?))),
    ("RMSprop", |arguments| Ok(Arc::new(RMSprop::from_config(arguments)?))),
    ("Adam", |arguments| Ok(Arc::new(Adam::from_config(arguments)?))),
    ("AdamW", |arguments| Ok(Arc::new(AdamW::from_config(arguments)?))),
    ("Adadelta", |arguments| Ok(Arc::new(Adadelta::from_config(arguments)?))),
    ("Adagrad", |arguments| Ok(Arc::new(Adagrad::from_config(arguments)?))),
    ("Adamax", |arguments| Ok(Arc::new(Adamax::from_config(arguments)?))),
    ("Adafactor", |arguments| Ok(Arc::new(Adafactor::from_config(arguments)?))),
    ("Nadam", |arguments| Ok(Arc::new(Nadam::from_config(arguments)?))),
    ("Ftrl", |arguments| Ok(Arc::new(Ftrl::from_config(arguments)?))),
    ("Lion", |arguments| Ok(Arc::new(Lion::from_config(arguments)?))),
    ("Lamb", |arguments| Ok(Arc::new(Lamb::from_config(arguments)?))),
    ("Muon", |arguments| Ok(Arc::new(Muon::from_config(arguments)?))),
    ("ScheduleFreeAdamW", |arguments| Ok(Arc::new(ScheduleFreeAdamW::from_config(arguments)?))),
    ("LossScaleOptimizer", |arguments| Ok(Arc::new(LossScaleOptimizer::from_config(arguments)?))),
    ("MultiOptimizer", |arguments| Ok(Arc::new(MultiOptimizer::from_config(arguments)?))),
];

/// Keras's classes.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    CLASSES.into_iter().map(|(class, _)| class)
}

/// The optimizer with this name, in whatever case, and default arguments.
pub fn get(name: &str) -> Result<Arc<dyn Optimizer>> {
    read(name, &Arguments::new(name, &Map::new()))
}

/// The form that stands in a Keras file.
pub fn serialize(optimizer: &dyn Optimizer) -> Value {
    Serialized::write("keras.optimizers", names(), optimizer.class_name(), optimizer.config())
}

/// From a Keras file: a name or a serialized object. Keras 2 writes `Custom>Adam` for its own Adam.
pub fn deserialize(value: &Value) -> Result<Arc<dyn Optimizer>> {
    let object = Serialized::read("optimizer", value)?;
    let class = object.class_name.strip_prefix("Custom>").unwrap_or(&object.class_name);
    let optimizer = read(class, &object.arguments())?;
    optimizer.check()?;
    Ok(optimizer)
}

fn read(name: &str, arguments: &Arguments) -> Result<Arc<dyn Optimizer>> {
    let found = CLASSES.iter().find(|(class, _)| class.eq_ignore_ascii_case(name));
    let known = CLASSES.map(|(class, _)| class.to_lowercase());
    let unknown = || Error::unknown("optimizer", name, known.iter().map(String::as_str));
    found.ok_or_else(unknown).and_then(|(_, read)| read(arguments))
}

impl<O: Optimizer + 'static> From<O> for Identifier<dyn Optimizer> {
    fn from(optimizer: O) -> Identifier<dyn Optimizer> {
        Identifier::Object(Arc::new(optimizer))
    }
}

impl Identifier<dyn Optimizer> {
    /// The optimizer that is meant. Arguments that make no sense are found here.
    pub fn resolve(&self) -> Result<Arc<dyn Optimizer>> {
        let optimizer = match self {
            Identifier::Name(name) => get(name)?,
            Identifier::Object(optimizer) => optimizer.clone(),
        };
        optimizer.check()?;
        Ok(optimizer)
    }
}
