//! The part of a network that runs on the host, before the graph: layers on strings.

use std::fmt;

use cornu_ir::Tensor;

use crate::error::{Error, Result};
use crate::layers::AnyLayer;
use crate::training::Values;

/// Calls of layers on the host, and which values the graph then takes. A network of numbers alone has no calls, and
/// its graph takes the inputs as they are.
///
/// Values are numbered: the inputs of the model first, then what each call makes.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostPart {
    pub(crate) calls: Vec<HostCall>,
    /// What the graph takes, in order.
    pub(crate) feeds: Vec<usize>,
}

/// One call: a layer, and the numbers of the values it takes.
#[derive(Clone)]
pub(crate) struct HostCall {
    pub(crate) layer: AnyLayer,
    pub(crate) takes: Vec<usize>,
}

impl HostPart {
    /// What the graph takes for a batch of the model's inputs.
    pub(crate) fn run(&self, x: Vec<Values>) -> Result<Vec<Tensor>> {
        let mut values = x;
        for call in &self.calls {
            let taken: Vec<&Values> = call.takes.iter().map(|&number| &values[number]).collect();
            let Some(host) = call.layer.layer().as_host() else {
                unreachable!("the calls of a host part are of layers that work there")
            };
            let made = host.run(&taken).map_err(|error| error.within(call.layer.name()))?;
            values.push(made);
        }
        if self.is_empty() {
            return values.into_iter().map(numbers).collect();
        }
        self.feeds.iter().map(|&number| numbers(values[number].clone())).collect()
    }

    /// True if the graph takes what the model is given.
    pub(crate) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }
}

impl fmt::Debug for HostCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.layer.described(), self.takes)
    }
}

fn numbers(values: Values) -> Result<Tensor> {
    match values {
        Values::Numbers(tensor) => Ok(tensor),
        Values::Strings(_) => Err(Error::Data {
            what: format!("the graph of a model takes numbers; it got {}", values.described()),
        }),
    }
}
