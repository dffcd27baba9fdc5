//! What the layers that cut and resize images share.

use cornu_ir::Expr;
use serde_json::json;

use super::super::resize::{Interpolation, resize};
use super::super::{Config, DataFormat, LayerConfig};
use crate::error::{Error, Result};

/// The height and width of the result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) height: usize,
    pub(super) width: usize,
}

impl Target {
    pub(super) fn read(config: &LayerConfig<'_>) -> Result<Target> {
        Ok(Target { height: config.positive("height")?, width: config.positive("width")? })
    }

    pub(super) fn write(self, config: &mut Config) {
        config.insert("height".into(), json!(self.height));
        config.insert("width".into(), json!(self.width));
    }

    pub(super) fn check(self, class: &str) -> Result<()> {
        match (self.height, self.width) {
            (0, _) => Err(Error::config(class, "height", 0, "1 or more")),
            (_, 0) => Err(Error::config(class, "width", 0, "1 or more")),
            _ => Ok(()),
        }
    }

    /// Height and width at the image's end of this aspect: the other one by the target's ratio.
    pub(super) fn same_aspect(self, [height, width]: [usize; 2]) -> [usize; 2] {
        let scaled = |size: usize, by: usize, to: usize| (size as f64 * by as f64 / to as f64) as usize;
        [scaled(width, self.height, self.width), scaled(height, self.width, self.height)]
    }

    /// The largest part of an image of these sizes that has the target's aspect.
    pub(super) fn crop(self, [height, width]: [usize; 2]) -> [usize; 2] {
        let [h, w] = self.same_aspect([height, width]);
        [h.min(height).max(1), w.min(width).max(1)]
    }

    /// The middle of the target's aspect, resized.
    pub(super) fn smart_resize(self, images: Expr<'_>, axes: [usize; 2]) -> Expr<'_> {
        let crop = self.crop(sizes(images, axes));
        let middle = middle(images, axes, crop);
        resize(middle, axes, [self.height, self.width], Interpolation::Bilinear, false)
    }
}

/// The axes of height and width.
pub(super) fn axes(format: DataFormat, rank: usize) -> [usize; 2] {
    match format {
        DataFormat::ChannelsLast => [rank - 3, rank - 2],
        DataFormat::ChannelsFirst => [rank - 2, rank - 1],
    }
}

/// Height and width.
pub(super) fn sizes(images: Expr<'_>, axes: [usize; 2]) -> [usize; 2] {
    axes.map(|axis| images.shape()[axis])
}

/// The part of these sizes in the middle.
pub(super) fn middle(images: Expr<'_>, axes: [usize; 2], size: [usize; 2]) -> Expr<'_> {
    axes.into_iter().zip(size).fold(images, |images, (axis, size)| {
        let start = (images.shape()[axis] - size) / 2;
        images.slice_axis(axis, start, start + size)
    })
}
