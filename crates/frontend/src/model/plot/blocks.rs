//! Blocks: where the vertices of each rank stand, with chains of them straight.
//!
//! As Brandes and Köpf (2002) do, vertices that should stand above each other become one block, which has one
//! coordinate. Blocks are pushed to one side, then to the other; the middle of both keeps all distances, and from
//! there each moves towards its neighbours as far as it may.

use super::order::{Ranks, crosses};

/// Space between neighbours of a rank; less beside the joint of an arrow.
const GAP: f64 = 36.0;
const GAP_OF_JOINT: f64 = 22.0;
/// How often each block moves towards its neighbours.
const ROUNDS: usize = 200;

/// The middles of all vertices, given their widths.
pub(super) fn middles(ranks: &Ranks, widths: &[f64]) -> Vec<f64> {
    let block = blocks(ranks);
    let apart = distances(ranks, widths, &block);
    let count = block.iter().max().map_or(0, |last| last + 1);
    let mut middle = balanced(count, &apart);
    let links: Vec<(usize, usize)> = (0..block.len())
        .flat_map(|from| ranks.down[from].iter().map(move |&to| (from, to)))
        .map(|(from, to)| (block[from], block[to]))
        .filter(|(from, to)| from != to)
        .collect();
    let mut near = vec![Vec::new(); count];
    links.iter().for_each(|&(a, b)| {
        near[a].push(b);
        near[b].push(a);
    });
    for _ in 0..ROUNDS {
        for this in (0..count).filter(|&this| !near[this].is_empty()) {
            let wanted = near[this].iter().map(|&other| middle[other]).sum::<f64>() / near[this].len() as f64;
            let of = |end: fn(&Distance) -> usize| apart.iter().filter(move |distance| end(distance) == this);
            let low =
                of(|distance| distance.right).map(|d| middle[d.left] + d.least).fold(f64::MIN, f64::max);
            let high =
                of(|distance| distance.left).map(|d| middle[d.right] - d.least).fold(f64::MAX, f64::min);
            middle[this] = wanted.min(high).max(low);
        }
    }
    block.iter().map(|&block| middle[block]).collect()
}

/// The block of each vertex.
fn blocks(ranks: &Ranks) -> Vec<usize> {
    let count = ranks.rank.len();
    let mut candidates: Vec<(usize, usize, usize)> = (0..count)
        .flat_map(|from| ranks.down[from].iter().map(move |&to| (from, to)))
        .filter_map(|(from, to)| Some((urgency(ranks, from, to)?, from, to)))
        .collect();
    candidates.sort();
    let mut below: Vec<Option<usize>> = vec![None; count];
    let mut above: Vec<Option<usize>> = vec![None; count];
    for (_, from, to) in candidates {
        let link = (ranks.place[from], ranks.place[to]);
        let is_free = ranks.ranks[ranks.rank[from]].iter().all(|&other| {
            below[other].is_none_or(|under| !crosses(link, (ranks.place[other], ranks.place[under])))
        });
        if is_free && below[from].is_none() && above[to].is_none() {
            below[from] = Some(to);
            above[to] = Some(from);
        }
    }
    let mut block = vec![0; count];
    let tops = (0..count).filter(|&vertex| above[vertex].is_none());
    for (number, top) in tops.enumerate() {
        let mut vertex = Some(top);
        while let Some(this) = vertex {
            block[this] = number;
            vertex = below[this];
        }
    }
    block
}

/// How much two linked vertices should stand above each other: inside an arrow first, then box under box where that is
/// the middle of all, then an arrow at its ends.
fn urgency(ranks: &Ranks, from: usize, to: usize) -> Option<usize> {
    let is_box = |vertex: usize| vertex < ranks.boxes;
    match (is_box(from), is_box(to)) {
        (false, false) => Some(0),
        (true, true) => {
            let is_middle = |near: &[usize], this: usize| {
                let mut boxes: Vec<usize> = near.iter().copied().filter(|&other| is_box(other)).collect();
                boxes.sort_by_key(|&other| ranks.place[other]);
                boxes.len() % 2 == 1 && boxes[boxes.len() / 2] == this
            };
            (is_middle(&ranks.down[from], to) && is_middle(&ranks.up[to], from)).then_some(1)
        }
        (true, false) => (ranks.down[from].len() == 1).then_some(2),
        (false, true) => (ranks.up[to].len() == 1).then_some(2),
    }
}

/// Two blocks of which one stands to the left of the other, and the least distance of their middles.
struct Distance {
    left: usize,
    right: usize,
    least: f64,
}

fn distances(ranks: &Ranks, widths: &[f64], block: &[usize]) -> Vec<Distance> {
    let pairs = ranks.ranks.iter().flat_map(|rank| rank.windows(2));
    let distance = |pair: &[usize]| {
        let (left, right) = (pair[0], pair[1]);
        let gap = if left.max(right) < ranks.boxes { GAP } else { GAP_OF_JOINT };
        let least = (widths[left] + widths[right]) / 2.0 + gap;
        Distance { left: block[left], right: block[right], least }
    };
    pairs.map(distance).collect()
}

/// The middle between all blocks as far left as may be and as far right. Arrows inside blocks do not cross, so no
/// block is left of itself and both loops end.
fn balanced(count: usize, apart: &[Distance]) -> Vec<f64> {
    let mut left = vec![0.0f64; count];
    until_settled(|| {
        apart.iter().fold(false, |moved, distance| {
            let least = left[distance.left] + distance.least;
            let moves = left[distance.right] < least;
            left[distance.right] = left[distance.right].max(least);
            moved | moves
        })
    });
    let mut right = vec![left.iter().copied().fold(0.0, f64::max); count];
    until_settled(|| {
        apart.iter().fold(false, |moved, distance| {
            let most = right[distance.right] - distance.least;
            let moves = right[distance.left] > most;
            right[distance.left] = right[distance.left].min(most);
            moved | moves
        })
    });
    left.iter().zip(&right).map(|(left, right)| (left + right) / 2.0).collect()
}

fn until_settled(mut step: impl FnMut() -> bool) {
    while step() {}
}
