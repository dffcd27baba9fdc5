//! Running steps: a compiled model's state on the device, and the programs that change it.

use std::collections::hash_map::Entry;

use cornu_ir::backend::Buffer;
use cornu_ir::plan::{self, Cost};
use cornu_ir::{DType, Tensor, Type, passes};

use super::batches::Batch;
use super::compile::{Compile, Compiled, Layout};
use super::goals::Goals;
use super::parts::running_mean;
use super::step::StepWriter;
use super::{Dataset, Logs};
use crate::error::{Error, Result};
use crate::metrics::StateSpec;
use crate::model::{Built, Model, Program, Purpose, Signature};
use crate::optimizers::{AVERAGE, Initial, SlotSpec, TrainedWeight, Variable};
use crate::random;

impl Model {
    /// Sets the optimizer, the loss and the metrics. Keras: `compile`.
    ///
    /// The optimizer begins anew; the weights stay.
    pub fn compile(&mut self, how: Compile) -> Result<()> {
        // Names that mean nothing are found now, with the types of any data: what they mean may depend on these.
        let any = Type::new(DType::F32, [2, 2]);
        for loss in how.loss.items() {
            loss.resolve(&any, &any)?;
        }
        for metric in how.metrics.items().into_iter().chain(how.weighted_metrics.items()).flatten() {
            metric.resolve(&any, &any)?;
        }
        how.check_outputs(&self.output_names())?;
        let optimizer = how.optimizer_for(self.policy)?;
        self.leave_training();
        self.rebuild()?;
        self.compiled =
            Some(Compiled { optimizer, trained: Vec::new(), slots: Vec::new(), goals: None, given: how });
        self.programs.clear();
        self.begin_training()
    }

    /// Keeps of the state what is there without `compile`: the weights and what layers remember.
    fn leave_training(&mut self) {
        let (Some(built), Some(compiled)) = (&self.built, self.compiled.take()) else { return };
        let layout = Layout::of(built, Some(&compiled));
        let remembered: Vec<_> = self.state.drain(layout.remembered..layout.metrics).collect();
        self.state.truncate(built.saved());
        self.state.extend(remembered);
    }

    /// What predicting a batch of so many samples takes: operations, bytes moved, memory. Nothing is run.
    pub fn cost(&self, batch_size: usize) -> Result<Cost> {
        let built = self.built()?;
        let given: Vec<Type> = built
            .trace
            .feeds
            .iter()
            .map(|spec| spec.with_unknown(batch_size))
            .map(|ty| ty.with_shape(ty.shape.with(0, batch_size)))
            .collect();
        let writer = StepWriter { network: &*self.network, built, compiled: None };
        Ok(plan::plan(&passes::optimize(&writer.predict(&given)?)).cost())
    }

    pub(crate) fn compiled(&self) -> Result<&Compiled> {
        self.compiled.as_ref().ok_or_else(|| Error::NotReady {
            what: format!("the model `{}` is not compiled", self.name),
            fix: "Call `compile` first: it sets the loss and the optimizer".to_string(),
        })
    }

    /// Adds to the weights what a training step keeps, but for the metrics.
    pub(crate) fn begin_training(&mut self) -> Result<()> {
        let (Some(built), Some(compiled)) = (&self.built, &mut self.compiled) else { return Ok(()) };
        let remembered = self.state.split_off(built.saved());
        compiled.trained =
            built.weights.iter().filter(|weight| weight.trainable).map(TrainedWeight::from).collect();
        compiled.slots = compiled.optimizer.slots(&compiled.trained);
        let mut values =
            vec![Tensor::scalar(0i32), Tensor::scalar(compiled.optimizer.learning_rate() as f32)];
        values.extend(compiled.slots.iter().map(|slot| match slot.initial {
            Initial::Fill(value) => filled(&slot.ty, value),
            Initial::Weight => Tensor::zeros(&slot.ty),
        }));
        values.push(random::training_state(self.seed));
        for value in &values {
            self.state.push(self.backend.upload(value)?);
        }
        self.state.extend(remembered);
        self.slots_follow_weights()
    }

    /// Before the first step, copies weights into the slots that begin as such copies.
    pub(crate) fn slots_follow_weights(&mut self) -> Result<()> {
        let (Some(built), Some(compiled)) = (&self.built, &self.compiled) else { return Ok(()) };
        let copies = pairs(built, compiled, |slot| slot.initial == Initial::Weight);
        let iterations = Layout::of(built, Some(compiled)).iterations;
        if copies.is_empty() || self.backend.download(&self.state[iterations])?.integers() != [0] {
            return Ok(());
        }
        copies.into_iter().try_for_each(|(weight, slot)| self.copy(weight, slot))
    }

    /// Writes one value of the state over another.
    fn copy(&mut self, from: usize, to: usize) -> Result<()> {
        let value = self.backend.download(&self.state[from])?;
        Ok(self.backend.write(&mut self.state[to], &value)?)
    }

