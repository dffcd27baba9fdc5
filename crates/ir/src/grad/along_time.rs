//! The gradient of a loop: a loop that walks the other way.
//!
//! All results of a loop are differentiated together. The backward loop gets, for each step, the carries that came in
//! and the results of products and reductions, as further results of the forward loop; elementwise chains it computes
//! again. Its carries are the cotangents of the carries. What the invariants receive is in the main not summed up step
//! by step: see `total`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::compound::{Received, results_of};
use super::pull_back;
use super::total::{Slot, Total, Totals};
use crate::builder::Builder;
use crate::compound::replay;
use crate::error::GradError;
use crate::expr::Expr;
use crate::graph::{Graph, Node, Value};
use crate::op::Op;
use crate::ops::{Binary, Scan};
use crate::passes::bodies::{inputs_read, with_inputs};
use crate::types::Type;

/// What each argument of a loop receives.
pub(super) fn received<'b>(scan: &Scan, of: &Received<'b>) -> Result<Vec<Option<Expr<'b>>>, GradError> {
    let backward = Backward::new(scan, of);
    Ok(backward.emit(&backward.step()?))
}

/// One loop and what its results have received.
struct Backward<'b, 'a> {
    b: &'b Builder,
    /// One of its results.
    node: &'a Node,
    scan: &'a Scan,
    args: &'a [Expr<'b>],
    /// By output.
    given: &'a BTreeMap<usize, Expr<'b>>,
    /// For each input of the body whether a cotangent of it is asked for, now or at a step before.
    wanted: Vec<bool>,
    /// The carries that hand cotangents to the step before.
    carried: Vec<usize>,
}

/// What an input of the backward body is.
#[derive(Clone, Copy, PartialEq)]
enum Source {
    /// The cotangent of a carry.
    Carry,
    /// A sum over the steps so far.
    Sum,
    /// The slice that an output of the forward loop has received.
    Received(usize),
    /// An argument of the forward loop, as its body sees it.
    Argument(usize),
    /// A value inside the forward body, kept from then.
    Kept(Value),
}

impl<'b, 'a> Backward<'b, 'a> {
    fn new(scan: &'a Scan, of: &'a Received<'b>) -> Backward<'b, 'a> {
        let Received { args, given, wanted: asked, .. } = of;
        let body = &scan.body;
        let reach: Vec<Vec<bool>> = body.inputs.iter().map(|&input| reached(body, input)).collect();
        let mut wanted: Vec<bool> = body
            .inputs
            .iter()
            .zip(asked)
            .map(|(&input, &asked)| asked && body.ty(input).dtype.is_float())
            .collect();
        let mut receives: Vec<bool> =
            (0..body.outputs.len()).map(|output| given.contains_key(&output)).collect();
        for _ in 0..=body.state {
            for carry in 0..body.state {
                wanted[carry] = wanted[carry]
                    || (0..wanted.len()).any(|i| wanted[i] && reach[i][body.outputs[carry].index()]);
                receives[carry] = receives[carry]
                    || (0..receives.len()).any(|o| receives[o] && reach[carry][body.outputs[o].index()]);
            }
        }
        let carried = (0..body.state).filter(|&carry| wanted[carry] && receives[carry]).collect();
        Backward { b: of.b, node: &of.node, scan, args, given, wanted, carried }
    }

