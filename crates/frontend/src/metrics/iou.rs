//! Intersection over union: how well the places of each class are found.

mod overlap;

use cornu_ir::{DType, Expr, Type};
use serde_json::{Map, Value};

use crate::config::Arguments;
use crate::error::Result;
use crate::metrics::naming::{name_builder, own_name};
use crate::metrics::{Direction, Metric, StateSpec};
use overlap::Overlap;

/// The builder methods of metrics whose labels or predictions may be numbers of classes or one-hot.
macro_rules! builders {
    ($class:ident: $($what:ident)*) => {
        name_builder!($class);

        /// A label that does not count: -1 or 255, for example.
        pub fn ignore_class(mut self, ignore_class: Option<i64>) -> $class {
            self.overlap.ignore_class = ignore_class;
            self
        }

        /// The axis of the classes where there is one.
        pub fn axis(mut self, axis: i64) -> $class {
            self.overlap.axis = axis;
            self
        }

        $(builders!(@$what $class);)*

        dtype_builder!($class);
    };
    (@sparse_y_true $class:ident) => {
        /// False if labels are one-hot, not the numbers of classes.
        pub fn sparse_y_true(mut self, sparse: bool) -> $class {
            self.overlap.sparse_y_true = sparse;
            self
        }
    };
    (@sparse_y_pred $class:ident) => {
        /// False if predictions are a score for each class, not the numbers of classes.
        pub fn sparse_y_pred(mut self, sparse: bool) -> $class {
            self.overlap.sparse_y_pred = sparse;
            self
        }
    };
}

macro_rules! dtype_builder {
    ($class:ident) => {
        /// The type that weights are counted in: whole numbers by default, as in Keras, which cuts their fractions
        /// off.
        pub fn dtype(mut self, dtype: DType) -> $class {
            self.overlap.dtype = dtype;
            self
        }
    };
}

/// The trait, with the arguments that Keras writes.
macro_rules! overlap_metric {
    ($class:ident: $($argument:ident)*) => {
        impl Metric for $class {
            fn class_name(&self) -> &str {
                stringify!($class)
            }

            own_name!(Metric);

            fn config(&self) -> Map<String, Value> {
                self.overlap.config(&self.name(), &[$(stringify!($argument)),*])
            }

            fn state(&self, _: &Type) -> Result<Vec<StateSpec>> {
                self.overlap.state(stringify!($class))
            }

            fn update<'b>(
                &self,
                state: &[Expr<'b>],
                y_true: Expr<'b>,
                y_pred: Expr<'b>,
                sample_weight: Option<Expr<'b>>,
            ) -> Result<Vec<Expr<'b>>> {
                self.overlap.update(&self.name(), state, y_true, y_pred, sample_weight)
            }

            fn result<'b>(&self, state: &[Expr<'b>]) -> Result<Expr<'b>> {
                self.overlap.result(&self.name(), state)
            }

            fn direction(&self) -> Direction {
                Direction::Up
            }
        }
    };
}

/// The mean of TP / (TP + FP + FN) over some classes; those that are neither labels nor predictions are left out.
///
/// Labels and predictions are the numbers of classes, in one shape or another of as many elements.
#[derive(Clone, Debug, PartialEq)]
pub struct IoU {
    name: Option<String>,
    overlap: Overlap,
}

impl IoU {
    /// Of these classes among `num_classes`.
    pub fn new(num_classes: usize, target_class_ids: impl IntoIterator<Item = usize>) -> IoU {
        IoU { name: None, overlap: Overlap::new(num_classes, target_class_ids) }
    }

    builders!(IoU: sparse_y_true sparse_y_pred);

    pub(super) fn from_config(arguments: &Arguments) -> Result<IoU> {
        Ok(IoU { name: None, overlap: Overlap::from_config(arguments, Overlap::targets(arguments)?)? })
    }
}

overlap_metric!(IoU: num_classes target_class_ids ignore_class sparse_y_true sparse_y_pred axis);

/// [`IoU`] over all classes.
#[derive(Clone, Debug, PartialEq)]
pub struct MeanIoU {
    name: Option<String>,
    overlap: Overlap,
}

