//! ResNet: deep residual learning (He et al., 2015). Keras: `ResNet50`, `ResNet101`, `ResNet152`.

use super::{Application, Architecture, named};
use crate::layers::{
    Activation, Add, BatchNormalization, Conv2D, Layer, MaxPooling2D, Padding, ZeroPadding2D,
};
use crate::model::Symbol;

/// ResNet of 50 layers: 25,636,712 parameters with its top.
pub type ResNet50 = Application<Residuals<50>>;
/// ResNet of 101 layers: 44,707,176 parameters with its top.
pub type ResNet101 = Application<Residuals<101>>;
/// ResNet of 152 layers: 60,419,944 parameters with its top.
pub type ResNet152 = Application<Residuals<152>>;

/// The layers of a ResNet of so many layers.
#[derive(Clone, Debug)]
pub struct Residuals<const DEPTH: usize>(());

impl<const DEPTH: usize> Residuals<DEPTH> {
    /// How many blocks each of the four stages has.
    const BLOCKS: [usize; 4] = match DEPTH {
        50 => [3, 4, 6, 3],
        101 => [3, 4, 23, 3],
        152 => [3, 8, 36, 3],
        _ => panic!("a ResNet has 50, 101 or 152 layers"),
    };
}

impl<const DEPTH: usize> Application<Residuals<DEPTH>> {
    /// With blocks as in the paper.
    pub fn new() -> Application<Residuals<DEPTH>> {
        Application::of(Residuals(()))
    }
}

impl<const DEPTH: usize> Default for Application<Residuals<DEPTH>> {
    fn default() -> Application<Residuals<DEPTH>> {
        Application::of(Residuals(()))
    }
}

impl<const DEPTH: usize> Architecture for Residuals<DEPTH> {
    fn model_name(&self, _: usize) -> String {
        format!("resnet{DEPTH}")
    }

    fn pooling_names(&self) -> Option<[&'static str; 2]> {
        Some(["avg_pool", "max_pool"])
    }

    fn features(&self, images: &Symbol) -> Symbol {
        let x = named(ZeroPadding2D::new(3), "conv1_pad").apply(images);
        let x = convolved(&x, Conv2D::new(64, 7).strides(2), "conv1");
        let x = rectified(&x, "conv1_relu");
        let x = named(ZeroPadding2D::new(1), "pool1_pad").apply(&x);
        let mut x = named(MaxPooling2D::new(3).strides(2), "pool1_pool").apply(&x);
        for (stage, blocks) in Self::BLOCKS.into_iter().enumerate() {
            for block in 0..blocks {
                // A stage halves rows and columns, but for the first, which comes after a pooling.
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let name = format!("conv{}_block{}", stage + 2, block + 1);
                x = residual(&x, 64 << stage, stride, block == 0, &name);
            }
        }
        x
    }
}

/// A bottleneck: fewer channels by a 1×1 convolution, a 3×3 convolution, four times as many channels; added to what
/// came in, which in the first block of a stage is projected to the same shape.
fn residual(input: &Symbol, filters: usize, stride: usize, is_projected: bool, name: &str) -> Symbol {
    let part = |part: usize| format!("{name}_{part}");
    let shortcut = if is_projected {
        convolved(input, Conv2D::new(4 * filters, 1).strides(stride), &part(0))
    } else {
        input.clone()
    };
    let x = convolved(input, Conv2D::new(filters, 1).strides(stride), &part(1));
    let x = rectified(&x, &format!("{name}_1_relu"));
    let x = convolved(&x, Conv2D::new(filters, 3).padding(Padding::Same), &part(2));
    let x = rectified(&x, &format!("{name}_2_relu"));
    let x = convolved(&x, Conv2D::new(4 * filters, 1), &part(3));
    let x = named(Add::new(), &format!("{name}_add")).apply([&shortcut, &x]);
    rectified(&x, &format!("{name}_out"))
}

/// A convolution and a batch normalization.
fn convolved(x: &Symbol, convolution: impl Layer + 'static, name: &str) -> Symbol {
    let x = named(convolution, &format!("{name}_conv")).apply(x);
    named(BatchNormalization::new().epsilon(1.001e-5), &format!("{name}_bn")).apply(&x)
}

fn rectified(x: &Symbol, name: &str) -> Symbol {
    named(Activation::new("relu"), name).apply(x)
}
