//! RandomFlip: images mirrored. Keras: `RandomFlip`.

use cornu_ir::Expr;
use serde_json::json;

use super::super::{Config, LayerConfig};
use super::draw::Draw;
use super::image_layer::{ImageKind, ImageLayer, Random};
use super::settings::Settings;
use crate::error::Result;

/// In training, mirrors each image with probability 1/2. With both axes, as in Keras, along both or none.
pub type RandomFlip = ImageLayer<FlipMode>;

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

impl RandomFlip {
    /// Along this axis.
    pub fn new(mode: FlipMode) -> RandomFlip {
        ImageLayer::of(mode)
    }
}

impl ImageKind for FlipMode {
    const CLASS: &'static str = "RandomFlip";

    fn from_config(config: &LayerConfig<'_>) -> Result<FlipMode> {
        match config.text("mode")? {
            None | Some("horizontal_and_vertical") => Ok(FlipMode::HorizontalAndVertical),
            Some("horizontal") => Ok(FlipMode::Horizontal),
            Some("vertical") => Ok(FlipMode::Vertical),
            Some(_) => Err(config.wrong("mode", "horizontal, vertical or horizontal_and_vertical")),
        }
    }

    fn write(&self, settings: &Settings, config: &mut Config) -> Result<()> {
        let mode = match self {
            FlipMode::Horizontal => "horizontal",
            FlipMode::Vertical => "vertical",
            FlipMode::HorizontalAndVertical => "horizontal_and_vertical",
        };
        settings.write_seed(config);
        config.insert("mode".into(), json!(mode));
        Ok(())
    }

    fn transform<'b>(&self, draw: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<Expr<'b>> {
        let draw = draw.each((0.0, 1.0))?;
        let axes: &[usize] = match self {
            FlipMode::Horizontal => &[2],
            FlipMode::Vertical => &[1],
            FlipMode::HorizontalAndVertical => &[1, 2],
        };
        Ok(draw.le(draw.number(0.5)).select(images.reverse(axes), images))
    }
}

impl Random for FlipMode {}
