//! AnyLayer: a layer with what Keras gives every layer: a name, whether it is trained, and the types it computes in.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use cornu_ir::{DType, Expr};

use super::context::Frame;
use super::{Autocast, CallArguments, Context, DTypePolicy, Layer, Masked, Spec, Weights, dtype_policy};
use crate::error::Result;
use crate::identifier::Identifier;
use crate::saving::snake_case::snake_case;

/// Some layer, in a place of a model. Clones are the same layer: called twice, it has its weights once.
#[derive(Clone)]
pub struct AnyLayer(Arc<Placed>);

struct Placed {
    layer: Arc<dyn Layer>,
    /// Set once, by the user or by the first model that the layer becomes part of.
    name: OnceLock<String>,
    trainable: AtomicBool,
    /// What was said of this layer, or of one around it.
    policy: OnceLock<Identifier<DTypePolicy>>,
    /// The policy of all layers as this one was made.
    global: DTypePolicy,
}

impl Clone for Placed {
    fn clone(&self) -> Placed {
        Placed {
            layer: self.layer.clone(),
            name: self.name.clone(),
            trainable: AtomicBool::new(self.trainable.load(Ordering::Relaxed)),
            policy: self.policy.clone(),
            global: self.global,
        }
    }
}

impl AnyLayer {
    /// The layer's name: its own, or the one the model gave it.
    pub fn name(&self) -> &str {
        self.0.name.get().map_or("", String::as_str)
    }

    /// Keras's name of the class.
    pub fn class_name(&self) -> &str {
        self.0.layer.class_name()
    }

    /// False if training leaves its weights alone.
    pub fn is_trainable(&self) -> bool {
        self.0.trainable.load(Ordering::Relaxed)
    }

    /// Says whether training fits the weights of this layer and of all layers inside. As in Keras, a compiled model
    /// heeds it from the next `compile` on.
    pub fn set_trainable(&self, trainable: bool) {
        self.0.trainable.store(trainable, Ordering::Relaxed);
        self.layer().sublayers().iter().for_each(|inner| inner.layer.set_trainable(trainable));
    }

    /// The layer.
    pub fn layer(&self) -> &dyn Layer {
        &*self.0.layer
    }

    /// True if both are one layer.
    pub fn is(&self, other: &AnyLayer) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// A layer with this configuration and a name of its own.
    pub fn named(self, name: &str) -> AnyLayer {
        AnyLayer(Arc::new(Placed { name: OnceLock::from(name.to_string()), ..(*self.0).clone() }))
    }

    /// A layer with this configuration and a policy of its own: `"mixed_bfloat16"`. Layers inside have the same,
    /// unless they were given another before.
    pub fn dtype(self, policy: impl Into<Identifier<DTypePolicy>>) -> AnyLayer {
        let policy = policy.into();
        let inner = self.layer().sublayers();
        inner.iter().for_each(|inner| inner.layer.policy_unless_said(&policy));
        AnyLayer(Arc::new(Placed { policy: OnceLock::from(policy), ..(*self.0).clone() }))
    }

    /// The types that the layer computes in and keeps its variables in.
    pub fn dtype_policy(&self) -> Result<DTypePolicy> {
        self.policy_within(None)
    }

    /// The type that the layer computes in inside the one that is being written.
    pub(super) fn compute_dtype_in(&self, context: &Context<'_, '_>) -> Result<DType> {
        let dtype = self.policy_within(context.policy())?.compute_dtype();
        Ok(if dtype.is_float() { dtype } else { DType::F32 })
    }

    /// What was said of this layer, else the policy of the one around it, else that of all layers as it was made.
    fn policy_within(&self, around: Option<DTypePolicy>) -> Result<DTypePolicy> {
        match self.0.policy.get() {
            Some(policy) => policy.resolve(),
            None => Ok(around.unwrap_or(self.0.global)),
        }
    }

    /// Gives the layer and those inside this policy, but for those that were given one.
    pub(super) fn policy_unless_said(&self, policy: &Identifier<DTypePolicy>) {
        self.0.policy.get_or_init(|| policy.clone());
        self.layer().sublayers().iter().for_each(|inner| inner.layer.policy_unless_said(policy));
    }

    /// With weights that training leaves alone.
    pub fn frozen(self) -> AnyLayer {
        self.set_trainable(false);
        self
    }

    /// Class and name, for errors: ``Input `left` ``, or the class alone.
    pub(crate) fn described(&self) -> String {
        let name = self.0.name.get().map_or(String::new(), |name| format!(" `{name}`"));
        format!("{}{name}", self.class_name())
    }

