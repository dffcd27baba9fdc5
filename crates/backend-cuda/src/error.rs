//! Errors of the backend.

use cornu_ir::error::BackendError;

use crate::NAME;

/// The device, its driver or its compiler failed.
pub(crate) fn failed(reason: impl Into<String>) -> BackendError {
    BackendError::Device { backend: NAME, reason: reason.into() }
}

/// A plan that contradicts itself: refused, not run.
pub(crate) fn broken(what: impl Into<String>) -> BackendError {
    failed(format!("the plan is broken: {}", what.into()))
}

/// What the backend cannot do.
pub(crate) fn unsupported(what: impl Into<String>) -> BackendError {
    BackendError::Unsupported { backend: NAME, what: what.into() }
}

/// A buffer that another backend made.
pub(crate) fn foreign(what: &str) -> BackendError {
    BackendError::Buffer {
        backend: NAME,
        what: what.to_string(),
        need: "memory of this GPU".to_string(),
        got: "memory of another backend".to_string(),
    }
}
