//! BatchNormalization: every channel by its mean and deviation in the batch. Keras: `BatchNormalization`.

use cornu_ir::Expr;
use serde_json::{Value, json};

use super::affine::{Affine, affine_settings};
use super::renorm::{self, RenormClipping};
use super::{beside, check_epsilon, moments, widened};
use crate::EPSILON;
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::initializers::Initializer;
use crate::layers::axes::axis_with_size;
use crate::layers::{Config, Context, Layer, LayerConfig, Spec, Weights, initializer_config, only};
use crate::shapes;

/// (x - mean)/√(variance + `epsilon`)·`gamma` + `beta` for each channel: the shape stays.
///
/// In training, mean and variance are those of the batch, of the steps that no mask excludes; otherwise, and where the
/// layer is frozen, they are moving averages of what training saw.
///
/// Weights: `gamma`, `beta`, and, not fitted, `moving_mean` and `moving_variance`; with `renorm` also `moving_stddev`,
/// `renorm_mean` and `renorm_stddev`. (Ioffe, Szegedy 2015, <https://arxiv.org/abs/1502.03167>.)
#[derive(Clone, Debug)]
pub struct BatchNormalization {
    axis: i64,
    pub(super) momentum: f64,
    pub(super) epsilon: f64,
    affine: Affine,
    pub(super) moving_mean_initializer: Identifier<dyn Initializer>,
    pub(super) moving_variance_initializer: Identifier<dyn Initializer>,
    synchronized: bool,
    renorm: bool,
    pub(super) renorm_clipping: Option<RenormClipping>,
    pub(super) renorm_momentum: f64,
}

impl Default for BatchNormalization {
    fn default() -> BatchNormalization {
        BatchNormalization {
            axis: -1,
            momentum: 0.99,
            epsilon: 1e-3,
            affine: Affine::default(),
            moving_mean_initializer: "zeros".into(),
            moving_variance_initializer: "ones".into(),
            synchronized: false,
            renorm: false,
            renorm_clipping: None,
            renorm_momentum: 0.99,
        }
    }
}

affine_settings!(BatchNormalization);

impl BatchNormalization {
    /// With channels on the last axis, a momentum of 0.99 and an epsilon of 0.001.
    pub fn new() -> BatchNormalization {
        BatchNormalization::default()
    }

    /// The axis of the channels: 1 for images whose channels are first.
    pub fn axis(mut self, axis: i64) -> BatchNormalization {
        self.axis = axis;
        self
    }

    /// How much of the moving averages stays after a batch.
    pub fn momentum(mut self, momentum: f64) -> BatchNormalization {
        self.momentum = momentum;
        self
    }

    /// What is added to the variance.
    pub fn epsilon(mut self, epsilon: f64) -> BatchNormalization {
        self.epsilon = epsilon;
        self
    }

    /// How the moving mean begins.
    pub fn moving_mean_initializer(
        mut self,
        initializer: impl Into<Identifier<dyn Initializer>>,
    ) -> BatchNormalization {
        self.moving_mean_initializer = initializer.into();
        self
    }

    /// How the moving variance begins.
    pub fn moving_variance_initializer(
        mut self,
        initializer: impl Into<Identifier<dyn Initializer>>,
    ) -> BatchNormalization {
        self.moving_variance_initializer = initializer.into();
        self
    }

    /// Batch renormalization: batches are normalized almost as the moving averages would, within limits. For small
    /// batches.
    pub fn renorm(mut self, clipping: RenormClipping) -> BatchNormalization {
        self.renorm = true;
        self.renorm_clipping = Some(clipping);
        self
    }

