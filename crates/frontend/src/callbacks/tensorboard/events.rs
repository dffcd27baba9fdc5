//! Events: what an event file says, as TensorFlow's `event.proto` and `summary.proto` lay it out.

use std::time::{SystemTime, UNIX_EPOCH};

use super::protobuf::Message;

/// One entry of an event file.
pub(super) struct Event(Message);

impl Event {
    /// What every event begins with: the time, and the step.
    fn at(step: usize) -> Message {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Message::new().double(1, now.as_secs_f64()).integer(2, step as u64)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// What every file begins with.
    pub(super) fn version() -> Event {
        Event(Event::at(0).bytes(3, "brain.Event:2"))
    }

    /// Says that training begins at a step: what earlier files say of this and later ones does not count.
    pub(super) fn start(step: usize) -> Event {
        let status_start = Message::new().integer(1, 1);
        Event(Event::at(step).message(7, &status_start))
    }

    /// A number under a tag.
    pub(super) fn scalar(step: usize, tag: &str, value: f64) -> Event {
        Event::summary(step, Message::new().bytes(1, tag).float(2, value as f32))
    }

    /// The distribution of numbers under a tag.
    pub(super) fn histogram(step: usize, tag: &str, histogram: &Histogram) -> Event {
        Event::summary(step, Message::new().bytes(1, tag).message(5, &histogram.message()))
    }

    /// A graph, as `graph.proto` lays it out.
    pub(super) fn graph(graph: &Message) -> Event {
        Event(Event::at(0).message(4, graph))
    }

    fn summary(step: usize, value: Message) -> Event {
        Event(Event::at(step).message(5, &Message::new().message(1, &value)))
    }
}

/// How numbers are spread.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Histogram {
    min: f64,
    max: f64,
    count: f64,
    sum: f64,
    squares: f64,
    /// Right ends of the buckets.
    limits: Vec<f64>,
    counts: Vec<f64>,
}

/// Buckets of equal width, as TensorBoard's own.
const BUCKETS: usize = 30;

impl Histogram {
    /// That of the finite ones among these numbers.
    pub(super) fn of(numbers: &[f64]) -> Histogram {
        let finite = || numbers.iter().copied().filter(|number| number.is_finite());
        let (min, max) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
        let count = finite().count() as f64;
        if count == 0.0 {
            return Histogram::default();
        }
        let (sum, squares) = (finite().sum(), finite().map(|number| number * number).sum());
        if min == max {
            // One bucket around the only number.
            let half = 0.5f64.max(min.abs() * 1e-6);
            let (limits, counts) = (vec![min - half, min + half], vec![0.0, count]);
            return Histogram { min, max, count, sum, squares, limits, counts };
        }
        let width = (max - min) / BUCKETS as f64;
        let limits = (1..=BUCKETS).map(|end| if end == BUCKETS { max } else { min + width * end as f64 });
        let mut counts = vec![0.0; BUCKETS];
        finite().for_each(|number| counts[(((number - min) / width) as usize).min(BUCKETS - 1)] += 1.0);
        Histogram { min, max, count, sum, squares, limits: limits.collect(), counts }
    }

    fn message(&self) -> Message {
        Message::new()
            .double(1, self.min)
            .double(2, self.max)
            .double(3, self.count)
            .double(4, self.sum)
            .double(5, self.squares)
            .doubles(6, &self.limits)
            .doubles(7, &self.counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_number_is_in_a_bucket() {
        let numbers: Vec<f64> = (0..100).map(f64::from).chain([f64::NAN, f64::INFINITY]).collect();
        let histogram = Histogram::of(&numbers);
        assert_eq!(
            (histogram.min, histogram.max, histogram.count, histogram.sum),
            (0.0, 99.0, 100.0, 4950.0)
        );
        assert_eq!(histogram.counts.iter().sum::<f64>(), 100.0);
        assert_eq!((histogram.limits.len(), histogram.limits[29]), (30, 99.0));
        assert_eq!(Histogram::of(&[2.0, 2.0]).counts, [0.0, 2.0]);
        assert_eq!(Histogram::of(&[f64::NAN]), Histogram::default());
    }
}
