//! Arguments: what a layer is called with, as Keras records it: values by position and by name, in lists, beside
//! constants.

use cornu_ir::Expr;
use serde_json::Value;

use crate::error::Result;

/// A value between layers, with the mask that says which of its steps count.
#[derive(Clone, Copy)]
pub struct Masked<'b> {
    /// The value.
    pub value: Expr<'b>,
    /// `bool`, the leading axes of the value (batch and time): false where a step is padding.
    pub mask: Option<Expr<'b>>,
}

impl<'b> From<Expr<'b>> for Masked<'b> {
    fn from(value: Expr<'b>) -> Masked<'b> {
        Masked { value, mask: None }
    }
}

/// One argument of a call: a value of the model, several, or a constant.
#[derive(Clone, Debug)]
pub enum Argument<T> {
    /// A value that some layer made.
    Tensor(T),
    /// Several arguments.
    List(Vec<Argument<T>>),
    /// Several arguments by name, in Keras's order.
    Dict(Vec<(String, Argument<T>)>),
    /// Anything else, as JSON.
    Constant(Value),
}

/// All arguments of a call. `T` is what stands for a value: a symbol, a place in a model, or an expression.
#[derive(Clone, Debug)]
pub struct CallArguments<T> {
    /// By position.
    pub positional: Vec<Argument<T>>,
    /// By name.
    pub keywords: Vec<(String, Argument<T>)>,
}

impl<T> Default for CallArguments<T> {
    fn default() -> CallArguments<T> {
        CallArguments { positional: Vec::new(), keywords: Vec::new() }
    }
}

impl<T> Argument<T> {
    /// The values in it, in order.
    pub fn tensors(&self) -> Vec<&T> {
        match self {
            Argument::Tensor(tensor) => vec![tensor],
            Argument::List(items) => items.iter().flat_map(Argument::tensors).collect(),
            Argument::Dict(items) => items.iter().flat_map(|(_, item)| item.tensors()).collect(),
            Argument::Constant(_) => Vec::new(),
        }
    }

    /// The same with something else in the place of each value.
    pub fn map<U>(&self, to: &mut impl FnMut(&T) -> Result<U>) -> Result<Argument<U>> {
        Ok(match self {
            Argument::Tensor(tensor) => Argument::Tensor(to(tensor)?),
            Argument::List(items) => {
                Argument::List(items.iter().map(|item| item.map(to)).collect::<Result<_>>()?)
            }
            Argument::Dict(items) => Argument::Dict(named(items, to)?),
            Argument::Constant(value) => Argument::Constant(value.clone()),
        })
    }
}

fn named<T, U>(
    items: &[(String, Argument<T>)],
    to: &mut impl FnMut(&T) -> Result<U>,
) -> Result<Vec<(String, Argument<U>)>> {
    items.iter().map(|(name, item)| Ok((name.clone(), item.map(to)?))).collect()
}

impl<T> CallArguments<T> {
    /// Values one after another, or as one list where the layer takes a list.
    pub fn new(inputs: Vec<T>, as_list: bool) -> CallArguments<T> {
        let inputs: Vec<Argument<T>> = inputs.into_iter().map(Argument::Tensor).collect();
        let positional = if as_list { vec![Argument::List(inputs)] } else { inputs };
        CallArguments { positional, keywords: Vec::new() }
    }

    /// The argument of this name.
    pub fn keyword(&self, name: &str) -> Option<&Argument<T>> {
        self.keywords.iter().find(|(keyword, _)| keyword == name).map(|(_, argument)| argument)
    }

    /// The values that are the layer's inputs: those by position, then those given by the names in `inputs`.
    pub fn inputs(&self, inputs: &[&str]) -> Vec<&T> {
        let by_position = self.positional.iter().flat_map(Argument::tensors);
        let by_name = inputs.iter().filter_map(|name| self.keyword(name)).flat_map(Argument::tensors);
        by_position.chain(by_name).collect()
    }

    /// Every value, those by name included.
    pub fn tensors(&self) -> Vec<&T> {
        let keywords = self.keywords.iter().flat_map(|(_, argument)| argument.tensors());
        self.positional.iter().flat_map(Argument::tensors).chain(keywords).collect()
    }

    /// The same with something else in the place of each value.
    pub fn map<U>(&self, mut to: impl FnMut(&T) -> Result<U>) -> Result<CallArguments<U>> {
        Ok(CallArguments {
            positional: self
                .positional
                .iter()
                .map(|argument| argument.map(&mut to))
                .collect::<Result<_>>()?,
            keywords: named(&self.keywords, &mut to)?,
        })
    }
}
