//! Who reads what from memory, kept up to date while kernels change.

use std::collections::BTreeMap;

use super::super::fuse::{Group, GroupId, Groups, Source, is_elementwise};
use crate::graph::{Graph, Value};
use crate::op::Op;

/// What a kernel runs over: the space that a reduction sums over, or that of its results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Head,
    Tail,
}

impl Part {
    /// The elementwise nodes of this part.
    pub(super) fn nodes(self, group: &Group) -> &Vec<Value> {
        match self {
            Part::Head => &group.head,
            Part::Tail => &group.members,
        }
    }

    /// True if this part of a group has a source in a register.
    pub(super) fn has_at_hand(self, group: &Group, source: &Source) -> bool {
        source.is_among(self.nodes(group)) || (self == Part::Tail && group.is_result(source))
    }

    /// The list of these nodes.
    pub(super) fn nodes_mut(self, group: &mut Group) -> &mut Vec<Value> {
        match self {
            Part::Head => &mut group.head,
            Part::Tail => &mut group.members,
        }
    }
}

/// The reads of all kernels.
pub(super) struct Uses {
    /// For each value who reads it from memory, and whether each place reads its own element alone, so that it could
    /// as well be computed there.
    of: Vec<BTreeMap<(GroupId, Part), bool>>,
    /// For each group what it reads: the entries above that are its own.
    by: Vec<Vec<(Value, Part)>>,
}

impl Uses {
    pub(super) fn new(graph: &Graph, groups: &Groups) -> Uses {
        let mut uses =
            Uses { of: vec![BTreeMap::new(); graph.nodes.len()], by: vec![Vec::new(); groups.list.len()] };
        (0..groups.list.len()).for_each(|id| uses.refresh(graph, groups, id));
        uses
    }

    /// The readers of a value.
    pub(super) fn readers(&self, value: Value) -> Vec<((GroupId, Part), bool)> {
        self.of[value.index()].iter().map(|(&reader, &in_place)| (reader, in_place)).collect()
    }

    /// True if a group reads a value from memory already.
    pub(super) fn reads(&self, group: GroupId, value: Value) -> bool {
        self.of[value.index()].range((group, Part::Head)..=(group, Part::Tail)).next().is_some()
    }

    /// Looks through a group again that has changed.
    pub(super) fn refresh(&mut self, graph: &Graph, groups: &Groups, id: GroupId) {
        for (value, part) in std::mem::take(&mut self.by[id]) {
            self.of[value.index()].remove(&(id, part));
        }
        let group = &groups.list[id];
        for part in [Part::Head, Part::Tail] {
            for &node in part.nodes(group) {
                // The copy of a view computes nothing, so nothing is computed for it.
                let open = is_elementwise(&graph.node(node).op);
                for arg in &graph.node(node).args {
                    self.read(graph, groups, (id, part), *arg, open);
                }
            }
        }
        if let Some(root) = group.root {
            let (part, open) = match graph.node(root).op {
                Op::Reduce(_) => (Part::Head, true),
                _ => (Part::Tail, false),
            };
            for arg in &graph.node(root).args {
                self.read(graph, groups, (id, part), *arg, open);
            }
        }
    }

    fn read(&mut self, graph: &Graph, groups: &Groups, reader: (GroupId, Part), arg: Value, open: bool) {
        let (id, part) = reader;
        let Source { base, view } = &groups.sources[arg.index()];
        if part.has_at_hand(&groups.list[id], &groups.sources[arg.index()]) {
            return;
        }
        // The beginning of a longer value is contiguous, too.
        let in_place = open && view.is_contiguous() && view.places() == graph.ty(*base).elements();
        *self.of[base.index()].entry(reader).or_insert(true) &= in_place;
        self.by[id].push((*base, part));
    }
}
