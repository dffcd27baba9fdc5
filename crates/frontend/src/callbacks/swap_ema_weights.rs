//! SwapEMAWeights: averages of the weights take their place where a model is evaluated. Keras: `SwapEMAWeights`.

use serde_json::json;

use super::{Callback, CallbackState, Training};
use crate::error::Result;
use crate::training::Logs;

/// Swaps the averages that the optimizer keeps (`ema`) and the weights, for evaluating. Keras: `SwapEMAWeights`.
///
/// With [`SwapEMAWeights::swap_on_epoch`], the averages are also in the model between epochs, so that callbacks after
/// this one see and save them.
#[derive(Clone, Debug, Default)]
pub struct SwapEMAWeights {
    swap_on_epoch: bool,
    swapped: bool,
}

impl SwapEMAWeights {
    /// Swaps for evaluating and predicting.
    pub fn new() -> SwapEMAWeights {
        SwapEMAWeights::default()
    }

    /// Whether to swap at the end of each epoch too, until the next begins.
    pub fn swap_on_epoch(mut self, swap: bool) -> SwapEMAWeights {
        self.swap_on_epoch = swap;
        self
    }

    fn set(&mut self, training: &mut Training<'_>, swapped: bool) -> Result<()> {
        if self.swapped != swapped {
            training.model.swap_averages()?;
            self.swapped = swapped;
        }
        Ok(())
    }
}

impl Callback for SwapEMAWeights {
    fn on_epoch_begin(&mut self, training: &mut Training<'_>, _: usize) -> Result<()> {
        self.set(training, false)
    }

    fn on_epoch_end(&mut self, training: &mut Training<'_>, _: usize, _: &mut Logs) -> Result<()> {
        if self.swap_on_epoch { self.set(training, true) } else { Ok(()) }
    }

    /// By now the averages have become the weights for good, or the weights are back: see the end of `fit`.
    fn on_train_end(&mut self, _: &mut Training<'_>) -> Result<()> {
        self.swapped = false;
        Ok(())
    }

    fn on_test_begin(&mut self, training: &mut Training<'_>) -> Result<()> {
        self.set(training, true)
    }

    fn on_test_end(&mut self, training: &mut Training<'_>, _: &Logs) -> Result<()> {
        self.set(training, false)
    }

    fn on_predict_begin(&mut self, training: &mut Training<'_>) -> Result<()> {
        self.set(training, true)
    }

    fn on_predict_end(&mut self, training: &mut Training<'_>) -> Result<()> {
        self.set(training, false)
    }

    without_batch_logs!();

    fn name(&self) -> &str {
        "SwapEMAWeights"
    }

    fn state(&self) -> CallbackState {
        json!({ "swapped": self.swapped }).into()
    }

    fn restore(&mut self, training: &mut Training<'_>, state: CallbackState) -> Result<()> {
        self.swapped = state.values["swapped"].as_bool().unwrap_or(false);
        training.model.averages_swapped = self.swapped;
        Ok(())
    }
}
