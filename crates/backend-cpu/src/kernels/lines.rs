//! Lines: the way of ops along one axis through a tensor, seen as `[outer, length, inner]`.

use crate::pieces::Pieces;

/// A tensor around one of its axes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines {
    pub(crate) outer: usize,
    pub(crate) length: usize,
    pub(crate) inner: usize,
}

/// Neighbouring lines that are walked together, so that memory is read in rows of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Band {
    /// Which of the outer coordinates.
    pub(crate) outer: usize,
    /// The first line, and how many.
    pub(crate) inner: usize,
    pub(crate) width: usize,
}

/// The most lines of a band.
pub(crate) const BAND: usize = 256;

impl Lines {
    pub(crate) fn new(sizes: &[usize], axis: usize) -> Lines {
        let outer = sizes[..axis].iter().product();
        let inner = sizes[axis + 1..].iter().product();
        Lines { outer, length: sizes[axis], inner }
    }

    fn bands_of_outer(&self) -> usize {
        self.inner.div_ceil(BAND)
    }

    /// All bands, in pieces worth a thread.
    pub(crate) fn cut(&self) -> Pieces {
        let elements = self.inner.min(BAND) * self.length;
        Pieces::new(self.outer * self.bands_of_outer(), (1 << 14) / elements.max(1), 1)
    }

    /// The bands of one piece.
    pub(crate) fn bands(self, piece: usize) -> impl Iterator<Item = Band> {
        self.cut().range(piece).map(move |band| {
            let (outer, inner) = (band / self.bands_of_outer(), band % self.bands_of_outer() * BAND);
            Band { outer, inner, width: BAND.min(self.inner - inner) }
        })
    }

    /// The first element of row `i` of a band.
    pub(crate) fn row(&self, band: Band, i: usize) -> usize {
        (band.outer * self.length + i) * self.inner + band.inner
    }
}
