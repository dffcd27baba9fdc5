//! Predict: what the model says to inputs.

use cornu_ir::{Data, Tensor};
use ndarray::ArrayD;

use super::{Dataset, IntoTensors, Tensors, Values, to_array};
use crate::error::{Error, Result};
use crate::layers::Spec;
use crate::model::Model;

impl Model {
    /// The model's output for each row of `x`, in batches of 32. Keras: `predict`.
    ///
    /// A model with several outputs has [`Model::predict_tensors`].
    pub fn predict(&mut self, x: impl IntoTensors) -> Result<ArrayD<f32>> {
        let mut outputs = self.predict_tensors(x, 32)?;
        match (outputs.pop(), outputs.len()) {
            (Some(output), 0) => to_array(output),
            (_, others) => Err(Error::Data {
                what: format!("the model has {} outputs; `predict_tensors` gives all of them", others + 1),
            }),
        }
    }

    /// All outputs, in order.
    pub fn predict_tensors(&mut self, x: impl IntoTensors, batch_size: usize) -> Result<Vec<Tensor>> {
        if batch_size == 0 {
            return Err(Error::config("predict", "batch_size", 0, "1 or more"));
        }
        let x = self.admit(x)?;
        let data = Dataset::new(x, Vec::new(), None)?;
        let rows: Vec<usize> = (0..data.rows()).collect();
        let mut parts: Vec<Vec<Tensor>> = Vec::new();
        // Without samples one empty batch still tells the shape of the outputs.
        let batches: Vec<&[usize]> =
            if rows.is_empty() { vec![&[]] } else { rows.chunks(batch_size).collect() };
        for rows in batches {
            parts.push(self.predict_step(&data, rows)?);
        }
        let outputs = parts.first().map_or(0, Vec::len);
        (0..outputs).map(|output| joined(parts.iter().map(|part| &part[output]))).collect()
    }

    /// The inputs as the model takes them: `(n,)` becomes `(n, 1)` where that is meant; others that do not fit are an
    /// error. A model that does not know its shapes yet learns them from here.
    pub(crate) fn admit(&mut self, x: impl IntoTensors) -> Result<Vec<Values>> {
        let x = x.into_tensors().in_order("input of the model", &self.input_names())?;
        if self.built.is_none() {
            self.build(x.iter().map(unbatched).collect::<Result<_>>()?)?;
        }
        let specs = &self.built()?.inputs;
        if x.len() != specs.len() {
            let what =
                format!("the model `{}` takes {} inputs; {} were given", self.name, specs.len(), x.len());
            return Err(Error::Data { what });
        }
        let names = self.input_names();
        x.into_iter().zip(specs).zip(&names).map(|((x, spec), name)| fitted(x, spec, name)).collect()
    }
}

impl Model {
    /// Targets in the order of the outputs.
    pub(crate) fn targets(&self, y: impl IntoTensors) -> Result<Vec<Tensor>> {
        let names = self.output_names();
        let y = match y.into_tensors() {
            Tensors::InOrder(y) => y,
            // Outputs without a loss need no targets; `compile` has the last word on which these are.
            Tensors::ByName(y) => {
                let named = names.iter().filter(|name| y.iter().any(|(given, _)| given == *name));
                let named: Vec<String> = named.cloned().collect();
                if let Some((name, _)) = y.iter().find(|(name, _)| !names.contains(name)) {
                    let known = names.iter().map(|name| &**name);
                    return Err(Error::unknown("output of the model", name, known));
                }
                Tensors::ByName(y).in_order("output of the model", &named)?
            }
        };
        y.into_iter().map(numeric).collect()
    }
}

fn numeric(y: Values) -> Result<Tensor> {
    match y {
        Values::Numbers(tensor) => Ok(tensor),
        Values::Strings(_) => {
            let given = y.described();
            let fix = "A `StringLookup` makes numbers of labels";
            Err(Error::Data { what: format!("targets must be numbers; these are {given}. {fix}") })
        }
    }
}

