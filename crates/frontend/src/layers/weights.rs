//! Weights: what `build` says about a layer's variables, and their paths in the model.

use std::collections::HashMap;
use std::sync::Arc;

use cornu_ir::{Shape, Type};

use super::{Autocast, DTypePolicy, Spec};
use crate::constraints::Constraint;
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::initializers::Initializer;
use crate::regularizers::Regularizer;

/// One variable of a layer, before it has values.
#[derive(Clone, Debug)]
pub struct WeightSpec {
    /// Where it is in the model: `dense/kernel`.
    pub path: String,
    /// Element type and shape.
    pub ty: Type,
    /// How it begins.
    pub initializer: Arc<dyn Initializer>,
    /// What its size costs.
    pub regularizer: Option<Arc<dyn Regularizer>>,
    /// What it is projected to after each update.
    pub constraint: Option<Arc<dyn Constraint>>,
    /// False for what training does not fit, such as moving averages.
    pub trainable: bool,
    /// False for what a layer remembers from batch to batch and no file holds, such as the states of a stateful RNN.
    pub saved: bool,
}

/// Collects the variables of a model's layers, in the order they are made.
#[derive(Clone, Debug)]
pub struct Weights {
    scope: Vec<String>,
    specs: Vec<WeightSpec>,
    frozen: bool,
    /// The policy of the layer being built, and whether it is that of layers inside.
    policy: DTypePolicy,
    autocast: Autocast,
    /// What comes out of each layer, by its path, as far as models have said.
    shapes: HashMap<String, Spec>,
}

impl Default for Weights {
    fn default() -> Weights {
        Weights {
            scope: Vec::new(),
            specs: Vec::new(),
            frozen: false,
            policy: DTypePolicy::FLOAT32,
            autocast: Autocast::Nothing,
            shapes: HashMap::new(),
        }
    }
}

impl Weights {
    /// Adds a float variable of the layer being built, of the type that its policy says.
    pub fn add(
        &mut self,
        name: &str,
        shape: impl Into<Shape>,
        initializer: Arc<dyn Initializer>,
    ) -> Result<&mut WeightSpec> {
        self.add_typed(name, Type::new(self.policy.float_variable(), shape), initializer)
    }

    /// Adds a variable of any element type.
    pub fn add_typed(
        &mut self,
        name: &str,
        ty: Type,
        initializer: Arc<dyn Initializer>,
    ) -> Result<&mut WeightSpec> {
        let path = self.path(name);
        if !memory_holds(ty.bytes()) {
            return Err(Error::Shape {
                what: path,
                needed: "a size that memory can hold".to_string(),
                got: ty,
            });
        }
        let trainable = !self.frozen;
        self.specs.push(WeightSpec {
            path,
            ty,
            initializer,
            regularizer: None,
            constraint: None,
            trainable,
            saved: true,
        });
        Ok(self.specs.last_mut().expect("just pushed"))
    }

    /// Where the layer being built is in the model: `model/block_2/dense`.
    pub fn scope(&self) -> String {
        self.scope.join("/")
    }

    pub(crate) fn scopes(&self) -> &[String] {
        &self.scope
    }

    fn path(&self, name: &str) -> String {
        self.scope.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join("/")
    }

    /// Builds something inside a named layer, whose weights are fixed if it is not trainable.
    pub(crate) fn within<T>(
        &mut self,
        name: &str,
        trainable: bool,
        build: impl FnOnce(&mut Weights) -> T,
    ) -> T {
        let around = (self.frozen, self.policy, self.autocast);
        self.frozen |= !trainable;
        self.scope.push(name.to_string());
        let built = build(self);
        self.scope.pop();
        (self.frozen, self.policy, self.autocast) = around;
        built
    }

    /// Says how the layer being built computes.
    pub(super) fn set_policy(&mut self, policy: DTypePolicy, autocast: Autocast) {
        (self.policy, self.autocast) = (policy, autocast);
    }

    /// The policy of the layer being built, which layers inside have too, unless they have one of their own.
    pub(super) fn policy(&self) -> Option<DTypePolicy> {
        (self.autocast != Autocast::Nothing).then_some(self.policy)
    }

    /// The variable of this name that the layer being built has added.
    pub(super) fn own_mut(&mut self, name: &str) -> &mut WeightSpec {
        let path = self.path(name);
        self.specs.iter_mut().find(|spec| spec.path == path).expect("a layer asks for what it has added")
    }

    /// The variables added since there were `before`.
    pub(crate) fn since(&mut self, before: usize) -> &mut [WeightSpec] {
        &mut self.specs[before..]
    }

    /// Sorts the variables added since there were `before` by the layer they belong to, of those built in this scope.
    pub(crate) fn order_from(&mut self, before: usize, position: impl Fn(&str) -> usize) {
        let depth = self.scope.len();
        self.specs[before..]
            .sort_by_key(|spec| spec.path.split('/').nth(depth).map_or(usize::MAX, &position));
    }

    /// Moves the variable added last to this place, where Keras has it.
    pub(crate) fn move_last(&mut self, place: usize) {
        if let Some(last) = self.specs.len().checked_sub(1) {
            self.specs[place.min(last)..].rotate_right(1);
        }
    }

    /// Says what comes out of a layer of the model being built.
    pub(crate) fn note_shape(&mut self, layer: &str, shape: Spec) {
        let path = self.path(layer);
        self.shapes.entry(path).or_insert(shape);
    }

    /// The variables, and the shapes of outputs by path.
    pub(crate) fn into_parts(self) -> (Vec<WeightSpec>, HashMap<String, Spec>) {
        (self.specs, self.shapes)
    }

    /// The variables so far.
    pub fn specs(&self) -> &[WeightSpec] {
        &self.specs
    }
}

impl WeightSpec {
    /// With a price on its size.
    pub fn regularizer(
        &mut self,
        regularizer: Option<&Identifier<dyn Regularizer>>,
    ) -> Result<&mut WeightSpec> {
        self.regularizer = regularizer.map(|regularizer| regularizer.resolve()).transpose()?;
        Ok(self)
    }

    /// With a projection after each update.
    pub fn constraint(&mut self, constraint: Option<&Identifier<dyn Constraint>>) -> Result<&mut WeightSpec> {
        self.constraint = constraint.map(|constraint| constraint.resolve()).transpose()?;
        Ok(self)
    }

    /// Not fitted by training.
    pub fn non_trainable(&mut self) -> &mut WeightSpec {
        self.trainable = false;
        self
    }

    /// Remembered from batch to batch, but neither fitted nor counted nor saved.
    pub fn unsaved(&mut self) -> &mut WeightSpec {
        (self.trainable, self.saved) = (false, false);
        self
    }

    /// The last part of the path: `kernel`.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// Sizes that are not asked for in vain. Allocators learn from what is freed to keep blocks of that size for later,
/// up to about this one; what they keep would count as memory in use.
const ALWAYS_HELD: usize = 64 << 20;

/// True if so many bytes can be had. Asking costs nothing, as the memory is not touched.
fn memory_holds(bytes: usize) -> bool {
    if bytes <= ALWAYS_HELD {
        return true;
    }
    let mut room: Vec<u8> = Vec::new();
    let held = room.try_reserve_exact(bytes).is_ok();
    // Without this the compiler may leave the question out, and answer yes.
    std::hint::black_box(&room);
    held
}
