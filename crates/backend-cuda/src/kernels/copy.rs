//! Copies.

use std::fmt::Write as _;

use cornu_ir::plan::{View, ViewDim};
use cornu_ir::types::Type;

use super::{Printed, THREADS, blocks};
use crate::launch::{BufferIndex, Param};
use crate::print::element;
use crate::source::family;

/// Bytes that memory moves at once.
const BYTES_AT_ONCE: usize = 16;
/// A copy that turns rows into columns goes through tiles, if there are so many of each: fewer would leave most of a
/// tile empty.
const TILED: usize = 8;

/// One axis of a copied box: how many elements, and how far apart they are on either side. Backwards is negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    pub(crate) size: usize,
    pub(crate) from: isize,
    pub(crate) to: isize,
}

/// One side of a copy: a buffer, and the element of it that the box begins with.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    pub(crate) buffer: BufferIndex,
    pub(crate) start: usize,
    /// Moves the start by a corner that is known at run time only.
    pub(crate) corner: Option<Corner>,
}

/// A corner read from an `i32` buffer, moved inside where the box would reach outside.
#[derive(Clone, Debug)]
pub(crate) struct Corner {
    pub(crate) starts: BufferIndex,
    /// For each axis the largest coordinate, and the elements between neighbours.
    pub(crate) axes: Vec<(usize, usize)>,
}

impl Side {
    /// A box that begins at a fixed element.
    pub(crate) fn at(buffer: BufferIndex, start: usize) -> Side {
        Side { buffer, start, corner: None }
    }

    /// True if every place that the box can begin at is a multiple of `lanes`.
    fn is_multiple_of(&self, lanes: usize) -> bool {
        let mut corner = self.corner.iter().flat_map(|corner| &corner.axes);
        self.start.is_multiple_of(lanes)
            && corner.all(|&(room, stride)| room == 0 || stride.is_multiple_of(lanes))
    }

    /// The pointer `name` as an expression, moved to the corner in units of so many elements.
    fn pointer(&self, name: &str, lanes: usize) -> String {
        let mut text = name.to_string();
        for (axis, &(room, stride)) in self.corner.iter().flat_map(|corner| &corner.axes).enumerate() {
            if room > 0 {
                let _ = write!(text, " + corner(starts[{axis}], {room}u) * {}u", stride / lanes);
            }
        }
        text
    }
}

/// Copies a whole tensor; `aligned` says that both buffers begin where memory is read fastest.
pub(crate) fn whole(ty: &Type, from: BufferIndex, to: BufferIndex, aligned: bool) -> Printed {
    let (width, elements) = (ty.dtype.bytes(), ty.elements());
    let lanes = if aligned { BYTES_AT_ONCE / width } else { 1 };
    let params = sides(unit_type(width), from, to);
    let body = format!("copy_whole<{lanes}>(from, to, {elements}u);");
    let grid = [blocks(elements.div_ceil(lanes), THREADS), 1, 1];
    Printed::new(family!("copy"), "", &params, THREADS, &body).on(grid)
}

/// Copies a box of elements of `width` bytes, with axes in the order of the target, outermost first. One side at most
/// has a corner.
pub(crate) fn copy(width: usize, axes: &[Axis], from: &Side, to: &Side, aligned: bool) -> Printed {
    let mut axes = joined(axes);
    let lanes = if aligned { lanes(width, &axes, [from, to]) } else { 1 };
    widen(&mut axes, lanes);
    let mut params = sides(unit_type(width * lanes), from.buffer, to.buffer).to_vec();
    if let Some(corner) = from.corner.as_ref().or(to.corner.as_ref()) {
        params.push(("const i32* starts".to_string(), Param::pointer(corner.starts)));
    }
    let pointers = format!("{}, {}", from.pointer("from", lanes), to.pointer("to", lanes));
    let starts = [from.start / lanes, to.start / lanes];
    let print = |outer: &[Axis], body: &str, grid: u32| {
        Printed::new(family!("copy"), &places(outer, starts), &params, THREADS, body).on([grid, 1, 1])
    };
    if let Some((row, column)) = turned(&mut axes) {
        let boxes: usize = axes.iter().map(|axis| axis.size).product();
        let (rows, columns) = (row.size, column.size);
        let [column_from, row_to] = [wrapped(column.from), wrapped(row.to)];
        let body = format!(
            "copy_transposed<@_box, {rows}u, {columns}u, {column_from}u, {row_to}u>({pointers}, {boxes}u);"
        );
        let tile: usize = if width * lanes < 4 { 64 } else { 32 };
        // One tile for each block, as long as there are not too many.
        let tiles = boxes * rows.div_ceil(tile) * columns.div_ceil(tile);
        return print(&axes, &body, blocks(tiles, 1));
    }
    let units: usize = axes.iter().map(|axis| axis.size).product();
    print(&axes, &format!("copy_box<@_box>({pointers}, {units}u);"), blocks(units, THREADS))
}