    /// Decides what the names of losses and metrics mean, now that targets are here.
    pub(crate) fn decide_goals(&mut self, data: &Dataset) -> Result<()> {
        if self.compiled()?.goals.is_some() {
            return Ok(());
        }
        let names = self.output_names();
        let outputs: Vec<Type> = self.built()?.outputs().iter().map(|spec| spec.with_unknown(2)).collect();
        let targets: Vec<Type> = data.y.iter().map(Tensor::ty).collect();
        let Some(compiled) = &mut self.compiled else { return Ok(()) };
        compiled.goals = Some(Goals::decide(&compiled.given, &names, &outputs, &targets)?);
        self.reset_metrics()
    }

    /// Sets the running loss and all metrics back to their beginning.
    pub fn reset_metrics(&mut self) -> Result<()> {
        let Some(compiled) = self.compiled.as_ref().filter(|compiled| compiled.goals.is_some()) else {
            return Ok(());
        };
        let first = Layout::of(self.built()?, Some(compiled)).metrics;
        let values: Vec<Tensor> =
            compiled.metric_variables().map(|variable| filled(&variable.ty, variable.initial)).collect();
        for (index, value) in values.iter().enumerate() {
            match self.state.get_mut(first + index) {
                Some(buffer) => self.backend.write(buffer, value)?,
                None => self.state.push(self.backend.upload(value)?),
            }
        }
        Ok(())
    }

    /// Sets what layers remember from batch to batch, such as the states of a stateful RNN, back to its beginning.
    /// Keras: `reset_states`.
    pub fn reset_states(&mut self) -> Result<()> {
        let built = self.built()?;
        let first = Layout::of(built, self.compiled.as_ref()).remembered;
        let remembered = built.weights[built.saved()..].iter();
        let values =
            remembered.map(|spec| spec.initializer.generate(&spec.ty, 0)).collect::<Result<Vec<_>>>()?;
        for (buffer, value) in self.state[first..].iter_mut().zip(&values) {
            self.backend.write(buffer, value)?;
        }
        Ok(())
    }

    /// Types of the optimizer's variables in Keras's order; `None` before it has any.
    pub(crate) fn optimizer_types(&self) -> Option<Vec<Type>> {
        let variables = self.optimizer_variables()?;
        Some(variables.map(|index| self.state[index].ty().clone()).collect())
    }

    /// The optimizer's variables in Keras's order; `None` before it has any.
    pub(crate) fn optimizer_values(&self) -> Result<Option<Vec<Tensor>>> {
        let Some(variables) = self.optimizer_variables() else { return Ok(None) };
        Ok(Some(
            variables.map(|index| Ok(self.backend.download(&self.state[index])?)).collect::<Result<_>>()?,
        ))
    }

    /// Sets the optimizer's variables, in Keras's order.
    pub(crate) fn set_optimizer_values(&mut self, values: &[Tensor]) -> Result<()> {
        let indices: Vec<usize> = self.optimizer_variables().into_iter().flatten().collect();
        for (index, value) in indices.into_iter().zip(values) {
            self.backend.write(&mut self.state[index], value)?;
        }
        Ok(())
    }

    /// Where in the state they lie.
    fn optimizer_variables(&self) -> Option<impl Iterator<Item = usize> + use<>> {
        let (built, compiled) = (self.built.as_ref()?, self.compiled.as_ref()?);
        let Layout { iterations, random, .. } = Layout::of(built, Some(compiled));
        let variables = compiled.variables().into_iter().map(move |variable| iterations + variable.place);
        (self.state.len() >= random).then_some(variables)
    }

    /// Replaces the weights by their moving averages, if the optimizer keeps any.
    pub(crate) fn weights_become_averages(&mut self) -> Result<()> {
        let (built, compiled) = (self.built()?, self.compiled()?);
        let averages = pairs(built, compiled, |slot| slot.name == AVERAGE);
        averages.into_iter().try_for_each(|(weight, average)| self.copy(average, weight))
    }

    /// One step of training on the samples numbered by `rows`.
    pub(crate) fn train_step(&mut self, data: &Dataset, rows: &[usize]) -> Result<Signature> {
        self.decide_goals(data)?;
        let (batch, signature) = self.prepare(Purpose::Train, data, rows)?;
        if let Some(program) = self.programs.get_mut(&signature) {
            program.run(&*self.backend, &mut self.state, &[], &batch.tensors)?;
        }
        Ok(signature)
    }

    /// Adds the samples numbered by `rows` to the running loss and metrics.
    pub(crate) fn test_step(&mut self, data: &Dataset, rows: &[usize]) -> Result<Signature> {
        let (batch, signature) = self.prepare(Purpose::Test, data, rows)?;
        let built = self.built()?;
        let (weights, layout) = (built.saved(), Layout::of(built, Some(self.compiled()?)));
        if let Some(program) = self.programs.get_mut(&signature) {
            let (before, state) = self.state.split_at_mut(layout.remembered);
            program.run(&*self.backend, state, &before[..weights], &batch.tensors)?;
        }
        Ok(signature)
    }

