//! Overlap: a table of how often each class is predicted where each class is the label, and what follows from it.

use cornu_ir::ops::{ArgReduction, Reduction, Scatter, ScatterKind};
use cornu_ir::{DType, Expr, Tensor, Type};
use serde_json::{Map, Value, json};

use crate::EPSILON;
use crate::config::Arguments;
use crate::error::{Error, Result};
use crate::layers::{keras_dtype, keras_dtype_name};
use crate::metrics::mean::variables;
use crate::metrics::{StateSpec, weights};
use crate::shapes;

/// The arguments of all metrics of this family.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Overlap {
    pub(super) num_classes: usize,
    pub(super) target_class_ids: Vec<usize>,
    pub(super) ignore_class: Option<i64>,
    pub(super) sparse_y_true: bool,
    pub(super) sparse_y_pred: bool,
    pub(super) axis: i64,
    /// From where on a prediction names class 1 of two; `None` if predictions name classes otherwise.
    pub(super) threshold: Option<f64>,
    /// Of the table.
    pub(super) dtype: DType,
}

impl Overlap {
    pub(super) fn new(num_classes: usize, targets: impl IntoIterator<Item = usize>) -> Overlap {
        Overlap {
            num_classes,
            target_class_ids: targets.into_iter().collect(),
            ignore_class: None,
            sparse_y_true: true,
            sparse_y_pred: true,
            axis: -1,
            threshold: None,
            dtype: DType::I32,
        }
    }

    pub(super) fn one_hot(self) -> Overlap {
        Overlap { sparse_y_true: false, sparse_y_pred: false, ..self }
    }

    pub(super) fn from_config(arguments: &Arguments, targets: Vec<usize>) -> Result<Overlap> {
        Ok(Overlap {
            num_classes: Overlap::classes(arguments)?,
            target_class_ids: targets,
            ignore_class: arguments.integer("ignore_class")?,
            sparse_y_true: arguments.boolean_or("sparse_y_true", true)?,
            sparse_y_pred: arguments.boolean_or("sparse_y_pred", true)?,
            axis: arguments.integer("axis")?.unwrap_or(-1),
            threshold: None,
            dtype: Overlap::counted_in(arguments)?,
        })
    }

    pub(super) fn from_one_hot_config(arguments: &Arguments, targets: Vec<usize>) -> Result<Overlap> {
        let sparse_y_pred = arguments.boolean_or("sparse_y_pred", false)?;
        Ok(Overlap { sparse_y_true: false, sparse_y_pred, ..Overlap::from_config(arguments, targets)? })
    }

    pub(super) fn classes(arguments: &Arguments) -> Result<usize> {
        let needed = || arguments.wrong("num_classes", "given, a whole number of 1 or more");
        arguments.size("num_classes")?.filter(|&count| count > 0).ok_or_else(needed)
    }

    pub(super) fn targets(arguments: &Arguments) -> Result<Vec<usize>> {
        let needed = || arguments.wrong("target_class_ids", "given, a list of numbers of classes");
        let given = arguments.integers("target_class_ids")?.ok_or_else(needed)?;
        given.into_iter().map(|class| usize::try_from(class).map_err(|_| needed())).collect()
    }

    pub(super) fn counted_in(arguments: &Arguments) -> Result<DType> {
        match arguments.text("dtype")? {
            None | Some("int") => Ok(DType::I32),
            Some(name) => {
                let countable = keras_dtype(name).filter(|&dtype| dtype != DType::Bool);
                countable.ok_or_else(|| arguments.wrong("dtype", "an element type of numbers"))
            }
        }
    }

    /// Name, element type and the arguments with these names.
    pub(super) fn config(&self, name: &str, arguments: &[&str]) -> Map<String, Value> {
        let own = |argument: &&str| match *argument {
            "num_classes" => json!(self.num_classes),
            "target_class_ids" => json!(self.target_class_ids),
            "ignore_class" => json!(self.ignore_class),
            "sparse_y_true" => json!(self.sparse_y_true),
            "sparse_y_pred" => json!(self.sparse_y_pred),
            "axis" => json!(self.axis),
            "threshold" => json!(self.threshold),
            other => unreachable!("{other} is no argument of these metrics"),
        };
        let common = [("name", json!(name)), ("dtype", json!(keras_dtype_name(self.dtype)))];
        let all = common.into_iter().chain(arguments.iter().map(|argument| (*argument, own(argument))));
        all.map(|(key, value)| (key.to_string(), value)).collect()
    }

