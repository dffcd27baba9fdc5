//! Times: where the time of a training goes.

use std::fmt;
use std::time::{Duration, Instant};

/// The time that a training took so far, and what for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    begun: Instant,
    data: Duration,
    steps: Duration,
    validation: Duration,
    callbacks: Duration,
}

macro_rules! measured {
    ($($field:ident: $what:literal;)*) => {$(
        #[doc = $what]
        pub(super) fn $field<T>(&mut self, work: impl FnOnce() -> T) -> T {
            let begun = Instant::now();
            let done = work();
            self.$field += begun.elapsed();
            done
        }
    )*};
}

impl Times {
    pub(super) fn begin() -> Times {
        let none = Duration::ZERO;
        Times { begun: Instant::now(), data: none, steps: none, validation: none, callbacks: none }
    }

    measured! {
        data: "Counts as waiting for batches.";
        steps: "Counts as steps of training.";
        validation: "Counts as validation, callbacks that are told of it included.";
        callbacks: "Counts as callbacks.";
    }
}

/// One line: `time: 12.3s, of which data 3%, steps 90%, validation 5%, callbacks 1%, other 1%`.
impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.begun.elapsed();
        let counted = self.data + self.steps + self.validation + self.callbacks;
        let share = |time: Duration| 100.0 * time.as_secs_f64() / all.as_secs_f64().max(f64::MIN_POSITIVE);
        write!(
            f,
            "time: {:.2}s, of which data {:.1}%, steps {:.1}%, validation {:.1}%, callbacks {:.1}%, other {:.1}%",
            all.as_secs_f64(),
            share(self.data),
            share(self.steps),
            share(self.validation),
            share(self.callbacks),
            share(all.saturating_sub(counted)),
        )
    }
}
