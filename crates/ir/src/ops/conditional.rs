//! `conditional`: one of two graphs, chosen while the program runs.

use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use crate::compound::{self, Compound, Evaluator, listed, replay};
use crate::error::OpError;
use crate::expr::Expr;
use crate::graph::{Graph, Value};
use crate::interpret::interpret;
use crate::op::{At, Exactness, Grads, Op, Rules};
use crate::passes::bodies::with_inputs;
use crate::passes::simplified;
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{DType, Type};

/// One result of `then` where a predicate holds, else of `otherwise`.
///
/// The arguments are the predicate, a `bool` scalar, and what both branches take. Both have the same inputs and give
/// outputs of the same types; a branch need not read all it is given. Only the branch that is taken runs: that is the
/// difference from [`super::Select`], which computes both sides, and chooses for each element.
///
/// A node is output number `output` of the branch. Nodes that differ in that alone are one conditional, which plans
/// run once. What a branch passes through costs a copy; or nothing, where it is state of the program and the result its
/// next value: plans leave that where it lies.
///
/// The gradient is a conditional on the same predicate, over the gradients of the branches, which compute again what
/// they need. It reaches floats alone, and never the predicate.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Conditional {
    /// What runs where the predicate holds.
    pub then: Arc<Graph>,
    /// What runs where it does not.
    pub otherwise: Arc<Graph>,
    /// Which output of the branch this node is.
    pub output: usize,
}

impl Conditional {
    /// The same conditional's node for another output.
    pub fn with_output(&self, output: usize) -> Conditional {
        Conditional { output, ..self.clone() }
    }

    /// Which argument both branches give back unchanged, if they do.
    fn passed_through(&self) -> Option<usize> {
        let passed = |body: &Graph| {
            let output = body.outputs.get(self.output)?;
            body.inputs.iter().position(|input| input == output)
        };
        let input = passed(&self.then)?;
        (passed(&self.otherwise) == Some(input)).then_some(input + self.first_input())
    }

    /// The result of a branch, with what it is made of written where the conditional stands.
    fn inlined<'b>(&self, branch: &Graph, at: &At<'b>) -> Expr<'b> {
        let inputs: Vec<usize> = (0..branch.inputs.len()).collect();
        let needed = with_inputs(branch, &[self.output], &inputs, 0);
        let apply = |op: Op, args: &[Expr<'b>]| simplified(at.value.builder(), op, args);
        let made = replay(&needed, &at.args[self.first_input()..], apply);
        made[needed.outputs[0].index()]
    }
}

impl Compound for Conditional {
    fn output(&self) -> usize {
        self.output
    }

    fn for_output(&self, output: usize) -> Op {
        self.with_output(output).into()
    }

    fn bodies(&self) -> SmallVec<[&Graph; 2]> {
        smallvec![&*self.then, &*self.otherwise]
    }

    /// Before it stands the predicate.
    fn first_input(&self) -> usize {
        1
    }

    fn with_bodies(&self, bodies: Vec<Graph>, _: &[usize]) -> Op {
        let Ok([then, otherwise]) = <[Graph; 2]>::try_from(bodies) else {
            unreachable!("a conditional has two bodies")
        };
        Conditional { then: Arc::new(then), otherwise: Arc::new(otherwise), output: self.output }.into()
    }

    fn run(&self, args: &[&Tensor], _: &Type, run: &mut Evaluator<'_>) -> Tensor {
        let branch = if args[0].integers()[0] != 0 { &self.then } else { &self.otherwise };
        let inputs: Vec<Tensor> = args[1..].iter().map(|&arg| arg.clone()).collect();
        run(branch, &inputs).swap_remove(self.output)
    }
}

impl Rules for Conditional {
    fn name(&self) -> &'static str {
        "conditional"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        let need = |what: String| Err(OpError::new("conditional", what, args));
        let [then, otherwise] = [&*self.then, &*self.otherwise];
        if then.state + otherwise.state > 0 {
            return need("branches without state".to_string());
        }
        if !types(then, &then.inputs).eq(types(otherwise, &otherwise.inputs)) {
            let (a, b) = (listed(&then.input_types()), listed(&otherwise.input_types()));
            return need(format!("branches that take the same, not {a} and {b}"));
        }
        if !types(then, &then.outputs).eq(types(otherwise, &otherwise.outputs)) {
            let (a, b) = (listed(&then.output_types()), listed(&otherwise.output_types()));
            return need(format!("branches that give the same types, not {a} and {b}"));
        }
        let predicate = Type::scalar(DType::Bool);
        let wanted = std::iter::once(&predicate).chain(types(then, &then.inputs));
        if !wanted.eq(args.iter().copied()) {
            let inputs = listed(&then.input_types());
            return need(format!("a bool scalar that decides, then what its branches take, {inputs}"));
        }
        match then.outputs.get(self.output) {
            Some(&output) => Ok(then.ty(output).clone()),
            None => need(format!("branches with an output {}", self.output)),
        }
    }

    fn grad<'b>(&self, _: &At<'b>, _: Expr<'b>) -> Grads<'b> {
        unreachable!("`grad` differentiates the results of a conditional together, not node by node")
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        self.run(args, ty, &mut interpret)
    }

    fn attributes(&self) -> Attributes {
        Attributes::default()
            .size("output", self.output)
            .graph("then", self.then.clone())
            .graph("otherwise", self.otherwise.clone())
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<Conditional, String>> {
        (name == "conditional").then(|| {
            Ok(Conditional {
                then: attributes.get_graph("then")?,
                otherwise: attributes.get_graph("otherwise")?,
                output: attributes.get_size("output")?,
            })
        })
    }

    fn exactness(&self) -> Exactness {
        compound::exactness(self.bodies())
    }

    /// A branch stands for the conditional where the predicate is known, and where the other branch is the same.
    fn simplify<'b>(&self, at: &At<'b>) -> Option<Expr<'b>> {
        if let Some(argument) = self.passed_through() {
            return Some(at.args[argument]);
        }
        match at.args[0].as_number() {
            Some(0.0) => Some(self.inlined(&self.otherwise, at)),
            Some(_) => Some(self.inlined(&self.then, at)),
            None if self.then == self.otherwise => Some(self.inlined(&self.then, at)),
            None => None,
        }
    }

    fn compound(&self) -> Option<&dyn Compound> {
        Some(self)
    }
}

fn types<'g>(graph: &'g Graph, values: &'g [Value]) -> impl Iterator<Item = &'g Type> {
    values.iter().map(|&value| graph.ty(value))
}
