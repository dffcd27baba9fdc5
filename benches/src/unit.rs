//! Units of results, and what they say about speed.

/// What a result is counted in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Unit {
    Samples,
    Images,
    Seconds,
    Milliseconds,
    Microseconds,
    Gigabytes,
    Gflops,
}

const ALL: [Unit; 7] = [
    Unit::Samples,
    Unit::Images,
    Unit::Seconds,
    Unit::Milliseconds,
    Unit::Microseconds,
    Unit::Gigabytes,
    Unit::Gflops,
];

impl Unit {
    /// As it stands in tables and lines.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Unit::Samples => "samples/s",
            Unit::Images => "images/s",
            Unit::Seconds => "s",
            Unit::Milliseconds => "ms",
            Unit::Microseconds => "us",
            Unit::Gigabytes => "GB/s",
            Unit::Gflops => "GFLOP/s",
        }
    }

    /// The unit of this name.
    pub(crate) fn named(name: &str) -> Option<Unit> {
        ALL.into_iter().find(|unit| unit.name() == name)
    }

    /// For the head of a table.
    pub(crate) fn better(self) -> &'static str {
        if self.is_time() { "lower" } else { "higher" }
    }

    fn is_time(self) -> bool {
        match self {
            Unit::Samples | Unit::Images | Unit::Gigabytes | Unit::Gflops => false,
            Unit::Seconds | Unit::Milliseconds | Unit::Microseconds => true,
        }
    }

    /// The result of work on so many samples, gigabytes or operations that took so long.
    pub(crate) fn of(self, seconds: f64, samples: usize) -> f64 {
        match self {
            Unit::Samples | Unit::Images | Unit::Gigabytes => samples as f64 / seconds,
            Unit::Seconds => seconds,
            Unit::Milliseconds => 1e3 * seconds,
            Unit::Microseconds => 1e6 * seconds,
            Unit::Gflops => samples as f64 / seconds / 1e9,
        }
    }

    /// The seconds that a result means.
    pub(crate) fn seconds(self, result: f64, samples: usize) -> f64 {
        match self {
            Unit::Samples | Unit::Images | Unit::Gigabytes => samples as f64 / result,
            Unit::Seconds => result,
            Unit::Milliseconds => result / 1e3,
            Unit::Microseconds => result / 1e6,
            Unit::Gflops => samples as f64 / result / 1e9,
        }
    }

    /// How many times as fast the first result is as the second.
    pub(crate) fn times(self, first: f64, second: f64) -> f64 {
        if self.is_time() { second / first } else { first / second }
    }

    /// The better one of two results.
    pub(crate) fn faster(self, first: f64, second: f64) -> f64 {
        if self.is_time() { first.min(second) } else { first.max(second) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_follow_from_seconds_and_back() {
        for unit in ALL {
            assert!((unit.seconds(unit.of(0.25, 100), 100) - 0.25).abs() < 1e-12, "{unit:?}");
            assert!(unit.times(unit.of(1.0, 8), unit.of(2.0, 8)) == 2.0, "{unit:?}");
            assert_eq!(Unit::named(unit.name()), Some(unit));
        }
    }
}
