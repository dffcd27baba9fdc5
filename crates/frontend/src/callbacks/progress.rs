//! Progress: a live line on a terminal, one plain line for each epoch in a log. Keras: `ProgbarLogger`.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use super::{Callback, Training};
use crate::error::Result;
use crate::training::Logs;

/// How wide the bar is, and how often it is drawn at most: as in Keras.
const CELLS: usize = 20;
const REFRESH: Duration = Duration::from_millis(50);

/// Shows on standard error how far training is.
pub struct Progress {
    live: bool,
    begun: Instant,
    drawn: Option<Instant>,
    /// Length of the live line, to be wiped by the next.
    width: usize,
}

impl Default for Progress {
    fn default() -> Progress {
        Progress::new()
    }
}

impl Progress {
    /// A bar on a terminal, plain lines elsewhere.
    pub fn new() -> Progress {
        Progress { live: std::io::stderr().is_terminal(), ..Progress::lines() }
    }

    /// A bar wherever the output goes.
    pub fn bar() -> Progress {
        Progress { live: true, ..Progress::lines() }
    }

    /// One line for each epoch.
    pub fn lines() -> Progress {
        Progress { live: false, begun: Instant::now(), drawn: None, width: 0 }
    }

    /// Replaces the live line. Progress is not worth a failed training: an error of the output is left alone.
    fn draw(&mut self, text: &str) {
        let padding = " ".repeat(self.width.saturating_sub(text.chars().count()));
        self.width = text.chars().count();
        let mut output = std::io::stderr().lock();
        let _ = write!(output, "\r{text}{padding}").and_then(|()| output.flush());
    }
}

impl Callback for Progress {
    fn on_epoch_begin(&mut self, training: &mut Training<'_>, epoch: usize) -> Result<()> {
        if self.live && training.epochs > 1 {
            let _ = writeln!(std::io::stderr(), "Epoch {}/{}", epoch + 1, training.epochs);
        }
        (self.begun, self.drawn, self.width) = (Instant::now(), None, 0);
        Ok(())
    }

    fn on_train_batch_end(&mut self, training: &mut Training<'_>, step: usize, logs: &Logs) -> Result<()> {
        let (done, elapsed) = (step + 1, self.begun.elapsed());
        let left = elapsed.mul_f64((training.steps - done.min(training.steps)) as f64 / done as f64);
        let text = format!(
            "{done}/{} {} {} {}/step{}",
            training.steps,
            bar(done, training.steps),
            seconds(left),
            duration(elapsed / done as u32),
            values(logs)
        );
        self.draw(&text);
        self.drawn = Some(Instant::now());
        Ok(())
    }

    fn wants_batch(&mut self, _: usize) -> bool {
        self.live && self.drawn.is_none_or(|drawn| drawn.elapsed() >= REFRESH)
    }

    fn on_epoch_end(&mut self, training: &mut Training<'_>, epoch: usize, logs: &Logs) -> Result<()> {
        let (steps, elapsed) = (training.steps, self.begun.elapsed());
        let time =
            format!("{} {}/step{}", seconds(elapsed), duration(elapsed / steps.max(1) as u32), values(logs));
        if self.live {
            self.draw(&format!("{steps}/{steps} {} {time}", bar(steps, steps)));
            let _ = writeln!(std::io::stderr());
        } else {
            let _ = writeln!(std::io::stderr(), "Epoch {}/{} - {time}", epoch + 1, training.epochs);
        }
        Ok(())
    }
}

fn bar(done: usize, steps: usize) -> String {
    let filled = (CELLS * done.min(steps)).checked_div(steps).unwrap_or(CELLS);
    format!("{}{}", "━".repeat(filled), "╌".repeat(CELLS - filled))
}

/// Keras's form: four digits, or powers of ten where these would show nothing.
fn values(logs: &Logs) -> String {
    let show = |(name, value): (&str, f64)| {
        if value.abs() > 1e-3 || value == 0.0 {
            format!(" - {name}: {value:.4}")
        } else {
            format!(" - {name}: {value:.4e}")
        }
    };
    logs.iter().map(show).collect()
}

fn seconds(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
    }
}

fn duration(time: Duration) -> String {
    match time.as_nanos() {
        0..1_000_000 => format!("{}us", time.as_micros()),
        1_000_000..1_000_000_000 => format!("{}ms", time.as_millis()),
        _ => format!("{:.1}s", time.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills_from_left_to_right() {
        assert_eq!(bar(0, 3), "╌".repeat(20));
        assert_eq!(bar(3, 3), "━".repeat(20));
        assert_eq!(bar(1, 2).matches('━').count(), 10);
    }

    #[test]
    fn numbers_look_as_in_keras() {
        let logs = Logs::new([("loss".to_string(), 0.00012345), ("accuracy".to_string(), 0.97516)]);
        assert_eq!(values(&logs), " - accuracy: 0.9752 - loss: 1.2345e-4");
        assert_eq!(
            (seconds(Duration::from_secs(75)), duration(Duration::from_micros(1500))),
            ("1:15".into(), "1ms".into())
        );
    }
}
