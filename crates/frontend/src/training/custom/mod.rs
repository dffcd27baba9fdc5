//! TrainStep: a training step of one's own, for those who outgrow `fit`. Keras: an overridden `train_step`.

mod context;
mod variables;

use std::collections::HashMap;

use cornu_ir::backend::Buffer;
use cornu_ir::{Builder, Expr, Graph, Tensor, Type};

pub use context::{StepContext, StepOptimizer};
use variables::{Initial, StepVariable, StepVariables};

use super::parts::{ModelInStep, Random, inputs};
use super::rows::Rows;
use super::{IntoTensors, Logs, Tensors, Values, filled};
use crate::error::{Error, Result};
use crate::model::{Model, Program};
use crate::random;

/// A training step written by hand: calls of several models, losses and gradients as the program needs them, updates
/// in any order.
///
/// The function writes the step; what it writes is compiled into one program for each shape of batch, as that of `fit`
/// is, and [`TrainStep::run`] runs it. Models stay your own: each run borrows them, and between runs they predict, are
/// saved and are trained otherwise.
///
/// ```
/// use cornu::losses::{MeanSquaredError, total};
/// use cornu::{Adam, Dense, Input, Sequential, TrainStep};
/// use ndarray::array;
///
/// let mut model = Sequential::new().add(Input::new([2])).add(Dense::new(1)).build()?;
/// let mut step = TrainStep::new(|step, [model]| {
///     let [x, y] = step.batch()?;
///     let predicted = step.call(model, x)?;
///     let loss = total(&MeanSquaredError::default(), y, predicted, None, None)?;
///     let adam = step.optimizer(Adam::new().learning_rate(0.01), &[model])?;
///     step.minimize(loss, &adam)?;
///     step.log_mean("loss", loss)
/// });
/// let (x, y) = (array![[0.0, 1.0], [1.0, 1.0]], array![[1.0], [2.0]]);
/// let logs = step.run([&mut model], (&x, &y))?;
/// assert!(logs.get("loss").is_some());
/// # Ok::<(), cornu::Error>(())
/// ```
///
/// `examples/wgan.rs` trains two models against each other, with a penalty on a gradient.
pub struct TrainStep<const N: usize> {
    write: Box<Write<N>>,
    /// Known once the step was written.
    variables: Option<Vec<StepVariable>>,
    /// Their values, then the random state.
    state: Vec<Buffer>,
    programs: HashMap<Vec<Type>, (Program, Vec<String>)>,
}

