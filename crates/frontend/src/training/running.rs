//! Running steps: a compiled model's state on the device, and the programs that change it.

use cornu_ir::backend::Buffer;
use cornu_ir::{DType, Tensor, Type};

use super::Logs;
use super::batches::ReadyBatch;
use super::compile::{Compile, Compiled, Layout};
use super::goals::Goals;
use super::guard::guarded;
use super::parts::running_mean;
use super::rows::Rows;
use super::step::StepWriter;
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
        how.check_steps()?;
        let optimizer = how.optimizer_for(self.policy)?;
        self.leave_training();
        self.averages_swapped = false;
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
        let first = [Tensor::scalar(0i32), Tensor::scalar(compiled.optimizer.learning_rate() as f32)];
        for value in &first {
            self.state.push(self.backend.upload(value)?);
        }
        for slot in &compiled.slots {
            // What is allocated is zero, as most slots are.
            let mut buffer = self.backend.allocate(&slot.ty)?;
            if let Initial::Fill(value) = slot.initial
                && value != 0.0
            {
                self.backend.write(&mut buffer, &filled(&slot.ty, value))?;
            }
            self.state.push(buffer);
        }
        self.state.push(self.backend.upload(&random::training_state(self.seed))?);
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
    pub(crate) fn decide_goals(&mut self, batch: &ReadyBatch) -> Result<()> {
        if self.compiled()?.goals.is_some() {
            return Ok(());
        }
        let names = self.output_names();
        let outputs: Vec<Type> = self.built()?.outputs().iter().map(|spec| spec.with_unknown(2)).collect();
        let targets: Vec<Type> = batch.targets().iter().map(Rows::ty).collect();
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
        if self.averages_swapped {
            self.swap_averages()?;
        }
        // Before the first step they are averages of nothing.
        if self.iterations()? == 0 {
            return Ok(());
        }
        self.averages()?.into_iter().try_for_each(|(weight, average)| self.copy(average, weight))
    }

    /// Swaps the weights and their moving averages.
    pub(crate) fn swap_averages(&mut self) -> Result<()> {
        let averages = self.averages()?;
        if averages.is_empty() {
            let class = self.compiled()?.optimizer.class_name().to_string();
            let needed = "true where averages take the place of weights";
            return Err(Error::config(&class, "use_ema", false, needed));
        }
        averages.into_iter().for_each(|(weight, average)| self.state.swap(weight, average));
        self.averages_swapped = !self.averages_swapped;
        Ok(())
    }

    /// Where in the state each trained weight that has an average lies, and where this does.
    fn averages(&self) -> Result<Vec<(usize, usize)>> {
        Ok(pairs(self.built()?, self.compiled()?, |slot| slot.name == AVERAGE))
    }

    /// One step of training; a guarded one changes nothing where it would write a number that is not finite.
    pub(crate) fn train_step(&mut self, batch: &ReadyBatch, guarded: bool) -> Result<Signature> {
        self.decide_goals(batch)?;
        let purpose = if guarded { Purpose::GuardedTrain } else { Purpose::Train };
        let signature = self.prepare(purpose, batch)?;
        if let Some(program) = self.programs.get_mut(&signature) {
            program.run(&*self.backend, &mut self.state, &[], &batch.given)?;
        }
        Ok(signature)
    }

    /// Whether a guarded step has changed anything.
    pub(crate) fn step_was_taken(&self, step: &Signature) -> Result<bool> {
        let Some(program) = self.programs.get(step) else { return Ok(false) };
        let flag = program.outputs(&*self.backend)?.pop();
        Ok(flag.is_some_and(|flag| flag.floats().first() == Some(&1.0)))
    }

    /// Adds samples to the running loss and metrics.
    pub(crate) fn test_step(&mut self, batch: &ReadyBatch) -> Result<Signature> {
        self.decide_goals(batch)?;
        let signature = self.prepare(Purpose::Test, batch)?;
        let built = self.built()?;
        let (weights, layout) = (built.saved(), Layout::of(built, Some(self.compiled()?)));
        if let Some(program) = self.programs.get_mut(&signature) {
            let (before, state) = self.state.split_at_mut(layout.remembered);
            program.run(&*self.backend, state, &before[..weights], &batch.given)?;
        }
        Ok(signature)
    }

    /// The outputs for samples.
    pub(crate) fn predict_step(&mut self, batch: &ReadyBatch) -> Result<Vec<Tensor>> {
        let signature = self.prepare(Purpose::Predict, batch)?;
        let built = self.built()?;
        let (weights, layout) = (built.saved(), Layout::of(built, self.compiled.as_ref()));
        let Some(program) = self.programs.get_mut(&signature) else { return Ok(Vec::new()) };
        let (before, rest) = self.state.split_at_mut(layout.remembered);
        let state = &mut rest[..layout.metrics - layout.remembered];
        program.run(&*self.backend, state, &before[..weights], &batch.given)?;
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

    /// The program for a batch, compiled unless that was done before.
    pub(super) fn prepare(&mut self, purpose: Purpose, batch: &ReadyBatch) -> Result<Signature> {
        let signature = Signature { purpose, given: batch.types(), weights: batch.weights };
        let writer =
            StepWriter { network: &*self.network, built: self.built()?, compiled: self.compiled.as_ref() };
        let (name, graph) = match purpose {
            _ if self.programs.contains_key(&signature) => return Ok(signature),
            Purpose::Train => ("train", writer.train(&signature.given, signature.weights)?),
            Purpose::GuardedTrain => {
                let watched = Layout::of(self.built()?, self.compiled.as_ref()).random;
                let step = writer.train(&signature.given, signature.weights)?;
                ("guarded_train", guarded(&step, watched)?)
            }
            Purpose::Test => ("test", writer.test(&signature.given, signature.weights)?),
            Purpose::Predict => ("predict", writer.predict(&signature.given)?),
        };
        let program =
            Program::new(&*self.backend, &format!("{}.{name}", self.name), &graph, &signature.given)?;
        self.programs.insert(signature.clone(), program);
        Ok(signature)
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
        losses.chain(metrics.flat_map(|tracked| tracked.state.clone()))
    }
}

/// This number in all elements.
pub(super) fn filled(ty: &Type, value: f64) -> Tensor {
    Tensor::from_floats(ty, std::iter::repeat_n(value, ty.elements()))
}