/// One axis of a padded tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PaddedAxis {
    /// Elements before padding, and after.
    pub(crate) size: usize,
    pub(crate) padded: usize,
    /// Where the first of them comes to lie, and how far apart they are then.
    pub(crate) low: usize,
    pub(crate) step: usize,
}

/// Puts the element of `value` around the elements of `from`, which are of `width` bytes.
pub(crate) fn pad(
    width: usize,
    axes: &[PaddedAxis],
    [from, value, to]: [BufferIndex; 3],
    aligned: bool,
) -> Printed {
    let mut axes = joined_padded(axes);
    let mut lanes = 1;
    if let Some(inner) = axes.last_mut().filter(|inner| inner.step == 1 && aligned) {
        let fits =
            |lanes: usize| [inner.size, inner.padded, inner.low].iter().all(|n| n.is_multiple_of(lanes));
        while lanes * 2 * width <= BYTES_AT_ONCE && fits(lanes * 2) {
            lanes *= 2;
        }
        *inner = PaddedAxis {
            size: inner.size / lanes,
            padded: inner.padded / lanes,
            low: inner.low / lanes,
            step: 1,
        };
    }
    let groups: usize = axes.iter().map(|axis| axis.padded).product();
    let c = unit_type(width);
    let [first, last] = sides(c, from, to);
    let params = [first, (format!("const {c}* value"), Param::pointer(value)), last];
    let body = format!("pad<@_padding, {lanes}>(from, value, to, {groups}u);");
    let grid = [blocks(groups, THREADS), 1, 1];
    Printed::new(family!("copy"), &padding(&axes), &params, THREADS, &body).on(grid)
}

/// The pointers to both sides.
fn sides(c: &str, from: BufferIndex, to: BufferIndex) -> [(String, Param); 2] {
    [(format!("const {c}* from"), Param::pointer(from)), (format!("{c}* to"), Param::pointer(to))]
}

/// What so many bytes are moved as.
pub(crate) fn unit_type(bytes: usize) -> &'static str {
    match bytes {
        1 => "u8",
        2 => "u16",
        4 => "u32",
        8 => "u64",
        _ => "Pack<u32, 4>",
    }
}

/// The axes without those of one element, neighbours joined where one pair of strides describes both.
fn joined(axes: &[Axis]) -> Vec<Axis> {
    let mut joined: Vec<Axis> = Vec::new();
    for &axis in axes.iter().filter(|axis| axis.size != 1) {
        let size = axis.size as isize;
        match joined.last_mut() {
            Some(outer) if outer.from == axis.from * size && outer.to == axis.to * size => {
                *outer = Axis { size: outer.size * axis.size, ..axis };
            }
            _ => joined.push(axis),
        }
    }
    joined
}

/// How many neighbours can move together.
fn lanes(width: usize, axes: &[Axis], sides: [&Side; 2]) -> usize {
    let Some((inner, outer)) = axes.split_last().filter(|(inner, _)| inner.from == 1 && inner.to == 1) else {
        return 1;
    };
    let strides = |axis: &Axis, lanes: usize| {
        [axis.from, axis.to].iter().all(|stride| stride.unsigned_abs().is_multiple_of(lanes))
    };
    let fits = |lanes: usize| {
        inner.size.is_multiple_of(lanes)
            && outer.iter().all(|axis| strides(axis, lanes))
            && sides.iter().all(|side| side.is_multiple_of(lanes))
    };
    let mut lanes = 1;
    while lanes * 2 * width <= BYTES_AT_ONCE && fits(lanes * 2) {
        lanes *= 2;
    }
    lanes
}

/// The same axes in units of so many elements.
fn widen(axes: &mut [Axis], lanes: usize) {
    if let Some((inner, outer)) = axes.split_last_mut() {
        inner.size /= lanes;
        let lanes = lanes as isize;
        outer
            .iter_mut()
            .for_each(|axis| *axis = Axis { from: axis.from / lanes, to: axis.to / lanes, ..*axis });
    }
}

