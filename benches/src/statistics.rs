//! What several rounds say together.

/// The middle value; between two, their mean.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => sorted[middle],
        _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
    }
}

/// The distance between the extremes, as a share of the median.
pub(crate) fn spread(values: &[f64]) -> f64 {
    (extreme(values, f64::max) - extreme(values, f64::min)) / median(values)
}

/// The largest or the smallest value.
pub(crate) fn extreme(values: &[f64], choose: impl Fn(f64, f64) -> f64) -> f64 {
    values.iter().copied().reduce(choose).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_width_of_some_values() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(spread(&[1.0, 2.0, 4.0]), 1.5);
        assert!(median(&[]).is_nan());
    }
}
