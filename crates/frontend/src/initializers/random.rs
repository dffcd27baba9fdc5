//! Plain random values: normal, truncated normal, uniform.

use cornu_ir::{Tensor, Type};
use serde_json::{Map, Value, json};

use crate::config::Arguments;
use crate::error::Result;
use crate::initializers::Initializer;
use crate::initializers::draws::{self, Draws};

/// The arguments in the order of Keras, which writes the seed first.
pub(super) fn config<const N: usize>(seed: Option<i64>, arguments: [(&str, Value); N]) -> Map<String, Value> {
    let named = arguments.into_iter().map(|(key, value)| (key.to_string(), value));
    [("seed".to_string(), json!(seed))].into_iter().chain(named).collect()
}

/// A tensor of numbers drawn one after another.
pub(super) fn drawn(ty: &Type, own: Option<i64>, seed: u64, draw: impl Fn(&mut Draws) -> f64) -> Tensor {
    let mut draws = Draws::new(own, seed);
    Tensor::from_floats(ty, (0..ty.elements()).map(|_| draw(&mut draws)))
}

/// Makes a distribution with two parameters: its builder, its arguments, its values.
macro_rules! distribution {
    ($(#[$doc:meta])* $class:ident { $first:ident: $first_default:literal, $second:ident: $second_default:literal }
     $draw:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $class {
            $first: f64,
            $second: f64,
            seed: Option<i64>,
        }

        impl $class {
            /// With Keras's defaults.
            pub fn new() -> $class {
                $class { $first: $first_default, $second: $second_default, seed: None }
            }

            /// Sets the argument of this name.
            pub fn $first(mut self, $first: f64) -> $class {
                self.$first = $first;
                self
            }

            /// Sets the argument of this name.
            pub fn $second(mut self, $second: f64) -> $class {
                self.$second = $second;
                self
            }

            /// The same values at every call.
            pub fn seed(mut self, seed: i64) -> $class {
                self.seed = Some(seed);
                self
            }

            pub(super) fn from_config(arguments: &Arguments) -> Result<$class> {
                Ok($class {
                    $first: arguments.number_or(stringify!($first), $first_default)?,
                    $second: arguments.number_or(stringify!($second), $second_default)?,
                    seed: draws::seed(arguments)?,
                })
            }
        }

        impl Default for $class {
            fn default() -> $class {
                $class::new()
            }
        }

        impl Initializer for $class {
            fn class_name(&self) -> &str {
                stringify!($class)
            }

            fn config(&self) -> Map<String, Value> {
                config(self.seed, [
                    (stringify!($first), json!(self.$first)),
                    (stringify!($second), json!(self.$second)),
                ])
            }

            fn generate(&self, ty: &Type, seed: u64) -> Result<Tensor> {
                let draw: fn(&$class, &mut Draws) -> f64 = $draw;
                Ok(drawn(ty, self.seed, seed, |draws| draw(self, draws)))
            }
        }
    };
}

distribution! {
    /// Normal, with mean and standard deviation.
    RandomNormal { mean: 0.0, stddev: 0.05 }
    |own, draws| own.mean + own.stddev * draws.normal()
}

distribution! {
    /// Normal, redrawn where it is farther than two standard deviations from the mean. `stddev` is that of the
    /// distribution before its tails are cut off.
    TruncatedNormal { mean: 0.0, stddev: 0.05 }
    |own, draws| own.mean + own.stddev * draws.truncated_normal()
}

distribution! {
    /// Uniform between two numbers.
    RandomUniform { minval: -0.05, maxval: 0.05 }
    |own, draws| own.minval + (own.maxval - own.minval) * draws.uniform()
}
