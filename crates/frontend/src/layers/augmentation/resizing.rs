//! Resizing: images of another size. Keras: `Resizing`.

use cornu_ir::{DType, Expr};
use serde_json::json;

use super::super::resize::{Interpolation, resize};
use super::super::{Config, Context, DataFormat, Layer, LayerConfig, Spec, Weights, only};
use super::cropping::{Target, axes, middle, sizes};
use super::image_layer::check_images;
use crate::error::{Error, Result};

/// Images of this height and width. Whole numbers are rounded and stay what they are.
#[derive(Clone, Debug)]
pub struct Resizing {
    target: Target,
    interpolation: String,
    aspect: Aspect,
    fill_value: f64,
    antialias: bool,
    data_format: DataFormat,
}

/// What happens to an image of another aspect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aspect {
    /// It is stretched.
    Stretch,
    /// Its sides are cut off.
    Crop,
    /// It gets borders.
    Pad,
}

impl Resizing {
    /// Stretched to this height and width, bilinearly.
    pub fn new(height: usize, width: usize) -> Resizing {
        Resizing {
            target: Target { height, width },
            interpolation: "bilinear".to_string(),
            aspect: Aspect::Stretch,
            fill_value: 0.0,
            antialias: false,
            data_format: DataFormat::default(),
        }
    }

    /// How values between pixels are found: "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5".
    pub fn interpolation(mut self, name: &str) -> Resizing {
        self.interpolation = name.to_string();
        self
    }

    /// Keeps the aspect of what is seen: the sides are cut off.
    pub fn crop_to_aspect_ratio(mut self) -> Resizing {
        self.aspect = Aspect::Crop;
        self
    }

    /// Keeps the aspect of what is seen: borders of this value are added.
    pub fn pad_to_aspect_ratio(mut self, fill_value: f64) -> Resizing {
        (self.aspect, self.fill_value) = (Aspect::Pad, fill_value);
        self
    }

    /// Averages over all pixels that fall into one, where images get smaller.
    pub fn antialias(mut self) -> Resizing {
        self.antialias = true;
        self
    }

    /// Which axis holds the channels.
    pub fn data_format(mut self, format: DataFormat) -> Resizing {
        self.data_format = format;
        self
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<Resizing> {
        let crop = config.boolean_or("crop_to_aspect_ratio", false)?;
        let aspect = match (crop, config.boolean_or("pad_to_aspect_ratio", false)?) {
            (false, false) => Aspect::Stretch,
            (true, false) => Aspect::Crop,
            (false, true) => Aspect::Pad,
            (true, true) => {
                return Err(config.wrong("pad_to_aspect_ratio", "false where `crop_to_aspect_ratio` is true"));
            }
        };
        if !matches!(config.text("fill_mode")?, None | Some("constant")) {
            return Err(config.wrong("fill_mode", "constant"));
        }
        if config.value("bounding_box_format").is_some() {
            let needed = "left out: boxes are not transformed along with images";
            return Err(config.wrong("bounding_box_format", needed));
        }
        Ok(Resizing {
            target: Target::read(config)?,
            interpolation: config.text("interpolation")?.unwrap_or("bilinear").to_string(),
            aspect,
            fill_value: config.number_or("fill_value", 0.0)?,
            antialias: config.boolean_or("antialias", false)?,
            data_format: DataFormat::from_config(config)?,
        })
    }

    /// The image with borders left and right, or above and below, that give it the target's aspect.
    fn padded<'b>(&self, images: Expr<'b>, axes: [usize; 2]) -> Expr<'b> {
        let own = sizes(images, axes);
        let wanted = self.target.same_aspect(own);
        let border = |i: usize| (wanted[i].max(own[i]) - own[i]) / 2;
        let (axis, border) = if border(0) > 0 { (axes[0], border(0)) } else { (axes[1], border(1)) };
        let none = vec![0; images.rank()];
        let mut around = none.clone();
        around[axis] = border;
        images.pad(images.number(self.fill_value), &around, &around, &none)
    }
}

/// What a whole-number type can hold, for rounding back.
fn limits(dtype: DType) -> Option<(f64, f64)> {
    match dtype {
        DType::U8 => Some((0.0, 255.0)),
        DType::I32 => Some((f64::from(i32::MIN), f64::from(i32::MAX))),
        DType::U32 => Some((0.0, f64::from(u32::MAX))),
        DType::I64 => Some((i64::MIN as f64, i64::MAX as f64)),
        DType::F32 | DType::F64 | DType::F16 | DType::BF16 | DType::Bool => None,
    }
}

impl Layer for Resizing {
    fn class_name(&self) -> &str {
        "Resizing"
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        self.data_format.write(&mut config);
        self.target.write(&mut config);
        config.insert("interpolation".into(), json!(self.interpolation));
        config.insert("crop_to_aspect_ratio".into(), json!(self.aspect == Aspect::Crop));
        config.insert("pad_to_aspect_ratio".into(), json!(self.aspect == Aspect::Pad));
        config.insert("fill_mode".into(), json!("constant"));
        config.insert("fill_value".into(), json!(self.fill_value));
        config.insert("antialias".into(), json!(self.antialias));
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], _: &mut Weights) -> Result<()> {
        check_images(inputs)?;
        self.target.check("Resizing")?;
        match Interpolation::named(&self.interpolation) {
            Ok(_) => Ok(()),
            Err(error) => Err(Error::Layer { path: String::new(), reason: error.to_string() }),
        }
    }

    fn call<'b>(&self, _: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let images = only(inputs)?;
        let dtype = images.dtype();
        let axes = axes(self.data_format, images.rank());
        let interpolation = Interpolation::named(&self.interpolation)?;
        let moved = interpolation == Interpolation::Nearest || dtype.is_float();
        let images = if moved { images } else { images.cast(DType::F32) };
        let framed = match self.aspect {
            Aspect::Stretch => images,
            Aspect::Crop => middle(images, axes, self.target.crop(sizes(images, axes))),
            Aspect::Pad => self.padded(images, axes),
        };
        let target = [self.target.height, self.target.width];
        let resized = resize(framed, axes, target, interpolation, self.antialias);
        Ok(vec![match limits(dtype) {
            Some((low, high)) if resized.dtype() != dtype => resized.round().clip(low, high).cast(dtype),
            Some(_) | None => resized,
        }])
    }
}
