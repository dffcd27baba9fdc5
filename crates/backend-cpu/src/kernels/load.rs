//! Loads: the elements that a view gives to consecutive places, gathered into a block.

use cornu_ir::plan::{View, ViewDim};

use crate::simd::plain::Plain;

/// A run of this length or less is not worth a loop.
const SHORT: usize = 16;

/// Copies the elements at places `start..start + out.len()` of a view.
///
/// The elements of the innermost axis are a run: consecutive, all the same, or a fixed distance apart.
pub(crate) fn load<P: Plain>(view: &View, from: &[P], start: usize, out: &mut [P]) {
    let Some((inner, outer)) = view.dims.split_last() else {
        return out.fill(from[view.offset]);
    };
    let (mut row, mut column) = (start / inner.size, start % inner.size);
    let mut done = 0;
    while done < out.len() {
        let base = view.offset + offset_of(outer, row);
        let repeats = repeated_rows(outer, row);
        let length = (repeats * inner.size - column).min(out.len() - done);
        if inner.stride == 0 && length <= SHORT && out.len() - done >= SHORT {
            // One store of fixed length; what it writes too much is written again by the runs that follow.
            out[done..done + SHORT].copy_from_slice(&[from[base]; SHORT]);
            done += length;
            row += repeats;
            column = 0;
            continue;
        }
        let run = &mut out[done..done + length];
        if repeats > 1 {
            repeat_row(&from[base..], *inner, column, run);
        } else {
            copy_run(&from[base..], *inner, column, run);
        }
        done += length;
        row += repeats;
        column = 0;
    }
}

/// The distance from the view's first element to the first of row number `row` of its outer axes.
fn offset_of(outer: &[ViewDim], mut row: usize) -> usize {
    let Some((first, rest)) = outer.split_first() else { return 0 };
    let mut offset = 0;
    for dim in rest.iter().rev() {
        offset += row % dim.size * dim.stride;
        row /= dim.size;
    }
    // Places lie within the view, so what is left of the row counts along the first axis.
    offset + row * first.stride
}

/// How many rows from `row` on are the same row.
fn repeated_rows(outer: &[ViewDim], row: usize) -> usize {
    match outer.last() {
        Some(dim) if dim.stride == 0 => dim.size - row % dim.size,
        _ => 1,
    }
}

/// Copies one row over and over: once from memory, then from what is already there.
fn repeat_row<P: Plain>(from: &[P], inner: ViewDim, column: usize, out: &mut [P]) {
    let head = (inner.size - column).min(out.len());
    copy_run(from, inner, column, &mut out[..head]);
    let mut done = (head + column).min(out.len());
    copy_run(from, inner, 0, &mut out[head..done]);
    // `done` is now a whole row, which every later element repeats.
    while done < out.len() {
        let length = done.min(out.len() - done);
        out.copy_within(..length, done);
        done += length;
    }
}

/// Copies one run from `column` on.
fn copy_run<P: Plain>(from: &[P], inner: ViewDim, column: usize, out: &mut [P]) {
    match inner.stride {
        0 => out.fill(from[0]),
        1 => out.copy_from_slice(&from[column..column + out.len()]),
        stride => {
            let elements = from[column * stride..].iter().step_by(stride);
            out.iter_mut().zip(elements).for_each(|(out, &element)| *out = element);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every stretch of every view loads what the view's definition says.
    #[test]
    fn loads_agree_with_the_definition_of_a_view() {
        let from: Vec<u32> = (0..1000).collect();
        let views: [(usize, &[(usize, usize)]); 10] = [
            (0, &[(60, 1)]),
            (5, &[(60, 3)]),
            (7, &[(60, 0)]),
            (0, &[(12, 0), (5, 1)]),
            (3, &[(12, 1), (5, 0)]),
            (0, &[(4, 15), (3, 0), (5, 1)]),
            (0, &[(5, 1), (3, 0), (4, 5)]),
            (9, &[(4, 100), (3, 10), (5, 2)]),
            (0, &[(2, 0), (2, 30), (3, 0), (5, 0)]),
            (1, &[(3, 7), (4, 0), (5, 90)]),
        ];
        for (offset, dims) in views {
            let dims = dims.iter().map(|&(size, stride)| ViewDim { size, stride }).collect();
            let view = View { offset, dims };
            for start in 0..60 {
                for stop in start..=60 {
                    let mut out = vec![0; stop - start];
                    load(&view, &from, start, &mut out);
                    assert!(
                        out.into_iter().eq((start..stop).map(|i| from[view.at(i)])),
                        "{view:?} {start}..{stop}"
                    );
                }
            }
        }
    }
}