    /// Writes what one step of the backward loop does.
    fn step(&self) -> Result<BackwardStep, GradError> {
        let body = &*self.scan.body;
        let inside = Builder::new();
        let mut sources: Vec<Source> = Vec::new();
        let mut input = |source: Source, value: Value| {
            sources.push(source);
            inside.input("", body.ty(value).clone())
        };
        let carried: Vec<Expr<'_>> =
            self.carried.iter().map(|&carry| input(Source::Carry, body.inputs[carry])).collect();
        let stacked: Vec<usize> = self.given.keys().copied().filter(|&output| output >= body.state).collect();
        let received: Vec<Expr<'_>> =
            stacked.iter().map(|&output| input(Source::Received(output), body.outputs[output])).collect();
        let arguments: Vec<Expr<'_>> =
            (0..self.args.len()).map(|index| input(Source::Argument(index), body.inputs[index])).collect();
        let costly = costly(body, self.scan.sequence_range().end);
        let kept: Vec<Expr<'_>> = costly.iter().map(|&value| input(Source::Kept(value), value)).collect();

        let made = replay(body, &arguments, |op, args| inside.apply(op, args));
        let seeds = self.carried.iter().chain(&stacked).map(|&output| made[body.outputs[output].index()]);
        let seeds: Vec<(Expr<'_>, Expr<'_>)> = seeds.zip(carried.iter().chain(&received).copied()).collect();
        let wanted: Vec<usize> = (0..arguments.len()).filter(|&index| self.wanted[index]).collect();
        let of: Vec<Expr<'_>> = wanted.iter().map(|&index| arguments[index]).collect();
        let pulled: BTreeMap<usize, Expr<'_>> = wanted
            .into_iter()
            .zip(pull_back(&seeds, &of)?)
            .filter_map(|(index, ct)| Some((index, ct?)))
            .collect();

        let instead: BTreeMap<Value, Value> = costly
            .iter()
            .zip(&kept)
            .map(|(value, kept)| (made[value.index()].value(), kept.value()))
            .collect();
        let varying: Vec<Value> =
            (0..sources.len()).filter(|&number| self.varies(sources[number])).map(Value::new).collect();
        let mut totals = Totals::new(&inside, &instead, &varying, carried.len());
        let end = self.scan.sequence_range().end;
        let of_invariants: Vec<(usize, Total)> =
            pulled.range(end..).map(|(&index, &cotangent)| (index, totals.total(cotangent))).collect();
        let next = self.carried.iter().zip(&carried);
        let mut outputs: Vec<Expr<'_>> = next
            .map(|(carry, before)| pulled.get(carry).copied().unwrap_or_else(|| before.full_like(0.0)))
            .collect();
        let sums: Vec<Type> = totals.sums.iter().map(|term| term.ty()).collect();
        for &term in &totals.sums {
            sources.push(Source::Sum);
            outputs.push(inside.input("", term.ty()) + term);
        }
        let of_sequences: Vec<usize> = pulled.range(body.state..end).map(|(&index, _)| index).collect();
        outputs.extend(of_sequences.iter().map(|index| pulled[index]));
        outputs.extend(&totals.stacked);
        let graph = inside.finish(&outputs).expect("a well-typed body has a well-typed gradient");
        Ok(BackwardStep { graph: with_instead(graph, &instead), sources, sums, of_sequences, of_invariants })
    }

    /// True for what is another value at each step.
    fn varies(&self, source: Source) -> bool {
        match source {
            Source::Argument(index) => index < self.scan.sequence_range().end,
            Source::Carry | Source::Sum | Source::Received(_) | Source::Kept(_) => true,
        }
    }

    /// Writes the backward loop, and the forward one with the further results that it needs.
    fn emit(&self, step: &BackwardStep) -> Vec<Option<Expr<'b>>> {
        let BackwardStep { graph, sources, sums, of_sequences, of_invariants } = step;
        let all: Vec<usize> = (0..graph.outputs.len()).collect();
        let read = inputs_read(graph, &all);
        let mut for_totals: Vec<usize> = Vec::new();
        of_invariants.iter().for_each(|(_, total)| total.inputs(&mut for_totals));
        let is = |source: Source| (0..sources.len()).filter(move |&number| sources[number] == source);
        let is_plain = |number: &usize| !matches!(sources[*number], Source::Carry | Source::Sum);
        let sequences: Vec<usize> = (0..sources.len())
            .filter(|number| read[*number] && is_plain(number) && self.varies(sources[*number]))
            .collect();
        let invariants: Vec<usize> =
            (0..sources.len()).filter(|&number| read[number] && !self.varies(sources[number])).collect();
        let needed = sequences.iter().chain(&for_totals).chain(&invariants).copied();
        let outside = self.outside(needed.map(|number| (number, sources[number])));

        let state = self.carried.len() + sums.len();
        let inputs: Vec<usize> = is(Source::Carry)
            .chain(is(Source::Sum))
            .chain(sequences.iter().chain(&invariants).copied())
            .collect();
        let body = Arc::new(with_inputs(graph, &all, &inputs, state));
        let zeros = |ty: &Type| self.b.full(ty, 0.0);
        let first = |&carry: &usize| {
            self.given.get(&carry).copied().unwrap_or_else(|| self.args[carry].full_like(0.0))
        };
        let carries = self.carried.iter().map(first).chain(sums.iter().map(zeros));
        let rest = sequences.iter().chain(&invariants).map(|number| outside[number]);
        let args: Vec<Expr<'b>> = carries.chain(rest).collect();
        let (length, reverse) = (self.scan.length, !self.scan.reverse);
        let scan = Scan { body, length, reverse, sequences: sequences.len(), output: 0 };
        let result = |output: usize| self.b.apply(scan.with_output(output), &args);

