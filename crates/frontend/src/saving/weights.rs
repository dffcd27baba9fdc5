//! The weight tree of Keras 3 as data: `model.weights.h5` in an archive, and `*.weights.h5` by itself.
//!
//! Every object that was visited while saving has a group `<path>/vars` with its variables as arrays `0`, `1`, …, and
//! its name as an attribute that nothing reads.

use std::collections::BTreeSet;
use std::io;

use cornu_ir::{Tensor, Type};

use super::error::{FileError, Place};
use super::hdf5::{self, Group, Reader};
use super::source::Source;

/// The variables of one object: a layer, the optimizer, the model itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// Where it stands: `layers/dense`, `optimizer`; empty for the model.
    pub path: String,
    /// What it is called.
    pub name: String,
    /// Its variables, in Keras's order.
    pub vars: Vec<Tensor>,
    /// Arrays that have a name instead of a number.
    pub named: Vec<(String, Tensor)>,
}

impl Saved {
    /// An object with these variables.
    pub fn new(path: impl Into<String>, name: impl Into<String>, vars: Vec<Tensor>) -> Saved {
        Saved { path: path.into(), name: name.into(), vars, named: Vec::new() }
    }
}

/// The array of lookup layers: a weight for each token.
pub const IDF_WEIGHTS: &str = "idf_weights";

/// The group that holds an object's variables.
const VARS: &str = "vars";
/// What the group `layers` was called by Keras 2.12.
const OLD_LAYERS: &str = "_layer_checkpoint_dependencies";
const LAYERS: &str = "layers";
/// Deepest path that is looked at for what else is stored.
const MAX_DEPTH: usize = 64;

/// Writes a weight file to `out`; `at` is what errors call it.
pub fn write(saved: &[Saved], at: &Place, out: impl io::Write) -> Result<(), FileError> {
    let numbers: Vec<String> =
        (0..saved.iter().map(|object| object.vars.len()).max().unwrap_or(0)).map(|n| n.to_string()).collect();
    let mut root = Group::default();
    for object in saved {
        let group = root.at(&object.path).at(VARS);
        group.text("name", &object.name);
        let named = object.named.iter().map(|(name, tensor)| (name, tensor));
        for (name, tensor) in numbers.iter().zip(&object.vars).chain(named) {
            if !group.array(name, tensor) {
                return Err(at.inside(&object.path).mismatch("two objects with this path", "each path once"));
            }
        }
    }
    hdf5::write(root, at, out)
}

/// A weight file, read as it is asked for.
pub struct Weights {
    file: Reader,
    layers: &'static str,
}

impl Weights {
    /// Opens a weight file. Both the present layout and that of Keras 2.12 are read by the paths of the present one.
    pub fn open(source: Source) -> Result<Weights, FileError> {
        let file = Reader::open(source)?;
        let layers = if file.has_group(OLD_LAYERS)? { OLD_LAYERS } else { LAYERS };
        Ok(Weights { file, layers })
    }

    /// What errors call this file.
    pub fn place(&self) -> &Place {
        self.file.place()
    }

    /// Types of the variables stored for the object at `path`; none when nothing is stored for it.
    pub fn stored(&self, path: &str) -> Result<Vec<Type>, FileError> {
        self.numbers(path)?.into_iter().map(|n| self.file.ty(&self.variable(path, n))).collect()
    }

    /// Number of variables stored for the object at `path`.
    pub fn count(&self, path: &str) -> Result<usize, FileError> {
        self.numbers(path).map(|numbers| numbers.len())
    }

    /// Variable `n` of the object at `path`, which must have the shape of `ty`; converted to its element type.
    pub fn read(&self, path: &str, n: usize, ty: &Type) -> Result<Tensor, FileError> {
        self.file.read(&self.variable(path, n), ty)
    }

    /// The array of this name of the object at `path`; `None` if it has none.
    pub fn named(&self, path: &str, name: &str) -> Result<Option<Tensor>, FileError> {
        let group = format!("{}/{VARS}", self.stored_path(path));
        if !self.file.children(&group)?.iter().any(|child| child == name) {
            return Ok(None);
        }
        let place = format!("{group}/{name}");
        self.file.read(&place, &self.file.ty(&place)?).map(Some)
    }

    /// Paths of all objects that have variables stored, to tell what nobody asked for.
    pub fn paths(&self) -> Result<Vec<String>, FileError> {
        let mut found = BTreeSet::new();
        let mut waiting = vec![(String::new(), 0)];
        while let Some((path, depth)) = waiting.pop() {
            if depth > MAX_DEPTH {
                return Err(self.place().inside(&path).too_large("the nesting of groups", MAX_DEPTH));
            }
            for child in self.file.children(&self.stored_path(&path))? {
                let child = self.present_name(&path, &child);
                let below = if path.is_empty() { child.to_owned() } else { format!("{path}/{child}") };
                if child == VARS {
                    if self.count(&path)? > 0 {
                        found.insert(path.clone());
                    }
                } else if self.file.has_group(&self.stored_path(&below))? {
                    waiting.push((below, depth + 1));
                }
            }
        }
        Ok(found.into_iter().collect())
    }

