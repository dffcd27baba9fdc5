//! Settings: the arguments that many image layers share.

use cornu_ir::Expr;
use serde_json::json;

use super::super::{Config, DataFormat, LayerConfig};
use crate::error::Result;

/// The format of images, a seed, and the range of their values.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub(super) data_format: DataFormat,
    pub(super) seed: Option<i64>,
    pub(super) value_range: (f64, f64),
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { data_format: DataFormat::default(), seed: None, value_range: (0.0, 255.0) }
    }
}

impl Settings {
    pub(super) fn read(config: &LayerConfig<'_>) -> Result<Settings> {
        let value_range = match config.numbers("value_range")?.as_deref() {
            None => (0.0, 255.0),
            Some(&[a, b]) => (a.min(b), a.max(b)),
            Some(_) => return Err(config.wrong("value_range", "a list of two numbers")),
        };
        if config.value("bounding_box_format").is_some() {
            let needed = "left out: boxes are not transformed along with images";
            return Err(config.wrong("bounding_box_format", needed));
        }
        let data_format = DataFormat::from_config(config)?;
        Ok(Settings { data_format, seed: config.seed("seed")?, value_range })
    }

    /// The argument `seed`.
    pub(super) fn write_seed(&self, config: &mut Config) {
        config.insert("seed".into(), json!(self.seed));
    }

    /// The argument `value_range`.
    pub(super) fn write_range(&self, config: &mut Config) {
        config.insert("value_range".into(), json!([self.value_range.0, self.value_range.1]));
    }

    /// Values of the layer's range brought to 0…`to`, and back by [`Settings::scaled_back`].
    pub(super) fn scaled<'b>(&self, x: Expr<'b>, to: f64) -> Expr<'b> {
        let (low, high) = self.value_range;
        if (low, high) == (0.0, to) { x } else { (x - low) / (high - low) * to }
    }

    /// Values of 0…`from` brought to the layer's range.
    pub(super) fn scaled_back<'b>(&self, x: Expr<'b>, from: f64) -> Expr<'b> {
        let (low, high) = self.value_range;
        if (low, high) == (0.0, from) { x } else { x / from * (high - low) + low }
    }

    /// Values cut to the layer's range.
    pub(super) fn clip<'b>(&self, x: Expr<'b>) -> Expr<'b> {
        x.clip(self.value_range.0, self.value_range.1)
    }
}
