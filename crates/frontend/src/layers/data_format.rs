//! DataFormat: which axis of an image holds its channels. Keras: the argument `data_format`.

use std::ops::Range;

use serde_json::{Value, json};

use super::LayerConfig;
use crate::error::Result;

/// The order of axes of sequences, images and volumes: batch, then space and channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum DataFormat {
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

    /// As Keras writes it.
    pub(crate) fn config(self) -> Value {
        match self {
            DataFormat::ChannelsLast => json!("channels_last"),
            DataFormat::ChannelsFirst => json!("channels_first"),
        }
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
