//! Layout: where boxes stand and arrows run.
//!
//! Distances are measured along the arrows and across them, so one layout serves both directions. Each rank is a band
//! that holds its boxes; arrows run straight through bands and bend between them, so none crosses a box.

use super::blocks;
use super::order::Ranks;

/// Space between two ranks, in which arrows bend.
const BETWEEN: f64 = 42.0;
/// The width that an arrow takes beside boxes.
const JOINT: f64 = 2.0;

/// How much room a box takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) along: f64,
    pub(super) across: f64,
}

/// Where the start of a box is: its corner.
#[derive(Clone, Copy, Debug)]
pub(super) struct Corner {
    pub(super) along: f64,
    pub(super) across: f64,
}

/// A straight part of an arrow, which runs along.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) across: f64,
    pub(super) from: f64,
    pub(super) to: f64,
}

/// The whole picture. Arrows from a box to itself have no runs.
pub(super) struct Layout {
    pub(super) corners: Vec<Corner>,
    pub(super) routes: Vec<Vec<Run>>,
    pub(super) size: Size,
}

impl Layout {
    pub(super) fn new(sizes: &[Size], arrows: &[(usize, usize)]) -> Layout {
        let between: Vec<(usize, usize)> = arrows.iter().copied().filter(|(from, to)| from != to).collect();
        let ranks = Ranks::new(sizes.len(), &between);
        let width = |vertex: usize| sizes.get(vertex).map_or(JOINT, |size| size.across);
        let widths: Vec<f64> = (0..ranks.rank.len()).map(width).collect();
        let mut middles = blocks::middles(&ranks, &widths);
        let edges =
            |sign: f64| middles.iter().zip(&widths).map(move |(middle, width)| middle + sign * width / 2.0);
        let start = edges(-1.0).reduce(f64::min).unwrap_or(0.0);
        let across = edges(1.0).reduce(f64::max).unwrap_or(0.0) - start;
        middles.iter_mut().for_each(|middle| *middle -= start);
        let stand = Stand { bands: bands(&ranks, sizes), ranks, sizes, middles };
        let mut chains = stand.ranks.chains.iter();
        let route = |&(from, to): &(usize, usize)| {
            let chain = if from == to { None } else { chains.next() };
            let runs = chain.map_or(Vec::new(), |chain| stand.route(chain));
            if stand.ranks.rank[from] < stand.ranks.rank[to] { runs } else { reversed(runs) }
        };
        let routes = arrows.iter().map(route).collect();
        let along = stand.bands.last().map_or(0.0, |band| band.1);
        let corners = (0..sizes.len()).map(|number| stand.corner(number)).collect();
        Layout { corners, routes, size: Size { along, across } }
    }
}

/// Everything in its place.
struct Stand<'a> {
    ranks: Ranks,
    sizes: &'a [Size],
    /// The middle of each vertex.
    middles: Vec<f64>,
    /// Where each rank begins and ends.
    bands: Vec<(f64, f64)>,
}

impl Stand<'_> {
    fn corner(&self, number: usize) -> Corner {
        let (from, to) = self.bands[self.ranks.rank[number]];
        let size = self.sizes[number];
        Corner { along: (from + to - size.along) / 2.0, across: self.middles[number] - size.across / 2.0 }
    }

    /// An arrow through the vertices of a chain: from the end of one box, through the bands between, to the next box.
    fn route(&self, chain: &[usize]) -> Vec<Run> {
        let last = chain.len() - 1;
        let run = |(place, &vertex): (usize, &usize)| {
            let (from, to) = self.bands[self.ranks.rank[vertex]];
            let middle = self.middles[vertex];
            let Some(&size) = self.sizes.get(vertex) else { return Run { across: middle, from, to } };
            let along = self.corner(vertex).along;
            let neighbour = self.middles[if place == 0 { chain[1] } else { chain[last - 1] }];
            let across = neighbour.clamp(middle - size.across / 4.0, middle + size.across / 4.0);
            let (from, to) = if place == 0 { (along + size.along, to) } else { (from, along) };
            Run { across, from, to }
        };
        chain.iter().enumerate().map(run).collect()
    }
}

/// The same arrow the other way.
fn reversed(runs: Vec<Run>) -> Vec<Run> {
    runs.into_iter().rev().map(|run| Run { across: run.across, from: run.to, to: run.from }).collect()
}

/// Where each rank begins and ends.
fn bands(ranks: &Ranks, sizes: &[Size]) -> Vec<(f64, f64)> {
    let mut start = 0.0;
    let band = |rank: &Vec<usize>| {
        let sizes = rank.iter().filter_map(|&vertex| sizes.get(vertex));
        let from = start;
        let to = from + sizes.map(|size| size.along).fold(0.0, f64::max);
        start = to + BETWEEN;
        (from, to)
    };
    ranks.ranks.iter().map(band).collect()
}
