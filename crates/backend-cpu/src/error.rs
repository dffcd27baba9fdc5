//! Errors of the backend.

use cornu_ir::error::BackendError;

use crate::NAME;

/// A plan that contradicts itself. The planner makes none; a plan that something else made is refused, not run.
pub(crate) fn broken(what: impl Into<String>) -> BackendError {
    BackendError::Device { backend: NAME, reason: format!("the plan is broken: {}", what.into()) }
}