    /// How much of the statistics that batch renormalization goes by stays after a batch.
    pub fn renorm_momentum(mut self, momentum: f64) -> BatchNormalization {
        self.renorm_momentum = momentum;
        self
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<BatchNormalization> {
        let renorm = config.boolean_or("renorm", false)?;
        let clipping = RenormClipping::from_config(config)?;
        // Keras 2 writes the axis as a list of one.
        let axis = match config.integers("axis")?.as_deref() {
            None => -1,
            Some(&[axis]) => axis,
            Some(_) => return Err(config.wrong("axis", "one whole number")),
        };
        Ok(BatchNormalization {
            axis,
            momentum: config.number_or("momentum", 0.99)?,
            epsilon: config.number_or("epsilon", 1e-3)?,
            affine: Affine::from_config(config)?,
            moving_mean_initializer: config.initializer("moving_mean_initializer", "zeros")?,
            moving_variance_initializer: config.initializer("moving_variance_initializer", "ones")?,
            synchronized: config.boolean_or("synchronized", false)?,
            renorm,
            renorm_clipping: if renorm { Some(clipping.unwrap_or_default()) } else { clipping },
            renorm_momentum: config.number_or("renorm_momentum", 0.99)?,
        })
    }

    /// Normalizes by the batch, applies the weights, and moves the averages.
    fn train<'b>(&self, context: &mut Context<'_, 'b>, x: Expr<'b>, axis: usize) -> Result<Expr<'b>> {
        let others: Vec<usize> = (0..x.rank()).filter(|&other| other != axis).collect();
        let (mean, variance) = match context.mask(0) {
            Some(mask) => masked_moments(x, mask, &others)?,
            None => moments(x, &others),
        };
        let (centred, factor) = (x - mean, (variance + self.epsilon).rsqrt());
        let (mean, variance) = (mean.squeeze(&others), variance.squeeze(&others));
        if self.renorm {
            let (correction, offset) = renorm::corrections(self, context, mean, variance)?;
            renorm::update(self, context, mean, variance)?;
            let normalized = centred * factor * beside(correction, x, &[axis]) + beside(offset, x, &[axis]);
            return self.affine.apply(context, normalized, &[axis]);
        }
        context.move_weight("moving_mean", mean, self.momentum)?;
        context.move_weight("moving_variance", variance, self.momentum)?;
        self.affine.apply_scaled(context, centred, factor, &[axis])
    }

    /// Normalizes by the moving averages. All that is known of a channel becomes one factor and one offset, so that
    /// an element costs a multiplication and an addition.
    fn by_averages<'b>(&self, context: &Context<'_, 'b>, x: Expr<'b>, axis: usize) -> Result<Expr<'b>> {
        let weight = |name| Ok::<_, Error>(context.variable(name)?.cast(x.dtype()));
        let (mean, deviation) = (weight("moving_mean")?, (weight("moving_variance")? + self.epsilon).rsqrt());
        let factor = if self.affine.scale { deviation * weight("gamma")? } else { deviation };
        let offset = if self.affine.center { weight("beta")? - mean * factor } else { -(mean * factor) };
        Ok(x * beside(factor, x, &[axis]) + beside(offset, x, &[axis]))
    }
}

/// Mean and variance of the steps where the mask holds, along these axes, which stay with size 1.
fn masked_moments<'b>(x: Expr<'b>, mask: Expr<'b>, axes: &[usize]) -> Result<(Expr<'b>, Expr<'b>)> {
    if mask.rank() + 1 != x.rank() {
        let reason = format!(
            "BatchNormalization needs a mask of one axis less than the input {}; it got {}",
            x.ty(),
            mask.ty()
        );
        return Err(Error::Layer { path: String::new(), reason });
    }
    let mask = shapes::align_first(mask, x.rank());
    let total = |values: Expr<'b>| shapes::keep_axes(mask.select(values, values.number(0.0)).sum(axes), axes);
    let count = total(x.full_like(1.0)) + EPSILON;
    let mean = total(x) / count;
    Ok((mean, total((x - mean).square()) / count))
}

impl Layer for BatchNormalization {
    fn class_name(&self) -> &str {
        "BatchNormalization"
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::from_iter([
            ("axis".into(), json!(self.axis)),
            ("momentum".into(), json!(self.momentum)),
            ("epsilon".into(), json!(self.epsilon)),
        ]);
        self.affine.write_flags(&mut config);
        self.affine.write_initializers(&mut config)?;
        let moving = [
            ("moving_mean_initializer", &self.moving_mean_initializer),
            ("moving_variance_initializer", &self.moving_variance_initializer),
        ];
        for (key, initializer) in moving {
            config.insert(key.into(), initializer_config(initializer)?);
        }
        self.affine.write_limits(&mut config)?;
        config.insert("synchronized".into(), json!(self.synchronized));
        config.insert("renorm".into(), json!(self.renorm));
        let clipping = self.renorm_clipping.map_or(Value::Null, |clipping| clipping.config());
        config.insert("renorm_clipping".into(), clipping);
        config.insert("renorm_momentum".into(), json!(self.renorm_momentum));
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        check_epsilon("BatchNormalization", self.epsilon)?;
        self.renorm_clipping.unwrap_or_default().check()?;
        let (_, channels) = axis_with_size("BatchNormalization", self.axis, &only(inputs)?)?;
        self.affine.build(&[channels], weights)?;
        weights.add("moving_mean", [channels], self.moving_mean_initializer.resolve()?)?.non_trainable();
        weights
            .add("moving_variance", [channels], self.moving_variance_initializer.resolve()?)?
            .non_trainable();
        if self.renorm { renorm::build(self, channels, weights) } else { Ok(()) }
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = widened(only(inputs)?);
        let axis = shapes::axis("BatchNormalization", self.axis, x)?;
        let normalized = if context.training() && context.trainable() {
            self.train(context, x, axis)?
        } else {
            self.by_averages(context, x, axis)?
        };
        Ok(vec![normalized])
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
