//! Lines: the way of ops along one axis through a tensor, seen as `[outer, length, inner]`.

/// A tensor around one of its axes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines {
    pub(crate) outer: usize,
    pub(crate) length: usize,
    pub(crate) inner: usize,
}

impl Lines {
    pub(crate) fn new(sizes: &[usize], axis: usize) -> Lines {
        let outer = sizes[..axis].iter().product();
        let inner = sizes[axis + 1..].iter().product();
        Lines { outer, length: sizes[axis], inner }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.outer * self.inner
    }

    /// The same as a type of `prelude.cuh`.
    pub(crate) fn printed(&self) -> String {
        format!("Line<{}u, {}u>", self.length, self.inner)
    }
}
