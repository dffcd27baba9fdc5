//! Fusion: which nodes share a kernel.
//!
//! Nodes that only say where elements lie (reshape, broadcast, slice) become views and cost nothing. Every dot, reduce
//! or other heavy op roots a group of its own. Each elementwise node joins the groups that make its arguments, and so
//! merges them, wherever they range over as many elements and the groups still can be put in an order. What a
//! reduction alone reads becomes its head.

use std::collections::BTreeSet;

use super::{View, ViewDim};
use crate::compound::is_one_run;
use crate::graph::{Graph, Value};
use crate::op::Op;
use crate::ops::{Broadcast, Slice};
use crate::types::Shape;

/// The number of a group.
pub(super) type GroupId = usize;

/// No group computes more elementwise nodes than this, so that kernels stay small enough to compile and to cache.
pub(super) const LARGEST_GROUP: usize = 64;

/// The nodes of one kernel.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    /// The dot, reduce or other op the kernel is built around; `None` for a map.
    pub(super) root: Option<Value>,
    /// Elementwise nodes that a reduction reads, in order.
    pub(super) head: Vec<Value>,
    /// Elementwise nodes of the map or tail, in order; or the other results of a compound op.
    pub(super) members: Vec<Value>,
    /// Size of the iteration space of `members`.
    pub(super) elements: usize,
    /// The values that other groups or the program's outputs need: each becomes a store.
    pub(super) outputs: Vec<Value>,
    /// Groups whose values it reads.
    pub(super) needs: BTreeSet<GroupId>,
}

/// A graph divided into kernels.
#[derive(Debug)]
pub(super) struct Groups {
    /// The kernels, in no particular order.
    pub(super) list: Vec<Group>,
    /// For each node the group that computes it, if one does.
    pub(super) of: Vec<Option<GroupId>>,
    /// For each node the value in whose memory it lies, and how.
    pub(super) sources: Vec<Source>,
}

/// Where the elements of a value lie.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Source {
    /// A value that is computed or given.
    pub(super) base: Value,
    /// Which element of it belongs to each element of the value.
    pub(super) view: View,
}

/// What fusion does with a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Given from outside, a constant, or a counter: computed by no group.
    Leaf,
    /// Read through a view.
    View,
    /// Joins other groups.
    Elementwise,
    /// Starts a group that elementwise nodes may join.
    Root,
    /// A group by itself.
    Alone,
    /// A result of a compound op: a group with the other results of the same run.
    Compound,
}

fn role(op: &Op) -> Role {
    match op {
        Op::Input(_) | Op::Constant(_) | Op::Iota(_) => Role::Leaf,
        Op::Reshape(_) | Op::Broadcast(_) | Op::Slice(_) | Op::Detach(_) => Role::View,
        Op::Unary(_) | Op::Binary(_) | Op::Compare(_) | Op::Select(_) | Op::Cast(_) => Role::Elementwise,
        Op::Dot(_) | Op::Reduce(_) => Role::Root,
        Op::Conv(_) | Op::ConvInputGrad(_) | Op::ConvKernelGrad(_) => Role::Root,
        Op::Window(_) | Op::WindowSpread(_) => Role::Root,
        Op::RandomBits(_) | Op::Transpose(_) | Op::Pad(_) | Op::Concat(_) | Op::Reverse(_) => Role::Alone,
        Op::ArgReduce(_) | Op::Cumulative(_) | Op::ArgSort(_) | Op::Gather(_) | Op::Scatter(_) => Role::Alone,
        Op::DynamicSlice(_) | Op::DynamicUpdate(_) => Role::Alone,
        Op::WindowArgMax(_) => Role::Alone,
        Op::Scan(_) | Op::Conditional(_) => Role::Compound,
    }
}

/// True if an op takes its arguments from memory, as they lie there.
fn reads_whole(op: &Op) -> bool {
    match role(op) {
        Role::Root => !matches!(op, Op::Reduce(_)),
        Role::Alone | Role::Compound => true,
        Role::Leaf | Role::View | Role::Elementwise => false,
    }
}

