//! TimeDistributed: a layer on each step of a sequence. Keras: `TimeDistributed`.

use cornu_ir::Expr;

use crate::error::{Error, Result};
use crate::layers::{
    AnyLayer, CallArguments, Config, Context, Layer, LayerConfig, Masked, Spec, Sublayer, Weights,
};
use crate::saving::snake_case::snake_case;

/// Applies a layer to every step of `(batch, time, …)`.
///
/// All steps are samples of one call, but where a call leaves something behind, such as averages or a price: then the
/// steps follow one another, as in Keras.
#[derive(Clone)]
pub struct TimeDistributed {
    layer: AnyLayer,
}

impl TimeDistributed {
    /// Applies this layer.
    pub fn new(layer: impl Into<AnyLayer>) -> TimeDistributed {
        let layer: AnyLayer = layer.into();
        layer.name_unless_named(|| snake_case(layer.class_name()));
        TimeDistributed { layer }
    }

    pub(crate) fn from_config(config: &LayerConfig<'_>) -> Result<TimeDistributed> {
        let layer = config.value("layer").ok_or_else(|| config.wrong("layer", "a layer"))?;
        Ok(TimeDistributed::new(AnyLayer::deserialize(layer)?))
    }

    fn call_inner<'b>(
        &self,
        context: &mut Context<'_, 'b>,
        value: Expr<'b>,
        mask: Option<Expr<'b>>,
    ) -> Result<Expr<'b>> {
        let outputs =
            self.layer.call_with(context, &CallArguments::new(vec![Masked { value, mask }], false))?;
        match outputs[..] {
            [Masked { value, .. }] => Ok(value),
            _ => Err(Error::config(
                "TimeDistributed",
                "layer",
                self.layer.class_name(),
                "a layer of one output",
            )),
        }
    }

    /// All steps as samples of one batch.
    fn together<'b>(
        &self,
        context: &mut Context<'_, 'b>,
        x: Expr<'b>,
        mask: Option<Expr<'b>>,
    ) -> Result<Expr<'b>> {
        let shape = x.shape();
        let joined = |x: Expr<'b>| {
            let shape = x.shape();
            let sizes: Vec<usize> =
                std::iter::once(shape[0] * shape[1]).chain(shape[2..].iter().copied()).collect();
            x.reshape(sizes)
        };
        let y = self.call_inner(context, joined(x), mask.map(joined))?;
        let sizes: Vec<usize> = shape[..2].iter().chain(y.shape().iter().skip(1)).copied().collect();
        Ok(y.reshape(sizes))
    }

    /// One step after another.
    fn apart<'b>(
        &self,
        context: &mut Context<'_, 'b>,
        x: Expr<'b>,
        mask: Option<Expr<'b>>,
    ) -> Result<Expr<'b>> {
        let at = |x: Expr<'b>, step: usize| x.slice_axis(1, step, step + 1).squeeze(&[1]);
        let outputs: Vec<Expr<'b>> = (0..x.shape()[1])
            .map(|step| {
                let y = self.call_inner(context, at(x, step), mask.map(|mask| at(mask, step)))?;
                Ok(y.expand(1))
            })
            .collect::<Result<_>>()?;
        Ok(Expr::concat(&outputs, 1))
    }
}

impl Layer for TimeDistributed {
    fn class_name(&self) -> &str {
        "TimeDistributed"
    }

    fn config(&self) -> Result<Config> {
        Ok(Config::from_iter([("layer".into(), self.layer.serialize()?)]))
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        let Some(sequences) = inputs.first().filter(|input| input.rank() >= 3) else {
            let reason = "TimeDistributed needs an input (batch, time, …)".to_string();
            return Err(Error::Layer { path: weights.scope(), reason });
        };
        let shape: Vec<Option<usize>> =
            sequences.shape[..1].iter().chain(&sequences.shape[2..]).copied().collect();
        self.layer.build(&[Spec::new(sequences.dtype, shape)], weights)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = super::super::only(inputs)?;
        let mask = context.mask(0);
        let fits = |mask: &Expr<'b>| mask.rank() >= 2 && mask.shape()[..2] == x.shape()[..2];
        if let Some(wrong) = mask.filter(|mask| x.rank() < 2 || !fits(mask)) {
            let reason =
                format!("needs a mask of the batch and the steps of {}; it got {}", x.ty(), wrong.ty());
            return Err(Error::Layer { path: context.path(), reason });
        }
        let before = context.left_behind();
        let y = self.together(context, x, mask)?;
        if context.left_behind() == before || x.shape()[1] == 0 {
            return Ok(vec![y]);
        }
        context.forget_since(before);
        Ok(vec![self.apart(context, x, mask)?])
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn sublayers(&self) -> Vec<Sublayer<'_>> {
        vec![Sublayer::new("layer", &self.layer)]
    }
}
