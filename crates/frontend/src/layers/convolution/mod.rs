//! Convolutions: kernels that move over sequences, images and volumes. Keras: `keras.layers.convolutional`.

mod conv;
mod conv_transpose;
mod depthwise_conv;
pub(super) mod movement;
mod options;
mod separable_conv;

pub use conv::{Conv, Conv1D, Conv2D, Conv3D};
pub use conv_transpose::{Conv1DTranspose, Conv2DTranspose, Conv3DTranspose, ConvTranspose};
pub use depthwise_conv::{DepthwiseConv, DepthwiseConv1D, DepthwiseConv2D};
pub use separable_conv::{SeparableConv, SeparableConv1D, SeparableConv2D};

/// The name of a class for so many axes.
fn class_name(names: [&'static str; 3], rank: usize) -> &'static str {
    names.get(rank.wrapping_sub(1)).copied().expect("layers of one to three axes alone can be made")
}
