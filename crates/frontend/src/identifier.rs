//! Identifier: the two ways to say which activation, loss or initializer is meant: its name, or itself.

use std::fmt;
use std::sync::Arc;

/// Something given by its Keras name or as an object.
///
/// Layers and `compile` take `impl Into<Identifier<…>>`, so `"relu"` and a value both fit. A name is looked up when
/// the model is built; if it names nothing, the error lists the names that exist.
pub enum Identifier<T: ?Sized> {
    /// By name. Some names are decided by the shapes they meet, such as the metric "accuracy".
    Name(String),
    /// The object itself.
    Object(Arc<T>),
}

impl<T: ?Sized> From<&str> for Identifier<T> {
    fn from(name: &str) -> Identifier<T> {
        Identifier::Name(name.to_string())
    }
}

impl<T: ?Sized> From<String> for Identifier<T> {
    fn from(name: String) -> Identifier<T> {
        Identifier::Name(name)
    }
}

impl<T: ?Sized> From<Arc<T>> for Identifier<T> {
    fn from(object: Arc<T>) -> Identifier<T> {
        Identifier::Object(object)
    }
}

impl<T: ?Sized> Clone for Identifier<T> {
    fn clone(&self) -> Identifier<T> {
        match self {
            Identifier::Name(name) => Identifier::Name(name.clone()),
            Identifier::Object(object) => Identifier::Object(object.clone()),
        }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Identifier<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Identifier::Name(name) => fmt::Debug::fmt(name, f),
            Identifier::Object(object) => fmt::Debug::fmt(object, f),
        }
    }
}
