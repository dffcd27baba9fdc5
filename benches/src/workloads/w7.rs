//! W7: predictions of networks for photographs, one at a time and in batches of 8.

use cornu::Model;
use cornu::applications::{MobileNetV2, ResNet50};

use super::{Better, Workload};
use crate::data;
use crate::job::{Job, Made, Predicting, samples_a_second};

/// MobileNetV2, one image at a time.
pub(crate) const MOBILENET_ONE: Workload =
    one("mobilenet_v2 x1", || predicting(MobileNetV2::new().build()?, 1, milliseconds));
/// MobileNetV2, eight images at a time.
pub(crate) const MOBILENET_EIGHT: Workload =
    eight("mobilenet_v2 x8", || predicting(MobileNetV2::new().build()?, 8, samples_a_second));
/// ResNet50, one image at a time.
pub(crate) const RESNET_ONE: Workload =
    one("resnet50 x1", || predicting(ResNet50::new().build()?, 1, milliseconds));
/// ResNet50, eight images at a time.
pub(crate) const RESNET_EIGHT: Workload =
    eight("resnet50 x8", || predicting(ResNet50::new().build()?, 8, samples_a_second));

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

fn predicting(model: Model, images: usize, unit: fn(f64, usize) -> f64) -> Made {
    let x = data::floats(&[images, 224, 224, 3], 1);
    Ok(Job::Predict(Predicting { model, x, times: TIMES, unit }))
}