/// What a batch of this type says of a model's input.
fn unbatched(x: &Values) -> Result<Spec> {
    let Some((_, sizes)) = x.shape().split_first() else {
        return Err(Error::Data {
            what: format!("inputs need an axis of samples; they are {}", x.described()),
        });
    };
    let shape: Vec<Option<usize>> = [None].into_iter().chain(sizes.iter().map(|&size| Some(size))).collect();
    Ok(match x {
        Values::Numbers(tensor) => Spec::new(tensor.dtype(), shape),
        Values::Strings(_) => Spec::text(shape),
    })
}

fn fitted(x: Values, spec: &Spec, name: &str) -> Result<Values> {
    let given = x.described();
    let is_text = matches!(x, Values::Strings(_));
    if is_text != spec.is_text() {
        let needed = if is_text { "numbers" } else { "strings" };
        let what = format!("the input `{name}` takes {needed}, {spec}; it got {given}");
        return Err(Error::Data { what });
    }
    if admits(spec, x.shape()) {
        return Ok(x);
    }
    // Keras adds or drops a trailing axis of size 1.
    let shape = x.shape().to_vec();
    let other = match shape.as_slice() {
        [rest @ .., 1] if spec.rank() + 1 == shape.len() => rest.to_vec(),
        _ if spec.rank() == shape.len() + 1 => [shape.as_slice(), &[1]].concat(),
        _ => shape,
    };
    match x.reshaped(other).filter(|x| admits(spec, x.shape())) {
        Some(x) => Ok(x),
        None => Err(Error::Data { what: format!("the input `{name}` needs {spec}; it got {given}") }),
    }
}

/// A fixed batch size does not bind the number of samples, only that of a step.
fn admits(spec: &Spec, shape: &[usize]) -> bool {
    let mut any_batch = spec.clone();
    any_batch.shape.iter_mut().take(1).for_each(|batch| *batch = None);
    any_batch.admits_shape(shape)
}

/// Batches of outputs, one after another.
fn joined<'a>(parts: impl Iterator<Item = &'a Tensor> + Clone) -> Result<Tensor> {
    let all: Vec<&Tensor> = parts.collect();
    let rows: usize = all.iter().map(|part| part.shape().first().copied().unwrap_or(0)).sum();
    let sizes = |part: &Tensor| part.shape().iter().skip(1).copied().collect::<Vec<usize>>();
    if let Some(other) = all.iter().find(|part| sizes(part) != sizes(all[0])) {
        let what = format!(
            "an output is {} for one batch and {} for another, which do not join. Give texts one length: \
             `output_sequence_length`",
            all[0].ty(),
            other.ty()
        );
        return Err(Error::Data { what });
    }
    if let [only] = all[..] {
        return Ok(only.clone());
    }
    let shape = all[0].shape().with(0, rows);
    let items = |part: &&Tensor| part.data().clone();
    let data = all.iter().map(items).reduce(append).unwrap_or_else(|| Data::F32(Vec::new()));
    match Tensor::from_data(shape, data) {
        Some(tensor) => Ok(tensor),
        None => unreachable!("the parts are batches of one output"),
    }
}

fn append(first: Data, second: Data) -> Data {
    match (first, second) {
        (Data::F32(a), Data::F32(b)) => Data::F32([a, b].concat()),
        (Data::F64(a), Data::F64(b)) => Data::F64([a, b].concat()),
        (Data::BF16(a), Data::BF16(b)) => Data::BF16([a, b].concat()),
        (Data::F16(a), Data::F16(b)) => Data::F16([a, b].concat()),
        (Data::I32(a), Data::I32(b)) => Data::I32([a, b].concat()),
        (Data::I64(a), Data::I64(b)) => Data::I64([a, b].concat()),
        (Data::U8(a), Data::U8(b)) => Data::U8([a, b].concat()),
        (Data::U32(a), Data::U32(b)) => Data::U32([a, b].concat()),
        (Data::Bool(a), Data::Bool(b)) => Data::Bool([a, b].concat()),
        (first, _) => first,
    }
}
