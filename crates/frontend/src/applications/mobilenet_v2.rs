//! MobileNetV2: inverted residuals with linear bottlenecks (Sandler et al., 2018). Keras: `MobileNetV2`.

use super::{Application, Architecture, named};
use crate::layers::{Add, BatchNormalization, Conv2D, DepthwiseConv2D, Padding, ReLU, ZeroPadding2D};
use crate::model::Symbol;

/// MobileNetV2: 3,538,984 parameters with its top.
pub type MobileNetV2 = Application<InvertedResiduals>;

/// The layers of MobileNetV2.
#[derive(Clone, Debug)]
pub struct InvertedResiduals {
    alpha: f64,
}

/// What each group of blocks has: filters before scaling, stride of the first block, number of blocks.
const GROUPS: [(usize, usize, usize); 7] =
    [(16, 1, 1), (24, 2, 2), (32, 2, 3), (64, 2, 4), (96, 1, 3), (160, 2, 3), (320, 1, 1)];
/// How many times as many channels a block works with as it takes.
const EXPANSION: usize = 6;

impl MobileNetV2 {
    /// With filters as in the paper.
    pub fn new() -> MobileNetV2 {
        Application::of(InvertedResiduals { alpha: 1.0 })
    }

    /// Factor of the number of filters of each layer. Keras: `alpha`.
    pub fn alpha(mut self, alpha: f64) -> MobileNetV2 {
        self.architecture.alpha = alpha;
        self
    }
}

impl Default for MobileNetV2 {
    fn default() -> MobileNetV2 {
        MobileNetV2::new()
    }
}

impl Architecture for InvertedResiduals {
    fn model_name(&self, rows: usize) -> String {
        format!("mobilenetv2_{:.2}_{rows}", self.alpha)
    }

    fn features(&self, images: &Symbol) -> Symbol {
        let stem = Conv2D::new(divisible(32.0 * self.alpha), 3).strides(2).padding(Padding::Same);
        let x = named(stem.use_bias(false), "Conv1").apply(images);
        let mut x = activated(&normalized(&x, "bn_Conv1"), "Conv1_relu");
        let mut number = 0;
        for (filters, stride, blocks) in GROUPS {
            for block in 0..blocks {
                let filters = divisible((filters as f64 * self.alpha).floor());
                x = inverted_residual(&x, number, filters, if block == 0 { stride } else { 1 });
                number += 1;
            }
        }
        // The paper scales the last layer up alone, never down.
        let last = if self.alpha > 1.0 { divisible(1280.0 * self.alpha) } else { 1280 };
        let x = named(Conv2D::new(last, 1).use_bias(false), "Conv_1").apply(&x);
        activated(&normalized(&x, "Conv_1_bn"), "out_relu")
    }
}

/// More channels by a 1×1 convolution, a convolution of each channel by itself, fewer channels again; the sum with what
/// came in, where both are of one shape.
fn inverted_residual(input: &Symbol, number: usize, filters: usize, stride: usize) -> Symbol {
    let channels = input.shape().last().copied().flatten().unwrap_or(0);
    let prefix = if number == 0 { "expanded_conv".to_string() } else { format!("block_{number}") };
    let name = |part: &str| format!("{prefix}_{part}");
    let pointwise = |filters: usize| Conv2D::new(filters, 1).padding(Padding::Same).use_bias(false);
    let mut x = input.clone();
    if number > 0 {
        x = named(pointwise(EXPANSION * channels), &name("expand")).apply(&x);
        x = activated(&normalized(&x, &name("expand_BN")), &name("expand_relu"));
    }
    if stride == 2 {
        x = named(ZeroPadding2D::new(same_padding(&x)), &name("pad")).apply(&x);
    }
    let padding = if stride == 1 { Padding::Same } else { Padding::Valid };
    let depthwise = DepthwiseConv2D::new(3).strides(stride).padding(padding).use_bias(false);
    x = named(depthwise, &name("depthwise")).apply(&x);
    x = activated(&normalized(&x, &name("depthwise_BN")), &name("depthwise_relu"));
    x = named(pointwise(filters), &name("project")).apply(&x);
    x = normalized(&x, &name("project_BN"));
    if channels == filters && stride == 1 { named(Add::new(), &name("add")).apply([input, &x]) } else { x }
}

fn normalized(x: &Symbol, name: &str) -> Symbol {
    named(BatchNormalization::new().epsilon(1e-3).momentum(0.999), name).apply(x)
}

fn activated(x: &Symbol, name: &str) -> Symbol {
    named(ReLU::new().max_value(6.0), name).apply(x)
}

/// Zeros before and after rows and columns, so that a window of 3 with stride 2 sees the last of them. Keras:
/// `correct_pad`.
fn same_padding(x: &Symbol) -> [[usize; 2]; 2] {
    let shape = x.shape();
    let before = |axis: usize| shape.get(axis).copied().flatten().unwrap_or(1) % 2;
    [[before(1), 1], [before(2), 1]]
}

/// The nearest multiple of 8, but no less than nine tenths. Keras: `_make_divisible`.
fn divisible(filters: f64) -> usize {
    let nearest = ((filters + 4.0) as usize / 8 * 8).max(8);
    if (nearest as f64) < 0.9 * filters { nearest + 8 } else { nearest }
}
