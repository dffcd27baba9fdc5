//! Recomputation: elementwise values that kernels compute again where they read them, in place of storing them.
//!
//! Fusion computes every value once. A backward pass then reads from memory what the forward pass has stored for it
//! alone: in a normalization the distance from the mean, its square and the normalized value, all as large as the
//! input. Computing them again from the input takes a few instructions, while a kernel that is bound by memory takes as
//! long as the bytes it moves.
//!
//! Values are gone through from the last to the first. Each may be replaced by what it is computed from: a chain so
//! ends at what lies in memory anyway. The instructions are the same, so the bits are, too. Products, reductions and
//! all other ops are never run twice.

mod price;
mod uses;

use price::price;
use uses::{Part, Uses};

use super::fuse::{GroupId, Groups, LARGEST_GROUP, is_elementwise};
use crate::graph::{Graph, Value};
use crate::op::Op;

/// No value is computed again by more instructions than this.
const LONGEST_PROGRAM: usize = 24;

/// Lets kernels compute again what that is cheaper for than to store it.
pub(super) fn recompute(graph: &Graph, groups: Groups) -> Groups {
    let mut is_output = vec![false; graph.nodes.len()];
    for output in &graph.outputs {
        is_output[groups.sources[output.index()].base.index()] = true;
    }
    let mut is_stored = vec![false; graph.nodes.len()];
    groups.list.iter().flat_map(|group| &group.outputs).for_each(|value| is_stored[value.index()] = true);
    let uses = Uses::new(graph, &groups);
    let mut recomputing = Recomputing { graph, groups, uses, is_output, is_stored };
    for value in graph.values().rev() {
        recomputing.visit(value);
    }
    recomputing.finish()
}

struct Recomputing<'g> {
    graph: &'g Graph,
    groups: Groups,
    uses: Uses,
    /// True for values that outputs of the program are, or lie in.
    is_output: Vec<bool>,
    /// True for values that a kernel stores.
    is_stored: Vec<bool>,
}

/// A way to compute a value again.
struct Way {
    /// Who does it.
    group: GroupId,
    part: Part,
    /// The nodes to compute, the value itself among them.
    nodes: Vec<Value>,
    /// What it costs: bytes that the kernel did not read before, and instructions at the price of bytes.
    cost: u64,
}

impl Recomputing<'_> {
    /// Decides where a value is computed again.
    fn visit(&mut self, value: Value) {
        if !self.is_stored[value.index()] || !is_elementwise(&self.graph.node(value).op) {
            return;
        }
        let bytes = self.bytes(value);
        let readers = self.uses.readers(value);
        let ways: Vec<Way> = readers
            .iter()
            .filter(|&&(_, in_place)| in_place)
            .filter_map(|&((group, part), _)| self.way(value, group, part))
            .collect();
        let cost: u64 = ways.iter().map(|way| way.cost).sum();
        // A line of memory that is written is fetched first.
        let saved = bytes * (2 + readers.len() as u64);
        let is_unneeded = !self.is_output[value.index()] && ways.len() == readers.len();
        if is_unneeded && cost < saved {
            ways.into_iter().for_each(|way| self.follow(way));
            self.forget(value);
        } else {
            ways.into_iter().filter(|way| way.cost < bytes).for_each(|way| self.follow(way));
        }
    }

    /// How part of a group could compute a value that it reads now; `None` if it cannot, or only at great length.
    fn way(&self, value: Value, group: GroupId, part: Part) -> Option<Way> {
        let home = self.groups.of[value.index()]?;
        let mut way = Way { group, part, nodes: vec![value], cost: 0 };
        let mut leaves: Vec<Value> = Vec::new();
        let mut next = 0;
        while let Some(&node) = way.nodes.get(next) {
            next += 1;
            for &arg in &self.graph.node(node).args {
                match self.origin(arg, home, group, part)? {
                    Origin::AtHand => {}
                    Origin::Computed(value) if way.nodes.contains(&value) => {}
                    Origin::Computed(value) => way.nodes.push(value),
                    Origin::Memory(value) if leaves.contains(&value) => {}
                    Origin::Memory(value) => leaves.push(value),
                }
            }
            if way.nodes.len() > LONGEST_PROGRAM {
                return None;
            }
        }
        let present = &self.groups.list[group];
        if present.head.len() + present.members.len() + way.nodes.len() > LARGEST_GROUP {
            return None;
        }
        let places = self.graph.ty(value).elements() as u64;
        let instructions: u64 = way.nodes.iter().map(|&node| self.price(node)).sum();
        way.cost =
            instructions * places + leaves.iter().map(|&leaf| self.price_of_reading(leaf)).sum::<u64>();
        Some(way)
    }

    /// Where part of a group finds an argument of a node that group `home` computes now; `None` if nowhere.
    fn origin(&self, arg: Value, home: GroupId, group: GroupId, part: Part) -> Option<Origin> {
        let source = &self.groups.sources[arg.index()];
        let base = source.base;
        if part.has_at_hand(&self.groups.list[group], source) || self.uses.reads(group, base) {
            return Some(Origin::AtHand);
        }
        match (&self.graph.node(base).op, self.groups.of[base.index()]) {
            (Op::Constant(_), _) if self.graph.ty(base).elements() == 1 => Some(Origin::AtHand),
            (Op::Iota(_), None) => Some(Origin::AtHand),
            (_, None) => Some(Origin::Memory(base)),
            _ if self.is_stored[base.index()] => Some(Origin::Memory(base)),
            (op, Some(of)) if of == home && is_elementwise(op) => Some(Origin::Computed(base)),
            _ => None,
        }
    }

    fn price(&self, node: Value) -> u64 {
        price(&self.graph.node(node).op, self.graph.ty(node).dtype)
    }

    fn price_of_reading(&self, leaf: Value) -> u64 {
        // State that is read late has to be copied before it is overwritten.
        let is_state = self.graph.inputs[..self.graph.state].contains(&leaf);
        if is_state { 3 * self.bytes(leaf) } else { self.bytes(leaf) }
    }

    fn bytes(&self, value: Value) -> u64 {
        self.graph.ty(value).bytes() as u64
    }

    /// Puts the nodes of a way into its group.
    fn follow(&mut self, way: Way) {
        let nodes = way.part.nodes_mut(&mut self.groups.list[way.group]);
        nodes.extend(way.nodes);
        nodes.sort_unstable();
        nodes.dedup();
        self.uses.refresh(self.graph, &self.groups, way.group);
    }

    /// Stores a value no more, and no more computes what only it needed.
    fn forget(&mut self, value: Value) {
        self.is_stored[value.index()] = false;
        let Some(home) = self.groups.of[value.index()] else { return };
        self.groups.list[home].outputs.retain(|&output| output != value);
        let members = &self.groups.list[home].members;
        let mut needed: Vec<Value> = self.groups.list[home].outputs.clone();
        let mut kept: Vec<Value> = Vec::new();
        for &member in members.iter().rev() {
            if needed.contains(&member) {
                let args = self.graph.node(member).args.iter();
                needed.extend(args.map(|arg| self.groups.sources[arg.index()].base));
                kept.push(member);
            }
        }
        kept.reverse();
        self.groups.list[home].members = kept;
        self.uses.refresh(self.graph, &self.groups, home);
    }

    /// Says anew which kernels need which, and leaves out those that have nothing left to do.
    fn finish(self) -> Groups {
        let mut groups = self.groups;
        for id in 0..groups.list.len() {
            let reads = groups.reads(self.graph, id);
            groups.list[id].needs =
                reads.iter().filter_map(|read| groups.of[read.index()]).filter(|&of| of != id).collect();
        }
        groups.without_empty()
    }
}

