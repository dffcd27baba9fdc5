//! Output modes: how whole numbers that stand for categories are written, in the graph and on the host.

use cornu_ir::ops::Reduction;
use cornu_ir::{DType, Expr, Shape, Tensor, derived};

use super::super::LayerConfig;
use crate::error::{Error, Result};

/// What a layer makes of the numbers of its categories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputMode {
    /// The numbers themselves.
    Int,
    /// Along a new last axis, 1 at the place of the category. An axis of size 1 at the end is used instead of a new
    /// one.
    OneHot,
    /// For each sample 1 at every category that occurs in it: axis 1 is reduced.
    MultiHot,
    /// For each sample how often each category occurs: axis 1 is reduced.
    Count,
    /// Counts weighed by how rare the category is among all documents.
    TfIdf,
}

impl OutputMode {
    const NAMES: [(&'static str, OutputMode); 5] = [
        ("int", OutputMode::Int),
        ("one_hot", OutputMode::OneHot),
        ("multi_hot", OutputMode::MultiHot),
        ("count", OutputMode::Count),
        ("tf_idf", OutputMode::TfIdf),
    ];

    /// Keras's name.
    pub fn name(self) -> &'static str {
        match self {
            OutputMode::Int => "int",
            OutputMode::OneHot => "one_hot",
            OutputMode::MultiHot => "multi_hot",
            OutputMode::Count => "count",
            OutputMode::TfIdf => "tf_idf",
        }
    }

    /// The argument `output_mode`, if it is given.
    pub(super) fn read(config: &LayerConfig<'_>) -> Result<Option<OutputMode>> {
        let Some(name) = config.text("output_mode")? else { return Ok(None) };
        // Keras's older names.
        let name = match name {
            "binary" => "multi_hot",
            "tf-idf" => "tf_idf",
            other => other,
        };
        let found = OutputMode::NAMES.iter().find(|(known, _)| *known == name).map(|&(_, mode)| mode);
        found.map(Some).ok_or_else(|| config.wrong("output_mode", "int, one_hot, multi_hot, count or tf_idf"))
    }

    /// An error if `class` does not offer this mode.
    pub(super) fn check(self, class: &str, offered: &[OutputMode]) -> Result<()> {
        if offered.contains(&self) {
            return Ok(());
        }
        let needed = offered.iter().map(|mode| mode.name()).collect::<Vec<_>>().join(" or ");
        Err(Error::config(class, "output_mode", self.name(), needed))
    }

    /// Writes the numbers in this mode. `weights` count for occurrences in [`OutputMode::Count`]; numbers outside
    /// `0..depth` leave no trace.
    pub(super) fn encode<'b>(
        self,
        numbers: Expr<'b>,
        depth: usize,
        weights: Option<Expr<'b>>,
    ) -> Result<Expr<'b>> {
        if self == OutputMode::Int {
            return Ok(numbers);
        }
        if self == OutputMode::OneHot {
            return Ok(derived::one_hot(without_single_axis(numbers), depth, DType::F32));
        }
        if numbers.rank() < 2 {
            return Err(Error::Shape {
                what: format!("output_mode {}", self.name()),
                needed: "samples of several categories each, (batch, categories, …)".to_string(),
                got: numbers.ty(),
            });
        }
        let hot = derived::one_hot(numbers, depth, DType::F32);
        Ok(match (self, weights) {
            (OutputMode::MultiHot, _) => hot.reduce(Reduction::Max, &[1]),
            (_, Some(weights)) => (hot * weights.cast(DType::F32).expand(weights.rank())).sum(&[1]),
            (_, None) => hot.sum(&[1]),
        })
    }

    /// [`OutputMode::encode`] of one sample on the host. `idf` holds a weight for each category.
    pub(super) fn row(self, numbers: &[i64], depth: usize, idf: &[f32]) -> Vec<f32> {
        let mut row = vec![0.0; depth];
        for place in numbers.iter().filter_map(|&number| usize::try_from(number).ok()).filter(|&n| n < depth)
        {
            match self {
                OutputMode::MultiHot | OutputMode::OneHot => row[place] = 1.0,
                OutputMode::Count | OutputMode::TfIdf | OutputMode::Int => row[place] += 1.0,
            }
        }
        if self == OutputMode::TfIdf {
            row.iter_mut().zip(idf).for_each(|(count, weight)| *count *= weight);
        }
        row
    }

    /// The numbers of a tensor of this shape in this mode, on the host.
    pub(super) fn encode_host(self, numbers: Vec<i64>, shape: &[usize], depth: usize, idf: &[f32]) -> Tensor {
        let mut sizes = shape.to_vec();
        if self == OutputMode::Int {
            return built(sizes, numbers);
        }
        let run = if self == OutputMode::OneHot {
            if sizes.len() > 1 && sizes.last() == Some(&1) {
                sizes.pop();
            }
            1
        } else {
            sizes.pop().unwrap_or(1)
        };
        sizes.push(depth);
        let rows: usize = sizes[..sizes.len() - 1].iter().product();
        let row = |i: usize| self.row(&numbers[i * run..(i + 1) * run], depth, idf);
        built(sizes, (0..rows).flat_map(row).collect::<Vec<f32>>())
    }
}

/// A tensor whose size was computed with its items.
pub(super) fn built<T: cornu_ir::Element>(shape: impl Into<Shape>, items: Vec<T>) -> Tensor {
    Tensor::new(shape, items).unwrap_or_else(|| unreachable!("as many items were made as the shape says"))
}

/// Without an axis of size 1 at the end, unless it is the only one.
fn without_single_axis(x: Expr<'_>) -> Expr<'_> {
    let last = x.rank().saturating_sub(1);
    if x.rank() > 1 && x.shape().last() == Some(&1) { x.squeeze(&[last]) } else { x }
}
