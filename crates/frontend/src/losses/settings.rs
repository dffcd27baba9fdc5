//! Settings: what every loss has besides its formula.

use crate::config::Arguments;
use crate::error::Result;
use crate::losses::Reduction;

/// The name of a loss, if it is not that of its class, and its reduction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// The name that reports show; the class name in snake case if there is none.
    pub name: Option<String>,
    /// How the samples' losses become one.
    pub reduction: Reduction,
}

impl Settings {
    pub(super) fn from_config(arguments: &Arguments) -> Result<Settings> {
        Ok(Settings {
            name: arguments.text("name")?.map(String::from),
            reduction: Reduction::from_config(arguments)?,
        })
    }
}

/// The builder methods that every loss has.
macro_rules! settings {
    ($class:ident) => {
        impl $class {
            /// With Keras's defaults.
            pub fn new() -> $class {
                $class::default()
            }

            /// The name that reports show.
            pub fn name(mut self, name: impl Into<String>) -> $class {
                self.settings.name = Some(name.into());
                self
            }

            /// How the samples' losses become one.
            pub fn reduction(mut self, reduction: $crate::losses::Reduction) -> $class {
                self.settings.reduction = reduction;
                self
            }

            #[allow(clippy::needless_update)]
            pub(super) fn with_settings(self, settings: $crate::losses::Settings) -> $class {
                let name = settings.name.or(self.settings.name.clone());
                let reduction = settings.reduction;
                $class { settings: $crate::losses::Settings { name, reduction }, ..self }
            }
        }
    };
}

pub(super) use settings;