/// True for an op that computes each element from the elements at the same place.
pub(super) fn is_elementwise(op: &Op) -> bool {
    role(op) == Role::Elementwise
}

/// Divides a graph into kernels.
pub(super) fn fuse(graph: &Graph) -> Groups {
    let mut fusion = Fusion::new(graph);
    for value in graph.values() {
        fusion.visit(value);
    }
    fusion.find_outputs();
    fusion.attach_heads();
    let Fusion { groups: list, of, sources, .. } = fusion;
    // Merging has emptied some.
    Groups { list, of, sources }.without_empty()
}

impl Group {
    /// True if a source is the result of the group's root, element by element.
    pub(super) fn is_result(&self, source: &Source) -> bool {
        self.root == Some(source.base) && source.view.is_contiguous()
    }
}

impl Source {
    /// True if it is one of these values, which are sorted, element by element.
    pub(super) fn is_among(&self, values: &[Value]) -> bool {
        self.view.is_contiguous() && values.binary_search(&self.base).is_ok()
    }
}

impl Groups {
    /// The first node, in the order of the graph, that a group computes as the only one or as the first.
    pub(super) fn first_node(&self, id: GroupId) -> Option<Value> {
        let group = &self.list[id];
        let nodes = group.head.iter().chain(&group.root).chain(&group.members);
        nodes.filter(|node| self.of[node.index()] == Some(id)).min().copied()
    }

    /// The given or computed values that a group reads from memory, each once.
    pub(super) fn reads(&self, graph: &Graph, id: GroupId) -> Vec<Value> {
        let group = &self.list[id];
        let sources = |value: &Value| graph.node(*value).args.iter().map(|arg| &self.sources[arg.index()]);
        let head = group.head.iter().flat_map(sources).filter(|source| !source.is_among(&group.head));
        // A reduction finds its operand in the head's registers; other roots have no head.
        let root = group.root.iter().flat_map(sources).filter(|source| !source.is_among(&group.head));
        let tail = group.members.iter().flat_map(sources);
        let tail = tail.filter(|source| !source.is_among(&group.members) && !group.is_result(source));
        let bases: BTreeSet<Value> = head.chain(root).chain(tail).map(|source| source.base).collect();
        bases.into_iter().collect()
    }

    /// Leaves out the groups that have lost all their nodes.
    pub(super) fn without_empty(self) -> Groups {
        let Groups { list, mut of, sources } = self;
        let is_used = |group: &Group| group.root.is_some() || !group.members.is_empty();
        let mut renamed: Vec<Option<GroupId>> = Vec::with_capacity(list.len());
        let mut used = 0;
        for group in &list {
            renamed.push(is_used(group).then_some(used));
            used += usize::from(is_used(group));
        }
        let mut list: Vec<Group> = list.into_iter().filter(is_used).collect();
        for group in &mut list {
            group.needs = group.needs.iter().filter_map(|&need| renamed[need]).collect();
        }
        of.iter_mut().for_each(|group| *group = group.and_then(|group| renamed[group]));
        Groups { list, of, sources }
    }
}

struct Fusion<'g> {
    graph: &'g Graph,
    /// Values that an op, other than a reduction, or the program's end reads whole from memory.
    in_memory: Vec<bool>,
    groups: Vec<Group>,
    of: Vec<Option<GroupId>>,
    sources: Vec<Source>,
}

