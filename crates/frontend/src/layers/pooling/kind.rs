//! Kinds of pooling: what becomes of the elements of a window.

use std::fmt;

/// The names of a family's classes, for one to three axes.
pub(super) type Names = [&'static str; 3];

/// What becomes of the elements of a window: [`OfMean`] or [`OfMax`].
pub trait PoolKind: Clone + Copy + fmt::Debug + Send + Sync + 'static {
    /// True for the largest element, false for the mean.
    const IS_MAX: bool;
    /// Classes of windows.
    const NAMES: Names;
    /// Classes of windows over everything.
    const GLOBAL: Names;
    /// Classes of as many windows as asked for.
    const ADAPTIVE: Names;
}

/// Their mean.
#[derive(Clone, Copy, Debug)]
pub struct OfMean;

/// The largest.
#[derive(Clone, Copy, Debug)]
pub struct OfMax;

impl PoolKind for OfMean {
    const IS_MAX: bool = false;
    const NAMES: Names = ["AveragePooling1D", "AveragePooling2D", "AveragePooling3D"];
    const GLOBAL: Names = ["GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D"];
    const ADAPTIVE: Names =
        ["AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D"];
}

impl PoolKind for OfMax {
    const IS_MAX: bool = true;
    const NAMES: Names = ["MaxPooling1D", "MaxPooling2D", "MaxPooling3D"];
    const GLOBAL: Names = ["GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D"];
    const ADAPTIVE: Names = ["AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D"];
}

/// The class for so many axes.
pub(super) fn class_name<const RANK: usize>(names: Names) -> &'static str {
    const { assert!(RANK >= 1 && RANK <= 3, "windows move along one to three axes") }
    names[RANK - 1]
}
