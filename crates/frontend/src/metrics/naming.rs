//! What every metric says of its name.

/// The builder method that every metric has.
macro_rules! name_builder {
    ($class:ident) => {
        /// The name that reports show.
        pub fn name(mut self, name: impl Into<String>) -> $class {
            self.name = Some(name.into());
            self
        }
    };
}

/// The given name, or that of the class, as the method of `Metric` or `MeanMetric`.
macro_rules! own_name {
    ($base:ident) => {
        fn name(&self) -> String {
            let own = || $crate::saving::snake_case::snake_case($crate::metrics::$base::class_name(self));
            self.name.clone().unwrap_or_else(own)
        }
    };
}

pub(super) use {name_builder, own_name};
