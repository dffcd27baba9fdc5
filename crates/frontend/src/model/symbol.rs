//! Symbol: what a layer will give, before there are numbers. Keras: `KerasTensor`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cornu_ir::DType;
use serde_json::Value;

use super::network::trace_layer;
use crate::error::{Error, Result};
use crate::layers::{AnyLayer, Argument, CallArguments, Input, Layer, Spec};
use crate::ops;

/// What stands for a value while a model is put together: the output of a layer called with other symbols.
///
/// Mistakes are kept: a symbol of a call that went wrong can be used on, and [`crate::Model::new`] reports the first.
///
/// ```
/// use cornu::{Apply, Dense, Model, input};
///
/// let x = input([16]);
/// let hidden = Dense::new(16).activation("relu").apply(&x);
/// let y = Dense::new(1).apply(&x + &hidden);
/// let model = Model::new(&x, &y)?;
/// assert_eq!(model.count_params(), 16 * 17 + 17);
/// # Ok::<(), cornu::Error>(())
/// ```
#[derive(Clone)]
pub struct Symbol {
    pub(super) call: Arc<Call>,
    pub(super) output: usize,
}

/// One call of a layer.
pub(super) struct Call {
    pub(super) layer: AnyLayer,
    pub(super) arguments: CallArguments<Symbol>,
    /// Calls are numbered as they are made: Keras's order of the calls of a shared layer.
    pub(super) number: u64,
    /// What comes out, or why nothing does.
    pub(super) outputs: std::result::Result<Vec<Spec>, Arc<Error>>,
}

static CALLS: AtomicU64 = AtomicU64::new(0);

impl Symbol {
    /// The outputs of a call, as many as it has; one that holds the error if it went wrong.
    pub(super) fn of_call(layer: AnyLayer, arguments: CallArguments<Symbol>) -> Vec<Symbol> {
        let outputs = arguments.map(|symbol| symbol.spec()).and_then(|specs| trace_layer(&layer, &specs));
        let outputs = outputs.map_err(|error| match error {
            Error::Symbol(error) => error,
            error => Arc::new(error),
        });
        Symbol::all(layer, arguments, outputs)
    }

    /// The outputs of a call of which these are known.
    pub(super) fn known(
        layer: AnyLayer,
        arguments: CallArguments<Symbol>,
        outputs: Vec<Spec>,
    ) -> Vec<Symbol> {
        Symbol::all(layer, arguments, Ok(outputs))
    }

    fn all(
        layer: AnyLayer,
        arguments: CallArguments<Symbol>,
        outputs: std::result::Result<Vec<Spec>, Arc<Error>>,
    ) -> Vec<Symbol> {
        let count = outputs.as_ref().map_or(1, Vec::len);
        let number = CALLS.fetch_add(1, Ordering::Relaxed);
        let call = Arc::new(Call { layer, arguments, number, outputs });
        (0..count).map(|output| Symbol { call: call.clone(), output }).collect()
    }

    /// Element type and sizes, the batch first; the error of its call if that went wrong.
    pub fn spec(&self) -> Result<Spec> {
        match &self.call.outputs {
            Ok(specs) => Ok(specs[self.output].clone()),
            Err(error) => Err(Error::Symbol(error.clone())),
        }
    }

    /// Sizes, the batch first; `None` is any size. Empty if the call went wrong.
    pub fn shape(&self) -> Vec<Option<usize>> {
        self.spec().map(|spec| spec.shape).unwrap_or_default()
    }

    /// Element type; that of floats if the call went wrong.
    pub fn dtype(&self) -> DType {
        self.spec().map_or(DType::F32, |spec| spec.dtype)
    }

    /// The layer that makes it.
    pub fn layer(&self) -> &AnyLayer {
        &self.call.layer
    }
}

/// An input of a model: floats whose samples have this shape. [`Input`] has more to say.
pub fn input(shape: impl AsRef<[usize]>) -> Symbol {
    Input::new(shape).symbol()
}

impl Input {
    /// The symbol of this input.
    pub fn symbol(self) -> Symbol {
        AnyLayer::from(self).symbol()
    }
}

impl AnyLayer {
    /// The symbol of a layer that takes nothing: an [`Input`].
    pub fn symbol(&self) -> Symbol {
        let outputs = self.layer().input_spec().map(|spec| vec![spec]).ok_or_else(|| {
            let reason = "only an Input is a symbol by itself; apply other layers to symbols".to_string();
            Arc::new(Error::Layer { path: self.name().to_string(), reason })
        });
        let number = CALLS.fetch_add(1, Ordering::Relaxed);
        let call = Call { layer: self.clone(), arguments: CallArguments::default(), number, outputs };
        Symbol { call: Arc::new(call), output: 0 }
    }

    /// Calls the layer with symbols, and gives its (first) output. Called again, the layer is shared.
    pub fn apply(&self, inputs: impl IntoSymbols) -> Symbol {
        self.apply_with(inputs, Keywords::new()).swap_remove(0)
    }