    /// The layer's path among the layers around it, for errors: with its name, or what it would be called.
    pub(crate) fn place_in(&self, around: String) -> String {
        let label = self.0.name.get().cloned().unwrap_or_else(|| snake_case(self.class_name()));
        if around.is_empty() { label } else { format!("{around}/{label}") }
    }

    /// Gives the layer a name, unless it has one.
    pub(crate) fn name_unless_named(&self, name: impl FnOnce() -> String) {
        self.0.name.get_or_init(name);
    }

    /// Says of a layer that a file describes whether it is trained, which each layer inside has said for itself.
    pub(super) fn store_trainable(&self, trainable: bool) {
        self.0.trainable.store(trainable, Ordering::Relaxed);
    }

    pub(crate) fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        let place = self.place_in(weights.scope());
        let build = |weights: &mut Weights| {
            weights.set_policy(self.policy_within(weights.policy())?, self.layer().autocast());
            self.layer().build(inputs, weights)
        };
        weights.within(self.name(), self.is_trainable(), build).map_err(|error| error.within(&place))
    }

    /// Writes the layer into the program, called with these values. For layers that have layers inside.
    pub fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let inputs = inputs.iter().map(|&value| Masked::from(value)).collect();
        let outputs = self.call_with(context, &CallArguments::new(inputs, false))?;
        Ok(outputs.into_iter().map(|output| output.value).collect())
    }

    /// [`AnyLayer::call`] with masks and arguments by name.
    pub fn call_with<'b>(
        &self,
        context: &mut Context<'_, 'b>,
        arguments: &CallArguments<Masked<'b>>,
    ) -> Result<Vec<Masked<'b>>> {
        let place = self.place_in(context.path());
        self.write_call(context, arguments).map_err(|error| error.within(&place))
    }

    fn write_call<'b>(
        &self,
        context: &mut Context<'_, 'b>,
        arguments: &CallArguments<Masked<'b>>,
    ) -> Result<Vec<Masked<'b>>> {
        let (policy, autocast) = (self.policy_within(context.policy())?, self.layer().autocast());
        let arguments = arguments.map(|&Masked { value, mask }| {
            let value = if autocast == Autocast::All { policy.convert(value) } else { value };
            Ok(Masked { value, mask })
        })?;
        let inputs = arguments.inputs(self.layer().input_names());
        let values: Vec<Expr<'b>> = inputs.iter().map(|input| input.value).collect();
        let masks = inputs.iter().map(|input| input.mask).collect();
        let trainable = self.is_trainable();
        let frame = Frame { masks, arguments, trainable, policy, autocast, ..Frame::default() };
        context.within(self.name(), frame, |context| {
            let outputs = self.layer().call(context, &values)?;
            outputs.iter().for_each(|&output| context.builder().note(output));
            let passed = context.mask(0).filter(|_| self.layer().supports_masking());
            let mask = |index: usize| context.output_mask(index).unwrap_or(passed);
            let output = |(index, value): (usize, Expr<'b>)| {
                let value = if autocast == Autocast::Nothing { value } else { policy.convert(value) };
                Masked { value, mask: mask(index) }
            };
            Ok(outputs.into_iter().enumerate().map(output).collect())
        })
    }
}

impl<L: Layer + 'static> From<L> for AnyLayer {
    fn from(layer: L) -> AnyLayer {
        let name = layer.own_name().map(|name| OnceLock::from(name.to_string())).unwrap_or_default();
        AnyLayer(Arc::new(Placed {
            layer: Arc::new(layer),
            name,
            trainable: AtomicBool::new(true),
            policy: OnceLock::new(),
            global: dtype_policy(),
        }))
    }
}

impl From<&AnyLayer> for AnyLayer {
    fn from(layer: &AnyLayer) -> AnyLayer {
        layer.clone()
    }
}

/// The settings that every layer has. They come after the layer's own:
/// `Dense::new(10).activation("relu").named("out")`.
pub trait Naming: Layer + Sized + 'static {
    /// With a name of its own, which must be unique in the model.
    fn named(self, name: &str) -> AnyLayer {
        AnyLayer::from(self).named(name)
    }

    /// With weights that training leaves alone.
    fn frozen(self) -> AnyLayer {
        AnyLayer::from(self).frozen()
    }

    /// With other types to compute in and to keep variables in: `Dense::new(10).dtype("mixed_bfloat16")`.
    fn dtype(self, policy: impl Into<Identifier<DTypePolicy>>) -> AnyLayer {
        AnyLayer::from(self).dtype(policy)
    }
}

impl<L: Layer + 'static> Naming for L {}
