//! ConvLSTM: an LSTM of convolutions. Keras: `ConvLSTM1D`, `ConvLSTM2D`, `ConvLSTM3D`.

use cornu_ir::ops::{Conv, Sliding};
use cornu_ir::{Expr, Shape};
use serde_json::json;

use super::cell::{GatedCell, Kind};
use super::layer::Recurrent;
use super::lstm::lstm_step;
use super::project::{Drops, gate, with_bias};
use super::settings::{Settings, WeightShapes};
use crate::error::{Error, Result};
use crate::layers::convolution::movement::{Movement, check_positive};
use crate::layers::spatial::{Moving, Padding, Sizes};
use crate::layers::{Config, Context, DataFormat, LayerConfig, Spec, Weights};

/// Runs an LSTM cell whose products are convolutions: `(batch, time, sizes…, channels)` becomes
/// `(batch, places…, filters)`, or that for each step. The convolution of the state has stride 1 and keeps its sizes.
///
/// Weights: `kernel` `[kernel_size…, channels, 4·filters]`, `recurrent_kernel` `[kernel_size…, filters, 4·filters]`,
/// `bias` `[4·filters]`. (Shi et al., 2015.)
pub type ConvLSTM<const RANK: usize> = Recurrent<ConvLstm<RANK>>;
/// Along sequences of sequences.
pub type ConvLSTM1D = ConvLSTM<1>;
/// Over sequences of images.
pub type ConvLSTM2D = ConvLSTM<2>;
/// Through sequences of volumes.
pub type ConvLSTM3D = ConvLSTM<3>;

/// The kind of the cell in a [`ConvLSTM`].
#[derive(Clone, Debug)]
pub struct ConvLstm<const RANK: usize> {
    filters: usize,
    movement: Movement<RANK>,
    unit_forget_bias: bool,
}

impl<const RANK: usize> Recurrent<ConvLstm<RANK>> {
    /// So many filters with a kernel of this size.
    pub fn new(filters: usize, kernel_size: impl Into<Sizes<RANK>>) -> Self {
        let movement = Movement::new(kernel_size.into());
        Recurrent::of(GatedCell::of(ConvLstm { filters, movement, unit_forget_bias: true }))
    }

    /// How far the kernel of the input moves from place to place.
    pub fn strides(mut self, strides: impl Into<Sizes<RANK>>) -> Self {
        self.cell.kind.movement.strides = strides.into();
        self
    }

    /// What lies around the input.
    pub fn padding(mut self, padding: Padding) -> Self {
        self.cell.kind.movement.padding = padding;
        self
    }

    /// Where the channels are in each step.
    pub fn data_format(mut self, data_format: DataFormat) -> Self {
        self.cell.kind.movement.data_format = data_format;
        self
    }

    /// How far the taps of the input's kernel are apart.
    pub fn dilation_rate(mut self, dilation_rate: impl Into<Sizes<RANK>>) -> Self {
        self.cell.kind.movement.dilation_rate = dilation_rate.into();
        self
    }

    /// Whether the bias of the gate that forgets begins at one.
    pub fn unit_forget_bias(mut self, unit_forget_bias: bool) -> Self {
        self.cell.kind.unit_forget_bias = unit_forget_bias;
        self
    }
}

impl<const RANK: usize> ConvLstm<RANK> {
    /// How the kernel of the state moves: it keeps the sizes.
    fn moving_state(&self) -> Moving<'_> {
        let ones = &[1; 3][..RANK];
        Moving { window: &self.movement.kernel_size.0, strides: ones, dilation: ones, padding: Padding::Same }
    }

    /// How the kernel of the input slides over a step, and the places that it has.
    fn over(&self, step: &Spec) -> Result<(Sliding, Shape)> {
        let axes = self.movement.data_format.spatial_axes(step.rank());
        let sizes: Option<Vec<usize>> =
            step.shape.get(axes).and_then(|sizes| sizes.iter().copied().collect());
        let sizes = sizes.ok_or_else(|| Error::Layer {
            path: String::new(),
            reason: format!("{} needs to know the sizes of its steps; they are {step}", Self::LAYER),
        })?;
        self.movement.moving().along(Self::LAYER, String::new(), &sizes)
    }
}

