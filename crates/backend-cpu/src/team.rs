//! Threads: who runs the pieces of a kernel.
//!
//! A kernel takes tens of microseconds, as long as waking a thread does. So the threads of a team do not sleep between
//! kernels: they look for the next one for a while, which costs its leader one cache line for each group of pieces, and
//! sleep only when none comes. Nothing depends on who runs a piece, or on how many threads come in time.

use std::any::Any;
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use cornu_ir::error::BackendError;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::NAME;

/// The pieces of a kernel as its threads see them: a function of the number of the piece and that of the thread.
type Run<'a> = &'a (dyn Fn(usize, usize) + Sync + 'a);

/// How often a thread looks for work before it offers its core to others between looks.
const EAGER_LOOKS: usize = 500;

/// How long a thread looks for work before it sleeps.
const PATIENCE: Duration = Duration::from_micros(200);

/// Groups that the pieces of a kernel are in, at most. Each thread begins with the same group in every kernel, so that
/// what it wrote lies in its own cache, and goes on with the others' when its own is done.
const MOST_GROUPS: usize = 16;

/// The threads of a backend. With one thread there are none but the caller's.
pub(crate) struct Team {
    crew: Arc<Crew>,
    /// Threads other than the caller's; each serves the crew until it is disbanded.
    _pool: Option<ThreadPool>,
}

impl Team {
    pub(crate) fn new(threads: usize) -> Result<Team, BackendError> {
        let helpers = threads.saturating_sub(1);
        let crew = Arc::new(Crew::new(helpers));
        if helpers == 0 {
            return Ok(Team { crew, _pool: None });
        }
        let name = |index| format!("cornu-{}", index + 1);
        let pool = ThreadPoolBuilder::new().num_threads(helpers).thread_name(name).build();
        let failed = |error: rayon::ThreadPoolBuildError| BackendError::Device {
            backend: NAME,
            reason: error.to_string(),
        };
        let pool = pool.map_err(failed)?;
        let served = crew.clone();
        pool.spawn_broadcast(move |context| served.serve(context.index()));
        Ok(Team { crew, _pool: Some(pool) })
    }

    /// How many threads run pieces.
    pub(crate) fn threads(&self) -> usize {
        self.crew.helpers.len() + 1
    }

    /// Makes the calling thread the team's leader. If another thread leads it already, the caller works alone: where
    /// several models run at once, each has a core of its own.
    pub(crate) fn lead(&self) -> Lead<'_> {
        let is_alone = self.crew.helpers.is_empty() || self.crew.is_led.swap(true, Ordering::Acquire);
        Lead { crew: (!is_alone).then_some(&self.crew) }
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.crew.is_over.store(true, Ordering::SeqCst);
        self.crew.helpers.iter().filter_map(|helper| helper.thread.get()).for_each(Thread::unpark);
    }
}

/// The right to hand out pieces.
pub(crate) struct Lead<'t> {
    crew: Option<&'t Crew>,
}

impl Lead<'_> {
    /// Of nobody but the caller.
    pub(crate) fn alone() -> Self {
        Lead { crew: None }
    }

    /// Runs all pieces of one kernel, each with the number of the thread that runs it: below [`Team::threads`], 0 for
    /// the caller's, and never the same for two pieces at once.
    pub(crate) fn each(&mut self, pieces: usize, run: &(impl Fn(usize, usize) + Sync)) {
        match self.crew {
            Some(crew) if pieces > 1 && u32::try_from(pieces).is_ok() => crew.share(pieces, run),
            Some(_) | None => (0..pieces).for_each(|piece| run(piece, 0)),
        }
    }

    /// Runs a function on each of these, which may be written meanwhile.
    pub(crate) fn each_of<T: Send>(
        &mut self,
        items: impl Iterator<Item = T>,
        run: &(impl Fn(&mut T) + Sync),
    ) {
        let items: Vec<Mutex<T>> = items.map(Mutex::new).collect();
        // Nobody else has an item's number, so that no lock is waited for.
        let one = |piece: usize, _| run(&mut items[piece].lock().unwrap_or_else(PoisonError::into_inner));
        self.each(items.len(), &one);
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        if let Some(crew) = self.crew {
            crew.is_led.store(false, Ordering::Release);
        }
    }
}