/// Where an argument comes from.
enum Origin {
    /// The kernel has it in a register, or reads it anyway, or it is a number in the program.
    AtHand,
    /// It must be computed, too.
    Computed(Value),
    /// It must be read.
    Memory(Value),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Backend, Buffer};
    use crate::passes::optimize;
    use crate::plan::{Plan, fuse, memory, plan, schedule};
    use crate::tensor::Tensor;
    use crate::testing::{Reference, gradient_graph, random_graph, random_inputs};

    /// The plan in which every value is computed once.
    fn stored(graph: &Graph) -> Plan {
        let groups = fuse::fuse(graph);
        let order = schedule::schedule(graph, &groups);
        memory::place(graph, &groups, &order)
    }

    /// What a plan gives, as the bits of its results.
    fn results(plan: &Plan, inputs: &[Tensor]) -> Vec<Vec<u64>> {
        let upload = |tensor: &Tensor| Reference.upload(tensor).expect("room");
        let (state, inputs) = inputs.split_at(plan.state);
        let mut state: Vec<Buffer> = state.iter().map(upload).collect();
        let inputs: Vec<Buffer> = inputs.iter().map(upload).collect();
        let outputs = plan.outputs[plan.state..].iter();
        let mut outputs: Vec<Buffer> = outputs.map(|ty| Reference.allocate(ty).expect("room")).collect();
        let mut executable = Reference.compile(plan).expect("a plan");
        executable.run(&mut state, &inputs.iter().collect::<Vec<_>>(), &mut outputs).expect("a run");
        let bits = |buffer: &Buffer| Reference.download(buffer).expect("a result").bits().collect();
        state.iter().chain(&outputs).map(bits).collect()
    }

    #[test]
    fn results_are_the_same_bits_as_without_and_fewer_bytes_move() {
        let (mut changed, mut before, mut after) = (0, 0, 0);
        for seed in 0..400 {
            let Ok(Some(graph)) = gradient_graph(&random_graph(seed)) else { continue };
            let graph = optimize(&graph);
            let inputs = random_inputs(&graph, None, seed);
            let (stored, recomputed) = (stored(&graph), plan(&graph));
            assert_eq!(results(&recomputed, &inputs), results(&stored, &inputs), "seed {seed}\n{recomputed}");
            changed += usize::from(stored != recomputed);
            before += stored.cost().bytes_moved;
            after += recomputed.cost().bytes_moved;
        }
        assert!(
            changed > 20 && after < before,
            "{changed} plans changed, {after} bytes in place of {before}"
        );
    }
}
