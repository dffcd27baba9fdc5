//! Activations: the named functions that layers put their outputs through.

mod gates;
mod rectifiers;
mod shrinks;
mod softmaxes;

use std::str::FromStr;

use cornu_ir::Expr;
use serde_json::{Value, json};

pub use gates::{
    gelu, glu, hard_sigmoid, hard_silu, keras2_hard_sigmoid, log_sigmoid, mish, sigmoid, silu, softsign,
    sparse_sigmoid,
};
pub use rectifiers::{celu, elu, leaky_relu, relu, relu6, selu, softplus, sparse_plus, squareplus};
pub use shrinks::{hard_shrink, hard_tanh, soft_shrink, tanh_shrink, threshold};
pub use softmaxes::{log_softmax, published_sparsemax, softmax, sparsemax};

use crate::config::Serialized;
use crate::error::{Error, Result};
use crate::identifier::Identifier;

/// A function applied to a layer's output, by Keras's name and with Keras's defaults.
///
/// `"relu".parse()` gives a function with its defaults. A Keras file can name functions but not carry their
/// arguments, so one whose arguments are not the defaults cannot be exported; the layers `ReLU`, `ELU`, … can.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub enum Activation {
    /// x
    #[default]
    Linear,
    /// See [`relu`].
    Relu { negative_slope: f64, max_value: Option<f64>, threshold: f64 },
    /// See [`relu6`].
    Relu6,
    /// See [`leaky_relu`].
    LeakyRelu { negative_slope: f64 },
    /// See [`elu`].
    Elu { alpha: f64 },
    /// See [`selu`].
    Selu,
    /// See [`celu`].
    Celu { alpha: f64 },
    /// See [`gelu`].
    Gelu { approximate: bool },
    /// See [`sigmoid`].
    Sigmoid,
    /// See [`log_sigmoid`].
    LogSigmoid,
    /// tanh(x)
    Tanh,
    /// See [`tanh_shrink`].
    TanhShrink,
    /// See [`hard_sigmoid`].
    HardSigmoid,
    /// See [`keras2_hard_sigmoid`].
    Keras2HardSigmoid,
    /// See [`hard_tanh`].
    HardTanh,
    /// See [`silu`]. Also called swish.
    Silu,
    /// See [`hard_silu`]. Also called hard swish.
    HardSilu,
    /// See [`softplus`].
    Softplus,
    /// See [`softsign`].
    Softsign,
    /// See [`squareplus`].
    Squareplus { b: f64 },
    /// See [`sparse_plus`].
    SparsePlus,
    /// See [`sparse_sigmoid`].
    SparseSigmoid,
    /// See [`soft_shrink`].
    SoftShrink { threshold: f64 },
    /// See [`hard_shrink`].
    HardShrink { threshold: f64 },
    /// See [`threshold`]. Has no defaults, so it has no name that could be parsed.
    Threshold { threshold: f64, default_value: f64 },
    /// See [`softmax`].
    Softmax { axis: i64 },
    /// See [`log_softmax`].
    LogSoftmax { axis: i64 },
    /// See [`sparsemax`].
    Sparsemax { axis: i64 },
    /// See [`published_sparsemax`].
    PublishedSparsemax { axis: i64 },
    /// See [`glu`].
    Glu { axis: i64 },
    /// See [`mish`].
    Mish,
    /// eˣ
    Exponential,
}

/// The name that stands for the `hard_sigmoid` of Keras 1 and 2, which Keras 3 replaced by another function.
pub const KERAS2_HARD_SIGMOID: &str = "keras2_hard_sigmoid";

/// The name of the sparsemax that was published, which is not what Keras 3 computes under that name.
pub const PUBLISHED_SPARSEMAX: &str = "published_sparsemax";

/// Every function that a name alone can mean, with its defaults. Second names follow the first.
const NAMED: [(&str, Activation); 33] = [
    ("linear", Activation::Linear),
    ("relu", Activation::Relu { negative_slope: 0.0, max_value: None, threshold: 0.0 }),
    ("relu6", Activation::Relu6),
    ("leaky_relu", Activation::LeakyRelu { negative_slope: 0.2 }),
    ("elu", Activation::Elu { alpha: 1.0 }),
    ("selu", Activation::Selu),
    ("celu", Activation::Celu { alpha: 1.0 }),
    ("gelu", Activation::Gelu { approximate: false }),
    ("sigmoid", Activation::Sigmoid),
    ("log_sigmoid", Activation::LogSigmoid),
    ("tanh", Activation::Tanh),
    ("tanh_shrink", Activation::TanhShrink),
    ("hard_sigmoid", Activation::HardSigmoid),
    (KERAS2_HARD_SIGMOID, Activation::Keras2HardSigmoid),
    ("hard_tanh", Activation::HardTanh),
    ("silu", Activation::Silu),
    ("swish", Activation::Silu),
    ("hard_silu", Activation::HardSilu),
    ("hard_swish", Activation::HardSilu),
    ("softplus", Activation::Softplus),
    ("softsign", Activation::Softsign),
    ("squareplus", Activation::Squareplus { b: 4.0 }),
    ("sparse_plus", Activation::SparsePlus),
    ("sparse_sigmoid", Activation::SparseSigmoid),
    ("soft_shrink", Activation::SoftShrink { threshold: 0.5 }),
    ("hard_shrink", Activation::HardShrink { threshold: 0.5 }),
    ("softmax", Activation::Softmax { axis: -1 }),
    ("log_softmax", Activation::LogSoftmax { axis: -1 }),
    ("sparsemax", Activation::Sparsemax { axis: -1 }),
    (PUBLISHED_SPARSEMAX, Activation::PublishedSparsemax { axis: -1 }),
    ("glu", Activation::Glu { axis: -1 }),
    ("mish", Activation::Mish),
    ("exponential", Activation::Exponential),
];

