//! Interrupts: how a training learns that it should stop after the batch.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The flags that a training watches.
pub(crate) struct Interrupt {
    flags: Vec<Arc<AtomicBool>>,
    _ctrl_c: Option<ctrl_c::Watch>,
}

impl Interrupt {
    /// Watches these, and Ctrl-C if `ctrl_c`.
    pub(crate) fn new(flags: Vec<Arc<AtomicBool>>, ctrl_c: bool) -> Interrupt {
        let watch = if ctrl_c { ctrl_c::Watch::begin() } else { None };
        let flags = flags.into_iter().chain(watch.as_ref().map(ctrl_c::Watch::flag)).collect();
        Interrupt { flags, _ctrl_c: watch }
    }

    /// Whether one of them is set.
    pub(crate) fn came(&self) -> bool {
        self.flags.iter().any(|flag| flag.load(Ordering::Relaxed))
    }
}

#[cfg(feature = "ctrl-c")]
mod ctrl_c {
    //! The signal that Ctrl-C sends. While no training watches, and after the first Ctrl-C during one, it does what it
    //! always does.

    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{Arc, OnceLock};

    use signal_hook::consts::SIGINT;
    use signal_hook::low_level::unregister;
    use signal_hook::{SigId, flag};

    use crate::notice::warn;

    /// Trainings that watch.
    static WATCHING: AtomicUsize = AtomicUsize::new(0);
    /// Whether the signal ends the process; registered once, before any flag of a training.
    static ENDS: OnceLock<Option<Arc<AtomicBool>>> = OnceLock::new();

    /// Sets a flag at Ctrl-C until it is dropped.
    pub(super) struct Watch {
        came: Arc<AtomicBool>,
        registered: Vec<SigId>,
    }

    impl Watch {
        pub(super) fn begin() -> Option<Watch> {
            let ends = ENDS.get_or_init(|| {
                let ends = Arc::new(AtomicBool::new(true));
                flag::register_conditional_default(SIGINT, ends.clone()).ok().map(|_| ends)
            });
            let came = Arc::new(AtomicBool::new(false));
            let registered = ends.as_ref().and_then(|ends| {
                // Handlers run in this order: the first Ctrl-C sets both flags, the second ends the process.
                let first = flag::register(SIGINT, came.clone()).ok()?;
                let second = flag::register(SIGINT, ends.clone()).ok()?;
                ends.store(false, Ordering::SeqCst);
                Some(vec![first, second])
            });
            let Some(registered) = registered else {
                warn("Ctrl-C cannot be answered here: it ends the process at once");
                return None;
            };
            WATCHING.fetch_add(1, Ordering::SeqCst);
            Some(Watch { came, registered })
        }

        pub(super) fn flag(&self) -> Arc<AtomicBool> {
            self.came.clone()
        }
    }

    impl Drop for Watch {
        fn drop(&mut self) {
            self.registered.drain(..).for_each(|id| {
                unregister(id);
            });
            if WATCHING.fetch_sub(1, Ordering::SeqCst) == 1
                && let Some(Some(ends)) = ENDS.get()
            {
                ends.store(true, Ordering::SeqCst);
            }
        }
    }
}

#[cfg(not(feature = "ctrl-c"))]
mod ctrl_c {
    //! Without the feature there is nothing to watch.

    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use crate::notice::warn;

    pub(super) enum Watch {}

    impl Watch {
        pub(super) fn begin() -> Option<Watch> {
            warn("Ctrl-C ends the process at once: cornu is built without its feature `ctrl-c`");
            None
        }

        pub(super) fn flag(&self) -> Arc<AtomicBool> {
            match *self {}
        }
    }
}