    pub(super) fn state(&self, class: &str) -> Result<Vec<StateSpec>> {
        let count = self.num_classes;
        if let Some(&target) = self.target_class_ids.iter().find(|&&target| target >= count) {
            let needed = format!("numbers of classes below num_classes, {count}");
            return Err(Error::config(class, "target_class_ids", target, needed));
        }
        Ok(vec![StateSpec {
            ty: Type::new(self.dtype, [count, count]),
            ..StateSpec::scalar("total_confusion_matrix")
        }])
    }

    /// The table after a batch. Labels and predictions that are no class do not count.
    pub(super) fn update<'b>(
        &self,
        metric: &str,
        state: &[Expr<'b>],
        y_true: Expr<'b>,
        y_pred: Expr<'b>,
        sample_weight: Option<Expr<'b>>,
    ) -> Result<Vec<Expr<'b>>> {
        let [table] = variables(metric, state)?;
        let labels = self.class_numbers(metric, y_true, self.sparse_y_true)?;
        let found = match self.threshold {
            Some(threshold) => {
                let p = y_pred.cast(DType::F32);
                p.ge(p.number(threshold)).cast(DType::I32)
            }
            None => self.class_numbers(metric, y_pred, self.sparse_y_pred)?,
        };
        let count = labels.ty().elements();
        if found.ty().elements() != count {
            return Err(Error::Shapes {
                what: format!("{metric}: y_true against y_pred"),
                left: y_true.ty().into(),
                right: y_pred.ty().into(),
                fix: "Give one label for each prediction; say by sparse_y_true and sparse_y_pred which of them \
                      are numbers of classes"
                    .into(),
            });
        }
        let weight = match sample_weight {
            Some(weight) => weights::for_each(metric, weight, labels)?.cast(self.dtype),
            None => labels.cast(self.dtype).full_like(1.0),
        };
        let [labels, found, weight] = [labels, found, weight].map(|x| x.reshape([count]));
        let classes = self.num_classes as f64;
        let is_class = |x: Expr<'b>| x.ge(x.number(0.0)).and(x.lt(x.number(classes)));
        let counts = is_class(labels).and(is_class(found));
        let counts = match self.ignore_class {
            Some(class) => counts.and(labels.ne(labels.number(class as f64))),
            None => counts,
        };
        // A place outside of the table is left out.
        let place = counts.select(labels * classes + found, labels.number(-1.0));
        let scatter = Scatter { axis: 0, batch: 0, kind: ScatterKind::Add };
        let flat = table.reshape([table.ty().elements()]);
        Ok(vec![flat.scatter(place, weight, scatter).reshape(table.shape())])
    }

    fn class_numbers<'b>(&self, metric: &str, x: Expr<'b>, are_numbers: bool) -> Result<Expr<'b>> {
        if are_numbers {
            return Ok(x.cast(DType::I32));
        }
        Ok(x.arg_reduce(ArgReduction::Max, shapes::axis(metric, self.axis, x)?).cast(DType::I32))
    }

    /// The mean of what both are over what either is, over the target classes that are there.
    pub(super) fn result<'b>(&self, metric: &str, state: &[Expr<'b>]) -> Result<Expr<'b>> {
        let [table] = variables(metric, state)?;
        let b = table.builder();
        let places = table.ty().with_dtype(DType::I32);
        let is_diagonal = b.iota(places.clone(), 0).eq(b.iota(places, 1));
        let both = is_diagonal.select(table, table.number(0.0)).sum(&[1]);
        let either = table.sum(&[0]) + table.sum(&[1]) - both;
        let targets = self.target_class_ids.iter().map(|&class| class as i32).collect();
        let targets = table.constant(Tensor::vector(targets));
        let [both, either] = [both, either].map(|x| x.gather(targets, 0, 0).cast(DType::F32));
        let is_there = either.gt(either.number(1e-9));
        let shares = is_there.select(both / (either + EPSILON), either.number(0.0));
        Ok(shares.reduce(Reduction::Sum, &[0]) / (is_there.cast(DType::F32).sum_all() + EPSILON))
    }
}
