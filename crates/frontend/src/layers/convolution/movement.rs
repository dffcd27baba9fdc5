//! Movement: the size of a kernel and how it moves, the same arguments for all convolutions.

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::layers::{Config, LayerConfig, Spec, Weights};
use crate::layers::{
    DataFormat,
    spatial::{Moving, Padding, Sizes, check_rank},
};

/// Keras's `kernel_size`, `strides`, `padding`, `data_format` and `dilation_rate`.
#[derive(Clone, Debug)]
pub(in crate::layers) struct Movement<const RANK: usize> {
    pub(in crate::layers) kernel_size: Sizes<RANK>,
    pub(in crate::layers) strides: Sizes<RANK>,
    pub(in crate::layers) padding: Padding,
    pub(in crate::layers) data_format: DataFormat,
    pub(in crate::layers) dilation_rate: Sizes<RANK>,
}

impl<const RANK: usize> Movement<RANK> {
    pub(in crate::layers) fn new(kernel_size: Sizes<RANK>) -> Movement<RANK> {
        const { assert!(RANK >= 1 && RANK <= 3, "convolutions move along one to three axes") }
        Movement {
            kernel_size,
            strides: 1.into(),
            padding: Padding::Valid,
            data_format: DataFormat::ChannelsLast,
            dilation_rate: 1.into(),
        }
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>, causal: bool) -> Result<Movement<RANK>> {
        let kernel_size = Sizes::from_config(config, "kernel_size")?;
        Ok(Movement {
            strides: Sizes::from_config(config, "strides")?.unwrap_or(1.into()),
            padding: Padding::from_config(config, causal)?,
            data_format: DataFormat::from_config(config)?,
            dilation_rate: Sizes::from_config(config, "dilation_rate")?.unwrap_or(1.into()),
            ..Movement::new(kernel_size.ok_or_else(|| config.wrong("kernel_size", "a size for each axis"))?)
        })
    }

    /// Writes the arguments in Keras's order; `extra` stands after the padding.
    pub(in crate::layers) fn write(&self, config: &mut Config, extra: Option<(&str, Value)>) {
        config.insert("kernel_size".into(), self.kernel_size.json());
        config.insert("strides".into(), self.strides.json());
        config.insert("padding".into(), json!(self.padding.name()));
        if let Some((key, value)) = extra {
            config.insert(key.into(), value);
        }
        self.data_format.write(config);
        config.insert("dilation_rate".into(), self.dilation_rate.json());
    }

    /// Checks the arguments and the input; answers the number of its channels.
    pub(in crate::layers) fn channels(
        &self,
        class: &str,
        input: &Spec,
        weights: &Weights,
        causal: bool,
    ) -> Result<usize> {
        self.padding.check(class, causal)?;
        self.kernel_size.check_positive(class, "kernel_size")?;
        self.strides.check_positive(class, "strides")?;
        self.dilation_rate.check_positive(class, "dilation_rate")?;
        check_rank(class, weights.scope(), input, RANK)?;
        let channels = self.data_format.channels(input).filter(|&channels| channels > 0);
        channels.ok_or_else(|| {
            let format = self.data_format.name();
            let reason = format!("{class} needs to know the channels of its input, {format}; it got {input}");
            Error::Layer { path: weights.scope(), reason }
        })
    }

    /// Refuses steps over elements together with gaps in the kernel, as Keras does.
    pub(in crate::layers) fn check_strides_or_dilation(&self, class: &str) -> Result<()> {
        let some = |sizes: &Sizes<RANK>| sizes.0.iter().any(|&size| size > 1);
        if some(&self.strides) && some(&self.dilation_rate) {
            let needed = format!("1 where `strides` are above 1, as {:?} are", self.strides.0);
            return Err(Error::config(class, "dilation_rate", self.dilation_rate.json(), needed));
        }
        Ok(())
    }

    /// The shape of a kernel with these last two sizes.
    pub(in crate::layers) fn kernel_shape(&self, last: [usize; 2]) -> Vec<usize> {
        self.kernel_size.0.into_iter().chain(last).collect()
    }

    pub(in crate::layers) fn moving(&self) -> Moving<'_> {
        Moving {
            window: &self.kernel_size.0,
            strides: &self.strides.0,
            dilation: &self.dilation_rate.0,
            padding: self.padding,
        }
    }
}

/// Refuses a number that must be 1 or more.
pub(in crate::layers) fn check_positive(class: &str, key: &str, number: usize) -> Result<()> {
    if number == 0 { Err(Error::config(class, key, 0, "1 or more")) } else { Ok(()) }
}

/// The methods that say how a kernel moves.
macro_rules! movement_options {
    () => {
        /// How far the kernel moves from place to place.
        pub fn strides(mut self, strides: impl Into<Sizes<RANK>>) -> Self {
            self.movement.strides = strides.into();
            self
        }

        /// What lies around the input.
        pub fn padding(mut self, padding: Padding) -> Self {
            self.movement.padding = padding;
            self
        }

        /// Where the channels are.
        pub fn data_format(mut self, data_format: DataFormat) -> Self {
            self.movement.data_format = data_format;
            self
        }

        /// How far the taps of the kernel are apart.
        pub fn dilation_rate(mut self, dilation_rate: impl Into<Sizes<RANK>>) -> Self {
            self.movement.dilation_rate = dilation_rate.into();
            self
        }
    };
}

pub(in crate::layers) use movement_options;
