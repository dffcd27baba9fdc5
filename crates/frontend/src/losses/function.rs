//! Functions of one's own as losses.

use std::fmt;
use std::sync::Arc;

use cornu_ir::Expr;
use serde_json::{Map, Value};

use super::{Loss, Reduction, Settings};
use crate::config::Serialized;
use crate::error::{Error, Result};
use crate::registered::Registered;
use crate::shapes::same_rank;

/// A function of labels and predictions.
pub(crate) type Call = dyn for<'b> Fn(Expr<'b>, Expr<'b>) -> Result<Expr<'b>> + Send + Sync;

static FUNCTIONS: Registered<Arc<Call>> = Registered::new();

/// A loss that is a function of one's own: from labels and predictions `[batch, …, d]` the loss of each sample,
/// `[batch, …]`, or one number.
///
/// As in Keras the labels come in the predictions' element type, and `[batch]` beside `[batch, 1]` becomes
/// `[batch, 1]`. The name is the one that reports show and files name; see [`register_fn`].
///
/// ```
/// use cornu::{Compile, losses};
///
/// let twice = losses::from_fn("twice_the_error", |y_true, y_pred| {
///     Ok(losses::mean_absolute_error(y_true, y_pred)? * 2.0)
/// });
/// let how = Compile::new("adam", twice);
/// ```
pub fn from_fn<F>(name: &str, function: F) -> Function
where
    F: for<'b> Fn(Expr<'b>, Expr<'b>) -> Result<Expr<'b>> + Send + Sync + 'static,
{
    Function { function: name.to_string(), call: Arc::new(function), settings: Settings::default() }
}

/// Lets files, and `compile`, name a function of one's own, as a loss or a metric: by `package>name` or the name
/// alone.
pub fn register_fn<F>(name: &str, function: F)
where
    F: for<'b> Fn(Expr<'b>, Expr<'b>) -> Result<Expr<'b>> + Send + Sync + 'static,
{
    FUNCTIONS.insert(name, Arc::new(function));
}

/// What [`from_fn`] makes.
#[derive(Clone)]
pub struct Function {
    function: String,
    call: Arc<Call>,
    settings: Settings,
}

impl Function {
    /// The name that reports show, in place of the function's.
    pub fn name(mut self, name: impl Into<String>) -> Function {
        self.settings.name = Some(name.into());
        self
    }

    /// How the samples' losses become one.
    pub fn reduction(mut self, reduction: Reduction) -> Function {
        self.settings.reduction = reduction;
        self
    }

    /// The registered function of this name.
    pub(super) fn registered(name: &str, settings: Settings) -> Option<Function> {
        let call = FUNCTIONS.find(name, None)?;
        Some(Function { function: name.to_string(), call, settings })
    }

    /// The names that are registered.
    pub(super) fn names() -> Vec<String> {
        FUNCTIONS.names()
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Function({})", self.function)
    }
}

impl Loss for Function {
    /// The class that Keras wraps functions in.
    fn class_name(&self) -> &str {
        "LossFunctionWrapper"
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    fn name(&self) -> String {
        let own = || self.function.rsplit('>').next().unwrap_or(&self.function).to_string();
        self.settings.name.clone().unwrap_or_else(own)
    }

    fn arguments(&self) -> Map<String, Value> {
        Map::from_iter([("fn".to_string(), Serialized::function(&self.function))])
    }

    fn function(&self) -> Option<&str> {
        Some(&self.function)
    }

    fn call<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        let (t, p) = same_rank(y_true.cast(y_pred.dtype()), y_pred);
        let values = y_pred.builder().scope(&self.function, || (self.call)(t, p))?;
        let rows = |x: Expr<'b>| x.shape().first().copied();
        if values.rank() > 0 && rows(values) != rows(p) {
            return Err(Error::Shapes {
                what: format!("{}: what the function gives against y_pred", self.function),
                left: values.ty().into(),
                right: y_pred.ty().into(),
                fix: "Give a number for each sample, [batch, …], or one number".into(),
            });
        }
        Ok(values)
    }
}
