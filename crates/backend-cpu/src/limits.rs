//! Limits: what no program on this machine can exceed, measured.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use cornu_ir::backend::Limits;

use crate::cpu::Cpu;
use crate::simd::peak::{Triad, multiply_add};

/// Runs of each measurement; others on the machine can only slow one.
const RUNS: usize = 5;
/// Steps of one run of arithmetic: some milliseconds.
const STEPS: usize = 1 << 20;
/// Numbers in each of the three arrays: 64 MiB.
const NUMBERS: usize = 1 << 24;
/// Numbers that a thread takes at a time.
const CHUNK: usize = 1 << 16;

impl Cpu {
    /// Measures the limits of the machine, with the instruction set and the threads that are used, which takes some
    /// tenths of a second and 192 MiB. Each is the best of several short runs.
    ///
    /// ```
    /// let limits = cornu_backend_cpu::Cpu::with_threads(1)?.limits();
    /// println!("{:.0} GFLOP/s, {:.0} GB/s", limits.flops / 1e9, limits.bytes_per_second / 1e9);
    /// # Ok::<(), cornu_ir::error::BackendError>(())
    /// ```
    pub fn limits(&self) -> Limits {
        self.limits_over(NUMBERS, STEPS)
    }

    /// The same over arrays of so many numbers, and runs of so many steps.
    fn limits_over(&self, numbers: usize, steps: usize) -> Limits {
        let isa = self.isa;
        let flops_of_one_core = best(|| multiply_add(isa, steps));
        // Each thread takes more than one piece, so that all are at work but for the last of them.
        let pieces = 4 * self.threads();
        let all = || {
            let done = AtomicUsize::new(0);
            let piece = |_, _| _ = done.fetch_add(multiply_add(isa, steps / 4), Relaxed);
            self.team.lead().each(pieces, &piece);
            done.into_inner()
        };
        Limits { flops_of_one_core, flops: best(all), bytes_per_second: self.triad(numbers) }
    }

    fn triad(&self, numbers: usize) -> f64 {
        let (mut out, a, b) = (vec![0.0; numbers], vec![1.0; numbers], vec![2.0; numbers]);
        best(|| {
            let operands = a.chunks(CHUNK).zip(b.chunks(CHUNK));
            let pieces = out.chunks_mut(CHUNK).zip(operands);
            self.team.lead().each_of(pieces, &|(out, (a, b))| {
                self.isa.run(Triad { out, a, b, factor: 3.0 });
            });
            3 * size_of::<f32>() * numbers
        })
    }
}

/// The most of what `work` says it did, a second.
fn best(mut work: impl FnMut() -> usize) -> f64 {
    let mut run = || {
        let begun = Instant::now();
        let done = work() as f64;
        done / begun.elapsed().as_secs_f64().max(1e-9)
    };
    (0..RUNS).map(|_| run()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_measured_on_any_number_of_threads() {
        for threads in [1, 3] {
            let limits = Cpu::with_threads(threads).unwrap().limits_over(1 << 17, 1 << 10);
            for limit in [limits.flops_of_one_core, limits.flops, limits.bytes_per_second] {
                assert!(limit > 1e6 && limit.is_finite(), "{limits:?}");
            }
        }
    }
}
