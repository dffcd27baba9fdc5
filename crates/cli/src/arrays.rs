//! Brings arrays from files together with the inputs and outputs of a model.

use std::path::Path;

use cornu::{DType, Tensor};

use crate::error::Failure;
use crate::model::Input;
use crate::npy::{self, Array, Contents};

/// Reads a model's inputs, in its order and of its types.
pub(crate) fn inputs(path: &Path, inputs: &[Input]) -> Result<Vec<Tensor>, Failure> {
    let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
    let arrays = assigned(npy::read(path)?, &names, "input");
    let said = |failure: Failure| failure.of(path.display());
    let tensors = arrays.map_err(said)?.into_iter().zip(inputs).map(|(array, input)| fitted(array, input));
    tensors.collect::<Result<_, _>>().map_err(said)
}

/// Reads a model's targets, in the order of its outputs.
pub(crate) fn targets(path: &Path, outputs: &[String]) -> Result<Vec<Tensor>, Failure> {
    let names: Vec<&str> = outputs.iter().map(String::as_str).collect();
    let arrays =
        assigned(npy::read(path)?, &names, "output").map_err(|failure| failure.of(path.display()))?;
    Ok(arrays.iter().map(|array| array.tensor(array.natural())).collect())
}

/// Reads how much each sample counts.
pub(crate) fn sample_weight(path: &Path) -> Result<Tensor, Failure> {
    let arrays = assigned(npy::read(path)?, &["sample_weight"], "weight")
        .map_err(|failure| failure.of(path.display()));
    Ok(arrays?[0].tensor(DType::F32))
}

/// The arrays in the order of `names`, which are those of a model's inputs or outputs.
fn assigned(contents: Contents, names: &[&str], what: &str) -> Result<Vec<Array>, Failure> {
    let mut named = match contents {
        Contents::One(array) if names.len() == 1 => return Ok(vec![array]),
        Contents::One(_) => {
            let needed =
                format!("the model has {} {what}s; give a .npz with the keys {}", names.len(), list(names));
            return Err(Failure::new(needed));
        }
        Contents::Named(named) if names.len() == 1 && named.len() == 1 => {
            return Ok(named.into_iter().map(|(_, array)| array).collect());
        }
        Contents::Named(named) => named,
    };
    let mut arrays = Vec::with_capacity(names.len());
    for name in names {
        let place = named.iter().position(|(key, _)| key == name);
        let missing = || Failure::new(format!("there is no array `{name}` for the {what} of that name"));
        arrays.push(named.remove(place.ok_or_else(missing)?).1);
    }
    match named.first() {
        None => Ok(arrays),
        Some((key, _)) => {
            Err(Failure::new(format!("array `{key}` is none of the model's {what}s: {}", list(names))))
        }
    }
}

/// The array as the input takes it: cast, and `(N,)` as `(N, 1)` where that is the input's shape, as in Keras.
fn fitted(array: Array, input: &Input) -> Result<Tensor, Failure> {
    if input.is_text {
        let name = &input.name;
        let reason = format!("input `{name}` takes strings, and arrays are read of numbers alone");
        return Err(Failure::new(format!(
            "{reason}; give them to the model by the library, `Model::predict`"
        )));
    }
    let array = match (array.shape(), &input.shape) {
        (&[rows], Some(shape)) if matches!(shape.as_slice(), [_, Some(1)]) => array.reshaped(vec![rows, 1]),
        _ => array,
    };
    if let Some(shape) = &input.shape
        && !admits(shape, array.shape())
    {
        let (name, shape, got) = (&input.name, sizes(shape), array.shape());
        return Err(Failure::new(format!("input `{name}` needs shape {shape}; the array's is {got:?}")));
    }
    Ok(array.tensor(input.dtype.unwrap_or(array.natural())))
}

/// The first axis counts the samples: a batch size that the model fixes does not bind it.
fn admits(shape: &[Option<usize>], got: &[usize]) -> bool {
    let sizes = shape.iter().zip(got).skip(1);
    shape.len() == got.len()
        && sizes.into_iter().all(|(needed, got)| needed.is_none_or(|needed| needed == *got))
}

fn sizes(shape: &[Option<usize>]) -> String {
    let sizes = shape.iter().map(|size| size.map_or("any".to_string(), |size| size.to_string()));
    format!("[{}]", sizes.collect::<Vec<_>>().join(", "))
}

fn list(names: &[&str]) -> String {
    names.join(", ")
}
