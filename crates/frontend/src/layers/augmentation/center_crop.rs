//! CenterCrop: the middle of images. Keras: `CenterCrop`.

use cornu_ir::{DType, Expr};

use super::super::{Config, Context, DataFormat, Layer, LayerConfig, Spec, Weights, only};
use super::cropping::{Target, axes, middle, sizes};
use super::image_layer::check_images;
use crate::error::Result;

/// The middle of each image. Images that are smaller along an axis are cut to the aspect and resized.
#[derive(Clone, Debug)]
pub struct CenterCrop {
    target: Target,
    data_format: DataFormat,
}

impl CenterCrop {
    /// Of this height and width.
    pub fn new(height: usize, width: usize) -> CenterCrop {
        CenterCrop { target: Target { height, width }, data_format: DataFormat::default() }
    }

    /// Which axis holds the channels.
    pub fn data_format(mut self, format: DataFormat) -> CenterCrop {
        self.data_format = format;
        self
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<CenterCrop> {
        Ok(CenterCrop { target: Target::read(config)?, data_format: DataFormat::from_config(config)? })
    }
}

impl Layer for CenterCrop {
    fn class_name(&self) -> &str {
        "CenterCrop"
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        self.data_format.write(&mut config);
        self.target.write(&mut config);
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], _: &mut Weights) -> Result<()> {
        check_images(inputs)?;
        self.target.check("CenterCrop")
    }

    fn call<'b>(&self, _: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let images = only(inputs)?.cast(DType::F32);
        let axes = axes(self.data_format, images.rank());
        let [height, width] = sizes(images, axes);
        let target = [self.target.height, self.target.width];
        let fits = height >= target[0] && width >= target[1];
        Ok(vec![if fits { middle(images, axes, target) } else { self.target.smart_resize(images, axes) }])
    }
}