/// What leader and helpers share.
///
/// The leader writes `run` and `pieces`, then the groups' tickets, then `job`. Whoever has taken a piece keeps the job
/// open until it counts the piece in `done`; in between, and only then, `run` and `pieces` may be read.
struct Crew {
    is_led: AtomicBool,
    is_over: AtomicBool,
    /// The number of the latest job: every kernel is one.
    job: AtomicU64,
    /// Where the leader keeps a [`Run`].
    run: AtomicPtr<()>,
    pieces: AtomicUsize,
    done: AtomicUsize,
    groups: Vec<Group>,
    helpers: Vec<Helper>,
    sleepers: AtomicUsize,
    /// What the first piece that panicked said.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// A part of a job's pieces, on a cache line of its own: the job's number in the upper half, and in the lower one how
/// many pieces nobody has taken yet.
#[repr(align(128))]
struct Group(AtomicU64);

/// A thread other than the leader's.
#[derive(Default)]
struct Helper {
    thread: OnceLock<Thread>,
    is_asleep: AtomicBool,
}

impl Crew {
    fn new(helpers: usize) -> Crew {
        let groups = (helpers + 1).min(MOST_GROUPS);
        Crew {
            is_led: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            job: AtomicU64::new(0),
            run: AtomicPtr::new(null_mut()),
            pieces: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
            groups: (0..groups).map(|_| Group(AtomicU64::new(0))).collect(),
            helpers: (0..helpers).map(|_| Helper::default()).collect(),
            sleepers: AtomicUsize::new(0),
            panic: Mutex::new(None),
        }
    }

    /// Where the pieces of a group begin.
    fn start(&self, group: usize, pieces: usize) -> usize {
        group * pieces / self.groups.len()
    }

    /// Publishes a job, works on it, and waits for the others.
    fn share(&self, pieces: usize, run: Run<'_>) {
        let job = self.job.load(Ordering::Relaxed).wrapping_add(1) & u64::from(u32::MAX);
        self.run.store((&raw const run).cast::<()>().cast_mut(), Ordering::Relaxed);
        self.pieces.store(pieces, Ordering::Relaxed);
        self.done.store(0, Ordering::Relaxed);
        for (index, group) in self.groups.iter().enumerate() {
            let open = self.start(index + 1, pieces) - self.start(index, pieces);
            group.0.store(job << 32 | open as u64, Ordering::Release);
        }
        self.job.store(job, Ordering::SeqCst);
        self.wake();
        self.work(job, 0, &|| {});
        let mut looks = 0;
        while self.done.load(Ordering::Acquire) < pieces {
            pause(&mut looks);
        }
        let panic = self.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    /// Runs pieces of a job until all are taken. `taken` is called after the first was taken, before it is run.
    fn work(&self, job: u64, thread: usize, taken: &dyn Fn()) {
        let count = self.groups.len();
        let mut is_first = true;
        for index in 0..count {
            let group = (thread + index) % count;
            while let Some(open) = self.groups[group].take(job) {
                if std::mem::take(&mut is_first) {
                    taken();
                }
                let pieces = self.pieces.load(Ordering::Relaxed);
                let piece = self.start(group + 1, pieces) - open;
                let run = self.run.load(Ordering::Relaxed).cast::<Run<'_>>();
                // SAFETY: `share` keeps what `run` points to until all pieces are done, and this one is not yet. It was
                // written before the ticket that the piece was taken with.
                let run = unsafe { *run };
                if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(piece, thread))) {
                    self.panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(panic);
                }
                self.done.fetch_add(1, Ordering::Release);
            }
        }
    }

    /// The life of helper number `index`: waits for a job, works on it, and so on.
    fn serve(&self, index: usize) {
        let helper = &self.helpers[index];
        helper.thread.get_or_init(thread::current);
        let mut last = 0;
        while !self.is_over.load(Ordering::Relaxed) {
            let has_slept = self.wait(helper, last);
            last = self.job.load(Ordering::Acquire);
            // One that comes out of its sleep to work wakes others, so that the leader need not wake them all.
            let taken = || {
                if has_slept {
                    self.wake()
                }
            };
            self.work(last, index + 1, &taken);
        }
    }

