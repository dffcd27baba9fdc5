//! Orthogonal: a random rotation, or as many rows or columns of one as the weight has.

use cornu_ir::{Tensor, Type};
use serde_json::{Map, Value, json};

use crate::config::Arguments;
use crate::error::{Error, Result};
use crate::initializers::Initializer;
use crate::initializers::draws::{self, Draws};
use crate::initializers::random::config;

/// A matrix with orthonormal columns (rows, where there are fewer of these), times `gain`. A weight of more axes is
/// taken as a matrix with its last axis as columns. The default of recurrent kernels.
///
/// Saxe, McClelland, Ganguli 2014, <https://arxiv.org/abs/1312.6120>.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Orthogonal {
    gain: f64,
    seed: Option<i64>,
}

impl Orthogonal {
    /// With gain 1.
    pub fn new() -> Orthogonal {
        Orthogonal { gain: 1.0, seed: None }
    }

    /// The length of the rows or columns.
    pub fn gain(mut self, gain: f64) -> Orthogonal {
        self.gain = gain;
        self
    }

    /// The same values at every call.
    pub fn seed(mut self, seed: i64) -> Orthogonal {
        self.seed = Some(seed);
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<Orthogonal> {
        Ok(Orthogonal { gain: arguments.number_or("gain", 1.0)?, seed: draws::seed(arguments)? })
    }
}

impl Default for Orthogonal {
    fn default() -> Orthogonal {
        Orthogonal::new()
    }
}

impl Initializer for Orthogonal {
    fn class_name(&self) -> &str {
        "Orthogonal"
    }

    fn config(&self) -> Map<String, Value> {
        config(self.seed, [("gain", json!(self.gain))])
    }

    fn generate(&self, ty: &Type, seed: u64) -> Result<Tensor> {
        let [leading @ .., columns] = &ty.shape[..] else { return Err(self.too_flat(ty)) };
        if leading.is_empty() {
            return Err(self.too_flat(ty));
        }
        let (rows, columns) = (leading.iter().product::<usize>(), *columns);
        let mut draws = Draws::new(self.seed, seed);
        let vectors = orthonormal(rows.min(columns), rows.max(columns), || draws.normal());
        let at = |i: usize| {
            let (row, column) = (i / columns, i % columns);
            if rows < columns { vectors[row][column] } else { vectors[column][row] }
        };
        Ok(Tensor::from_floats(ty, (0..ty.elements()).map(|i| self.gain * at(i))))
    }
}

impl Orthogonal {
    fn too_flat(&self, ty: &Type) -> Error {
        Error::Shape {
            what: "Orthogonal".into(),
            needed: "a weight of at least two axes".into(),
            got: ty.clone(),
        }
    }
}

/// `count` random orthonormal vectors, uniform over all such sets.
///
/// Gram and Schmidt's way. It is the QR decomposition with a positive diagonal of R, which is what Keras makes of its
/// own by turning signs.
fn orthonormal(count: usize, size: usize, mut draw: impl FnMut() -> f64) -> Vec<Vec<f64>> {
    let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(count);
    for _ in 0..count {
        let mut vector: Vec<f64> = (0..size).map(|_| draw()).collect();
        for earlier in &vectors {
            let shared = product(earlier, &vector);
            vector.iter_mut().zip(earlier).for_each(|(x, y)| *x -= shared * y);
        }
        let norm = product(&vector, &vector).sqrt();
        vector.iter_mut().for_each(|x| *x /= norm);
        vectors.push(vector);
    }
    vectors
}

/// The scalar product, summed in eight lanes so that the compiler can use vector instructions.
fn product(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(x, y)| x * y).sum();
    for (a, b) in a.zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f64>() + rest
}
