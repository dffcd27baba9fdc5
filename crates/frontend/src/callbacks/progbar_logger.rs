//! ProgbarLogger: a live line on a terminal, one plain line for each epoch in a log. Keras: `ProgbarLogger`.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use cornu_ir::Tensor;

use super::{Callback, Training};
use crate::error::Result;
use crate::training::{Logs, Verbose};

/// How wide the bar is, and how often it is drawn at most: as in Keras.
const CELLS: usize = 20;
const REFRESH: Duration = Duration::from_millis(50);

/// Shows on standard error how far training, evaluating or predicting is. Keras: `ProgbarLogger`.
///
/// On a terminal it is a line that changes in place, with the time that is left of the epoch; elsewhere it is one line
/// for each epoch, without control characters. `fit` adds one by itself: see [`crate::Fit::verbose`].
pub struct ProgbarLogger {
    live: bool,
    begun: Instant,
    drawn: Option<Instant>,
    /// Length of the live line, to be wiped by the next.
    width: usize,
    /// Whether the live line has no end yet.
    open: bool,
}

impl Default for ProgbarLogger {
    fn default() -> ProgbarLogger {
        ProgbarLogger::new()
    }
}

impl ProgbarLogger {
    /// A bar on a terminal, plain lines elsewhere.
    pub fn new() -> ProgbarLogger {
        ProgbarLogger { live: std::io::stderr().is_terminal(), ..ProgbarLogger::lines() }
    }

    /// A bar wherever the output goes.
    pub fn bar() -> ProgbarLogger {
        ProgbarLogger { live: true, ..ProgbarLogger::lines() }
    }

    /// One line for each epoch.
    pub fn lines() -> ProgbarLogger {
        ProgbarLogger { live: false, begun: Instant::now(), drawn: None, width: 0, open: false }
    }

    /// The one that shows so much, if anything.
    pub(crate) fn of(verbose: Verbose) -> Option<ProgbarLogger> {
        match verbose {
            Verbose::Silent => None,
            Verbose::Auto => Some(ProgbarLogger::new()),
            Verbose::Bar => Some(ProgbarLogger::bar()),
            Verbose::Lines | Verbose::Profile => Some(ProgbarLogger::lines()),
        }
    }

    fn begin(&mut self) {
        (self.begun, self.drawn, self.width) = (Instant::now(), None, 0);
    }

    fn is_due(&self) -> bool {
        self.live && self.drawn.is_none_or(|drawn| drawn.elapsed() >= REFRESH)
    }

    /// Draws the live line after so many steps.
    fn progress(&mut self, done: usize, steps: Option<usize>, logs: &Logs) {
        let elapsed = self.begun.elapsed();
        let pace = duration(elapsed / u32::try_from(done.max(1)).unwrap_or(u32::MAX));
        let values = values(logs);
        let text = match steps {
            Some(steps) => {
                let left = elapsed.mul_f64(steps.saturating_sub(done) as f64 / done.max(1) as f64);
                format!("{done}/{steps} {} {} {pace}/step{values}", bar(done, steps), seconds(left))
            }
            None => format!("{done}/Unknown {} {pace}/step{values}", seconds(elapsed)),
        };
        self.draw(&text);
        self.drawn = Some(Instant::now());
    }

    /// Ends the live line, or writes the only one, which begins with `label`.
    fn end(&mut self, label: &str, steps: Option<usize>, logs: &Logs) {
        let (steps, elapsed) = (steps.unwrap_or(0), self.begun.elapsed());
        let pace = duration(elapsed / u32::try_from(steps.max(1)).unwrap_or(u32::MAX));
        let time = format!("{} {pace}/step{}", seconds(elapsed), values(logs));
        if self.live {
            self.draw(&format!("{steps}/{steps} {} {time}", bar(steps, steps)));
            self.close();
        } else {
            let _ = writeln!(std::io::stderr(), "{label} - {time}");
        }
    }

    /// Ends the live line, if there is one.
    fn close(&mut self) {
        if std::mem::take(&mut self.open) {
            let _ = writeln!(std::io::stderr());
        }
    }

    /// Replaces the live line. Progress is not worth a failed training: an error of the output is left alone.
    fn draw(&mut self, text: &str) {
        let padding = " ".repeat(self.width.saturating_sub(text.chars().count()));
        (self.width, self.open) = (text.chars().count(), true);
        let mut output = std::io::stderr().lock();
        let _ = write!(output, "\r{text}{padding}").and_then(|()| output.flush());
    }
}

impl Callback for ProgbarLogger {
    fn on_epoch_begin(&mut self, training: &mut Training<'_>, epoch: usize) -> Result<()> {
        if self.live && training.epochs > 1 {
            let _ = writeln!(std::io::stderr(), "Epoch {}/{}", epoch + 1, training.epochs);
        }
        self.begin();
        Ok(())
    }

    fn on_train_batch_end(&mut self, training: &mut Training<'_>, step: usize, logs: &Logs) -> Result<()> {
        self.progress(step + 1, training.steps, logs);
        Ok(())
    }

    fn wants_batch(&mut self, _: usize) -> bool {
        self.is_due()
    }

    fn on_epoch_end(&mut self, training: &mut Training<'_>, epoch: usize, logs: &mut Logs) -> Result<()> {
        let label = format!("Epoch {}/{}", epoch + 1, training.epochs);
        self.end(&label, training.steps, logs);
        Ok(())
    }

    /// What others write after training has ended within an epoch begins a line of its own.
    fn on_train_end(&mut self, _: &mut Training<'_>) -> Result<()> {
        self.close();
        Ok(())
    }

    fn on_test_begin(&mut self, training: &mut Training<'_>) -> Result<()> {
        if !training.is_fit() {
            self.begin();
        }
        Ok(())
    }

    fn on_test_batch_end(&mut self, training: &mut Training<'_>, step: usize, logs: &Logs) -> Result<()> {
        if !training.is_fit() {
            self.progress(step + 1, training.steps, logs);
        }
        Ok(())
    }

    /// Within `fit` the line is that of the epoch; those steps are soon over.
    fn wants_test_batch(&mut self, _: usize) -> bool {
        self.is_due()
    }

    fn on_test_end(&mut self, training: &mut Training<'_>, logs: &Logs) -> Result<()> {
        if !training.is_fit() {
            self.end("Evaluated", training.steps, logs);
        }
        Ok(())
    }

    fn on_predict_begin(&mut self, _: &mut Training<'_>) -> Result<()> {
        self.begin();
        Ok(())
    }

    fn on_predict_batch_end(&mut self, training: &mut Training<'_>, step: usize, _: &[Tensor]) -> Result<()> {
        if self.is_due() {
            self.progress(step + 1, training.steps, &Logs::default());
        }
        Ok(())
    }

    fn on_predict_end(&mut self, training: &mut Training<'_>) -> Result<()> {
        self.end("Predicted", training.steps, &Logs::default());
        Ok(())
    }

    fn name(&self) -> &str {
        "ProgbarLogger"
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