    /// The numbers under which variables are stored: `0`, `1`, … without a gap.
    fn numbers(&self, path: &str) -> Result<Vec<usize>, FileError> {
        let group = format!("{}/{VARS}", self.stored_path(path));
        let mut numbers = Vec::new();
        for name in self.file.children(&group)?.into_iter().filter(|name| name != IDF_WEIGHTS) {
            let number = name.parse::<usize>().ok().filter(|n| n.to_string() == name);
            let wrong =
                || self.place().inside(&group).mismatch(format!("an array `{name}`"), "numbers as names");
            numbers.push(number.ok_or_else(wrong)?);
        }
        numbers.sort_unstable();
        match numbers.iter().enumerate().find(|&(n, &number)| n != number) {
            Some((n, _)) => {
                Err(self.place().inside(&format!("{group}/{n}")).missing("later variables are there"))
            }
            None => Ok(numbers),
        }
    }

    fn variable(&self, path: &str, n: usize) -> String {
        format!("{}/{VARS}/{n}", self.stored_path(path))
    }

    /// The path in the file for a path of the present layout.
    fn stored_path(&self, path: &str) -> String {
        let path = match path.split_once('/') {
            Some((LAYERS, rest)) => format!("{}/{rest}", self.layers),
            None if path == LAYERS => self.layers.to_owned(),
            Some(_) | None => path.to_owned(),
        };
        match path.rsplit_once('/') {
            Some((parent, child)) if is_attention(parent) => {
                let old = format!("{parent}/_{child}");
                if matches!(self.file.has_group(&old), Ok(true)) { old } else { path }
            }
            Some(_) | None => path,
        }
    }

    /// The name of the present layout for a group in the file.
    fn present_name<'n>(&self, path: &str, child: &'n str) -> &'n str {
        if path.is_empty() && child == self.layers {
            return LAYERS;
        }
        child
            .strip_prefix('_')
            .filter(|child| is_attention(path) && child.ends_with("_dense"))
            .unwrap_or(child)
    }
}

/// A MultiHeadAttention: until Keras 3.0 the names of its projections began with `_`.
fn is_attention(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.starts_with("multi_head_attention"))
}

#[cfg(test)]
mod tests {
    use cornu_ir::{DType, bf16};

    use super::*;

    fn file(saved: &[Saved]) -> Weights {
        let at = Place::file("test.weights.h5");
        let mut bytes = Vec::new();
        write(saved, &at, &mut bytes).expect("written");
        Weights::open(Source::from_bytes(at, bytes)).expect("readable")
    }

    fn object(path: &str, vars: Vec<Tensor>) -> Saved {
        Saved::new(path, "n", vars)
    }

    #[test]
    fn what_is_written_is_read() {
        let vars: Vec<Tensor> = (0..12).map(|n| Tensor::scalar(n as f32)).collect();
        let kernel = Tensor::vector(vec![bf16::ONE, bf16::ZERO]);
        let weights = file(&[
            object("", vec![]),
            object("layers/dense", vec![kernel.clone()]),
            object("layers/functional/layers/dense", vec![]),
            object("optimizer", vars.clone()),
        ]);
        assert_eq!(weights.paths().expect("walked"), ["layers/dense", "optimizer"]);
        assert_eq!(weights.stored("layers/dense").expect("read"), [kernel.ty()]);
        assert_eq!(weights.read("layers/dense", 0, &kernel.ty()).expect("read"), kernel);
        assert_eq!(weights.count("optimizer").expect("read"), 12);
        assert_eq!(weights.read("optimizer", 10, &vars[10].ty()).expect("read"), vars[10]);
        assert_eq!(weights.count("nowhere").expect("read"), 0);
    }

    #[test]
    fn the_layout_of_keras_2_12() {
        let kernel = Tensor::vector(vec![1.0f32]);
        let weights = file(&[object("_layer_checkpoint_dependencies/dense", vec![kernel.clone()])]);
        assert_eq!(weights.paths().expect("walked"), ["layers/dense"]);
        assert_eq!(weights.read("layers/dense", 0, &kernel.ty()).expect("read"), kernel);
    }

    #[test]
    fn attention_before_keras_3_0() {
        let kernel = Tensor::vector(vec![1.0f32]);
        let weights = file(&[object("layers/multi_head_attention_1/_query_dense", vec![kernel.clone()])]);
        let path = "layers/multi_head_attention_1/query_dense";
        assert_eq!(weights.paths().expect("walked"), [path]);
        assert_eq!(weights.read(path, 0, &kernel.ty()).expect("read"), kernel);
    }

    #[test]
    fn another_shape_is_an_error_that_names_both() {
        let weights = file(&[object("layers/dense", vec![Tensor::vector(vec![1.0f32, 2.0])])]);
        let error = weights.read("layers/dense", 0, &Type::new(DType::F32, [3])).expect_err("another shape");
        assert_eq!(
            error.to_string(),
            "test.weights.h5: layers/dense/vars/0: found shape [2], needed shape [3]"
        );
        let error = weights.read("layers/dense", 1, &Type::new(DType::F32, [3])).expect_err("nothing there");
        assert!(error.to_string().contains("missing"));
    }

    #[test]
    fn one_path_for_two_objects_is_an_error() {
        let saved = [object("a", vec![Tensor::scalar(1.0f32)]), object("a", vec![Tensor::scalar(1.0f32)])];
        assert!(write(&saved, &Place::file("t"), io::sink()).is_err());
    }
}
