//! Softmax: shares that sum to 1, as a layer that heeds a mask. Keras: `Softmax`.

use cornu_ir::{DType, Expr, derived};

use crate::error::{Error, Result};
use crate::layers::{Axes, Config, Context, Layer, LayerConfig, lowest_score, only};
use crate::shapes;

/// eˣ / Σ eˣ along some axes: the shape stays. Where a mask is given and false, the share is 0.
#[derive(Clone, Debug)]
pub struct Softmax {
    axis: Axes,
}

impl Default for Softmax {
    fn default() -> Softmax {
        Softmax { axis: Axes::One(-1) }
    }
}

impl Softmax {
    /// Along the last axis.
    pub fn new() -> Softmax {
        Softmax::default()
    }

    /// Along these axes.
    pub fn axis(mut self, axis: impl Into<Axes>) -> Softmax {
        self.axis = axis.into();
        self
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<Softmax> {
        Ok(Softmax { axis: Axes::from_config(config, "axis")? })
    }
}

/// The mask as `bool`, of x's rank: each axis of it, counted from the last, has x's size or 1.
fn fitting<'b>(mask: Expr<'b>, x: Expr<'b>) -> Result<Expr<'b>> {
    let (own, shape) = (mask.shape(), x.shape());
    let fits = own.iter().rev().zip(shape.iter().rev()).all(|(&mask, &x)| mask == 1 || mask == x);
    if !fits || own.rank() > shape.rank() {
        let reason = format!(
            "Softmax needs a mask whose axes, from the last on, are those of the input {} or of size 1; it got {}",
            x.ty(),
            mask.ty()
        );
        return Err(Error::Layer { path: String::new(), reason });
    }
    let mask = if mask.dtype() == DType::Bool { mask } else { mask.gt(mask.number(0.5)) };
    Ok(shapes::align_last(mask, shape.rank()))
}

impl Layer for Softmax {
    fn class_name(&self) -> &str {
        "Softmax"
    }

    fn config(&self) -> Result<Config> {
        Ok(Config::from_iter([("axis".into(), self.axis.config())]))
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?;
        let axes = self.axis.of("Softmax", x)?;
        let Some(mask) = context.mask(0) else { return Ok(vec![derived::softmax(x, &axes)]) };
        let mask = fitting(mask, x)?;
        // A number and not -∞, so that a row that is all masked has a softmax. It must be one that the type holds.
        let lowest = lowest_score(x.dtype());
        let shares = derived::softmax(mask.select(x, x.number(lowest)), &axes);
        Ok(vec![mask.select(shares, x.number(0.0))])
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