        let mut answer: Vec<Option<Expr<'b>>> = vec![None; self.args.len()];
        for (output, &carry) in self.carried.iter().enumerate() {
            answer[carry] = Some(result(output));
        }
        for (place, &index) in of_sequences.iter().enumerate() {
            answer[index] = Some(result(state + place));
        }
        let sum = |place: usize| result(self.carried.len() + place);
        let stacked = |slot: Slot| match slot {
            Slot::Input(number) => outside[&number],
            Slot::Output(place) => result(state + of_sequences.len() + place),
        };
        for (index, total) in of_invariants {
            answer[*index] = Some(total.write(&sum, &stacked));
        }
        answer
    }

    /// For inputs of the backward body what they are outside: for all steps, if they vary.
    fn outside(&self, needed: impl Iterator<Item = (usize, Source)> + Clone) -> BTreeMap<usize, Expr<'b>> {
        let kept = |source: Source| match source {
            Source::Kept(value) => Some(value),
            Source::Argument(index) => self.scan.body.inputs[..self.scan.body.state].get(index).copied(),
            Source::Carry | Source::Sum | Source::Received(_) => None,
        };
        let mut body = (*self.scan.body).clone();
        let mut output_of: BTreeMap<Value, usize> =
            (body.state..body.outputs.len()).map(|output| (body.outputs[output], output)).collect();
        for value in needed.clone().filter_map(|(_, source)| kept(source)) {
            output_of.entry(value).or_insert_with(|| {
                body.outputs.push(value);
                body.outputs.len() - 1
            });
        }
        let wide = Scan { body: Arc::new(body), ..self.scan.clone() };
        if wide.body.outputs.len() > self.scan.body.outputs.len() {
            for (value, output) in results_of(self.b, self.node) {
                self.b.replace_op(value, wide.with_output(output).into());
            }
        }
        let outside = |source: Source| match (kept(source), source) {
            (Some(value), _) => self.b.apply(wide.with_output(output_of[&value]), self.args),
            (None, Source::Argument(index)) => self.args[index],
            (None, Source::Received(output)) => self.given[&output],
            (None, Source::Carry | Source::Sum | Source::Kept(_)) => {
                unreachable!("the carries of the backward loop are its own")
            }
        };
        needed.map(|(number, source)| (number, outside(source))).collect()
    }
}

/// What one step of the backward loop does.
struct BackwardStep {
    /// Its outputs: the cotangents of the carries, the sums, the cotangents of sequences, what totals are made of.
    graph: Graph,
    /// What its inputs are.
    sources: Vec<Source>,
    /// The types of the sums.
    sums: Vec<Type>,
    /// The arguments that get the cotangents of sequences.
    of_sequences: Vec<usize>,
    /// For other arguments how their cotangents come together.
    of_invariants: Vec<(usize, Total)>,
}

/// For every node whether it is a float computed from `from` by way of floats.
fn reached(body: &Graph, from: Value) -> Vec<bool> {
    let mut reached = vec![false; body.nodes.len()];
    for value in body.values() {
        let node = body.node(value);
        let by_args = node.args.iter().any(|arg| reached[arg.index()]);
        reached[value.index()] = node.ty.dtype.is_float() && (value == from || by_args);
    }
    reached
}

/// The values that are better kept than computed again, of those that are not the same at every step. The first
/// `varying` inputs are what varies.
fn costly(body: &Graph, varying: usize) -> Vec<Value> {
    let mut varies = vec![false; body.nodes.len()];
    body.inputs[..varying].iter().for_each(|input| varies[input.index()] = true);
    for value in body.values() {
        varies[value.index()] |= body.node(value).args.iter().any(|arg| varies[arg.index()]);
    }
    let is_costly = |value: &Value| {
        matches!(
            body.node(*value).op,
            Op::Dot(_)
                | Op::Reduce(_)
                | Op::Scan(_)
                | Op::Conditional(_)
                | Op::Conv(_)
                | Op::ConvInputGrad(_)
                | Op::ConvKernelGrad(_)
        )
    };
    let costly = body.values().filter(|value| varies[value.index()] && is_costly(value));
    let kept: BTreeSet<Value> = costly.map(|value| sum_of(body, value)).collect();
    kept.into_iter().collect()
}

/// The sum that a value is only there for, which takes the place of all its terms; or the value.
fn sum_of(body: &Graph, mut value: Value) -> Value {
    loop {
        let mut readers = body.values().filter(|&reader| body.node(reader).args.contains(&value));
        let (Some(reader), None) = (readers.next(), readers.next()) else { return value };
        let adds = matches!(body.node(reader).op, Op::Binary(Binary::Add | Binary::Sub));
        if !adds || body.outputs.contains(&value) {
            return value;
        }
        value = reader;
    }
}

/// The graph that reads other values in place of some.
fn with_instead(mut graph: Graph, instead: &BTreeMap<Value, Value>) -> Graph {
    let args = graph.nodes.iter_mut().flat_map(|node| &mut node.args);
    for value in args.chain(&mut graph.outputs) {
        *value = instead.get(value).copied().unwrap_or(*value);
    }
    graph
}
