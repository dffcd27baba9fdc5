//! Quantiles: Keras's summary of a stream of numbers, from which bins of like counts are cut.

/// Values in ascending order, each with the number of data it stands for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Summary(Vec<(f32, f32)>);

impl Summary {
    /// Of one batch: every `epsilon`-th part of the sorted numbers.
    fn of(values: &[f32], epsilon: f64) -> Summary {
        let mut sorted = values.to_vec();
        sorted.sort_by(f32::total_cmp);
        let step = (sorted.len() as f64 * epsilon).max(1.0);
        let picked = sorted.into_iter().skip((step - 1.0) as usize).step_by(step as usize);
        Summary(picked.map(|value| (value, step as f32)).collect())
    }

    /// Takes one more batch in.
    pub(super) fn add(&mut self, values: &[f32], epsilon: f64) {
        let mut merged = Summary::of(values, epsilon);
        merged.0.append(&mut self.0);
        merged.0.sort_by(|a, b| a.0.total_cmp(&b.0));
        *self = merged.compressed(epsilon);
    }

    /// What lies between bins that hold equally many data.
    pub(super) fn boundaries(&self, bins: usize) -> Vec<f64> {
        let mut values: Vec<f64> =
            self.compressed(1.0 / bins as f64).0.iter().map(|&(value, _)| f64::from(value)).collect();
        values.pop();
        values
    }

    /// No more than `1 / epsilon` values, by linear interpolation over the share of data below.
    fn compressed(&self, epsilon: f64) -> Summary {
        if (self.0.len() as f64) * epsilon < 1.0 {
            return self.clone();
        }
        // Keras sums in 32 bits.
        let mut sum = 0.0_f32;
        let below: Vec<f32> = self.0.iter().map(|&(_, weight)| (sum += weight, sum).1).collect();
        let shares: Vec<f64> = below.iter().map(|&part| f64::from(part / sum)).collect();
        let values: Vec<f64> = self.0.iter().map(|&(value, _)| f64::from(value)).collect();
        let below: Vec<f64> = below.into_iter().map(f64::from).collect();
        let steps = (1.0 / epsilon).ceil() as usize;
        let mut last = 0.0;
        let summary = (0..steps).map(|i| {
            let share = epsilon + i as f64 * epsilon;
            let weight = interpolated(share, &shares, &below);
            let own = weight - last;
            last = weight;
            (interpolated(share, &shares, &values) as f32, own as f32)
        });
        Summary(summary.collect())
    }
}

/// The piecewise linear function through these points, constant outside.
fn interpolated(x: f64, xs: &[f64], ys: &[f64]) -> f64 {
    let after = xs.partition_point(|&known| known <= x);
    match (after.checked_sub(1), ys.get(after)) {
        (None, _) => ys[0],
        (Some(before), None) => ys[before],
        (Some(before), Some(next)) => {
            let slope = (next - ys[before]) / (xs[after] - xs[before]);
            slope * (x - xs[before]) + ys[before]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_are_those_of_keras() {
        let data: Vec<f32> = (0..1000).map(|i| (i * 37 % 1009) as f32).collect();
        let boundaries = |batches: &[&[f32]]| {
            let mut summary = Summary::default();
            batches.iter().for_each(|batch| summary.add(batch, 0.01));
            summary.boundaries(5)
        };
        let whole = [198.99983, 398.99982, 598.99994, 802.99994];
        let halves = [198.99983, 400.99982, 602.9998, 803.99994];
        for (got, known) in
            [(boundaries(&[&data]), whole), (boundaries(&[&data[..300], &data[300..]]), halves)]
        {
            assert_eq!(got.len(), 4);
            got.iter().zip(known).for_each(|(a, b): (&f64, f64)| assert!((a - b).abs() < 2e-3, "{a} {b}"));
        }
    }
}
