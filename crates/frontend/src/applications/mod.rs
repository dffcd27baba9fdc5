//! Networks that are known by name, with the layer names and parameter counts of `keras.applications`.
//!
//! ```no_run
//! let model = cornu::applications::MobileNetV2::new().input_shape([96, 96, 3]).classes(10).build()?;
//! # Ok::<(), cornu::Error>(())
//! ```
//!
//! Weights are drawn at random; those that Keras trained are read by
//! [`Model::load_weights`](crate::Model::load_weights) from the files that Keras offers.

mod mobilenet_v2;
mod resnet;

pub use mobilenet_v2::{InvertedResiduals, MobileNetV2};
pub use resnet::{ResNet50, ResNet101, ResNet152, Residuals};

use crate::activations::Activation;
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::layers::{AnyLayer, Dense, GlobalAveragePooling2D, GlobalMaxPooling2D, Input, Layer};
use crate::model::{Apply, Model, Symbol};

/// What makes an application itself: the layers between the image and what is concluded from it.
pub trait Architecture {
    /// The name that Keras gives a model for images of so many rows.
    fn model_name(&self, rows: usize) -> String;

    /// From images `(batch, rows, columns, channels)` to features `(batch, rows', columns', features)`.
    fn features(&self, images: &Symbol) -> Symbol;

    /// Names of the layers for [`Pooling::Average`] and [`Pooling::Max`]; without, they are named as any layer is.
    fn pooling_names(&self) -> Option<[&'static str; 2]> {
        None
    }
}

/// How an application without its top turns features into one vector. Keras: `pooling`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// The mean over all places. Keras: `"avg"`.
    Average,
    /// The largest over all places. Keras: `"max"`.
    Max,
}

/// An architecture with the options that all of them have.
#[derive(Clone, Debug)]
pub struct Application<A> {
    architecture: A,
    input_shape: [usize; 3],
    include_top: bool,
    pooling: Option<Pooling>,
    classes: usize,
    classifier_activation: Identifier<Activation>,
    name: Option<String>,
}

impl<A: Architecture> Application<A> {
    /// For images of 224 by 224 in three colours, with a classifier of 1000 classes.
    fn of(architecture: A) -> Application<A> {
        Application {
            architecture,
            input_shape: [224, 224, 3],
            include_top: true,
            pooling: None,
            classes: 1000,
            classifier_activation: "softmax".into(),
            name: None,
        }
    }

    /// Rows, columns and channels of an image: at least 32 of the first two.
    pub fn input_shape(mut self, shape: [usize; 3]) -> Application<A> {
        self.input_shape = shape;
        self
    }

    /// Whether the model ends with the mean of the features and a classifier.
    pub fn include_top(mut self, include_top: bool) -> Application<A> {
        self.include_top = include_top;
        self
    }

    /// Without its top, the model ends with a vector; without this, with features at each place.
    pub fn pooling(mut self, pooling: Pooling) -> Application<A> {
        self.pooling = Some(pooling);
        self
    }

    /// Number of classes, where the top is included.
    pub fn classes(mut self, classes: usize) -> Application<A> {
        self.classes = classes;
        self
    }

    /// What the classifier ends with: `"softmax"`, or `"linear"` for logits.
    pub fn classifier_activation(mut self, activation: impl Into<Identifier<Activation>>) -> Application<A> {
        self.classifier_activation = activation.into();
        self
    }

    /// Name of the model.
    pub fn name(mut self, name: &str) -> Application<A> {
        self.name = Some(name.to_string());
        self
    }

    /// The model, with weights drawn at random.
    pub fn build(self) -> Result<Model> {
        let [rows, columns, _] = self.input_shape;
        let name = self.name.clone().unwrap_or_else(|| self.architecture.model_name(rows));
        if rows.min(columns) < SMALLEST {
            let needed = format!("at least {SMALLEST} rows and columns, as each stage halves the image");
            return Err(Error::config(&name, "input_shape", format!("{:?}", self.input_shape), needed));
        }
        let images = Input::new(self.input_shape).symbol();
        let features = self.architecture.features(&images);
        let outputs = self.top(&features);
        Model::named(&name, &images, &outputs)
    }

    /// What follows the features.
    fn top(self, features: &Symbol) -> Symbol {
        let pooling = if self.include_top { Some(Pooling::Average) } else { self.pooling };
        let names = self.architecture.pooling_names();
        let pooled = match pooling {
            None => return features.clone(),
            Some(Pooling::Average) => {
                perhaps_named(GlobalAveragePooling2D::new(), names.map(|[average, _]| average))
            }
            Some(Pooling::Max) => perhaps_named(GlobalMaxPooling2D::new(), names.map(|[_, max]| max)),
        };
        let pooled = pooled.apply(features);
        if !self.include_top {
            return pooled;
        }
        let classifier = Dense::new(self.classes).activation(self.classifier_activation);
        named(classifier, "predictions").apply(&pooled)
    }
}

/// Fewer rows or columns leave nothing after five stages that halve them.
const SMALLEST: usize = 32;

/// A layer under Keras's name for it.
fn named(layer: impl Layer + 'static, name: &str) -> AnyLayer {
    layer.shared().named(name)
}

fn perhaps_named(layer: impl Layer + 'static, name: Option<&str>) -> AnyLayer {
    match name {
        Some(name) => named(layer, name),
        None => layer.shared(),
    }
}
