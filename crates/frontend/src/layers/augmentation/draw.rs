//! Draw: what the formula of an image layer asks for beside the images, above all random numbers.

use cornu_ir::{DType, Expr, Shape};

use super::super::Context;
use super::settings::Settings;
use crate::error::Result;

/// Random numbers for a batch of images, and the settings of its layer.
pub struct Draw<'d, 'c, 'b> {
    pub(super) context: &'d mut Context<'c, 'b>,
    pub(super) settings: Settings,
    pub(super) batch: usize,
}

impl<'b> Draw<'_, '_, 'b> {
    /// A number for each image, `(batch, 1, 1, 1)`, uniform in a range. A range of one number draws nothing.
    pub(super) fn each(&mut self, (low, high): (f64, f64)) -> Result<Expr<'b>> {
        self.uniform(&[self.batch, 1, 1, 1], (low, high))
    }

    /// Numbers of this shape, uniform in a range.
    pub(super) fn uniform(&mut self, shape: &[usize], (low, high): (f64, f64)) -> Result<Expr<'b>> {
        let shape: Shape = shape.iter().copied().collect();
        if low == high {
            return Ok(self.context.builder().scalar(DType::F32, low).broadcast_scalar(&shape));
        }
        Ok(self.context.random_uniform(&shape, self.settings.seed)? * (high - low) + low)
    }

    /// For each image whether to act, with a probability that is itself drawn from a range.
    pub(super) fn chance(&mut self, probability: (f64, f64)) -> Result<Expr<'b>> {
        let probability = self.each(probability)?;
        Ok(self.each((0.0, 1.0))?.lt(probability))
    }

    /// 1 or -1 for each image.
    pub(super) fn sign(&mut self) -> Result<Expr<'b>> {
        let draw = self.each((0.0, 1.0))?;
        Ok(draw.gt(draw.number(0.5)).select(draw.full_like(-1.0), draw.full_like(1.0)))
    }
}
