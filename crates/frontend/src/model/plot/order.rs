//! Order: which rank each box stands in and the order within a rank, so that few arrows cross.
//!
//! Ranks are longest paths from a source. An arrow over several ranks is cut by a joint in each rank between, so that
//! all links lead to the next rank. Each rank is then sorted by the mean place of its neighbours, down and up in turn
//! (Sugiyama, Tagawa and Toda, 1981).

/// Boxes and joints in ranks. Vertices below `boxes` are boxes, the rest joints.
pub(super) struct Ranks {
    pub(super) boxes: usize,
    /// The vertices of each rank in order.
    pub(super) ranks: Vec<Vec<usize>>,
    /// The rank of each vertex.
    pub(super) rank: Vec<usize>,
    /// The place of each vertex in its rank.
    pub(super) place: Vec<usize>,
    /// For each arrow the vertices it passes, from the lower rank number to the higher.
    pub(super) chains: Vec<Vec<usize>>,
    /// Neighbours in the next rank and in the one before.
    pub(super) down: Vec<Vec<usize>>,
    pub(super) up: Vec<Vec<usize>>,
}

/// How often the ranks are sorted.
const SWEEPS: usize = 24;

impl Ranks {
    /// Of arrows between different boxes.
    pub(super) fn new(boxes: usize, arrows: &[(usize, usize)]) -> Ranks {
        let rank = ranks(boxes, &forwards(boxes, arrows));
        let mut ranks = Ranks {
            boxes,
            ranks: vec![Vec::new(); rank.iter().max().map_or(0, |last| last + 1)],
            place: vec![0; boxes],
            chains: Vec::new(),
            down: vec![Vec::new(); boxes],
            up: vec![Vec::new(); boxes],
            rank,
        };
        for &(from, to) in arrows {
            let chain = ranks.chain(from, to);
            ranks.chains.push(chain);
        }
        ranks.put_in_order();
        ranks
    }

    /// The vertices of an arrow, new joints among them.
    fn chain(&mut self, from: usize, to: usize) -> Vec<usize> {
        let (first, last) = if self.rank[from] < self.rank[to] { (from, to) } else { (to, from) };
        let mut chain = vec![first];
        for rank in self.rank[first] + 1..self.rank[last] {
            chain.push(self.rank.len());
            self.rank.push(rank);
            self.place.push(0);
            self.down.push(Vec::new());
            self.up.push(Vec::new());
        }
        chain.push(last);
        for pair in chain.windows(2) {
            self.down[pair[0]].push(pair[1]);
            self.up[pair[1]].push(pair[0]);
        }
        chain
    }

    fn put_in_order(&mut self) {
        let mut seen = vec![false; self.rank.len()];
        for vertex in 0..self.boxes {
            if self.up[vertex].is_empty() {
                self.visit(vertex, &mut seen);
            }
        }
        self.number();
        let mut best = (self.crossings(), self.ranks.clone());
        for sweep in 0..SWEEPS {
            if best.0 == 0 {
                break;
            }
            self.sort_ranks(sweep % 2 == 0);
            let crossings = self.crossings();
            if crossings < best.0 {
                best = (crossings, self.ranks.clone());
            }
        }
        self.ranks = best.1;
        self.number();
    }

    /// First order: depth first, so that what belongs together stands together.
    fn visit(&mut self, start: usize, seen: &mut [bool]) {
        let mut stack = vec![start];
        while let Some(vertex) = stack.pop() {
            if std::mem::replace(&mut seen[vertex], true) {
                continue;
            }
            self.ranks[self.rank[vertex]].push(vertex);
            stack.extend(self.down[vertex].iter().rev());
        }
    }

    fn number(&mut self) {
        for rank in &self.ranks {
            rank.iter().enumerate().for_each(|(place, &vertex)| self.place[vertex] = place);
        }
    }

    fn sort_ranks(&mut self, downwards: bool) {
        for step in 0..self.ranks.len() {
            let number = if downwards { step } else { self.ranks.len() - 1 - step };
            let neighbours = if downwards { &self.up } else { &self.down };
            let mean = |&vertex: &usize| {
                let near = &neighbours[vertex];
                let sum: usize = near.iter().map(|&other| self.place[other]).sum();
                if near.is_empty() { self.place[vertex] as f64 } else { sum as f64 / near.len() as f64 }
            };
            let mut rank = std::mem::take(&mut self.ranks[number]);
            rank.sort_by(|a, b| mean(a).total_cmp(&mean(b)));
            rank.iter().enumerate().for_each(|(place, &vertex)| self.place[vertex] = place);
            self.ranks[number] = rank;
        }
    }

    fn crossings(&self) -> usize {
        let of_rank = |rank: &Vec<usize>| {
            let link = |&from: &usize| self.down[from].iter().map(move |&to| (from, to));
            let ends: Vec<(usize, usize)> =
                rank.iter().flat_map(link).map(|(from, to)| (self.place[from], self.place[to])).collect();
            let pairs =
                ends.iter().enumerate().flat_map(|(index, a)| ends[..index].iter().map(move |b| (a, b)));
            pairs.filter(|(a, b)| crosses(**a, **b)).count()
        };
        self.ranks.iter().map(of_rank).sum()
    }
}

/// True if two links between the same ranks cross.
pub(super) fn crosses(a: (usize, usize), b: (usize, usize)) -> bool {
    (a.0 < b.0 && a.1 > b.1) || (a.0 > b.0 && a.1 < b.1)
}

/// The arrows, with those turned around that would close a circle: two shared layers may take turns.
fn forwards(boxes: usize, arrows: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut kept: Vec<(usize, usize)> = Vec::with_capacity(arrows.len());
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); boxes];
    for &(from, to) in arrows {
        let (from, to) = if reaches(&next, to, from) { (to, from) } else { (from, to) };
        next[from].push(to);
        kept.push((from, to));
    }
    kept
}

fn reaches(next: &[Vec<usize>], start: usize, goal: usize) -> bool {
    let mut seen = vec![false; next.len()];
    let mut stack = vec![start];
    while let Some(vertex) = stack.pop() {
        if vertex == goal {
            return true;
        }
        if !std::mem::replace(&mut seen[vertex], true) {
            stack.extend(&next[vertex]);
        }
    }
    false
}

/// Longest paths from the sources; a source then moves down to where it is first needed.
fn ranks(boxes: usize, arrows: &[(usize, usize)]) -> Vec<usize> {
    let mut rank = vec![0; boxes];
    let mut changed = true;
    while changed {
        changed = false;
        for &(from, to) in arrows {
            if rank[to] <= rank[from] {
                rank[to] = rank[from] + 1;
                changed = true;
            }
        }
    }
    for vertex in 0..boxes {
        let first = arrows.iter().filter(|(from, _)| *from == vertex).map(|&(_, to)| rank[to]).min();
        if let Some(first) = first.filter(|_| arrows.iter().all(|&(_, to)| to != vertex)) {
            rank[vertex] = first - 1;
        }
    }
    rank
}
