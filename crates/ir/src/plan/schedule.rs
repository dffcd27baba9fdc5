//! Schedule: the order of the kernels, chosen to keep memory low.

use super::fuse::{GroupId, Groups};
use crate::graph::{Graph, Value};
use crate::op::Op;

/// An order in which every group comes after those it needs.
///
/// Of the groups that are ready, one that frees at least as much memory as it takes goes first, else the one whose
/// nodes come first in the graph. A group that makes the next value of some state waits, where it can, for all that
/// still read the old one: then it may write in place.
pub(super) fn schedule(graph: &Graph, groups: &Groups) -> Vec<GroupId> {
    Scheduler::new(graph, groups).run()
}

struct Scheduler<'a> {
    graph: &'a Graph,
    groups: &'a Groups,
    /// For each group those that must run before it.
    before: Vec<Vec<GroupId>>,
    /// For each group the values it reads that some group makes.
    reads: Vec<Vec<Value>>,
    /// For each node how many groups still have to read it; outputs are read for ever.
    readers: Vec<usize>,
}

impl<'a> Scheduler<'a> {
    fn new(graph: &'a Graph, groups: &'a Groups) -> Scheduler<'a> {
        let reads: Vec<Vec<Value>> = (0..groups.list.len()).map(|id| groups.reads(graph, id)).collect();
        let mut readers = vec![0; graph.nodes.len()];
        reads.iter().flatten().for_each(|value| readers[value.index()] += 1);
        graph.outputs.iter().for_each(|output| readers[groups.sources[output.index()].base.index()] += 1);
        let before = groups.list.iter().map(|group| group.needs.iter().copied().collect()).collect();
        let mut scheduler = Scheduler { graph, groups, before, reads, readers };
        scheduler.writers_of_state_wait();
        scheduler
    }

    /// Lets the group that makes the next value of state `i` wait for the readers of state `i`.
    fn writers_of_state_wait(&mut self) {
        for index in 0..self.graph.state {
            let state = self.graph.inputs[index];
            let next = self.groups.sources[self.graph.outputs[index].index()].base;
            let Some(writer) = self.groups.of[next.index()] else { continue };
            for reader in 0..self.reads.len() {
                let must_wait = reader != writer && self.reads[reader].contains(&state);
                if must_wait && !self.comes_before(writer, reader) {
                    self.before[writer].push(reader);
                }
            }
        }
    }

    fn comes_before(&self, first: GroupId, second: GroupId) -> bool {
        let mut seen = vec![false; self.before.len()];
        let mut open = vec![second];
        while let Some(group) = open.pop() {
            if group == first {
                return true;
            }
            if !std::mem::replace(&mut seen[group], true) {
                open.extend(&self.before[group]);
            }
        }
        false
    }

    fn run(mut self) -> Vec<GroupId> {
        let count = self.before.len();
        let mut waiting: Vec<usize> = self.before.iter().map(Vec::len).collect();
        let mut after: Vec<Vec<GroupId>> = vec![Vec::new(); count];
        for (group, before) in self.before.iter().enumerate() {
            before.iter().for_each(|&first| after[first].push(group));
        }
        let mut ready: Vec<GroupId> = (0..count).filter(|&group| waiting[group] == 0).collect();
        let mut order = Vec::with_capacity(count);
        while let Some(place) = self.best(&ready) {
            let group = ready.swap_remove(place);
            self.reads[group].iter().for_each(|value| self.readers[value.index()] -= 1);
            order.push(group);
            for &next in &after[group] {
                waiting[next] -= 1;
                if waiting[next] == 0 {
                    ready.push(next);
                }
            }
        }
        assert_eq!(order.len(), count, "fusion leaves groups that can be put in an order");
        order
    }

    fn best(&self, ready: &[GroupId]) -> Option<usize> {
        (0..ready.len()).min_by_key(|&place| {
            let group = ready[place];
            (self.growth(group) > 0, self.groups.first_node(group))
        })
    }

    /// Bytes of memory that running a group takes, less the bytes that nobody needs after it.
    fn growth(&self, id: GroupId) -> i64 {
        let bytes = |value: &Value| self.graph.ty(*value).bytes() as i64;
        let is_scratch =
            |value: &&Value| !matches!(self.graph.node(**value).op, Op::Input(_) | Op::Constant(_));
        let freed = self.reads[id].iter().filter(is_scratch).filter(|value| self.readers[value.index()] == 1);
        self.groups.list[id].outputs.iter().map(bytes).sum::<i64>() - freed.map(bytes).sum::<i64>()
    }
}
