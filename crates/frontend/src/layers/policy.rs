//! DTypePolicy: the element types that a layer computes in and keeps its variables in. Keras: `DTypePolicy`.

use std::cell::Cell;
use std::sync::Arc;

use cornu_ir::{DType, Expr};
use serde_json::{Value, json};

use super::{Config, keras_dtype, keras_dtype_name};
use crate::config::Serialized;
use crate::error::{Error, Result};
use crate::identifier::Identifier;

/// Which element types a layer computes in and keeps its variables in.
///
/// By Keras's names: `"float32"`, what every layer has unless something else is said; `"float64"`, `"float16"` and
/// `"bfloat16"`, one type for both; `"mixed_bfloat16"` and `"mixed_float16"`, variables of 32 bits and arithmetic of
/// 16. A layer's floats are brought to the type it computes in as it is called, its variables as it asks for them, and
/// gradients come back in the variables' own type. Losses and metrics are computed in 32 bits or more, as are the
/// statistics of normalizations.
///
/// ```
/// use cornu::{Dense, Naming, input, Apply, DType};
///
/// let x = input([8]);
/// let hidden = Dense::new(4).dtype("mixed_bfloat16").apply(&x);
/// assert_eq!(hidden.dtype(), DType::BF16);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DTypePolicy {
    compute: DType,
    variable: DType,
}

impl DTypePolicy {
    /// 32 bits for everything.
    pub const FLOAT32: DTypePolicy = DTypePolicy { compute: DType::F32, variable: DType::F32 };
    /// Variables in 32 bits, arithmetic in `bfloat16`.
    pub const MIXED_BFLOAT16: DTypePolicy = DTypePolicy { compute: DType::BF16, variable: DType::F32 };
    /// Variables in 32 bits, arithmetic in `float16`; `compile` then scales the loss.
    pub const MIXED_FLOAT16: DTypePolicy = DTypePolicy { compute: DType::F16, variable: DType::F32 };

    /// The names of policies of floats.
    const NAMES: [&'static str; 6] =
        ["float32", "mixed_bfloat16", "mixed_float16", "bfloat16", "float16", "float64"];

    /// Those that there are, of floats.
    pub(crate) fn all() -> impl Iterator<Item = DTypePolicy> {
        DTypePolicy::NAMES.into_iter().filter_map(|name| DTypePolicy::named(name).ok())
    }

    /// One type for everything.
    pub fn of(dtype: DType) -> DTypePolicy {
        DTypePolicy { compute: dtype, variable: dtype }
    }

    /// The policy that Keras calls so.
    pub fn named(name: &str) -> Result<DTypePolicy> {
        match name {
            "mixed_bfloat16" => Ok(DTypePolicy::MIXED_BFLOAT16),
            "mixed_float16" => Ok(DTypePolicy::MIXED_FLOAT16),
            _ => keras_dtype(name)
                .map(DTypePolicy::of)
                .ok_or_else(|| Error::unknown("dtype policy", name, DTypePolicy::NAMES)),
        }
    }

    /// Keras's name.
    pub fn name(self) -> &'static str {
        match self {
            DTypePolicy::MIXED_BFLOAT16 => "mixed_bfloat16",
            DTypePolicy::MIXED_FLOAT16 => "mixed_float16",
            DTypePolicy { compute, .. } => keras_dtype_name(compute),
        }
    }

    /// The type of arithmetic, and of what comes out of a layer.
    pub fn compute_dtype(self) -> DType {
        self.compute
    }

    /// The type of variables.
    pub fn variable_dtype(self) -> DType {
        self.variable
    }

    /// A float in the type of arithmetic; anything else as it is, as is everything under a policy of whole numbers,
    /// which files give to layers that have whole numbers as inputs.
    pub(super) fn convert<'b>(self, x: Expr<'b>) -> Expr<'b> {
        if x.dtype().is_float() && self.compute.is_float() { x.cast(self.compute) } else { x }
    }

    /// The type of a float variable.
    pub(super) fn float_variable(self) -> DType {
        if self.variable.is_float() { self.variable } else { DType::F32 }
    }

    /// As it stands in a Keras file.
    pub(crate) fn serialize(self) -> Value {
        let config = Config::from_iter([("name".into(), json!(self.name()))]);
        Serialized::builtin("keras", "DTypePolicy", config)
    }

    /// From a Keras file: a name, or an object with one. What a name means is asked where the policy is needed.
    pub(crate) fn deserialize(value: &Value) -> Result<Identifier<DTypePolicy>> {
        let policy = Serialized::read("dtype policy", value)?;
        match policy.class_name.as_str() {
            // Keras 2 says `Policy`.
            "DTypePolicy" | "FloatDTypePolicy" | "Policy" => {
                let name = policy.arguments().text("name")?;
                name.map(Identifier::from)
                    .ok_or_else(|| policy.arguments().wrong("name", "the name of a policy"))
            }
            name => Ok(name.into()),
        }
    }
}

/// Of which of its floats a layer's policy decides the type. Keras: `autocast`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Autocast {
    /// Inputs, variables and outputs.
    All,
    /// Outputs alone: the layer takes inputs and variables as they are.
    Outputs,
    /// None: the layers inside have policies of their own, or there is nothing to compute.
    Nothing,
}

thread_local! {
    static GLOBAL: Cell<DTypePolicy> = const { Cell::new(DTypePolicy::FLOAT32) };
}

/// Sets the policy that layers and models made from now on by this thread have, unless they are given another. Keras:
/// `keras.config.set_dtype_policy`, where it counts for a thread as well.
///
/// ```
/// cornu::set_dtype_policy("mixed_bfloat16")?;
/// # cornu::set_dtype_policy("float32")?;
/// # Ok::<(), cornu::Error>(())
/// ```
pub fn set_dtype_policy(policy: impl Into<Identifier<DTypePolicy>>) -> Result<()> {
    GLOBAL.set(policy.into().resolve()?);
    Ok(())
}

/// The policy of layers made by this thread that are given none. Keras: `keras.config.dtype_policy`.
pub fn dtype_policy() -> DTypePolicy {
    GLOBAL.get()
}

impl Identifier<DTypePolicy> {
    /// The policy that is meant.
    pub fn resolve(&self) -> Result<DTypePolicy> {
        match self {
            Identifier::Name(name) => DTypePolicy::named(name),
            Identifier::Object(policy) => Ok(**policy),
        }
    }
}

impl From<DTypePolicy> for Identifier<DTypePolicy> {
    fn from(policy: DTypePolicy) -> Identifier<DTypePolicy> {
        Identifier::Object(Arc::new(policy))
    }
}

impl From<DType> for Identifier<DTypePolicy> {
    fn from(dtype: DType) -> Identifier<DTypePolicy> {
        DTypePolicy::of(dtype).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_that_of_its_policy() {
        for name in DTypePolicy::NAMES {
            let policy = DTypePolicy::named(name).unwrap();
            assert_eq!(policy.name(), name);
            assert_eq!(DTypePolicy::deserialize(&policy.serialize()).unwrap().resolve().unwrap(), policy);
        }
        let error = DTypePolicy::named("mixed_bfloat61").unwrap_err().to_string();
        assert!(error.contains("mixed_bfloat16"), "{error}");
    }

    #[test]
    fn the_policy_of_one_thread_is_not_that_of_another() {
        set_dtype_policy("float64").unwrap();
        assert_eq!(dtype_policy(), DTypePolicy::of(DType::F64));
        assert_eq!(std::thread::spawn(dtype_policy).join().unwrap(), DTypePolicy::FLOAT32);
    }
}
