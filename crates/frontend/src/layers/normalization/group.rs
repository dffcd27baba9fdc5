//! GroupNormalization: groups of channels, each by its own mean and deviation. Keras: `GroupNormalization`.

use cornu_ir::Expr;
use serde_json::json;

use super::affine::{Affine, affine_settings};
use super::{check_epsilon, moments, widened};
use crate::error::{Error, Result};
use crate::layers::axes::axis_with_size;
use crate::layers::{Autocast, Config, Context, Layer, LayerConfig, Spec, Weights, only};
use crate::shapes;

/// (x - mean)/√(variance + `epsilon`)·`gamma` + `beta`, with mean and variance over each sample's elements of a group
/// of channels: the shape stays.
///
/// Weights: `gamma` and `beta` for each channel. (Wu, He 2018, <https://arxiv.org/abs/1803.08494>.)
#[derive(Clone, Debug)]
pub struct GroupNormalization {
    groups: i64,
    axis: i64,
    epsilon: f64,
    affine: Affine,
}

impl Default for GroupNormalization {
    fn default() -> GroupNormalization {
        GroupNormalization { groups: 32, axis: -1, epsilon: 1e-3, affine: Affine::default() }
    }
}

affine_settings!(GroupNormalization);

impl GroupNormalization {
    /// With this many groups; -1 stands for one group for each channel.
    pub fn new(groups: i64) -> GroupNormalization {
        GroupNormalization { groups, ..GroupNormalization::default() }
    }

    /// The axis of the channels.
    pub fn axis(mut self, axis: i64) -> GroupNormalization {
        self.axis = axis;
        self
    }

    /// What is added to the variance.
    pub fn epsilon(mut self, epsilon: f64) -> GroupNormalization {
        self.epsilon = epsilon;
        self
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<GroupNormalization> {
        Ok(GroupNormalization {
            groups: config.integer("groups")?.unwrap_or(32),
            axis: config.integer("axis")?.unwrap_or(-1),
            epsilon: config.number_or("epsilon", 1e-3)?,
            affine: Affine::from_config(config)?,
        })
    }

    /// The number of groups of so many channels.
    fn groups_of(&self, channels: usize) -> Result<usize> {
        let groups = if self.groups == -1 { Some(channels) } else { usize::try_from(self.groups).ok() };
        let found = groups.filter(|&groups| groups > 0 && channels > 0 && channels.is_multiple_of(groups));
        let needed = format!("-1 or a number that divides the {channels} channels");
        found.ok_or_else(|| Error::config("GroupNormalization", "groups", self.groups, needed))
    }
}

impl Layer for GroupNormalization {
    fn class_name(&self) -> &str {
        "GroupNormalization"
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::from_iter([
            ("groups".into(), json!(self.groups)),
            ("axis".into(), json!(self.axis)),
            ("epsilon".into(), json!(self.epsilon)),
        ]);
        self.affine.write_flags(&mut config);
        self.affine.write_initializers(&mut config)?;
        self.affine.write_limits(&mut config)?;
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        check_epsilon("GroupNormalization", self.epsilon)?;
        let (axis, channels) = axis_with_size("GroupNormalization", self.axis, &only(inputs)?)?;
        if axis == 0 {
            return Err(Error::config(
                "GroupNormalization",
                "axis",
                self.axis,
                "an axis other than the batch",
            ));
        }
        self.groups_of(channels)?;
        self.affine.build(&[channels], weights)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = widened(only(inputs)?);
        let (shape, axis) = (x.shape(), shapes::axis("GroupNormalization", self.axis, x)?);
        let groups = self.groups_of(shape[axis])?;
        let mut grouped = shape.to_vec();
        grouped.splice(axis..=axis, [groups, shape[axis] / groups]);
        let x = x.reshape(grouped);
        let others: Vec<usize> = (1..x.rank()).filter(|&other| other != axis).collect();
        let (mean, variance) = moments(x, &others);
        let normalized = ((x - mean) * (variance + self.epsilon).rsqrt()).reshape(shape);
        Ok(vec![self.affine.apply(context, normalized, &[axis])?])
    }

    fn autocast(&self) -> Autocast {
        Autocast::Outputs
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
