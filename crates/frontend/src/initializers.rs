//! Initializers: the values that weights start from, made on the host and the same on every machine.

mod constant;
mod draws;
mod orthogonal;
mod random;
mod stft;
mod variance_scaling;

use std::fmt;
use std::sync::Arc;

use cornu_ir::{Tensor, Type};
use serde_json::{Map, Value};

pub use constant::{Constant, Identity, Ones, Zeros};
pub use orthogonal::Orthogonal;
pub use random::{RandomNormal, RandomUniform, TruncatedNormal};
pub use stft::{Scaling, Side, Stft, Window};
pub use variance_scaling::{
    Distribution, GlorotNormal, GlorotUniform, HeNormal, HeUniform, LecunNormal, LecunUniform, Mode,
    VarianceScaling,
};

use crate::config::{Arguments, Serialized};
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::saving::snake_case::snake_case;

/// Makes the first value of a weight.
pub trait Initializer: fmt::Debug + Send + Sync {
    /// Keras's name of the class: `GlorotUniform`.
    fn class_name(&self) -> &str;

    /// The arguments, as Keras writes them.
    fn config(&self) -> Map<String, Value>;

    /// The value. A pure function of its arguments: equal seeds give equal bits on every machine. An initializer
    /// with a seed of its own does not look at `seed`.
    fn generate(&self, ty: &Type, seed: u64) -> Result<Tensor>;

    /// The same initializer, told which axes of the weight lead in and which lead out. `None` from one that does not
    /// ask, or that was told already.
    fn with_axes(&self, input: &[i64], output: &[i64]) -> Option<Arc<dyn Initializer>> {
        let _ = (input, output);
        None
    }
}

type Read = fn(&Arguments) -> Result<Arc<dyn Initializer>>;

/// Keras's classes and how each is made from its arguments.
const CLASSES: [(&str, Read); 16] = [
    ("Zeros", |_| Ok(Arc::new(Zeros))),
    ("Ones", |_| Ok(Arc::new(Ones))),
    ("Constant", |a| Ok(Arc::new(Constant::from_config(a)?))),
    ("Identity", |a| Ok(Arc::new(Identity::from_config(a)?))),
    ("RandomNormal", |a| Ok(Arc::new(RandomNormal::from_config(a)?))),
    ("TruncatedNormal", |a| Ok(Arc::new(TruncatedNormal::from_config(a)?))),
    ("RandomUniform", |a| Ok(Arc::new(RandomUniform::from_config(a)?))),
    ("VarianceScaling", |a| Ok(Arc::new(VarianceScaling::from_config(a)?))),
    ("GlorotNormal", |a| Ok(Arc::new(GlorotNormal::from_config(a)?))),
    ("GlorotUniform", |a| Ok(Arc::new(GlorotUniform::from_config(a)?))),
    ("HeNormal", |a| Ok(Arc::new(HeNormal::from_config(a)?))),
    ("HeUniform", |a| Ok(Arc::new(HeUniform::from_config(a)?))),
    ("LecunNormal", |a| Ok(Arc::new(LecunNormal::from_config(a)?))),
    ("LecunUniform", |a| Ok(Arc::new(LecunUniform::from_config(a)?))),
    ("Orthogonal", |a| Ok(Arc::new(Orthogonal::from_config(a)?))),
    ("STFT", |a| Ok(Arc::new(Stft::from_config(a)?))),
];

/// Further names of some classes.
const ALIASES: [(&str, &str); 7] = [
    ("zero", "Zeros"),
    ("one", "Ones"),
    ("normal", "RandomNormal"),
    ("uniform", "RandomUniform"),
    ("IdentityInitializer", "Identity"),
    ("OrthogonalInitializer", "Orthogonal"),
    ("STFTInitializer", "STFT"),
];

/// Keras's classes.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    CLASSES.iter().map(|(name, _)| *name)
}

/// The other names that a class has.
pub(crate) fn aliases_of(class: &str) -> impl Iterator<Item = &'static str> {
    ALIASES.iter().filter(move |(_, name)| *name == class).map(|(alias, _)| *alias)
}

/// The initializer with this name and default arguments: a class name, it in snake case, or an alias.
pub fn get(name: &str) -> Result<Arc<dyn Initializer>> {
    read(name, &Arguments::new(name, &Map::new()))
}

/// The form that stands in a Keras file.
pub fn serialize(initializer: &dyn Initializer) -> Value {
    let (class_name, config) = (initializer.class_name(), initializer.config());
    Serialized::write("keras.initializers", names(), class_name, config)
}

/// From a Keras file: a name or a serialized object.
pub fn deserialize(value: &Value) -> Result<Arc<dyn Initializer>> {
    let object = Serialized::read("initializer", value)?;
    read(&object.class_name, &object.arguments())
}

fn read(name: &str, arguments: &Arguments) -> Result<Arc<dyn Initializer>> {
    let class = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, class)| *class);
    let found = CLASSES.iter().find(|(known, _)| *known == class || snake_case(known) == class);
    let known: Vec<String> = CLASSES.iter().map(|(known, _)| snake_case(known)).collect();
    let unknown = || Error::unknown("initializer", name, known.iter().map(String::as_str));
    found.ok_or_else(unknown).and_then(|(_, read)| read(arguments))
}

impl<I: Initializer + 'static> From<I> for Identifier<dyn Initializer> {
    fn from(initializer: I) -> Identifier<dyn Initializer> {
        Identifier::Object(Arc::new(initializer))
    }
}

impl Identifier<dyn Initializer> {
    /// The initializer that is meant.
    pub fn resolve(&self) -> Result<Arc<dyn Initializer>> {
        match self {
            Identifier::Name(name) => get(name),
            Identifier::Object(initializer) => Ok(initializer.clone()),
        }
    }
}
