//! Context: what a layer can ask for while it writes its graph.

use std::collections::HashMap;

use cornu_ir::{Builder, DType, Expr, Shape, derived};
use serde_json::Value;

use super::{Argument, Autocast, CallArguments, DTypePolicy, Masked};
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::losses;
use crate::regularizers::Regularizer;

/// The program being written, seen from inside one layer.
pub struct Context<'c, 'b> {
    builder: &'b Builder,
    training: bool,
    weights: &'c HashMap<String, Expr<'b>>,
    scope: Vec<String>,
    frame: Frame<'b>,
    random: Option<Expr<'b>>,
    draws: u32,
    losses: Vec<Expr<'b>>,
    updates: Vec<(String, Expr<'b>)>,
}

/// What the call of one layer was given beside its inputs.
#[derive(Clone)]
pub(super) struct Frame<'b> {
    pub(super) masks: Vec<Option<Expr<'b>>>,
    pub(super) arguments: CallArguments<Masked<'b>>,
    pub(super) trainable: bool,
    pub(super) policy: DTypePolicy,
    pub(super) autocast: Autocast,
    /// What the layer says of its outputs' masks.
    pub(super) output_masks: HashMap<usize, Option<Expr<'b>>>,
}

impl Default for Frame<'_> {
    fn default() -> Self {
        Frame {
            masks: Vec::new(),
            arguments: CallArguments::default(),
            trainable: true,
            policy: DTypePolicy::FLOAT32,
            autocast: Autocast::Nothing,
            output_masks: HashMap::new(),
        }
    }
}

impl<'c, 'b> Context<'c, 'b> {
    /// A context over a model's weights by path. `random` is the model's random state, `u32[4]`, in training.
    pub(crate) fn new(
        builder: &'b Builder,
        weights: &'c HashMap<String, Expr<'b>>,
        random: Option<Expr<'b>>,
        training: bool,
    ) -> Context<'c, 'b> {
        Context {
            builder,
            training,
            weights,
            scope: Vec::new(),
            frame: Frame::default(),
            random,
            draws: 0,
            losses: Vec::new(),
            updates: Vec::new(),
        }
    }

    /// Goes on behind so many draws of random numbers.
    pub(crate) fn after_draws(self, draws: u32) -> Self {
        Context { draws, ..self }
    }

    /// How many draws of random numbers there are.
    pub(crate) fn draws(&self) -> u32 {
        self.draws
    }