/// Takes out the axes along which source and target are consecutive, if they differ and both are long.
fn turned(axes: &mut Vec<Axis>) -> Option<(Axis, Axis)> {
    let is_long = |axis: &Axis| axis.size >= TILED;
    let column = *axes.last().filter(|axis| axis.to == 1 && axis.from.abs() != 1 && is_long(axis))?;
    let row = axes.iter().rposition(|axis| axis.from == 1 && is_long(axis))?;
    axes.pop();
    Some((axes.remove(row), column))
}

/// A stride as the kernel counts, modulo 2³²: going backwards wraps.
fn wrapped(stride: isize) -> usize {
    stride as u32 as usize
}

/// `@_box`: where each place of a box lies on either side.
fn places(axes: &[Axis], starts: [usize; 2]) -> String {
    let side = |start: usize, stride: fn(&Axis) -> isize| {
        let dims = axes.iter().map(|axis| ViewDim { size: axis.size, stride: wrapped(stride(axis)) });
        element(&View::new(start, dims), "i")
    };
    let (from, to) = (side(starts[0], |axis| axis.from), side(starts[1], |axis| axis.to));
    format!(
        "struct @_box {{\n    static METHOD index from(index i) {{ return {from}; }}\n    \
         static METHOD index to(index i) {{ return {to}; }}\n}};\n"
    )
}

/// Padded axes, with those that are not padded joined to the one before them.
fn joined_padded(axes: &[PaddedAxis]) -> Vec<PaddedAxis> {
    let mut joined: Vec<PaddedAxis> = Vec::new();
    for &axis in axes {
        let is_whole = axis.size == axis.padded && axis.step == 1;
        match joined.last_mut() {
            Some(outer) if is_whole && outer.step == 1 => {
                let [size, padded, low] =
                    [outer.size, outer.padded, outer.low].map(|elements| elements * axis.size);
                *outer = PaddedAxis { size, padded, low, step: 1 };
            }
            _ => joined.push(axis),
        }
    }
    joined
}

/// `@_padding`: which element lies at each place of a padded tensor.
fn padding(axes: &[PaddedAxis]) -> String {
    let (mut lines, mut outside, mut terms) = (String::new(), Vec::new(), Vec::new());
    let (mut places, mut stride) = (1, 1);
    for (number, axis) in axes.iter().enumerate().rev() {
        let span = axis.size.checked_sub(1).map_or(0, |last| last * axis.step + 1);
        let (low, step, padded) = (axis.low, axis.step, axis.padded);
        let _ = writeln!(
            lines,
            "        const index x{number} = unpadded<{low}u, {span}u, {step}u>(i / {places}u % {padded}u);"
        );
        outside.push(format!("x{number} == NOWHERE"));
        terms.push(format!("x{number} * {stride}u"));
        places *= padded;
        stride *= axis.size;
    }
    if terms.is_empty() {
        terms.push("0u".to_string());
        outside.push("false".to_string());
    }
    let (outside, place) = (outside.join(" || "), terms.join(" + "));
    format!(
        "struct @_padding {{\n    static METHOD index from(index i) {{\n{lines}        \
         return {outside} ? NOWHERE : {place};\n    }}\n}};\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_move_together_where_both_sides_have_them() {
        let axes = [Axis { size: 3, from: 16, to: 32 }, Axis { size: 8, from: 1, to: 1 }];
        let lanes_at = |start| lanes(4, &axes, [&Side::at(0, start), &Side::at(1, 0)]);
        assert_eq!([lanes_at(0), lanes_at(2), lanes_at(1)], [4, 2, 1]);
        let mut wide = axes;
        widen(&mut wide, 4);
        assert_eq!(wide, [Axis { size: 3, from: 4, to: 8 }, Axis { size: 2, from: 1, to: 1 }]);
    }

    #[test]
    fn what_is_not_padded_joins_the_axis_before_it() {
        let axis = |size, padded, low| PaddedAxis { size, padded, low, step: 1 };
        assert_eq!(
            joined_padded(&[axis(2, 2, 0), axis(3, 5, 1), axis(4, 4, 0)]),
            [axis(2, 2, 0), axis(12, 20, 4)]
        );
    }
}