    /// Waits for another job than the last; true if the thread has slept meanwhile.
    fn wait(&self, helper: &Helper, last: u64) -> bool {
        let is_idle = || self.job.load(Ordering::SeqCst) == last && !self.is_over.load(Ordering::SeqCst);
        let (begun, mut looks) = (Instant::now(), 0);
        while is_idle() {
            pause(&mut looks);
            if looks > EAGER_LOOKS && begun.elapsed() > PATIENCE {
                break;
            }
        }
        let mut has_slept = false;
        while is_idle() {
            // Whoever publishes a job looks for sleepers afterwards; who goes to sleep looks for jobs after saying so.
            helper.is_asleep.store(true, Ordering::SeqCst);
            self.sleepers.fetch_add(1, Ordering::SeqCst);
            if is_idle() {
                thread::park();
            }
            helper.is_asleep.store(false, Ordering::SeqCst);
            self.sleepers.fetch_sub(1, Ordering::SeqCst);
            has_slept = true;
        }
        has_slept
    }

    /// Wakes two sleepers, if there are any.
    fn wake(&self) {
        if self.sleepers.load(Ordering::SeqCst) == 0 {
            return;
        }
        let asleep = self.helpers.iter().filter(|helper| helper.is_asleep.swap(false, Ordering::SeqCst));
        asleep.take(2).filter_map(|helper| helper.thread.get()).for_each(Thread::unpark);
    }
}

impl Group {
    /// Takes a piece of this job, if there is one left. Says how many there were, and so which it is.
    fn take(&self, job: u64) -> Option<usize> {
        let mut ticket = self.0.load(Ordering::Acquire);
        loop {
            let open = ticket & u64::from(u32::MAX);
            if ticket >> 32 != job || open == 0 {
                return None;
            }
            match self.0.compare_exchange_weak(ticket, ticket - 1, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(open as usize),
                Err(other) => ticket = other,
            }
        }
    }
}

/// A moment between two looks: short at first; later, other threads may have the core.
fn pause(looks: &mut usize) {
    *looks += 1;
    if *looks <= EAGER_LOOKS { spin_loop() } else { thread::yield_now() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_runs_once_on_any_number_of_threads() {
        for threads in [1, 2, 3, 7, 20] {
            let team = Team::new(threads).unwrap();
            let mut lead = team.lead();
            for pieces in (0..100).chain([1000]) {
                let ran: Vec<AtomicUsize> = (0..pieces).map(|_| AtomicUsize::new(0)).collect();
                lead.each(pieces, &|piece, thread| {
                    assert!(thread < threads);
                    ran[piece].fetch_add(1, Ordering::Relaxed);
                });
                assert!(ran.iter().all(|times| times.load(Ordering::Relaxed) == 1), "{threads}, {pieces}");
            }
        }
    }

    #[test]
    fn helpers_come_back_after_sleeping() {
        let team = Team::new(3).unwrap();
        for _ in 0..5 {
            thread::sleep(PATIENCE * 20);
            let threads: Mutex<Vec<usize>> = Mutex::default();
            team.lead().each(300, &|_, thread| {
                thread::sleep(Duration::from_micros(100));
                threads.lock().unwrap().push(thread);
            });
            let threads = threads.into_inner().unwrap();
            assert_eq!(threads.len(), 300);
            assert!((0..3).all(|thread| threads.contains(&thread)));
        }
    }

    #[test]
    fn who_comes_second_works_alone() {
        let team = Team::new(2).unwrap();
        let first = team.lead();
        team.lead().each(50, &|_, thread| assert_eq!(thread, 0));
        drop(first);
        assert!(team.lead().crew.is_some());
    }

    #[test]
    fn a_panic_reaches_the_leader_and_leaves_the_team_whole() {
        let team = Team::new(3).unwrap();
        let failing = || team.lead().each(100, &|piece, _| assert!(piece != 77, "piece 77"));
        assert!(catch_unwind(AssertUnwindSafe(failing)).is_err());
        let ran = AtomicUsize::new(0);
        team.lead().each(100, &|_, _| {
            ran.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(ran.into_inner(), 100);
    }
}
