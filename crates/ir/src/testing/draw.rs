//! Random numbers for tests: the same on every machine, from a seed.

use std::ops::RangeInclusive;

use crate::graph::Graph;
use crate::ops::philox4x32;
use crate::tensor::Tensor;
use crate::types::{DType, Type};

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Draw {
    seed: u64,
    drawn: u64,
}

impl Draw {
    /// The stream of this seed.
    pub fn new(seed: u64) -> Draw {
        Draw { seed, drawn: 0 }
    }

    fn word(&mut self) -> u32 {
        let [low, high] = [self.drawn as u32, (self.drawn >> 32) as u32];
        self.drawn += 1;
        philox4x32([low, high, 0, 0], [self.seed as u32, (self.seed >> 32) as u32])[0]
    }

    /// A whole number below `end`, which must be above 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.word() as usize % end
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of the items, of which there must be some.
    pub fn one<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())].clone()
    }

    /// A number from the range.
    pub fn float(&mut self, range: &RangeInclusive<f64>) -> f64 {
        let unit = f64::from(self.word()) / f64::from(u32::MAX);
        range.start() + (range.end() - range.start()) * unit
    }

    /// A whole number from the range.
    pub fn whole(&mut self, range: RangeInclusive<i64>) -> i64 {
        let choices = range.end().saturating_sub(*range.start()).saturating_add(1).max(1);
        range.start() + i64::from(self.word()) % choices
    }

    /// Elements from the range, cut to what the type can hold; bools by the toss of a coin.
    pub fn tensor(&mut self, ty: &Type, range: &RangeInclusive<f64>) -> Tensor {
        let whole =
            |lowest: f64| range.start().max(lowest).ceil() as i64..=range.end().max(lowest).floor() as i64;
        let whole = match ty.dtype {
            DType::F32 | DType::F64 | DType::BF16 | DType::F16 => {
                let values: Vec<f64> = (0..ty.elements()).map(|_| self.float(range)).collect();
                return Tensor::from_floats(ty, values);
            }
            DType::I32 | DType::I64 => whole(f64::NEG_INFINITY),
            DType::U8 | DType::U32 => whole(0.0),
            DType::Bool => 0..=1,
        };
        let values: Vec<i64> = (0..ty.elements()).map(|_| self.whole(whole.clone())).collect();
        Tensor::from_integers(ty, values)
    }
}

/// Inputs for a graph: numbers from the range, or from a range of each type's own.
pub fn random_inputs(graph: &Graph, range: Option<RangeInclusive<f64>>, seed: u64) -> Vec<Tensor> {
    let mut draw = Draw::new(seed);
    let own = |ty: &Type| if ty.dtype.is_float() { -2.0..=2.0 } else { -3.0..=12.0 };
    graph.input_types().iter().map(|ty| draw.tensor(ty, &range.clone().unwrap_or_else(|| own(ty)))).collect()
}
