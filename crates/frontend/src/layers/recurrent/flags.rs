//! What a layer that runs a cell can be told: what it returns, in which direction it runs, what it remembers.

use serde_json::json;

use crate::error::Result;
use crate::layers::{Config, LayerConfig};

/// The arguments that all layers have which run a cell along time.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub(super) return_sequences: bool,
    pub(super) return_state: bool,
    pub(super) go_backwards: bool,
    pub(super) stateful: bool,
    /// Kept for files: every loop is compiled once, unrolled or not.
    pub(super) unroll: bool,
    pub(super) zero_output_for_mask: bool,
}

impl Flags {
    pub(super) fn from_config(config: &LayerConfig<'_>) -> Result<Flags> {
        let flag = |key: &str| config.boolean_or(key, false);
        Ok(Flags {
            return_sequences: flag("return_sequences")?,
            return_state: flag("return_state")?,
            go_backwards: flag("go_backwards")?,
            stateful: flag("stateful")?,
            unroll: flag("unroll")?,
            zero_output_for_mask: flag("zero_output_for_mask")?,
        })
    }

    pub(super) fn write(&self, config: &mut Config) {
        let all = [
            ("return_sequences", self.return_sequences),
            ("return_state", self.return_state),
            ("go_backwards", self.go_backwards),
            ("stateful", self.stateful),
            ("unroll", self.unroll),
            ("zero_output_for_mask", self.zero_output_for_mask),
        ];
        for (key, flag) in all {
            config.insert(key.into(), json!(flag));
        }
    }
}

/// The builder methods of a layer with flags.
macro_rules! flags {
    () => {
        /// Whether the output is that of every step, or of the last.
        pub fn return_sequences(mut self, return_sequences: bool) -> Self {
            self.flags.return_sequences = return_sequences;
            self
        }

        /// Whether the last states are outputs too.
        pub fn return_state(mut self, return_state: bool) -> Self {
            self.flags.return_state = return_state;
            self
        }

        /// Whether the steps run from the last to the first. The outputs of all steps then stand in that order.
        pub fn go_backwards(mut self, go_backwards: bool) -> Self {
            self.flags.go_backwards = go_backwards;
            self
        }

        /// Whether the states of one batch are the first states of the next. The batch size must be fixed.
        pub fn stateful(mut self, stateful: bool) -> Self {
            self.flags.stateful = stateful;
            self
        }

        /// Keras's choice between a loop and a copy of each step; here it changes nothing.
        pub fn unroll(mut self, unroll: bool) -> Self {
            self.flags.unroll = unroll;
            self
        }

        /// Whether the output of a masked step is zero, or that of the step before.
        pub fn zero_output_for_mask(mut self, zero_output_for_mask: bool) -> Self {
            self.flags.zero_output_for_mask = zero_output_for_mask;
            self
        }
    };
}
pub(super) use flags;
