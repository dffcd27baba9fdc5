//! Moments: mean and variance of data that come in batches.

use cornu_ir::Tensor;

use super::output_mode::built;
use crate::error::{Error, Result};

/// Mean and variance for each place of the kept axes, over all other axes and all batches.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Moments {
    sizes: Vec<usize>,
    count: f64,
    mean: Vec<f64>,
    variance: Vec<f64>,
}

impl Moments {
    /// Of no data yet, for batches like this one.
    pub(super) fn new(batch: &Tensor, kept: &[usize]) -> Moments {
        let sizes: Vec<usize> = kept.iter().map(|&axis| batch.shape()[axis]).collect();
        let places = sizes.iter().product();
        Moments { sizes, count: 0.0, mean: vec![0.0; places], variance: vec![0.0; places] }
    }

    /// The sizes of the kept axes.
    pub(super) fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// The means so far.
    pub(super) fn mean(&self) -> Tensor {
        built(self.sizes.clone(), self.mean.iter().map(|&x| x as f32).collect())
    }

    /// The variances so far.
    pub(super) fn variance(&self) -> Tensor {
        built(self.sizes.clone(), self.variance.iter().map(|&x| x as f32).collect())
    }

    /// Takes one more batch in. Its numbers weigh as much as each of those before.
    pub(super) fn add(&mut self, batch: &Tensor, kept: &[usize]) -> Result<()> {
        let sizes: Vec<usize> = kept.iter().map(|&axis| batch.shape()[axis]).collect();
        if sizes != self.sizes {
            let (ty, own) = (batch.ty(), &self.sizes);
            let what =
                format!("Normalization: a batch {ty} has not the sizes {own:?} that the first one had");
            return Err(Error::Data { what });
        }
        let places = self.mean.len();
        let count = batch.shape().elements() as f64 / places.max(1) as f64;
        if count == 0.0 {
            return Ok(());
        }
        let (values, place) = (batch.floats(), places_of(batch, kept));
        let average = |f: &dyn Fn(usize) -> f64| {
            let mut sums = vec![0.0; places];
            (0..values.len()).for_each(|i| sums[place(i)] += f(i));
            sums.into_iter().map(|sum| sum / count).collect::<Vec<f64>>()
        };
        let mean = average(&|i| values[i]);
        let variance = average(&|i| (values[i] - mean[place(i)]).powi(2));
        self.merge(count, &mean, &variance);
        Ok(())
    }

    /// The moments of both sets: the spread within each, and that between their means.
    fn merge(&mut self, count: f64, mean: &[f64], variance: &[f64]) {
        self.count += count;
        let share = count / self.count;
        for i in 0..mean.len() {
            let merged = self.mean[i] * (1.0 - share) + mean[i] * share;
            let own = self.variance[i] + (self.mean[i] - merged).powi(2);
            let new = variance[i] + (mean[i] - merged).powi(2);
            self.variance[i] = own * (1.0 - share) + new * share;
            self.mean[i] = merged;
        }
    }
}

/// For each element of the batch its place among the kept axes.
fn places_of(batch: &Tensor, kept: &[usize]) -> impl Fn(usize) -> usize + use<> {
    let shape = batch.shape().to_vec();
    let stride = move |axis: usize| shape[axis + 1..].iter().product::<usize>();
    let axes: Vec<(usize, usize)> =
        kept.iter().map(|&axis| (stride(axis).max(1), batch.shape()[axis])).collect();
    move |i| axes.iter().fold(0, |place, &(stride, size)| place * size + i / stride % size)
}
