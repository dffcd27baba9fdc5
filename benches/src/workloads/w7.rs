//! W7: predictions of networks for photographs, one at a time and in batches of 8.

use std::time::Instant;

use cornu::Model;
use cornu::applications::{MobileNetV2, ResNet50};

use super::{Better, Made, Workload};
use crate::contestant::Contestant;
use crate::data;

/// MobileNetV2, one image at a time.
pub(crate) const MOBILENET_ONE: Workload =
    one("mobilenet_v2 x1", || predicting(MobileNetV2::new().build()?, 1, milliseconds));
/// MobileNetV2, eight images at a time.
pub(crate) const MOBILENET_EIGHT: Workload =
    eight("mobilenet_v2 x8", || predicting(MobileNetV2::new().build()?, 8, images_a_second));
/// ResNet50, one image at a time.
pub(crate) const RESNET_ONE: Workload =
    one("resnet50 x1", || predicting(ResNet50::new().build()?, 1, milliseconds));
/// ResNet50, eight images at a time.
pub(crate) const RESNET_EIGHT: Workload =
    eight("resnet50 x8", || predicting(ResNet50::new().build()?, 8, images_a_second));

const fn one(measure: &'static str, work: fn() -> Made) -> Workload {
    Workload { name: "W7", measure, unit: "ms", better: Better::Lower, work }
}

const fn eight(measure: &'static str, work: fn() -> Made) -> Workload {
    Workload { name: "W7", measure, unit: "images/s", better: Better::Higher, work }
}

/// Predictions in a round.
const TIMES: usize = 5;

fn milliseconds(seconds: f64, _: usize) -> f64 {
    1e3 * seconds
}

fn images_a_second(seconds: f64, images: usize) -> f64 {
    images as f64 / seconds
}

/// `unit` makes the result of the seconds that a prediction takes, and of the number of images.
fn predicting(mut model: Model, images: usize, unit: fn(f64, usize) -> f64) -> Made {
    let x = data::floats(&[images, 224, 224, 3], 1);
    model.predict(&x)?;
    Ok(Contestant::new("cornu", move || {
        let begun = Instant::now();
        for _ in 0..TIMES {
            model.predict(&x).map_err(|error| error.to_string())?;
        }
        Ok(unit(begun.elapsed().as_secs_f64() / TIMES as f64, images))
    }))
}