impl Activation {
    /// Keras's names, of those that a name alone can mean.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMED.into_iter().map(|(name, _)| name)
    }

    /// The function at `x`; the result has the type of `x`, but for `glu`, which halves an axis.
    pub fn apply(self, x: Expr<'_>) -> Result<Expr<'_>> {
        Ok(match self {
            Activation::Linear => x,
            Activation::Relu { negative_slope, max_value, threshold } => {
                relu(x, negative_slope, max_value, threshold)
            }
            Activation::Relu6 => relu6(x),
            Activation::LeakyRelu { negative_slope } => leaky_relu(x, negative_slope),
            Activation::Elu { alpha } => elu(x, alpha),
            Activation::Selu => selu(x),
            Activation::Celu { alpha } => celu(x, alpha),
            Activation::Gelu { approximate } => gelu(x, approximate),
            Activation::Sigmoid => sigmoid(x),
            Activation::LogSigmoid => log_sigmoid(x),
            Activation::Tanh => x.tanh(),
            Activation::TanhShrink => tanh_shrink(x),
            Activation::HardSigmoid => hard_sigmoid(x),
            Activation::Keras2HardSigmoid => keras2_hard_sigmoid(x),
            Activation::HardTanh => hard_tanh(x),
            Activation::Silu => silu(x),
            Activation::HardSilu => hard_silu(x),
            Activation::Softplus => softplus(x),
            Activation::Softsign => softsign(x),
            Activation::Squareplus { b } => squareplus(x, b),
            Activation::SparsePlus => sparse_plus(x),
            Activation::SparseSigmoid => sparse_sigmoid(x),
            Activation::SoftShrink { threshold } => soft_shrink(x, threshold),
            Activation::HardShrink { threshold } => hard_shrink(x, threshold),
            Activation::Threshold { threshold: limit, default_value } => threshold(x, limit, default_value),
            Activation::Softmax { axis } => softmax(x, axis)?,
            Activation::LogSoftmax { axis } => log_softmax(x, axis)?,
            Activation::Sparsemax { axis } => sparsemax(x, axis)?,
            Activation::PublishedSparsemax { axis } => published_sparsemax(x, axis)?,
            Activation::Glu { axis } => glu(x, axis)?,
            Activation::Mish => mish(x),
            Activation::Exponential => x.exp(),
        })
    }

    /// The name under which Keras 3 knows exactly this function, if it does.
    pub fn keras3_name(&self) -> Option<&'static str> {
        let (name, _) = NAMED.into_iter().find(|(_, activation)| activation == self)?;
        (![KERAS2_HARD_SIGMOID, PUBLISHED_SPARSEMAX].contains(&name)).then_some(name)
    }

    /// As it stands in a Keras file.
    pub fn serialize(&self) -> Result<Value> {
        let name = self.keras3_name().ok_or_else(|| Error::NotInKeras {
            what: format!("the activation {self:?}"),
            reason: if NAMED.iter().any(|(_, named)| named == self) {
                "Keras 3 computes something else under the name that this function has elsewhere".into()
            } else {
                "it can name a function but not carry its arguments; use an activation layer".into()
            },
        })?;
        Ok(json!(name))
    }

    /// From a Keras file: a name, a serialized function, or null for `linear`.
    pub fn deserialize(value: &Value) -> Result<Activation> {
        match value {
            Value::Null => Ok(Activation::Linear),
            _ => Serialized::read("activation", value)?.class_name.parse(),
        }
    }
}

impl FromStr for Activation {
    type Err = Error;

    fn from_str(name: &str) -> Result<Activation> {
        let found = NAMED.into_iter().find(|(known, _)| *known == name);
        found
            .map(|(_, activation)| activation)
            .ok_or_else(|| Error::unknown("activation", name, Activation::names()))
    }
}

impl From<Activation> for Identifier<Activation> {
    fn from(activation: Activation) -> Identifier<Activation> {
        Identifier::Object(activation.into())
    }
}

impl Identifier<Activation> {
    /// The activation that is meant.
    pub fn resolve(&self) -> Result<Activation> {
        match self {
            Identifier::Name(name) => name.parse(),
            Identifier::Object(activation) => Ok(**activation),
        }
    }
}
