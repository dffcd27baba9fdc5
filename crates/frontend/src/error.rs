//! What can go wrong above the tensor language, said so that the reader knows what to change.

use cornu_ir::Type;
use cornu_ir::error::{BackendError, BuildError, GradError};

use crate::saving::FileError;

/// The one error type of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A string that should name something names nothing.
    #[error("`{given}` is no {what}{}. The known names are: {}", did_you_mean(.nearest), .known.join(", "))]
    Unknown {
        /// What it should name: "activation", "loss".
        what: &'static str,
        /// The string.
        given: String,
        /// The name that was probably meant.
        nearest: Option<String>,
        /// All names.
        known: Vec<String>,
    },
    /// An argument of a class, from code or from a file, has a value that the class cannot use.
    #[error("{class}: `{key}` must be {needed}; it is {given}")]
    Config {
        /// The class: "Adam", "Dense".
        class: String,
        /// The argument.
        key: String,
        /// What it is, as JSON.
        given: String,
        /// What it must be, to be read after "must be".
        needed: String,
    },
    /// Two tensors that belong together do not fit.
    #[error("{what}: {left} does not fit {right}. {fix}")]
    Shapes {
        /// Where, and which two: "mean_squared_error: y_true against y_pred".
        what: String,
        /// Type of the first.
        left: Box<Type>,
        /// Type of the second.
        right: Box<Type>,
        /// What to change.
        fix: String,
    },
    /// One tensor has a shape that cannot be used.
    #[error("{what} needs {needed}; it got {got}")]
    Shape {
        /// What it was given to: "glu", "Identity".
        what: String,
        /// What it takes.
        needed: String,
        /// The type it got.
        got: Type,
    },
    /// A layer cannot be built or called in its place.
    #[error("{path}: {reason}")]
    Layer {
        /// Where it is in the model: `block_2/dense`.
        path: String,
        /// What it needs, and what it got.
        reason: String,
    },
    /// Data that cannot be used.
    #[error("{what}")]
    Data {
        /// Which, and what is needed.
        what: String,
    },
    /// Something was asked of a model too early.
    #[error("{what}. {fix}")]
    NotReady {
        /// What is missing.
        what: String,
        /// What to do first.
        fix: String,
    },
    /// Something that Cornu can do but a Keras file cannot say.
    #[error("{what} cannot be written to a Keras file: {reason}")]
    NotInKeras {
        /// What: "the activation keras2_hard_sigmoid".
        what: String,
        /// Why, and what to use instead.
        reason: String,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The graph could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The graph could not be differentiated.
    #[error(transparent)]
    Grad(#[from] GradError),
    /// The device could not do what was asked.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// A step of training would have written a number that is not finite, and was not taken.
    #[error("{0}")]
    NotFinite(Box<crate::training::BadStep>),
    /// A stream of batches failed, for a reason of its own.
    #[error("no further batch: {0}")]
    Stream(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A symbol stands for a call that went wrong.
    #[error(transparent)]
    Symbol(std::sync::Arc<Error>),
}

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// `given` is none of the `known` names of a `what`.
    pub fn unknown<'a>(what: &'static str, given: &str, known: impl IntoIterator<Item = &'a str>) -> Error {
        let known: Vec<String> = known.into_iter().map(String::from).collect();
        let nearest = nearest(given, &known).cloned();
        Error::Unknown { what, given: given.to_string(), nearest, known }
    }

    /// The same error, from inside the layer called `name`. One that says its whole path already keeps it.
    pub fn within(self, name: &str) -> Error {
        let joined = |path: &str| match path.strip_prefix(name) {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => path.to_string(),
            _ if path.is_empty() => name.to_string(),
            _ => format!("{name}/{}", path.trim_start_matches('/')),
        };
        match self {
            Error::Layer { path, reason } => Error::Layer { path: joined(&path), reason },
            // These know their path already.
            Error::Build(_) | Error::Grad(_) | Error::Backend(_) | Error::Symbol(_) => self,
            other => Error::Layer { path: name.to_string(), reason: other.to_string() },
        }
    }

    /// `class` was given a value for `key` that is not what is needed.
    pub fn config(class: &str, key: &str, given: impl ToString, needed: impl Into<String>) -> Error {
        Error::Config {
            class: class.into(),
            key: key.into(),
            given: given.to_string(),
            needed: needed.into(),
        }
    }
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or(String::new(), |name| format!(" (did you mean `{name}`?)"))
}

/// The known name that needs the fewest edits, if these are few for its length.
fn nearest<'a>(given: &str, known: &'a [String]) -> Option<&'a String> {
    let plain = |name: &str| name.to_lowercase().replace(['_', '-', ' '], "");
    let given = plain(given);
    let distances = known.iter().map(|name| (edits(&given, &plain(name)), name));
    let (distance, name) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + name.len() / 4).then_some(name)
}

/// The number of letters to insert, delete or replace between two words (Levenshtein, row by row).
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_name_is_answered_with_the_nearest() {
        let known = ["relu", "selu", "softmax", "mean_squared_error"];
        let nearest = |given| match Error::unknown("activation", given, known) {
            Error::Unknown { nearest, .. } => nearest,
            other => panic!("{other}"),
        };
        assert_eq!(nearest("rleu").as_deref(), Some("relu"));
        assert_eq!(nearest("soft-max").as_deref(), Some("softmax"));
        assert_eq!(nearest("MeanSquaredErorr").as_deref(), Some("mean_squared_error"));
        assert_eq!(nearest("transformer"), None);
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = Error::unknown("activation", "relo", ["relu", "tanh"]);
        let text = "`relo` is no activation (did you mean `relu`?). The known names are: relu, tanh";
        assert_eq!(error.to_string(), text);
    }
}
