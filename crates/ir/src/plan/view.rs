//! View: which element of a buffer belongs to each place of a linear iteration space.

use smallvec::SmallVec;

/// Which element of a buffer belongs to each place of a linear iteration space.
///
/// The space is cut into `dims` in row-major order; place `(i0, i1, …)` reads element `offset + Σ i·stride`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// Element read at place 0.
    pub offset: usize,
    /// The space, outermost first. Neighbours that one pair could describe are joined.
    pub dims: SmallVec<[ViewDim; 4]>,
}

/// One axis of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ViewDim {
    /// Number of places along it.
    pub size: usize,
    /// Elements between neighbours; 0 repeats.
    pub stride: usize,
}

impl View {
    /// The view with these axes, joined where possible.
    pub fn new(offset: usize, dims: impl IntoIterator<Item = ViewDim>) -> View {
        let mut joined: SmallVec<[ViewDim; 4]> = SmallVec::new();
        for dim in dims {
            match joined.last_mut() {
                _ if dim.size == 1 => {}
                Some(outer) if outer.stride == dim.stride * dim.size => {
                    *outer = ViewDim { size: outer.size * dim.size, stride: dim.stride };
                }
                _ => joined.push(dim),
            }
        }
        View { offset, dims: joined }
    }

    /// Element `i` at place `i`.
    pub fn contiguous(elements: usize) -> View {
        View::new(0, [ViewDim { size: elements, stride: 1 }])
    }

    /// True if place `i` reads element `i`.
    pub fn is_contiguous(&self) -> bool {
        self.offset == 0 && (self.dims.is_empty() || (self.dims.len() == 1 && self.dims[0].stride == 1))
    }

    /// The element read at place `i`: the definition, for backends to test against.
    pub fn at(&self, mut i: usize) -> usize {
        let mut element = self.offset;
        for dim in self.dims.iter().rev() {
            element += i % dim.size * dim.stride;
            i /= dim.size;
        }
        element
    }

    /// Number of places.
    pub fn places(&self) -> usize {
        self.dims.iter().map(|dim| dim.size).product()
    }

    /// This view of something that is itself seen through `inner`: place `i` reads `inner.at(self.at(i))`.
    /// `None` when no list of strides says that.
    pub(super) fn through(&self, inner: &View) -> Option<View> {
        if inner.is_contiguous() {
            return Some(self.clone());
        }
        if self.places() == 0 {
            return Some(View::contiguous(0));
        }
        let mut dims: Vec<ViewDim> = Vec::new();
        // How far along each inner axis the outer ones reach: they must stay on it.
        let mut reach = inner.coordinates(self.offset)?;
        for &dim in &self.dims {
            inner.split(dim, &mut dims, &mut reach)?;
        }
        let fits = reach.iter().zip(&inner.dims).all(|(&reached, dim)| reached < dim.size);
        fits.then(|| View::new(inner.at(self.offset), dims))
    }

    /// The place with linear index `i`, axis by axis; `None` past the end.
    fn coordinates(&self, i: usize) -> Option<Vec<usize>> {
        let mut rest = i;
        let mut coordinates: Vec<usize> = Vec::new();
        for dim in self.dims.iter().rev() {
            coordinates.push(rest % dim.size);
            rest /= dim.size;
        }
        coordinates.reverse();
        (rest == 0).then_some(coordinates)
    }

    /// Cuts an outer axis, whose stride counts places of this view, into axes that each move along one of ours.
    fn split(&self, dim: ViewDim, dims: &mut Vec<ViewDim>, reach: &mut [usize]) -> Option<()> {
        if dim.stride == 0 {
            dims.push(dim);
            return Some(());
        }
        let (axis, inside) = self.axis_of(dim.stride)?;
        let (own, step) = (self.dims[axis], dim.stride / inside);
        if step * (dim.size - 1) < own.size {
            reach[axis] += step * (dim.size - 1);
            dims.push(ViewDim { size: dim.size, stride: step * own.stride });
            return Some(());
        }
        let turns = own.size / step;
        if !own.size.is_multiple_of(step) || !dim.size.is_multiple_of(turns) {
            return None;
        }
        self.split(ViewDim { size: dim.size / turns, stride: inside * own.size }, dims, reach)?;
        self.split(ViewDim { size: turns, stride: dim.stride }, dims, reach)
    }

    /// The axis along which a step of `stride` places moves, and the number of places inside one step of that axis.
    fn axis_of(&self, stride: usize) -> Option<(usize, usize)> {
        let mut inside = 1;
        for (axis, dim) in self.dims.iter().enumerate().rev() {
            if stride.is_multiple_of(inside) && stride < inside * dim.size {
                return Some((axis, inside));
            }
            inside *= dim.size;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(offset: usize, dims: &[(usize, usize)]) -> View {
        View::new(offset, dims.iter().map(|&(size, stride)| ViewDim { size, stride }))
    }

    #[test]
    fn neighbours_join() {
        assert_eq!(view(0, &[(2, 12), (3, 4), (4, 1)]), View::contiguous(24));
        assert_eq!(view(0, &[(2, 0), (3, 0), (4, 1)]).dims.len(), 2);
    }

    #[test]
    fn nothing_is_seen_through_anything() {
        let nothing = view(0, &[(3, 1), (0, 3)]);
        assert_eq!(nothing.through(&view(0, &[(0, 1), (3, 0)])), Some(View::contiguous(0)));
    }

    #[test]
    fn a_view_through_a_view_reads_the_same_elements() {
        let rows = view(0, &[(4, 0), (6, 1)]);
        let table = [
            (View::contiguous(24), rows.clone()),
            (view(6, &[(2, 6), (6, 1)]), rows.clone()),
            (view(2, &[(4, 6), (2, 2)]), rows.clone()),
            (view(0, &[(3, 0), (24, 1)]), view(1, &[(4, 10), (6, 1)])),
            (view(0, &[(6, 1), (4, 6)]), view(0, &[(4, 6), (6, 1)])),
        ];
        for (outer, inner) in table {
            let both = outer.through(&inner).expect("expressible");
            for i in 0..outer.places() {
                assert_eq!(both.at(i), inner.at(outer.at(i)), "{outer:?} through {inner:?} at {i}");
            }
        }
    }

    #[test]
    fn a_step_across_a_ragged_end_is_refused() {
        assert_eq!(view(0, &[(5, 5)]).through(&view(0, &[(4, 0), (6, 1)])), None);
    }
}
