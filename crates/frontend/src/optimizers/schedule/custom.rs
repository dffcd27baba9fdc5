//! Custom: schedules of one's own.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use cornu_ir::Expr;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::optimizers::Schedule;

/// From the number of steps made so far, an `f32` scalar, to the learning rate, another.
type Function = dyn for<'b> Fn(Expr<'b>) -> Expr<'b> + Send + Sync;

static REGISTERED: LazyLock<RwLock<HashMap<String, CustomSchedule>>> = LazyLock::new(RwLock::default);

/// A function of the number of steps, with the name that files know it by.
#[derive(Clone)]
pub struct CustomSchedule {
    name: String,
    function: Arc<Function>,
}

impl CustomSchedule {
    pub(super) fn new(
        name: impl Into<String>,
        function: impl for<'b> Fn(Expr<'b>) -> Expr<'b> + Send + Sync + 'static,
    ) -> CustomSchedule {
        CustomSchedule { name: name.into(), function: Arc::new(function) }
    }

    pub(super) fn value<'b>(&self, steps: Expr<'b>) -> Expr<'b> {
        (self.function)(steps)
    }

    /// A registered function, as Keras writes one.
    pub(super) fn serialize(&self) -> Value {
        let name = self.name.rsplit('>').next().unwrap_or(&self.name);
        json!({"module": null, "class_name": "function", "config": name, "registered_name": self.name})
    }
}

/// The same function, not one that computes the same.
impl PartialEq for CustomSchedule {
    fn eq(&self, other: &CustomSchedule) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.function, &other.function)
    }
}

impl fmt::Debug for CustomSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CustomSchedule").field(&self.name).finish()
    }
}

/// Lets files name a schedule that is a function: `package>name`, or the name alone. See [`Schedule::custom`].
pub fn register_schedule(
    name: &str,
    function: impl for<'b> Fn(Expr<'b>) -> Expr<'b> + Send + Sync + 'static,
) {
    let schedule = CustomSchedule::new(name, function);
    REGISTERED.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_string(), schedule);
}

/// The schedule that a file names, if what stands there is a function.
pub(super) fn read(value: &Value) -> Option<Result<Schedule>> {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    if text("class_name") != Some("function") {
        return None;
    }
    let name = text("registered_name").filter(|&name| name != "function").or(text("config"))?;
    let registered = REGISTERED.read().unwrap_or_else(PoisonError::into_inner);
    let unknown = || {
        let mut known: Vec<&str> = registered.keys().map(String::as_str).collect();
        known.sort_unstable();
        Error::unknown("registered schedule", name, known)
    };
    Some(registered.get(name).cloned().map(Schedule::Custom).ok_or_else(unknown))
}