    /// Calls the layer with symbols and arguments by name, and gives all its outputs.
    pub fn apply_with(&self, inputs: impl IntoSymbols, keywords: Keywords) -> Vec<Symbol> {
        let mut arguments = CallArguments::new(inputs.into_symbols(), self.layer().takes_list());
        arguments.keywords = keywords.0;
        Symbol::of_call(self.clone(), arguments)
    }
}

/// Calling layers with symbols: `Dense::new(3).apply(&x)`.
pub trait Apply: Layer + Sized + 'static {
    /// Calls the layer with symbols, and gives its (first) output.
    fn apply(self, inputs: impl IntoSymbols) -> Symbol {
        AnyLayer::from(self).apply(inputs)
    }

    /// Calls the layer with symbols and arguments by name, and gives all its outputs.
    fn apply_with(self, inputs: impl IntoSymbols, keywords: Keywords) -> Vec<Symbol> {
        AnyLayer::from(self).apply_with(inputs, keywords)
    }

    /// A layer to be called several times, with one set of weights.
    fn shared(self) -> AnyLayer {
        AnyLayer::from(self)
    }
}

impl<L: Layer + 'static> Apply for L {}

/// Arguments of a call by name: `Keywords::new().symbol("attention_mask", &mask).constant("use_causal_mask", true)`.
#[derive(Clone, Default)]
pub struct Keywords(Vec<(String, Argument<Symbol>)>);

impl Keywords {
    /// None.
    pub fn new() -> Keywords {
        Keywords::default()
    }

    /// With a symbol.
    pub fn symbol(mut self, name: &str, symbol: &Symbol) -> Keywords {
        self.0.push((name.to_string(), Argument::Tensor(symbol.clone())));
        self
    }

    /// With a list of symbols, such as `initial_state`.
    pub fn symbols(mut self, name: &str, symbols: impl IntoSymbols) -> Keywords {
        let list = symbols.into_symbols().into_iter().map(Argument::Tensor).collect();
        self.0.push((name.to_string(), Argument::List(list)));
        self
    }

    /// With a constant.
    pub fn constant(mut self, name: &str, value: impl Into<Value>) -> Keywords {
        self.0.push((name.to_string(), Argument::Constant(value.into())));
        self
    }
}

/// The operators of symbols are Keras's operations `Add`, `Subtract`, `Multiply` and `Divide`: shapes are broadcast as
/// NumPy does.
macro_rules! operators {
    ($($operator:ident $method:ident $class:literal,)*) => {$(
        impl std::ops::$operator for &Symbol {
            type Output = Symbol;

            fn $method(self, other: &Symbol) -> Symbol {
                operation($class, vec![Argument::Tensor(self.clone()), Argument::Tensor(other.clone())])
            }
        }

        impl std::ops::$operator<f64> for &Symbol {
            type Output = Symbol;

            fn $method(self, other: f64) -> Symbol {
                operation($class, vec![Argument::Tensor(self.clone()), Argument::Constant(other.into())])
            }
        }
    )*};
}

operators! {
    Add add "Add",
    Sub sub "Subtract",
    Mul mul "Multiply",
    Div div "TrueDivide",
}

impl std::ops::Neg for &Symbol {
    type Output = Symbol;

    fn neg(self) -> Symbol {
        operation("Negative", vec![Argument::Tensor(self.clone())])
    }
}

impl Symbol {
    /// Elements `start..end` along `axis`; 0 is the batch. Python's `x[:, start:end]`, where `axis` is 1.
    pub fn slice_axis(&self, axis: usize, start: usize, end: usize) -> Symbol {
        let mut key = vec![ops::slice(None, None, None); axis];
        key.push(ops::slice(Some(start as i64), Some(end as i64), None));
        operation("GetItem", vec![Argument::Tensor(self.clone()), Argument::Constant(Value::Array(key))])
    }
}

/// What one of Keras's operations gives for these operands.
fn operation(class: &str, operands: Vec<Argument<Symbol>>) -> Symbol {
    match ops::op(class) {
        Ok(op) => {
            let arguments = CallArguments { positional: operands, keywords: Vec::new() };
            Symbol::of_call(AnyLayer::from(op), arguments).swap_remove(0)
        }
        Err(error) => unreachable!("the operators of symbols are in the table of operations: {error}"),
    }
}

/// One symbol, or several.
pub trait IntoSymbols {
    /// The symbols in order.
    fn into_symbols(self) -> Vec<Symbol>;
}

impl IntoSymbols for Symbol {
    fn into_symbols(self) -> Vec<Symbol> {
        vec![self]
    }
}

impl IntoSymbols for &Symbol {
    fn into_symbols(self) -> Vec<Symbol> {
        vec![self.clone()]
    }
}

impl IntoSymbols for Vec<Symbol> {
    fn into_symbols(self) -> Vec<Symbol> {
        self
    }
}

impl IntoSymbols for &[Symbol] {
    fn into_symbols(self) -> Vec<Symbol> {
        self.to_vec()
    }
}

impl<const N: usize> IntoSymbols for [Symbol; N] {
    fn into_symbols(self) -> Vec<Symbol> {
        self.into()
    }
}

impl<const N: usize> IntoSymbols for [&Symbol; N] {
    fn into_symbols(self) -> Vec<Symbol> {
        self.into_iter().cloned().collect()
    }
}
