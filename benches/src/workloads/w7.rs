//! W7: predictions of networks for photographs, one at a time and in batches of 8.

use cornu::Model;
use cornu::applications::{MobileNetV2, ResNet50};

use super::Workload;
use crate::data;
use crate::job::{Job, Made, Predicting};
use crate::unit::Unit;

/// MobileNetV2, one image at a time.
pub(crate) const MOBILENET_ONE: Workload =
    one("mobilenet_v2 x1", || predicting(MobileNetV2::new().build()?, 1));
/// MobileNetV2, eight images at a time.
pub(crate) const MOBILENET_EIGHT: Workload =
    eight("mobilenet_v2 x8", || predicting(MobileNetV2::new().build()?, 8));
/// ResNet50, one image at a time.
pub(crate) const RESNET_ONE: Workload = one("resnet50 x1", || predicting(ResNet50::new().build()?, 1));
/// ResNet50, eight images at a time.
pub(crate) const RESNET_EIGHT: Workload = eight("resnet50 x8", || predicting(ResNet50::new().build()?, 8));

const fn one(measure: &'static str, work: fn() -> Made) -> Workload {
    Workload { name: "W7", measure, unit: Unit::Milliseconds, work }
}

const fn eight(measure: &'static str, work: fn() -> Made) -> Workload {
    Workload { name: "W7", measure, unit: Unit::Images, work }
}

/// Predictions in a round.
const TIMES: usize = 5;

fn predicting(model: Model, images: usize) -> Made {
    let x = data::floats(&[images, 224, 224, 3], 1);
    Ok(Job::Predict(Predicting { model, x, times: TIMES }))
}
