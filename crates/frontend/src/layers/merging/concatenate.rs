//! Concatenate: inputs one after another. Keras: `Concatenate`.

use cornu_ir::ops::Reduction;
use cornu_ir::{DType, Expr, Type};
use serde_json::json;

use super::{check_count, common_dtype};
use crate::error::{Error, Result};
use crate::layers::{Config, Context, Layer, LayerConfig, Spec, Weights};
use crate::shapes;

/// The inputs joined along one axis; along all others their sizes are equal.
///
/// A step counts where any element of it does; if no input has a mask, there is none.
#[derive(Clone, Debug)]
pub struct Concatenate {
    axis: i64,
}

impl Default for Concatenate {
    fn default() -> Concatenate {
        Concatenate { axis: -1 }
    }
}

impl Concatenate {
    /// Along the last axis.
    pub fn new() -> Concatenate {
        Concatenate::default()
    }

    /// Along this axis, counted with the batch as axis 0.
    pub fn axis(mut self, axis: i64) -> Concatenate {
        self.axis = axis;
        self
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<Concatenate> {
        Ok(Concatenate { axis: config.integer("axis")?.unwrap_or(-1) })
    }

    /// The mask of what is joined, if any input has one.
    fn mask<'b>(&self, context: &Context<'_, 'b>, inputs: &[Expr<'b>], axis: usize) -> Option<Expr<'b>> {
        let masks: Vec<Option<Expr<'b>>> = (0..inputs.len()).map(|index| context.mask(index)).collect();
        masks.iter().any(Option::is_some).then(|| {
            let full = inputs.iter().zip(masks).map(|(input, mask)| {
                let all = input.builder().full(&Type::new(DType::Bool, input.shape()), 1.0);
                mask.map_or(all, |mask| shapes::align_first(mask, input.rank()).and(all))
            });
            let joined = Expr::concat(&full.collect::<Vec<_>>(), axis);
            joined.reduce(Reduction::Max, &[joined.rank() - 1])
        })
    }
}

impl Layer for Concatenate {
    fn class_name(&self) -> &str {
        "Concatenate"
    }

    fn config(&self) -> Result<Config> {
        Ok(Config::from_iter([("axis".into(), json!(self.axis))]))
    }

    fn build(&self, inputs: &[Spec], _: &mut Weights) -> Result<()> {
        check_count("Concatenate", inputs, 1.., "at least 1 input")?;
        let rank = inputs[0].rank() as i64;
        let axis = if self.axis < 0 { self.axis + rank } else { self.axis };
        if !(0..rank).contains(&axis) {
            let needed = format!("an axis of the input {}", inputs[0]);
            return Err(Error::config("Concatenate", "axis", self.axis, needed));
        }
        let fits = |a: &Spec, b: &Spec| {
            let mut sizes = a.shape.iter().zip(&b.shape).enumerate().filter(|(i, _)| *i as i64 != axis);
            a.rank() == b.rank() && sizes.all(|(_, (a, b))| a.is_none() || b.is_none() || a == b)
        };
        match inputs.iter().find(|input| !fits(&inputs[0], input)) {
            None => Ok(()),
            Some(other) => Err(Error::Layer {
                path: String::new(),
                reason: format!(
                    "Concatenate needs inputs whose sizes are equal except along axis {}; it got {} and {other}",
                    self.axis, inputs[0]
                ),
            }),
        }
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let dtype = common_dtype(inputs);
        let parts: Vec<Expr<'b>> = inputs.iter().map(|input| input.cast(dtype)).collect();
        let axis = shapes::axis("Concatenate", self.axis, parts[0])?;
        context.set_output_mask(0, self.mask(context, &parts, axis));
        Ok(vec![Expr::concat(&parts, axis)])
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn takes_list(&self) -> bool {
        true
    }
}