    /// The graph.
    pub fn builder(&self) -> &'b Builder {
        self.builder
    }

    /// True in `fit`, false in `evaluate` and `predict`.
    pub fn training(&self) -> bool {
        self.training
    }

    /// False if the layer, or one around it, is frozen.
    pub fn trainable(&self) -> bool {
        self.frame.trainable
    }

    /// The type that the layer computes in: that of its floats as they come in, and as they go out.
    pub fn compute_dtype(&self) -> DType {
        let dtype = self.frame.policy.compute_dtype();
        if dtype.is_float() { dtype } else { DType::F32 }
    }

    /// The policy of the layer, which layers inside have too, unless they have one of their own.
    pub(super) fn policy(&self) -> Option<DTypePolicy> {
        (self.frame.autocast != Autocast::Nothing).then_some(self.frame.policy)
    }

    /// Which steps of input number `index` count: the argument `mask`, or what came along with the input.
    pub fn mask(&self, index: usize) -> Option<Expr<'b>> {
        match self.frame.arguments.keyword("mask") {
            Some(Argument::Tensor(mask)) if index == 0 => Some(mask.value),
            // In a list of masks, null says that all steps of its input count.
            Some(Argument::List(masks)) => match masks.get(index)? {
                Argument::Tensor(mask) => Some(mask.value),
                Argument::List(_) | Argument::Dict(_) | Argument::Constant(_) => None,
            },
            Some(Argument::Tensor(_) | Argument::Dict(_) | Argument::Constant(_)) | None => {
                self.frame.masks.get(index).copied().flatten()
            }
        }
    }

    /// Says which steps of output number `index` count; `None` if all do.
    pub fn set_output_mask(&mut self, index: usize, mask: Option<Expr<'b>>) {
        self.frame.output_masks.insert(index, mask);
    }

    /// What the layer has said of this output's mask, if anything.
    pub(crate) fn output_mask(&self, index: usize) -> Option<Option<Expr<'b>>> {
        self.frame.output_masks.get(&index).copied()
    }

    /// The value given by this name.
    pub fn keyword(&self, name: &str) -> Option<Expr<'b>> {
        self.keywords(name).first().copied()
    }

    /// The values given by this name.
    pub fn keywords(&self, name: &str) -> Vec<Expr<'b>> {
        let given = self.frame.arguments.keyword(name).into_iter().flat_map(|argument| argument.tensors());
        given.map(|masked| masked.value).collect()
    }

    /// The value given at this place or by this name, with its mask. For layers whose inputs have names.
    pub fn argument(&self, position: usize, name: &str) -> Option<Masked<'b>> {
        let arguments = &self.frame.arguments;
        match arguments.positional.get(position).or_else(|| arguments.keyword(name)) {
            Some(Argument::Tensor(masked)) => Some(*masked),
            Some(Argument::List(_) | Argument::Dict(_) | Argument::Constant(_)) | None => None,
        }
    }

    /// True if the call says `name=True`.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.frame.arguments.keyword(name), Some(Argument::Constant(Value::Bool(true))))
    }

    /// Everything the call was given.
    pub fn arguments(&self) -> &CallArguments<Masked<'b>> {
        &self.frame.arguments
    }

    /// Where the layer is in the model: `block_2/dense`.
    pub fn path(&self) -> String {
        self.scope.join("/")
    }

    /// The current value of a variable that `build` added, what this call has made of it, if anything; a float in the
    /// type that the layer computes in.
    pub fn weight(&self, name: &str) -> Result<Expr<'b>> {
        let value = self.variable(name)?;
        Ok(if self.frame.autocast == Autocast::All { self.frame.policy.convert(value) } else { value })
    }

    /// [`Context::weight`] in the type of the variable.
    pub fn variable(&self, name: &str) -> Result<Expr<'b>> {
        let path = self.path_of(name);
        let updated =
            self.updates.iter().rev().find(|(updated, _)| *updated == path).map(|(_, value)| *value);
        let found = updated.or_else(|| self.weights.get(&path).copied());
        found.ok_or_else(|| Error::Layer {
            path: self.path(),
            reason: format!("its `build` adds no weight `{name}`"),
        })
    }

    /// True if `build` added a variable of this name.
    pub(super) fn has_weight(&self, name: &str) -> bool {
        self.weights.contains_key(&self.path_of(name))
    }

    /// Gives a variable that training does not fit its next value, which is brought to its type.
    pub fn update_weight(&mut self, name: &str, value: Expr<'b>) {
        let path = self.path_of(name);
        let value = self.weights.get(&path).map_or(value, |variable| value.cast(variable.dtype()));
        self.updates.push((path, value));
    }

    /// Moves a running average towards a value, of which it takes the share `1 - momentum`. Gives what it becomes.
    pub fn move_weight(&mut self, name: &str, towards: Expr<'b>, momentum: f64) -> Result<Expr<'b>> {
        let average = self.variable(name)?;
        let moved = average * momentum + towards.cast(average.dtype()) * (1.0 - momentum);
        self.update_weight(name, moved);
        Ok(moved)
    }

    fn path_of(&self, name: &str) -> String {
        self.scope.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join("/")
    }

    /// How many losses and next values of variables there are.
    pub(crate) fn left_behind(&self) -> (usize, usize) {
        (self.losses.len(), self.updates.len())
    }

    /// Takes back the losses and next values that came since there were so many.
    pub(crate) fn forget_since(&mut self, (losses, updates): (usize, usize)) {
        self.losses.truncate(losses);
        self.updates.truncate(updates);
    }

    /// Adds a number to the loss.
    pub fn add_loss(&mut self, loss: Expr<'b>) {
        self.losses.push(loss);
    }

    /// Adds what a layer's output costs: the regularizer's price, shared by the samples of the batch, as in Keras.
    pub fn add_activity_loss(
        &mut self,
        regularizer: Option<&Identifier<dyn Regularizer>>,
        output: Expr<'b>,
    ) -> Result<()> {
        if let Some(regularizer) = regularizer {
            let samples = output.shape().first().copied().unwrap_or(1).max(1);
            self.losses.push(regularizer.resolve()?.penalty(output) / samples as f64);
        }
        Ok(())
    }

    /// Uniform random floats in [0, 1), new in every step and at every call. With a `seed`, of a stream of their own.
    pub fn random_uniform(&mut self, shape: &Shape, seed: Option<i64>) -> Result<Expr<'b>> {
        let (key, counter) = self.next_draw(seed)?;
        Ok(derived::uniform(self.builder, shape.clone(), key, counter))
    }

    /// Normal random floats of mean 0 and standard deviation 1, otherwise as [`Context::random_uniform`].
    pub fn random_normal(&mut self, shape: &Shape, seed: Option<i64>) -> Result<Expr<'b>> {
        let (key, counter) = self.next_draw(seed)?;
        Ok(derived::normal(self.builder, shape.clone(), key, counter))
    }

    /// The key and the counter of the next draw.
    fn next_draw(&mut self, seed: Option<i64>) -> Result<(Expr<'b>, Expr<'b>)> {
        let state = self.random.ok_or_else(|| {
            let reason = "random numbers are to be had in training only".to_string();
            Error::Layer { path: self.path(), reason }
        })?;
        let key = match seed {
            Some(seed) => {
                self.builder.constant(cornu_ir::Tensor::vector(vec![seed as u32, (seed >> 32) as u32]))
            }
            None => state.slice_axis(0, 0, 2),
        };
        let draw = self.builder.constant(cornu_ir::Tensor::vector(vec![self.draws]));
        self.draws += 1;
        Ok((key, Expr::concat(&[state.slice_axis(0, 2, 3), draw], 0)))
    }

    /// Begins inside the layers of these names.
    pub(crate) fn enter(&mut self, scopes: &[String]) {
        self.scope = scopes.to_vec();
    }

    /// Writes something inside a named layer, called as the frame says.
    pub(super) fn within<T>(
        &mut self,
        name: &str,
        frame: Frame<'b>,
        write: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let training = self.training;
        if let Some(Argument::Constant(Value::Bool(given))) = frame.arguments.keyword("training") {
            // A file may say `training=True` of one call; without random numbers it cannot be heeded.
            self.training = *given && self.random.is_some();
        }
        let trainable = frame.trainable && self.frame.trainable;
        let around = std::mem::replace(&mut self.frame, Frame { trainable, ..frame });
        self.scope.push(name.to_string());
        let builder = self.builder;
        let written = builder.scope(name, || write(self));
        self.scope.pop();
        (self.frame, self.training) = (around, training);
        let written = written?;
        builder.check()?;
        Ok(written)
    }

    /// What the layers added to the loss, as a scalar of f32, or of f64 where that is used; `None` if nothing.
    pub(crate) fn total_loss(&self) -> Option<Expr<'b>> {
        losses::sum(self.losses.iter().copied())
    }

    /// What the layers added to the loss.
    pub(crate) fn added_losses(&self) -> &[Expr<'b>] {
        &self.losses
    }

    /// The next values of variables that training does not fit, by path.
    pub(crate) fn updates(&self) -> &[(String, Expr<'b>)] {
        &self.updates
    }
}
