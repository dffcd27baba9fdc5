//! How a batch of products is cut: into tiles of the results, and where these are few, along the summed axis.

use std::ops::Range;

use super::super::panel::{DEPTH, MOST_ROWS};
use crate::pieces::Pieces;
use crate::simd::gemm::LEAST_ROWS as LEAST_OUTER_ROWS;

/// Rows and columns of a tile of the result: its sums and what they are made of fit the second-level cache. Long rows
/// give the tail long stretches to run over; with many rows a wide right operand is read less often.
const LONG: [usize; 2] = [MOST_ROWS / 2, 512];
const TALL: [usize; 2] = [MOST_ROWS, 256];
/// The same for sums of outer products, which read their operands where they lie, mostly far away: a row or column
/// that is met by few tiles is not read often.
const OUTER: [usize; 2] = [64, 128];
/// There are to be so many pieces of them, where more would mean sums of more parts to be joined.
const OUTER_PIECES: usize = 16;
/// So many columns are tiles enough, so that all rows are in one tile if they can be, and the right operand is read
/// once.
const WIDE: usize = 1 << 12;
/// The longest rows of a tile, and so many numbers of the right operand as lie in that cache beside the sums.
const LONGEST: usize = 2048;
const RIGHT_PANEL: usize = 1 << 16;
/// The smallest tile; whole strips of every instruction set, as its doubles are.
const LEAST_ROWS: usize = 24;
const LEAST_COLUMNS: usize = 128;
/// Multiplications that are worth a piece of their own: tens of microseconds.
const GRAIN: usize = 1 << 20;
/// The same where a tail does much: it runs over long stretches then, which makes larger tiles better.
const TAILED_GRAIN: usize = 1 << 22;
/// Numbers of the right operand that are worth a piece: reading so many takes some microseconds, however few rows they
/// are multiplied with.
const READ_GRAIN: usize = 1 << 16;
/// There are to be so many pieces, where the work is enough.
const PIECES: usize = 64;
/// A small product is cut in a few pieces all the same, of as little as microseconds of work.
const FEW_PIECES: usize = 4;
const LEAST_GRAIN: usize = 1 << 17;

/// The sizes of a batch of products.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) batch: usize,
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) k: usize,
}

impl Sizes {
    /// How many pieces there are to be.
    fn pieces(self, is_tailed: bool) -> usize {
        let Sizes { batch, m, n, k } = self;
        let (work, read) = (batch * m * n * k, batch * n * k);
        let few = (work / LEAST_GRAIN).min(FEW_PIECES);
        (work / grain(is_tailed)).max(read / READ_GRAIN).max(few).clamp(1, PIECES)
    }

    /// How many tiles of so many rows and columns there are.
    fn tiles(self, [rows, columns]: [usize; 2]) -> usize {
        self.batch * self.m.div_ceil(rows) * self.n.div_ceil(columns)
    }
}

/// Multiplications that are worth a piece.
fn grain(is_tailed: bool) -> usize {
    if is_tailed { TAILED_GRAIN } else { GRAIN }
}

/// How a batch of products is cut: into tiles of the results, and where these are few, along the summed axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    /// Rows and columns of a tile, and how many tiles there are each way.
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_tiles: usize,
    pub(super) column_tiles: usize,
    pub(super) depth: Pieces,
    /// Tiles are dealt out in groups where they are small.
    pub(super) units: Pieces,
}

impl Cut {
    pub(super) fn new(sizes: Sizes, is_tailed: bool) -> Cut {
        let (m, wanted) = (sizes.m, sizes.pieces(is_tailed));
        if m > LONG[0] && m <= TALL[0] && sizes.n >= WIDE {
            return Cut::of_tiles(sizes, [TALL[0], LEAST_COLUMNS], 1, is_tailed);
        }
        let [mut rows, mut columns] = largest_tile(sizes, is_tailed);
        while sizes.tiles([rows, columns]) < wanted && (rows > LEAST_ROWS || columns > LEAST_COLUMNS) {
            let is_tall = rows.min(m) > 2 * LEAST_ROWS || columns == LEAST_COLUMNS;
            if is_tall && rows > LEAST_ROWS { rows /= 2 } else { columns /= 2 }
        }
        Cut::of_tiles(sizes, [rows, columns], wanted, is_tailed)
    }