impl MeanIoU {
    /// Of so many classes.
    pub fn new(num_classes: usize) -> MeanIoU {
        MeanIoU { name: None, overlap: Overlap::new(num_classes, 0..num_classes) }
    }

    builders!(MeanIoU: sparse_y_true sparse_y_pred);

    pub(super) fn from_config(arguments: &Arguments) -> Result<MeanIoU> {
        let all = 0..Overlap::classes(arguments)?;
        Ok(MeanIoU { name: None, overlap: Overlap::from_config(arguments, all.collect())? })
    }
}

overlap_metric!(MeanIoU: num_classes ignore_class sparse_y_true sparse_y_pred axis);

/// [`IoU`] for one-hot labels, and predictions that are a score for each class.
#[derive(Clone, Debug, PartialEq)]
pub struct OneHotIoU {
    name: Option<String>,
    overlap: Overlap,
}

impl OneHotIoU {
    /// Of these classes among `num_classes`.
    pub fn new(num_classes: usize, target_class_ids: impl IntoIterator<Item = usize>) -> OneHotIoU {
        OneHotIoU { name: None, overlap: Overlap::new(num_classes, target_class_ids).one_hot() }
    }

    builders!(OneHotIoU: sparse_y_pred);

    pub(super) fn from_config(arguments: &Arguments) -> Result<OneHotIoU> {
        let overlap = Overlap::from_one_hot_config(arguments, Overlap::targets(arguments)?)?;
        Ok(OneHotIoU { name: None, overlap })
    }
}

overlap_metric!(OneHotIoU: num_classes target_class_ids ignore_class sparse_y_pred axis);

/// [`MeanIoU`] for one-hot labels, and predictions that are a score for each class.
#[derive(Clone, Debug, PartialEq)]
pub struct OneHotMeanIoU {
    name: Option<String>,
    overlap: Overlap,
}

impl OneHotMeanIoU {
    /// Of so many classes.
    pub fn new(num_classes: usize) -> OneHotMeanIoU {
        OneHotMeanIoU { name: None, overlap: Overlap::new(num_classes, 0..num_classes).one_hot() }
    }

    builders!(OneHotMeanIoU: sparse_y_pred);

    pub(super) fn from_config(arguments: &Arguments) -> Result<OneHotMeanIoU> {
        let all = 0..Overlap::classes(arguments)?;
        Ok(OneHotMeanIoU { name: None, overlap: Overlap::from_one_hot_config(arguments, all.collect())? })
    }
}

overlap_metric!(OneHotMeanIoU: num_classes ignore_class sparse_y_pred axis);

/// [`IoU`] of two classes, of which predictions at or above a threshold name the second.
#[derive(Clone, Debug, PartialEq)]
pub struct BinaryIoU {
    name: Option<String>,
    overlap: Overlap,
}

impl BinaryIoU {
    /// Of both classes, with the threshold ½.
    pub fn new() -> BinaryIoU {
        BinaryIoU { name: None, overlap: Overlap { threshold: Some(0.5), ..Overlap::new(2, [0, 1]) } }
    }

    name_builder!(BinaryIoU);

    /// Which of the classes 0 and 1 count.
    pub fn target_class_ids(mut self, classes: impl IntoIterator<Item = usize>) -> BinaryIoU {
        self.overlap.target_class_ids = classes.into_iter().collect();
        self
    }

    /// From where on a prediction names class 1.
    pub fn threshold(mut self, threshold: f64) -> BinaryIoU {
        self.overlap.threshold = Some(threshold);
        self
    }

    dtype_builder!(BinaryIoU);

    pub(super) fn from_config(arguments: &Arguments) -> Result<BinaryIoU> {
        let mut metric = BinaryIoU::new().threshold(arguments.number_or("threshold", 0.5)?);
        if arguments.value("target_class_ids").is_some() {
            metric.overlap.target_class_ids = Overlap::targets(arguments)?;
        }
        metric.overlap.dtype = Overlap::counted_in(arguments)?;
        Ok(metric)
    }
}

impl Default for BinaryIoU {
    fn default() -> BinaryIoU {
        BinaryIoU::new()
    }
}

overlap_metric!(BinaryIoU: target_class_ids threshold);
