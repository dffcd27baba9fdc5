//! RandomFlip: images mirrored. Keras: `RandomFlip`.

use cornu_ir::Expr;
use serde_json::json;

use super::super::{Config, Context, Layer, LayerConfig, Spec, Weights};
use super::settings::{Draw, ImageLayer, Settings, image_layer};
use crate::error::Result;

/// Along which axis images are mirrored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FlipMode {
    /// Left becomes right.
    Horizontal,
    /// Up becomes down.
    Vertical,
    /// Both at once.
    #[default]
    HorizontalAndVertical,
}

/// In training, mirrors each image with probability 1/2. With both axes, as in Keras, along both or none.
#[derive(Clone, Debug, Default)]
pub struct RandomFlip {
    mode: FlipMode,
    settings: Settings,
}

impl RandomFlip {
    /// Along this axis.
    pub fn new(mode: FlipMode) -> RandomFlip {
        RandomFlip { mode, settings: Settings::default() }
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<RandomFlip> {
        let mode = match config.text("mode")? {
            None | Some("horizontal_and_vertical") => FlipMode::HorizontalAndVertical,
            Some("horizontal") => FlipMode::Horizontal,
            Some("vertical") => FlipMode::Vertical,
            Some(_) => {
                return Err(config.wrong("mode", "horizontal, vertical or horizontal_and_vertical"));
            }
        };
        Ok(RandomFlip { mode, settings: Settings::read(config)? })
    }
}

image_layer!(RandomFlip, seed);

impl ImageLayer for RandomFlip {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn write(&self, config: &mut Config) -> Result<()> {
        let mode = match self.mode {
            FlipMode::Horizontal => "horizontal",
            FlipMode::Vertical => "vertical",
            FlipMode::HorizontalAndVertical => "horizontal_and_vertical",
        };
        self.settings.write_seed(config);
        config.insert("mode".into(), json!(mode));
        Ok(())
    }

    fn transform<'b>(&self, draw: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<Expr<'b>> {
        let draw = draw.each((0.0, 1.0))?;
        let axes: &[usize] = match self.mode {
            FlipMode::Horizontal => &[2],
            FlipMode::Vertical => &[1],
            FlipMode::HorizontalAndVertical => &[1, 2],
        };
        Ok(draw.le(draw.number(0.5)).select(images.reverse(axes), images))
    }
}