    /// The outputs for the samples numbered by `rows`.
    pub(crate) fn predict_step(&mut self, data: &Dataset, rows: &[usize]) -> Result<Vec<Tensor>> {
        let (batch, signature) = self.prepare(Purpose::Predict, data, rows)?;
        let built = self.built()?;
        let (weights, layout) = (built.saved(), Layout::of(built, self.compiled.as_ref()));
        let Some(program) = self.programs.get_mut(&signature) else { return Ok(Vec::new()) };
        let (before, rest) = self.state.split_at_mut(layout.remembered);
        let state = &mut rest[..layout.metrics - layout.remembered];
        program.run(&*self.backend, state, &before[..weights], &batch.tensors)?;
        program.outputs(&*self.backend)
    }

    /// The running values after a step of this signature.
    pub(crate) fn logs(&self, step: &Signature) -> Result<Logs> {
        let Some(program) = self.programs.get(step) else { return Ok(Logs::default()) };
        let values = program.outputs(&*self.backend)?;
        let values = values.first().map(Tensor::floats).unwrap_or_default();
        let names: Vec<String> = self.compiled()?.goals.iter().flat_map(|goals| goals.log_names()).collect();
        Ok(Logs::new(names.into_iter().zip(values)))
    }

    /// A batch of the samples numbered by `rows`, and the program for it, compiled unless that was done before.
    pub(super) fn prepare(
        &mut self,
        purpose: Purpose,
        data: &Dataset,
        rows: &[usize],
    ) -> Result<(Batch, Signature)> {
        let built = self.built()?;
        let batch = data.gather(rows, &built.trace.host)?;
        let signature = Signature { purpose, given: batch.types(), weighted: data.weights.is_some() };
        let writer = StepWriter { network: &*self.network, built, compiled: self.compiled.as_ref() };
        let (name, graph) = match purpose {
            _ if self.programs.contains_key(&signature) => return Ok((batch, signature)),
            Purpose::Train => ("train", writer.train(&signature.given, signature.weighted)?),
            Purpose::Test => ("test", writer.test(&signature.given, signature.weighted)?),
            Purpose::Predict => ("predict", writer.predict(&signature.given)?),
        };
        let program =
            Program::new(&*self.backend, &format!("{}.{name}", self.name), &graph, &signature.given)?;
        if let Entry::Vacant(place) = self.programs.entry(signature.clone()) {
            place.insert(program);
        }
        Ok((batch, signature))
    }
}

/// The places in the state of trained weights and of those of their slots that `is_meant`.
fn pairs(built: &Built, compiled: &Compiled, is_meant: impl Fn(&SlotSpec) -> bool) -> Vec<(usize, usize)> {
    let weights: Vec<usize> =
        (0..built.weights.len()).filter(|&weight| built.weights[weight].trainable).collect();
    let first = Layout::of(built, Some(compiled)).iterations;
    let slots = compiled.slots.iter().enumerate().filter(|(_, slot)| is_meant(slot));
    slots.filter_map(|(n, slot)| Some((*weights.get(slot.weight?)?, first + Variable::slot(n)))).collect()
}

impl Model {
    /// Takes the weights that are saved and what layers remember out of the state, for a program that runs with them.
    pub(super) fn lend_variables(&mut self) -> Vec<Buffer> {
        let Some(built) = &self.built else { return Vec::new() };
        let (saved, layout) = (built.saved(), Layout::of(built, self.compiled.as_ref()));
        let remembered: Vec<Buffer> = self.state.drain(layout.remembered..layout.metrics).collect();
        self.state.drain(..saved).chain(remembered).collect()
    }

    /// Puts what [`Model::lend_variables`] gave back in its place.
    pub(super) fn take_back_variables(&mut self, variables: &mut impl Iterator<Item = Buffer>) {
        let Some(built) = &self.built else { return };
        let (saved, layout) = (built.saved(), Layout::of(built, self.compiled.as_ref()));
        self.state.splice(..0, variables.take(saved)).for_each(drop);
        let remembered = variables.take(layout.metrics - layout.remembered);
        self.state.splice(layout.remembered..layout.remembered, remembered).for_each(drop);
    }

    /// The value of a variable, by its path.
    pub(super) fn weight(&self, path: &str) -> Result<Tensor> {
        let place = self.built()?.weights.iter().position(|weight| weight.path == path);
        let Some(buffer) = place.and_then(|place| self.state.get(place)) else {
            return Err(Error::unknown("weight", path, self.weight_names().iter().map(|name| &**name)));
        };
        Ok(self.backend.download(buffer)?)
    }
}

impl Compiled {
    /// All variables that are set back before each epoch: those of the running loss, then those of each metric.
    fn metric_variables(&self) -> impl Iterator<Item = StateSpec> {
        let losses = self.goals.iter().flat_map(|goals| goals.reported_losses());
        let metrics = self.goals.iter().flat_map(|goals| &goals.metrics);
        let losses = running_mean().into_iter().chain(losses.flat_map(|_| running_mean()));
        losses.chain(metrics.flat_map(|tracked| tracked.metric.state()))
    }
}

/// This number in all elements.
pub(super) fn filled(ty: &Type, value: f64) -> Tensor {
    Tensor::from_floats(ty, std::iter::repeat_n(value, ty.elements()))
}
