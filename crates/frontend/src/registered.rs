//! Registered: what a program adds of its own to Keras's lists of classes and functions, for files to name.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use crate::error::Error;

/// Things by the names that they are registered under: `package>Name`, or the name alone.
pub(crate) struct Registered<T>(RwLock<BTreeMap<String, T>>);

impl<T: Clone> Registered<T> {
    /// Nothing yet.
    pub(crate) const fn new() -> Registered<T> {
        Registered(RwLock::new(BTreeMap::new()))
    }

    /// Adds one, or replaces the one of this name.
    pub(crate) fn insert(&self, name: &str, item: T) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_string(), item);
    }

    /// The one of this name.
    pub(crate) fn get(&self, name: &str) -> Option<T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// What a file means that says this of a class: by its registered name, else by that of the class, which Keras
    /// puts into the package `Custom` if nothing is said.
    pub(crate) fn find(&self, class: &str, registered_name: Option<&str>) -> Option<T> {
        let by_class = || self.get(class).or_else(|| self.get(&format!("Custom>{class}")));
        registered_name.and_then(|name| self.get(name)).or_else(by_class)
    }

    /// All names, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }
}

/// A file names something that is neither Keras's nor registered. `how` says which function registers it.
pub(crate) fn not_registered(what: &str, name: &str, how: &str) -> Error {
    Error::NotReady {
        what: format!("the file names the {what} `{name}`, which is not one of Keras's"),
        fix: format!("If it is your own, call {how} with this name before the file is read"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_registered_is_found_by_all_its_names() {
        static NUMBERS: Registered<i32> = Registered::new();
        NUMBERS.insert("pkg>One", 1);
        NUMBERS.insert("Custom>Two", 2);
        NUMBERS.insert("three", 3);
        assert_eq!(NUMBERS.find("One", Some("pkg>One")), Some(1));
        assert_eq!(NUMBERS.find("Two", None), Some(2));
        assert_eq!(NUMBERS.find("three", Some("function")), Some(3));
        assert_eq!(NUMBERS.find("One", None), None);
        assert_eq!(NUMBERS.names(), ["Custom>Two", "pkg>One", "three"]);
    }
}