impl<'g> Fusion<'g> {
    fn new(graph: &'g Graph) -> Fusion<'g> {
        let mut in_memory = vec![false; graph.nodes.len()];
        for node in &graph.nodes {
            if reads_whole(&node.op) {
                node.args.iter().for_each(|arg| in_memory[arg.index()] = true);
            }
        }
        graph.outputs.iter().for_each(|output| in_memory[output.index()] = true);
        // A reshape lies in the memory of its argument.
        for value in graph.values().rev() {
            let node = graph.node(value);
            if in_memory[value.index()] && matches!(node.op, Op::Reshape(_) | Op::Detach(_)) {
                in_memory[node.args[0].index()] = true;
            }
        }
        Fusion {
            graph,
            in_memory,
            groups: Vec::new(),
            of: vec![None; graph.nodes.len()],
            sources: Vec::new(),
        }
    }

    fn visit(&mut self, value: Value) {
        let node = self.graph.node(value);
        let elements = node.ty.elements();
        let own = Source { base: value, view: View::contiguous(elements) };
        let needed = self.in_memory[value.index()];
        let source = match role(&node.op) {
            Role::View => {
                let source = self.view(value).unwrap_or_else(|| self.view_of_copy(value));
                if !needed || (source.view.is_contiguous() && !self.is_counter(source.base)) {
                    source
                } else {
                    self.start(Group { members: vec![value], elements, ..Group::default() });
                    own
                }
            }
            Role::Leaf => {
                if needed && matches!(node.op, Op::Iota(_)) {
                    self.start(Group { members: vec![value], elements, ..Group::default() });
                }
                own
            }
            Role::Elementwise => {
                self.join(value, elements);
                own
            }
            Role::Compound if self.join_run(value) => own,
            Role::Root | Role::Alone | Role::Compound => {
                self.start(Group { root: Some(value), elements, ..Group::default() });
                own
            }
        };
        self.sources.push(source);
        if let Some(group) = self.of[value.index()] {
            let needs: Vec<GroupId> = self.groups_read(value).collect();
            self.groups[group].needs.extend(needs.into_iter().filter(|&other| other != group));
        }
    }

    /// The groups that make what a node reads.
    fn groups_read(&self, value: Value) -> impl Iterator<Item = GroupId> {
        self.graph.node(value).args.iter().filter_map(|arg| self.of[self.sources[arg.index()].base.index()])
    }

    fn start(&mut self, group: Group) {
        let id = self.groups.len();
        for &value in group.root.iter().chain(&group.members) {
            self.of[value.index()] = Some(id);
        }
        self.groups.push(group);
    }

    /// Where the elements of a reshape, broadcast or slice lie; `None` if strides cannot say it.
    fn view(&self, value: Value) -> Option<Source> {
        let arg = &self.sources[self.graph.node(value).args[0].index()];
        let outer = outer_view(self.graph, value);
        if self.is_counter(arg.base) && !outer.is_contiguous() {
            return None;
        }
        Some(Source { base: arg.base, view: outer.through(&arg.view)? })
    }

    /// True for a counter without memory: it is computed where it is read, which only its own order allows.
    fn is_counter(&self, value: Value) -> bool {
        self.of[value.index()].is_none() && matches!(self.graph.node(value).op, Op::Iota(_))
    }

    /// Gives the argument of a view memory of its own, and views that.
    fn view_of_copy(&mut self, value: Value) -> Source {
        let arg = self.graph.node(value).args[0];
        let elements = self.graph.ty(arg).elements();
        self.start(Group { members: vec![arg], elements, ..Group::default() });
        let group = self.groups.len() - 1;
        if role(&self.graph.node(arg).op) == Role::View {
            self.groups[group].needs = self.groups_read(arg).collect();
        }
        self.sources[arg.index()] = Source { base: arg, view: View::contiguous(elements) };
        Source { base: arg, view: outer_view(self.graph, value) }
    }

    /// Puts an elementwise node into the groups of its arguments, or into a new one.
    fn join(&mut self, value: Value, elements: usize) {
        let sources: Vec<Source> =
            self.graph.node(value).args.iter().map(|arg| self.sources[arg.index()].clone()).collect();
        let mut home: Option<GroupId> = None;
        for source in &sources {
            let Some(group) = self.of[source.base.index()] else { continue };
            home = match home {
                Some(home) if home == group => Some(home),
                Some(home) if self.may_merge(home, group, &sources) => Some(self.merge(home, group)),
                None if self.may_join(group, elements, &sources) => Some(group),
                other => other,
            };
        }
        match home {
            Some(home) => {
                self.groups[home].members.push(value);
                self.of[value.index()] = Some(home);
            }
            None => self.start(Group { members: vec![value], elements, ..Group::default() }),
        }
    }

    /// Puts a result of a compound op into the group of the same run's other results, if there is one. That reads the
    /// same arguments, so nothing changes in what must come before it.
    fn join_run(&mut self, value: Value) -> bool {
        let is_other = |other: &Value| is_one_run(self.graph.node(value), self.graph.node(*other));
        let Some(group) = self.groups.iter().position(|group| group.root.as_ref().is_some_and(is_other))
        else {
            return false;
        };
        self.groups[group].members.push(value);
        self.of[value.index()] = Some(group);
        true
    }

    /// True if a node that reads `sources` at `elements` places may be computed in a group.
    fn may_join(&self, group: GroupId, elements: usize, sources: &[Source]) -> bool {
        let Group { root, members, elements: own, .. } = &self.groups[group];
        let open = root.is_none_or(|root| role(&self.graph.node(root).op) == Role::Root);
        open && *own == elements && members.len() < LARGEST_GROUP && self.reads_allow(&[group], sources)
    }

    /// True if two groups may become one that also computes a node reading `sources`.
    fn may_merge(&self, a: GroupId, b: GroupId, sources: &[Source]) -> bool {
        let (first, second) = (&self.groups[a], &self.groups[b]);
        self.may_join(b, first.elements, sources)
            && (first.root.is_none() || second.root.is_none())
            && first.members.len() + second.members.len() < LARGEST_GROUP
            && self.reads_allow(&[a, b], sources)
            && self.members_read_each_other_in_place(a, b)
            && !self.reaches_around(a, b)
            && !self.reaches_around(b, a)
    }

    /// True if what is read can be had while `groups` run as one: their own values only element by element, others
    /// only from groups that need none of them.
    fn reads_allow(&self, groups: &[GroupId], sources: &[Source]) -> bool {
        sources.iter().all(|source| match self.of[source.base.index()] {
            None => true,
            Some(of) if groups.contains(&of) => source.view.is_contiguous(),
            Some(of) => groups.iter().all(|&group| !self.reaches(of, group)),
        })
    }

    /// True if the members of two groups read each other's values only element by element.
    fn members_read_each_other_in_place(&self, a: GroupId, b: GroupId) -> bool {
        let in_place = |reader: &Group, other: GroupId| {
            let root_reads =
                reader.root.iter().flat_map(|&root| self.groups_read(root)).any(|of| of == other);
            let args = reader.members.iter().flat_map(|&member| &self.graph.node(member).args);
            !root_reads
                && args
                    .into_iter()
                    .map(|arg| &self.sources[arg.index()])
                    .all(|source| self.of[source.base.index()] != Some(other) || source.view.is_contiguous())
        };
        in_place(&self.groups[a], b) && in_place(&self.groups[b], a)
    }

    /// True if `from` needs `to`, by whatever way.
    fn reaches(&self, from: GroupId, to: GroupId) -> bool {
        self.search(self.groups[from].needs.iter().copied().collect(), to)
    }

    /// True if `from` needs `to` by way of a third group.
    fn reaches_around(&self, from: GroupId, to: GroupId) -> bool {
        self.search(self.groups[from].needs.iter().copied().filter(|&need| need != to).collect(), to)
    }

    fn search(&self, mut open: Vec<GroupId>, to: GroupId) -> bool {
        let mut seen = vec![false; self.groups.len()];
        while let Some(group) = open.pop() {
            if group == to {
                return true;
            }
            if !std::mem::replace(&mut seen[group], true) {
                open.extend(&self.groups[group].needs);
            }
        }
        false
    }

    /// Moves everything of `b` into `a`. What is left of `b` is empty.
    fn merge(&mut self, a: GroupId, b: GroupId) -> GroupId {
        let gone = std::mem::take(&mut self.groups[b]);
        for &value in gone.root.iter().chain(&gone.members) {
            self.of[value.index()] = Some(a);
        }
        let group = &mut self.groups[a];
        group.root = group.root.or(gone.root);
        group.members.extend(gone.members);
        group.members.sort_unstable();
        group.needs.extend(gone.needs);
        for group in &mut self.groups {
            if group.needs.remove(&b) {
                group.needs.insert(a);
            }
        }
        self.groups[a].needs.remove(&a);
        a
    }

    /// Lists for each group the values that something outside it reads.
    fn find_outputs(&mut self) {
        let mut read_outside: BTreeSet<Value> = BTreeSet::new();
        for value in self.graph.values() {
            let Some(reader) = self.of[value.index()] else { continue };
            let is_root = self.groups[reader].root == Some(value);
            for arg in &self.graph.node(value).args {
                let base = self.sources[arg.index()].base;
                if self.of[base.index()] != Some(reader) || is_root {
                    read_outside.insert(base);
                }
            }
        }
        read_outside.extend(self.graph.outputs.iter().map(|output| self.sources[output.index()].base));
        for value in read_outside {
            if let Some(group) = self.of[value.index()] {
                self.groups[group].outputs.push(value);
            }
        }
    }

    /// Turns a map whose only result is read by one reduction, and by nothing else, into its head.
    fn attach_heads(&mut self) {
        let mut readers = vec![0usize; self.graph.nodes.len()];
        for value in self.graph.values().filter(|value| self.of[value.index()].is_some()) {
            for arg in &self.graph.node(value).args {
                readers[self.sources[arg.index()].base.index()] += 1;
            }
        }
        for output in &self.graph.outputs {
            readers[self.sources[output.index()].base.index()] += 1;
        }
        for id in 0..self.groups.len() {
            if let Some(map) = self.head_of(id, &readers) {
                let gone = std::mem::take(&mut self.groups[map]);
                gone.members.iter().for_each(|member| self.of[member.index()] = Some(id));
                let group = &mut self.groups[id];
                group.needs.remove(&map);
                group.needs.extend(gone.needs);
                group.head = gone.members;
            }
        }
    }

    /// The map that could be the head of a group.
    fn head_of(&self, id: GroupId, readers: &[usize]) -> Option<GroupId> {
        let root = self.groups[id].root?;
        let node = self.graph.node(root);
        if !matches!(node.op, Op::Reduce(_)) {
            return None;
        }
        let Source { base, view } = &self.sources[node.args[0].index()];
        let map = self.of[base.index()].filter(|&map| map != id)?;
        let group = &self.groups[map];
        let alone = group.root.is_none() && group.outputs == [*base] && readers[base.index()] == 1;
        (alone && view.is_contiguous() && group.elements == self.graph.ty(node.args[0]).elements())
            .then_some(map)
    }
}

/// Which element of its argument belongs to each element of a reshape, broadcast or slice.
pub(super) fn outer_view(graph: &Graph, value: Value) -> View {
    let node = graph.node(value);
    let from = &graph.ty(node.args[0]).shape;
    match &node.op {
        Op::Broadcast(broadcast) => broadcast_view(broadcast, from),
        Op::Slice(slice) => slice_view(slice, &node.ty.shape, from),
        _ => View::contiguous(node.ty.elements()),
    }
}

fn broadcast_view(broadcast: &Broadcast, from: &Shape) -> View {
    let strides = from.strides();
    View::new(
        0,
        broadcast.shape.iter().enumerate().map(|(axis, &size)| {
            let source = broadcast.axes.iter().position(|&to| to == axis);
            ViewDim { size, stride: source.map_or(0, |source| strides[source]) }
        }),
    )
}

fn slice_view(slice: &Slice, shape: &Shape, from: &Shape) -> View {
    let strides = from.strides();
    let offset = slice.start.iter().zip(&strides).map(|(start, stride)| start * stride).sum();
    let dims =
        (0..shape.rank()).map(|axis| ViewDim { size: shape[axis], stride: slice.step[axis] * strides[axis] });
    View::new(offset, dims)
}
