//! What the dense cells share: their weights' sizes, dropout, products gate by gate.

use cornu_ir::Expr;

use super::settings::{Settings, WeightShapes};
use crate::error::{Error, Result};
use crate::layers::{Config, Context, LayerConfig, Spec, Weights};

pub(super) fn units(config: &LayerConfig<'_>) -> Result<usize> {
    config.positive("units")
}

pub(super) fn write_units(units: usize, config: &mut Config) {
    config.insert("units".into(), serde_json::json!(units));
}

/// Adds the weights of a cell of `units` units and so many gates, whose bias has `biases` rows (none is one row that is
/// no axis).
pub(super) fn build(
    class: &str,
    [units, gates]: [usize; 2],
    biases: Option<usize>,
    forget_ones: bool,
    settings: &Settings,
    step: &Spec,
    weights: &mut Weights,
) -> Result<()> {
    if units == 0 {
        return Err(Error::config(class, "units", 0, "1 or more"));
    }
    let features = step.last().filter(|_| step.rank() == 2).ok_or_else(|| Error::Layer {
        path: weights.scope(),
        reason: format!("{class} needs steps (batch, features) of a known size; it got {step}"),
    })?;
    // What memory cannot hold is refused where the weights are added.
    let width = gates.saturating_mul(units);
    let shapes = WeightShapes {
        kernel: [features, width].into(),
        recurrent_kernel: [units, width].into(),
        bias: biases.into_iter().chain([width]).collect(),
        forget_ones,
    };
    settings.add_weights(class, shapes, weights)
}

/// What dropout multiplies with: nothing, one factor, or one for each gate.
pub(super) struct Drops<'b>(Vec<Expr<'b>>);

impl<'b> Drops<'b> {
    /// Factors for values like `x`: 0 with probability `rate`, else what keeps the expected sum. None outside training
    /// and for rates that drop nothing or, as Keras has it, everything.
    pub(super) fn draw(
        context: &mut Context<'_, 'b>,
        x: Expr<'b>,
        rate: f64,
        seed: Option<i64>,
        count: usize,
    ) -> Result<Drops<'b>> {
        if !context.training() || rate <= 0.0 || rate >= 1.0 {
            return Ok(Drops(Vec::new()));
        }
        let mut factor = || {
            let draw = context.random_uniform(&x.shape(), seed)?;
            let keep = draw.ge(draw.number(rate));
            Ok(keep.select(x.full_like(1.0 / (1.0 - rate)), x.number(0.0)))
        };
        Ok(Drops((0..count).map(|_| factor()).collect::<Result<_>>()?))
    }

    /// `x` with elements dropped, for one gate.
    pub(super) fn apply(&self, x: Expr<'b>, gate: usize) -> Expr<'b> {
        match self.0.get(gate).or(self.0.first()) {
            Some(&factor) => x * factor,
            None => x,
        }
    }

    /// The product with a kernel of some gates side by side, each of `units` columns.
    pub(super) fn product(&self, x: Expr<'b>, kernel: Expr<'b>, units: usize) -> Expr<'b> {
        self.combine(x, kernel, units, |x, kernel| x.matmul(kernel))
    }

    /// What `combine` makes of `x` and a kernel of some gates side by side: in one, if all gates see the same `x`.
    pub(super) fn combine(
        &self,
        x: Expr<'b>,
        kernel: Expr<'b>,
        units: usize,
        combine: impl Fn(Expr<'b>, Expr<'b>) -> Expr<'b>,
    ) -> Expr<'b> {
        if self.0.len() <= 1 {
            return combine(self.apply(x, 0), kernel);
        }
        let gates = kernel.shape().last().map_or(0, |width| width / units);
        let of_gate = |gate: usize| combine(self.apply(x, gate), self::gate(kernel, gate, units));
        let all: Vec<Expr<'b>> = (0..gates).map(of_gate).collect();
        Expr::concat(&all, all[0].rank() - 1)
    }
}

/// What a step begins with: input and state, the weights, and what dropout does.
pub(super) struct Step<'b> {
    x: Expr<'b>,
    h: Expr<'b>,
    units: usize,
    kernel: Expr<'b>,
    pub(super) recurrent: Expr<'b>,
    pub(super) bias: Option<Expr<'b>>,
    dropped: Drops<'b>,
    pub(super) recurrent_dropped: Drops<'b>,
}

impl<'b> Step<'b> {
    /// The step of a cell of `units` units and so many gates. Dropout draws a factor for each gate where the state is
    /// dropped too, as in Keras.
    pub(super) fn begin(
        settings: &Settings,
        context: &mut Context<'_, 'b>,
        [x, h]: [Expr<'b>; 2],
        [units, gates]: [usize; 2],
    ) -> Result<Step<'b>> {
        let (kernel, recurrent) = (context.weight("kernel")?, context.weight("recurrent_kernel")?);
        let bias = settings.use_bias.then(|| context.weight("bias")).transpose()?;
        let x = x.cast(kernel.dtype());
        let count = if settings.recurrent_dropout > 0.0 { gates } else { 1 };
        let dropped = Drops::draw(context, x, settings.dropout, settings.seed, count)?;
        let recurrent_dropped = Drops::draw(context, h, settings.recurrent_dropout, settings.seed, count)?;
        Ok(Step { x, h, units, kernel, recurrent, bias, dropped, recurrent_dropped })
    }

    /// `x·kernel`
    pub(super) fn input_product(&self) -> Expr<'b> {
        self.dropped.product(self.x, self.kernel, self.units)
    }

    /// `h·kernel`, for the recurrent kernel of all gates or of the first ones.
    pub(super) fn state_product(&self, kernel: Expr<'b>) -> Expr<'b> {
        self.recurrent_dropped.product(self.h, kernel, self.units)
    }

    /// `x·kernel + bias + h·recurrent_kernel`
    pub(super) fn sums(&self) -> Expr<'b> {
        with_bias(self.input_product(), self.bias) + self.state_product(self.recurrent)
    }
}

/// The columns of one gate.
pub(super) fn gate<'b>(x: Expr<'b>, gate: usize, units: usize) -> Expr<'b> {
    x.slice_axis(x.rank() - 1, gate * units, (gate + 1) * units)
}

/// With a bias, if there is one.
pub(super) fn with_bias<'b>(x: Expr<'b>, bias: Option<Expr<'b>>) -> Expr<'b> {
    bias.map_or(x, |bias| x + bias.broadcast_leading(&x.shape()))
}
