//! Random numbers on the host: Philox words turned into uniform and normal numbers without the system's own `ln`.

use std::f64::consts::SQRT_2;

use cornu_ir::ops::philox4x32;
use serde_json::Value;

use crate::config::Arguments;
use crate::error::Result;

/// An endless stream of random numbers that depends on its seed alone.
pub(crate) struct Draws {
    key: [u32; 2],
    block: u64,
    words: [u32; 4],
    used: usize,
}

impl Draws {
    /// The stream of an initializer: of its own seed, if it has one, else of the seed it is given.
    pub(crate) fn new(own: Option<i64>, given: u64) -> Draws {
        let seed = own.map_or(given, |own| own as u64);
        Draws { key: halves(seed), block: 0, words: [0; 4], used: 4 }
    }

    /// Uniform in (0, 1), symmetric about ½, never an end: the middles of 2²⁴ equal parts.
    pub(crate) fn uniform(&mut self) -> f64 {
        if self.used == 4 {
            let [low, high] = halves(self.block);
            self.words = philox4x32([low, high, 0, 0], self.key);
            self.block += 1;
            self.used = 0;
        }
        self.used += 1;
        (f64::from(self.words[self.used - 1] >> 8) + 0.5) * 2f64.powi(-24)
    }

    /// Normal with mean 0 and standard deviation 1.
    pub(crate) fn normal(&mut self) -> f64 {
        SQRT_2 * erf_inv(2.0 * self.uniform() - 1.0)
    }

    /// Normal with mean 0 and standard deviation 1, with the tails beyond ±2 cut off.
    pub(crate) fn truncated_normal(&mut self) -> f64 {
        // erf(√2): the share of the distribution within ±2.
        const WITHIN: f64 = 0.954_499_736_103_641_6;
        SQRT_2 * erf_inv(WITHIN * (2.0 * self.uniform() - 1.0))
    }
}

fn halves(word: u64) -> [u32; 2] {
    [word as u32, (word >> 32) as u32]
}

/// The inverse error function to single precision, for |x| up to 1 - 2⁻²⁴.
///
/// Giles, "Approximating the erfinv function", GPU Computing Gems 2 (2012).
fn erf_inv(x: f64) -> f64 {
    const CENTRE: [f64; 9] = [
        2.81022636e-08,
        3.43273939e-07,
        -3.5233877e-06,
        -4.39150654e-06,
        0.00021858087,
        -0.00125372503,
        -0.00417768164,
        0.246640727,
        1.50140941,
    ];
    const TAIL: [f64; 9] = [
        -0.000200214257,
        0.000100950558,
        0.00134934322,
        -0.00367342844,
        0.00573950773,
        -0.0076224613,
        0.00943887047,
        1.00167406,
        2.83297682,
    ];
    let horner = |coefficients: [f64; 9], t: f64| coefficients.into_iter().fold(0.0, |sum, c| sum * t + c);
    let w = -libm::log((1.0 - x) * (1.0 + x));
    x * if w < 5.0 { horner(CENTRE, w - 2.5) } else { horner(TAIL, w.sqrt() - 3.0) }
}

/// The argument `seed`: a whole number, null, or a Keras seed generator that holds one.
pub(crate) fn seed(arguments: &Arguments) -> Result<Option<i64>> {
    match arguments.value("seed") {
        Some(Value::Object(generator)) => {
            let empty = Default::default();
            let config = generator.get("config").and_then(Value::as_object).unwrap_or(&empty);
            Arguments::new("SeedGenerator", config).integer("seed")
        }
        _ => arguments.integer("seed"),
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    #[test]
    fn erf_inv_is_the_inverse() {
        for x in [-0.999_999_9, -0.9, -0.25, 1e-6, 0.5, 0.99, 0.999_999, 1.0 - 2f64.powi(-24)] {
            let y = erf_inv(x);
            let slope = 2.0 / PI.sqrt() * (-y * y).exp();
            let relative = (libm::erf(y) - x) / slope / y;
            assert!(relative.abs() < 2e-7, "{x}: {y} is off by {relative} of it");
        }
    }

    #[test]
    fn a_seed_of_its_own_is_used_alone() {
        let first = |own, given| Draws::new(own, given).uniform();
        assert_eq!(first(Some(7), 1), first(Some(7), 2));
        assert_eq!(first(Some(7), 1), first(None, 7));
        assert_ne!(first(None, 1), first(None, 2));
    }
}