impl<const RANK: usize> Kind for ConvLstm<RANK> {
    const CELL: &'static str = "ConvLSTMCell";
    const LAYER: &'static str = match RANK {
        1 => "ConvLSTM1D",
        2 => "ConvLSTM2D",
        _ => "ConvLSTM3D",
    };
    const CELL_NAME: &'static str = "conv_lstm_cell";
    const HAS_GATES: bool = true;

    fn from_config(config: &LayerConfig<'_>) -> Result<Self> {
        Ok(ConvLstm {
            filters: config.positive("filters")?,
            movement: Movement::from_config(config, false)?,
            unit_forget_bias: config.boolean_or("unit_forget_bias", true)?,
        })
    }

    fn write_size(&self, config: &mut Config) {
        config.insert("filters".into(), json!(self.filters));
        self.movement.write(config, None);
    }

    fn forget_bias(&self) -> Option<bool> {
        Some(self.unit_forget_bias)
    }

    fn build(&self, settings: &Settings, step: &Spec, weights: &mut Weights) -> Result<()> {
        check_positive(Self::LAYER, "filters", self.filters)?;
        self.movement.check_strides_or_dilation(Self::LAYER)?;
        let channels = self.movement.channels(Self::LAYER, step, weights, false)?;
        let width = 4 * self.filters;
        let shapes = WeightShapes {
            kernel: self.movement.kernel_shape([channels, width]).into(),
            recurrent_kernel: self.movement.kernel_shape([self.filters, width]).into(),
            bias: [width].into(),
            forget_ones: self.unit_forget_bias,
        };
        settings.add_weights(Self::LAYER, shapes, weights)
    }

    fn state_shapes(&self, step: &Spec) -> Result<Vec<Vec<usize>>> {
        let (_, places) = self.over(step)?;
        let places = places.iter().copied();
        let shape: Vec<usize> = match self.movement.data_format {
            DataFormat::ChannelsLast => places.chain([self.filters]).collect(),
            DataFormat::ChannelsFirst => [self.filters].into_iter().chain(places).collect(),
        };
        Ok(vec![shape; 2])
    }

    fn step<'b>(
        &self,
        settings: &Settings,
        context: &mut Context<'_, 'b>,
        x: Expr<'b>,
        states: &[Expr<'b>],
    ) -> Result<Vec<Expr<'b>>> {
        let (kernel, recurrent) = (context.weight("kernel")?, context.weight("recurrent_kernel")?);
        let (filters, format, seed) = (self.filters, self.movement.data_format, settings.seed);
        let (sliding, _) = self.over(&Spec::of(&x.ty()))?;
        let x = format.channels_last(x.cast(kernel.dtype()));
        let [h, memory] = [0, 1].map(|state| format.channels_last(states[state]));
        let around = self.moving_state().over(Self::LAYER, context.path(), h)?;
        let dropped = Drops::draw(context, x, settings.dropout, seed, 4)?;
        let recurrent_dropped = Drops::draw(context, h, settings.recurrent_dropout, seed, 4)?;
        let bias = settings.use_bias.then(|| context.weight("bias")).transpose()?;
        let conv = |sliding: &Sliding| {
            let conv = Conv { sliding: sliding.clone(), groups: 1 };
            move |x: Expr<'b>, kernel: Expr<'b>| x.conv(kernel, conv.clone())
        };
        let from_input = with_bias(dropped.combine(x, kernel, filters, conv(&sliding)), bias);
        let gates = from_input + recurrent_dropped.combine(h, recurrent, filters, conv(&around));
        let next = lstm_step(settings, gates, memory, |gates, index| gate(gates, index, filters))?;
        Ok(next.into_iter().map(|state| format.restored(state)).collect())
    }
}
