//! Colors: gray values and hue, saturation, value, of images whose last axis is red, green, blue.

use cornu_ir::{DType, Expr, Tensor};

use crate::error::{Error, Result};

/// What each color adds to brightness.
const LUMA: [f32; 3] = [0.2989, 0.587, 0.114];

/// Images of 3 channels.
pub(super) fn check_rgb(class: &str, images: Expr<'_>) -> Result<()> {
    match images.shape().last() {
        Some(3) => Ok(()),
        Some(_) | None => Err(Error::Shape {
            what: class.to_string(),
            needed: "images of 3 channels: red, green and blue".to_string(),
            got: images.ty(),
        }),
    }
}

/// The gray value of each pixel, `(…, 1)`. Images of one channel are gray already.
pub(super) fn grayscale<'b>(class: &str, images: Expr<'b>) -> Result<Expr<'b>> {
    if images.shape().last() == Some(&1) {
        return Ok(images);
    }
    check_rgb(class, images)?;
    let last = images.rank() - 1;
    let luma = images.constant(Tensor::vector(LUMA.to_vec())).broadcast_leading(&images.shape());
    Ok((images * luma).sum(&[last]).expand(last))
}

/// The three channels, `(…, 1)` each.
pub(super) fn channels(images: Expr<'_>) -> [Expr<'_>; 3] {
    let last = images.rank() - 1;
    [0, 1, 2].map(|channel| images.slice_axis(last, channel, channel + 1))
}

/// Hue (in turns), saturation (0…1) and value (the greatest of the colors).
pub(super) fn to_hsv(images: Expr<'_>) -> [Expr<'_>; 3] {
    let zero = images.number(0.0);
    let tiny = images.abs().lt(images.number(f64::from(f32::EPSILON)));
    let [red, green, blue] = channels(tiny.select(zero, images));
    let value = red.max(green).max(blue);
    let range = value - red.min(green).min(blue);
    let (lit, colored) = (value.gt(zero), range.gt(zero));
    let one = value.number(1.0);
    let saturation = lit.select(range / lit.select(value, one), zero);
    let norm = 1.0 / (colored.select(range, one) * 6.0);
    let hue = value.eq(green).select(norm * (blue - red) + 2.0 / 6.0, norm * (red - green) + 4.0 / 6.0);
    let hue = value.eq(red).select(norm * (green - blue), hue);
    let turn = hue.lt(zero).cast(DType::F32);
    [colored.select(hue, zero) + turn, saturation, value]
}

/// Red, green and blue along the last axis.
pub(super) fn from_hsv([hue, saturation, value]: [Expr<'_>; 3]) -> Expr<'_> {
    let sixths = (hue - hue.floor()) * 6.0;
    let red = ((sixths - 3.0).abs() - 1.0).clip(0.0, 1.0);
    let green = (2.0 - (sixths - 2.0).abs()).clip(0.0, 1.0);
    let blue = (2.0 - (sixths - 4.0).abs()).clip(0.0, 1.0);
    let last = value.rank() - 1;
    Expr::concat(&[red, green, blue].map(|color| value * (1.0 - saturation + saturation * color)), last)
}
