//! DataFormat: which axis of an image holds its channels. Keras: the argument `data_format`.

use std::ops::Range;

use cornu_ir::Expr;
use serde_json::{Value, json};

use super::{Config, LayerConfig, Spec};
use crate::error::{Error, Result};

/// The order of axes of sequences, images and volumes: batch, then space and channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DataFormat {
    /// `(batch, …space, channels)`
    #[default]
    ChannelsLast,
    /// `(batch, channels, …space)`
    ChannelsFirst,
}

impl DataFormat {
    /// The argument `data_format`; channels last if it is absent.
    pub(crate) fn from_config(config: &LayerConfig<'_>) -> Result<DataFormat> {
        match config.text("data_format")? {
            None | Some("channels_last") => Ok(DataFormat::ChannelsLast),
            Some("channels_first") => Ok(DataFormat::ChannelsFirst),
            Some(_) => Err(config.wrong("data_format", "channels_last or channels_first")),
        }
    }

    /// Keras's name.
    pub fn name(self) -> &'static str {
        match self {
            DataFormat::ChannelsLast => "channels_last",
            DataFormat::ChannelsFirst => "channels_first",
        }
    }

    /// As Keras writes it.
    pub(crate) fn config(self) -> Value {
        json!(self.name())
    }

    /// Adds the argument `data_format`.
    pub(crate) fn write(self, config: &mut Config) {
        config.insert("data_format".into(), self.config());
    }

    /// Fails if the channels are first, for a class that has no argument `data_format`.
    pub(crate) fn check_last(self, class: &str) -> Result<()> {
        match self {
            DataFormat::ChannelsLast => Ok(()),
            DataFormat::ChannelsFirst => {
                Err(Error::config(class, "data_format", self.config(), DataFormat::ChannelsLast.name()))
            }
        }
    }

    /// The same values with the channels last.
    pub(crate) fn channels_last(self, x: Expr<'_>) -> Expr<'_> {
        match self {
            DataFormat::ChannelsLast => x,
            DataFormat::ChannelsFirst => {
                let order: Vec<usize> = [0].into_iter().chain(2..x.rank()).chain([1]).collect();
                x.transpose(&order)
            }
        }
    }

    /// Values with the channels last, brought into this format.
    pub(crate) fn restored(self, x: Expr<'_>) -> Expr<'_> {
        match self {
            DataFormat::ChannelsLast => x,
            DataFormat::ChannelsFirst => {
                let last = x.rank() - 1;
                let order: Vec<usize> = [0, last].into_iter().chain(1..last).collect();
                x.transpose(&order)
            }
        }
    }

    /// The number of channels, if it is known.
    pub(crate) fn channels(self, input: &Spec) -> Option<usize> {
        input.shape.get(self.channel_axis(input.rank())).copied().flatten()
    }

    /// The axis of the channels among `rank` axes.
    pub(crate) fn channel_axis(self, rank: usize) -> usize {
        match self {
            DataFormat::ChannelsLast => rank.saturating_sub(1),
            DataFormat::ChannelsFirst => 1,
        }
    }

    /// The axes of space among `rank` axes.
    pub(crate) fn spatial_axes(self, rank: usize) -> Range<usize> {
        match self {
            DataFormat::ChannelsLast => 1..rank.saturating_sub(1).max(1),
            DataFormat::ChannelsFirst => 2..rank.max(2),
        }
    }
}
