//! What tests are made of: the conformance corpus and its runner, random graphs and inputs, the comparison of results
//! with the reference evaluator, and the check of gradients. Part of the library so that every backend can use it.

mod agreement;
mod cases;
mod conformance;
mod draw;
mod gradient;
mod random_graph;
mod reference;
mod retyped;

pub use agreement::{agreement, tolerances};
pub use cases::{Case, Run, cases};
pub use conformance::{conformance, run};
pub use draw::{Draw, random_inputs};
pub use gradient::{check_gradient, gradient_graph, gradient_graph_in};
pub use random_graph::random_graph;
pub use reference::Reference;
pub use retyped::{retyped, tensor_in};

/// Makes the list of the corpus: a name and the text of the file of that name.
macro_rules! corpus {
    ($($name:literal,)*) => {
        /// The conformance corpus, by op or family of ops. [`conformance`] runs one of the texts on a backend.
        pub const CASES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../conformance/", $name, ".ir"))),)*];
    };
}

corpus! {
    "input",
    "constant",
    "iota",
    "random_bits",
    "unary",
    "binary",
    "compare",
    "select",
    "cast",
    "detach",
    "reshape",
    "transpose",
    "broadcast",
    "slice",
    "pad",
    "concat",
    "reverse",
    "dot",
    "reduce",
    "arg_reduce",
    "cumulative",
    "arg_sort",
    "conv",
    "conv_input_grad",
    "conv_kernel_grad",
    "window",
    "window_arg_max",
    "window_spread",
    "gather",
    "scatter",
    "dynamic_slice",
    "dynamic_update",
    "scan",
    "conditional",
}