/// Writes a step over these models.
type Write<const N: usize> = dyn for<'s, 'b> Fn(&mut StepContext<'s, 'b>, [&'s Model; N]) -> Result<()>;

/// A step as a graph: state before inputs, and what it reports.
struct Written {
    graph: Graph,
    variables: Vec<StepVariable>,
    logs: Vec<String>,
}

impl<const N: usize> TrainStep<N> {
    /// The step that a function writes, over so many models. It is called for each shape of batch, and must ask for
    /// the same optimizers and metrics each time.
    pub fn new<F>(write: F) -> TrainStep<N>
    where
        F: for<'s, 'b> Fn(&mut StepContext<'s, 'b>, [&'s Model; N]) -> Result<()> + 'static,
    {
        TrainStep { write: Box::new(write), variables: None, state: Vec::new(), programs: HashMap::new() }
    }

    /// One step on a batch. Gives what the step reports.
    pub fn run(&mut self, models: [&mut Model; N], batch: impl IntoTensors) -> Result<Logs> {
        let batch = tensors(batch)?;
        let types: Vec<Type> = batch.iter().map(Tensor::ty).collect();
        self.prepare(models.each_ref().map(|model| &**model), &types)?;
        let Some((program, names)) = self.programs.get_mut(&types) else {
            unreachable!("the program for these types was just made")
        };
        let Some(backend) = models.first().map(|model| model.backend.clone()) else {
            unreachable!("a step without models is not prepared")
        };
        let mut models = models;
        let mut state: Vec<Buffer> = models.iter_mut().flat_map(|model| model.lend_variables()).collect();
        state.append(&mut self.state);
        let batch: Vec<Rows> = batch.into_iter().map(Rows::from).collect();
        let ran = program.run(&*backend, &mut state, &[], &batch);
        let mut state = state.into_iter();
        models.iter_mut().for_each(|model| model.take_back_variables(&mut state));
        self.state = state.collect();
        ran?;
        let values = program.outputs(&*backend)?;
        let values = values.first().map(Tensor::floats).unwrap_or_default();
        Ok(Logs::new(names.iter().cloned().zip(values)))
    }

    /// Sets what [`StepContext::log_mean`] and [`StepContext::log_metric`] report back to its beginning, as between
    /// epochs.
    pub fn reset_metrics(&mut self, models: [&Model; N]) -> Result<()> {
        let Some(backend) = models.first().map(|model| &model.backend) else { return Ok(()) };
        let variables = self.variables.iter().flatten();
        for (variable, buffer) in variables.zip(&mut self.state).filter(|(variable, _)| variable.is_metric) {
            if let Initial::Fill(value) = variable.initial {
                backend.write(buffer, &filled(&variable.ty, value))?;
            }
        }
        Ok(())
    }

    /// Names and values of what the step keeps from run to run: the variables of optimizers and metrics, and the state
    /// of random numbers. With the models' weights this is all that a checkpoint needs. Empty before the first run.
    pub fn variables(&self, models: [&Model; N]) -> Result<Vec<(String, Tensor)>> {
        let Some(backend) = models.first().map(|model| &model.backend) else { return Ok(Vec::new()) };
        let names = self.variables.iter().flatten().map(|variable| variable.name.clone());
        let names = names.chain(["random".to_string()]);
        names.zip(&self.state).map(|(name, buffer)| Ok((name, backend.download(buffer)?))).collect()
    }

    /// Sets what [`TrainStep::variables`] gave, for batches of these types. Nothing changes if something does not fit.
    pub fn set_variables(&mut self, models: [&Model; N], batch: &[Type], values: &[Tensor]) -> Result<()> {
        self.prepare(models, batch)?;
        let fits = self.state.iter().map(|buffer| buffer.ty().clone()).eq(values.iter().map(Tensor::ty));
        let (Some(model), true) = (models.first(), fits) else {
            let what = format!(
                "the step keeps {} variables; the {} given do not fit",
                self.state.len(),
                values.len()
            );
            return Err(Error::Data { what });
        };
        for (buffer, value) in self.state.iter_mut().zip(values) {
            model.backend.write(buffer, value)?;
        }
        Ok(())
    }

    /// Makes the program for batches of these types, and the step's variables, unless they are there.
    fn prepare(&mut self, models: [&Model; N], batch: &[Type]) -> Result<()> {
        if self.programs.contains_key(batch) {
            return Ok(());
        }
        let Some(first) = models.first() else {
            return Err(Error::config("TrainStep", "models", "none", "one model or more"));
        };
        if self.variables.is_none() {
            let variables = self.written(models, batch)?.variables;
            self.state = begun(&models, &variables)?;
            self.variables = Some(variables);
        }
        let Written { graph, logs, .. } = self.written(models, batch)?;
        let program = Program::new(&*first.backend, &format!("{}.step", first.name()), &graph, batch)?;
        self.programs.insert(batch.to_vec(), (program, logs));
        Ok(())
    }

    /// State: the variables of each model, those of the step, the random state. Inputs: the batch. Output: the logs.
    fn written(&self, models: [&Model; N], batch: &[Type]) -> Result<Written> {
        let builder = Builder::new();
        let mut own = Vec::new();
        for model in models {
            let mut written = ModelInStep::new(&builder, &*model.network, model.built()?);
            written.add_saved();
            written.add_remembered();
            own.push((model, written));
        }
        let variables = StepVariables::new(&builder, self.variables.as_deref());
        let random = Random::new(builder.input("random", Random::ty()));
        let batch = inputs(&builder, "batch", batch);
        let mut step =
            StepContext { builder: &builder, models: own, variables, random, batch, logs: Vec::new() };
        (self.write)(&mut step, models)?;
        builder.check()?;
        let StepContext { models, variables, random, logs, .. } = step;
        let asked = variables.asked.clone();
        let mut outputs: Vec<Expr<'_>> = Vec::new();
        for (_, model) in &models {
            outputs.extend(model.next_saved().chain(model.next_remembered()));
        }
        outputs.extend(variables.next()?);
        outputs.push(random.next());
        let state = outputs.len();
        let (names, values) = flattened(logs);
        outputs.extend((!values.is_empty()).then(|| Expr::concat(&values, 0)));
        let is_first = self.variables.is_none();
        // The first time, variables stand behind the batch, so there is no state to be checked.
        let graph =
            if is_first { builder.finish(&outputs)? } else { builder.finish_with_state(state, &outputs)? };
        Ok(Written { graph, variables: asked, logs: names })
    }
}

/// Values of what the step keeps as it begins.
fn begun(models: &[&Model], variables: &[StepVariable]) -> Result<Vec<Buffer>> {
    let mut state = Vec::new();
    for variable in variables {
        let value = match &variable.initial {
            Initial::Fill(value) => filled(&variable.ty, *value),
            Initial::Weight(model, path) => models[*model].weight(path)?,
        };
        state.push(models[0].backend.upload(&value)?);
    }
    state.push(models[0].backend.upload(&random::training_state(models[0].seed))?);
    Ok(state)
}

/// Each number with its name; a vector's are numbered.
fn flattened<'b>(logs: Vec<(String, Expr<'b>)>) -> (Vec<String>, Vec<Expr<'b>>) {
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for (name, value) in logs {
        let count = value.ty().elements();
        names
            .extend((0..count).map(|part| if count == 1 { name.clone() } else { format!("{name}[{part}]") }));
        values.push(value.cast(cornu_ir::DType::F32).reshape([count]));
    }
    (names, values)
}

/// The numbers of a batch.
fn tensors(batch: impl IntoTensors) -> Result<Vec<Tensor>> {
    let values = match batch.into_tensors() {
        Tensors::InOrder(values) => values,
        Tensors::ByName(_) => {
            return Err(Error::Data {
                what: "a step takes arrays in order, and these have names".to_string(),
            });
        }
    };
    let number = |values: Values| match values {
        Values::Numbers(tensor) => Ok(tensor),
        Values::Strings(_) => Err(Error::Data {
            what: "a step takes numbers; make them of strings before, with the layers that do so".to_string(),
        }),
    };
    values.into_iter().map(number).collect()
}
