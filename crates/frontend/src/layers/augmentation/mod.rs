//! Augmentation: layers that resize, cut and, in training, vary images.
//!
//! Images are `(batch, height, width, channels)`, or without the batch; the layers compute in `f32`. Random layers
//! act in training only: each image is changed by random numbers of its own.

mod affine;
mod auto_contrast;
mod by_factor;
mod center_crop;
mod color;
mod cropping;
mod draw;
mod equalization;
mod factor;
mod filter;
mod image_layer;
mod random_brightness;
mod random_color_degeneration;
mod random_contrast;
mod random_crop;
mod random_erasing;
mod random_flip;
mod random_gaussian_blur;
mod random_grayscale;
mod random_hue;
mod random_invert;
mod random_posterization;
mod random_rotation;
mod random_saturation;
mod random_sharpness;
mod random_shear;
mod random_translation;
mod random_zoom;
mod resizing;
mod sampling;
mod settings;
mod solarization;

pub use auto_contrast::AutoContrast;
pub use center_crop::CenterCrop;
pub use equalization::Equalization;
pub use factor::Factor;
pub use random_brightness::RandomBrightness;
pub use random_color_degeneration::RandomColorDegeneration;
pub use random_contrast::RandomContrast;
pub use random_crop::RandomCrop;
pub use random_erasing::RandomErasing;
pub use random_flip::{FlipMode, RandomFlip};
pub use random_gaussian_blur::RandomGaussianBlur;
pub use random_grayscale::RandomGrayscale;
pub use random_hue::RandomHue;
pub use random_invert::RandomInvert;
pub use random_posterization::RandomPosterization;
pub use random_rotation::RandomRotation;
pub use random_saturation::RandomSaturation;
pub use random_sharpness::RandomSharpness;
pub use random_shear::RandomShear;
pub use random_translation::RandomTranslation;
pub use random_zoom::RandomZoom;
pub use resizing::Resizing;
pub use sampling::FillMode;
pub use solarization::Solarization;
