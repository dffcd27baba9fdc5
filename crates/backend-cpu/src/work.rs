//! Work: what a lowered plan does in its turn, and who does it.

use crate::branch::Branch;
use crate::kernels::{BufferIndex, Span, Task};
use crate::repeat::Loop;

/// What runs in its turn.
pub(crate) enum Work {
    /// A kernel, or a phase of one.
    Task(Box<dyn Task>),
    /// Work done again and again.
    Loop(Loop),
    /// One of two works.
    Branch(Branch),
}

/// Does work on the memory of a run.
pub(crate) trait Runner {
    /// Runs a task where the buffers lie at `spans`, to its end.
    fn run(&mut self, task: &dyn Task, spans: &[Span]);

    /// What a buffer with one bool holds now.
    fn holds(&self, buffer: BufferIndex, spans: &[Span]) -> bool;
}

impl Work {
    /// The most that `measure` says of one of its tasks.
    pub(crate) fn most(works: &[Work], measure: &impl Fn(&dyn Task) -> usize) -> usize {
        let of = |work: &Work| match work {
            Work::Task(task) => measure(&**task),
            Work::Loop(repeated) => Work::most(repeated.works(), measure),
            Work::Branch(branch) => {
                let [then, otherwise] = branch.works().map(|works| Work::most(works, measure));
                then.max(otherwise)
            }
        };
        works.iter().map(of).max().unwrap_or(0)
    }

    /// Runs all tasks in their order, loops as often as they say, and of branches the one that is taken.
    pub(crate) fn run_all(works: &mut [Work], spans: &[Span], runner: &mut impl Runner) {
        for work in works {
            match work {
                Work::Task(task) => runner.run(&**task, spans),
                Work::Loop(repeated) => repeated.run(spans, runner),
                Work::Branch(branch) => branch.run(spans, runner),
            }
        }
    }
}