    /// In tiles for sums of outer products.
    pub(super) fn outer(sizes: Sizes, is_tailed: bool) -> Cut {
        // Rows of the tiles are as equal as can be.
        let rows = sizes.m.div_ceil(sizes.m.div_ceil(OUTER[0])).next_multiple_of(LEAST_OUTER_ROWS);
        let wanted = sizes.pieces(is_tailed).min(OUTER_PIECES);
        Cut::of_tiles(sizes, [rows, OUTER[1]], wanted, is_tailed)
    }

    /// In tiles of this size, and along the summed axis in so many parts that there are as many pieces as wanted.
    fn of_tiles(sizes: Sizes, [rows, columns]: [usize; 2], wanted: usize, is_tailed: bool) -> Cut {
        let Sizes { batch, m, n, k } = sizes;
        let tiles = sizes.tiles([rows, columns]);
        let parts = (wanted / tiles.max(1)).min(k / (2 * DEPTH)).max(1);
        let depth = Pieces::new(k, k.div_ceil(parts), DEPTH);
        let units = tiles * depth.count().max(1);
        let read = columns.min(n) * (k / parts).max(1);
        let grain = grain(is_tailed).min(batch * m * n * k / wanted);
        let least = (grain / (rows.min(m) * read).max(1)).min(READ_GRAIN / read.max(1));
        let (row_tiles, column_tiles) = (m.div_ceil(rows), n.div_ceil(columns));
        Cut { rows, columns, row_tiles, column_tiles, depth, units: Pieces::new(units, least, 1) }
    }

    /// In tiles whose sums stay in the first-level cache until the tail has seen them, all one piece.
    pub(super) fn for_one(Sizes { m, n, k, .. }: Sizes) -> Cut {
        let [rows, columns] = [LONG[0], LEAST_COLUMNS];
        let (row_tiles, column_tiles, depth) = (m.div_ceil(rows), n.div_ceil(columns), Pieces::of(k, k));
        let units = Pieces::of(row_tiles * column_tiles, row_tiles * column_tiles);
        Cut { rows, columns, row_tiles, column_tiles, depth, units }
    }

    /// The tile of this number.
    pub(super) fn unit(&self, [m, n]: [usize; 2], unit: usize) -> Unit {
        let Cut { row_tiles, column_tiles, rows, columns, depth, .. } = *self;
        let parts = depth.count().max(1);
        let (tile, part) = (unit / parts, unit % parts);
        let (tile, column) = (tile / column_tiles, tile % column_tiles * columns);
        let (batch, row) = (tile / row_tiles, tile % row_tiles * rows);
        let rows = row..(row + rows).min(m);
        let columns = column..(column + columns).min(n);
        Unit { batch, rows, columns, part }
    }
}

/// Rows and columns of a tile where there is work enough for many.
fn largest_tile(Sizes { m, n, k, .. }: Sizes, is_tailed: bool) -> [usize; 2] {
    if m <= LONG[0] || n <= LONG[1] {
        return LONG;
    }
    if !is_tailed {
        return TALL;
    }
    // A tail that reads and writes as much as the sums is bound by memory, which likes long rows.
    let columns = (1 << (RIGHT_PANEL / k.max(1)).max(1).ilog2()).clamp(TALL[1], LONGEST);
    [(TALL[0] * TALL[1] / columns).max(LEAST_ROWS), columns]
}

/// One tile: which product, which rows and columns of it, and which part of the summed axis.
pub(super) struct Unit {
    pub(super) batch: usize,
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
    pub(super) part: usize,
}
