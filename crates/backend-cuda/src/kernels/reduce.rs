//! Reductions, of numbers and of where they stand.

use cornu_ir::DType;
use cornu_ir::ops::{ArgReduction, Reduction};
use cornu_ir::plan::{Program, ReduceAxis, View, ViewDim};

use super::{Printed, THREADS, blocks};
use crate::launch::{BufferIndex, Param};
use crate::print::{Functor, c_type, element};
use crate::source::family;

/// The most threads of a warp that share one result.
const WARP: usize = 32;
/// Threads that keep all multiprocessors busy, where each has some loads under way.
const BUSY_THREADS: usize = 1 << 17;
/// The lanes of each thread that chains are laid out for, whatever those of their steps.
const LANES_OF_ROWS: usize = 4;
/// Blocks that a reduction is cut into where it has fewer by itself.
const BUSY_BLOCKS: usize = 132 * 4;
/// Groups of lanes that each thread of a part takes at least, so that a part is worth its place.
const GROUPS_OF_PART: usize = 4;

/// How elements combine, as a type of `fold.cuh`.
#[derive(Clone, Debug)]
pub(crate) struct Fold {
    name: String,
    total_bytes: usize,
}

impl Fold {
    /// The fold of a reduction of numbers.
    pub(crate) fn of(kind: Reduction, dtype: DType) -> Fold {
        let name = match kind {
            Reduction::Sum => "Sum",
            Reduction::Prod => "Prod",
            Reduction::Max => "Max",
            Reduction::Min => "Min",
        };
        // Halves are kept as f32, and sums of bytes as u32.
        Fold { name: format!("fold::{name}<{}>", c_type(dtype)), total_bytes: dtype.bytes().max(4) }
    }

    /// The fold that finds where an extreme stands.
    pub(crate) fn place(kind: ArgReduction, dtype: DType) -> Fold {
        let largest = match kind {
            ArgReduction::Max => true,
            ArgReduction::Min => false,
        };
        let name = format!("fold::Where<{}, {largest}>", c_type(dtype));
        Fold { name, total_bytes: if dtype.bytes() > 4 { 16 } else { 8 } }
    }

    /// Its name in CUDA C.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The most bytes that a total takes.
    pub(crate) fn total_bytes(&self) -> usize {
        self.total_bytes
    }
}

/// Which elements neighbouring threads read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Neighbours of one result.
    Rows,
    /// The same of neighbouring results.
    Columns,
}

/// How a reduction is laid on threads: see `reduce.cu`.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    form: Form,
    results: usize,
    depth: usize,
    /// How many neighbours the head takes at a time.
    pub(crate) lanes: usize,
    threads: usize,
    width: usize,
    /// Elements of a part.
    part: usize,
    unroll: usize,
    first: String,
    step: String,
}

impl Layout {
    /// The layout for a head that can take so many lanes.
    pub(crate) fn new(axes: &[ReduceAxis], lanes: usize, head: &Program) -> Layout {
        let axes: Vec<ReduceAxis> = axes.iter().copied().filter(|axis| axis.size != 1).collect();
        let (form, along) = form(&axes);
        let lanes = if along == 0 { 1 } else { lanes.min(1 << along.trailing_zeros()) };
        let product = |reduced: bool| -> usize {
            axes.iter().filter(|axis| axis.reduced == reduced).map(|axis| axis.size).product()
        };
        let (results, depth) = (product(false), product(true));
        let unroll = match head.loads.len() + head.instructions.len() {
            0..=6 => 4,
            7..=16 => 2,
            _ => 1,
        };
        let (first, step) = (places(&axes, false, "result"), places(&axes, true, "number"));
        let (threads, width) = match form {
            Form::Rows => threads_of_rows(results, depth.div_ceil(lanes)),
            Form::Columns => threads_of_columns(results / lanes, depth),
        };
        let whole = Layout { form, results, depth, lanes, threads, width, part: depth, unroll, first, step };
        Layout { part: whole.cut(), ..whole }
    }

    /// The layout that joins the totals of parts.
    fn joining(&self) -> Layout {
        let axes = [
            ReduceAxis { size: self.results, reduced: false },
            ReduceAxis { size: self.parts(), reduced: true },
        ];
        let layout = Layout::new(&axes, 1, &Program::default());
        Layout { part: layout.depth, ..layout }
    }

    /// Elements of a part, so that there are about as many blocks as keep all multiprocessors busy.
    fn cut(&self) -> usize {
        let groups = match self.form {
            Form::Rows => self.depth / self.lanes,
            Form::Columns => self.depth,
        };
        let together = match self.form {
            Form::Rows if self.width <= WARP => return self.depth,
            Form::Rows => self.width,
            Form::Columns => self.threads / self.width,
        };
        let parts = (BUSY_BLOCKS / self.blocks()).min(groups / (together * GROUPS_OF_PART)).max(1);
        let lanes = if self.form == Form::Rows { self.lanes } else { 1 };
        groups.div_ceil(parts) * lanes
    }

    /// The number of parts that each result is put together from.
    pub(crate) fn parts(&self) -> usize {
        self.depth.div_ceil(self.part.max(1)).max(1)
    }

    /// How many totals all parts have.
    pub(crate) fn totals(&self) -> usize {
        self.results * self.parts()
    }

    /// How many neighbours the tail is given at a time.
    pub(crate) fn lanes_of_tail(&self) -> usize {
        match self.form {
            Form::Columns if self.parts() == 1 => self.lanes,
            Form::Columns | Form::Rows => 1,
        }
    }

    fn blocks(&self) -> usize {
        let groups = match self.form {
            Form::Rows => self.results,
            Form::Columns => self.results / self.lanes,
        };
        blocks(groups * self.width, self.threads as u32) as usize
    }

    /// The layout for a program at each place of as many rows.
    pub(crate) fn of_rows(rows: usize, length: usize, lanes: usize, program: &Program) -> Layout {
        let axes = [ReduceAxis { size: rows, reduced: false }, ReduceAxis { size: length, reduced: true }];
        let layout = Layout::new(&axes, lanes, program);
        let (threads, width) = threads_of_rows(rows, length.div_ceil(LANES_OF_ROWS));
        Layout { threads, width, part: length, ..layout }
    }

    /// The struct that says it, `@_shape` with a number behind it where there are several.
    fn printed(&self, number: &str) -> String {
        let Layout { results, depth, threads, width, part, unroll, first, step, .. } = self;
        format!(
            "struct @_shape{number} {{\n    \
             static constexpr index RESULTS = {results}u, DEPTH = {depth}u, PART = {part}u;\n    \
             static constexpr int THREADS = {threads}, WIDTH = {width}, UNROLL = {unroll};\n    \
             static METHOD index first(index result) {{ return {first}; }}\n    \
             static METHOD index step(index number) {{ return {step}; }}\n}};\n"
        )
    }

    /// A kernel of this layout, `call` being what stands behind the name of its function.
    fn kernel(&self, before: &[&str], params: &[(String, Param)], fold: &str, args: &str) -> Printed {
        let function = match self.form {
            Form::Rows => "reduce_rows",
            Form::Columns => "reduce_columns",
        };
        let text = format!("{}{}", before.concat(), self.printed(""));
        let body = format!("{function}<{fold}, @_shape>({args});");
        let grid = [self.blocks() as u32, self.parts() as u32, 1];
        Printed::new(family!("reduce"), &text, params, self.threads as u32, &body).on(grid)
    }
}

/// The form for these axes, and the size of the axis that lanes are neighbours along.
fn form(axes: &[ReduceAxis]) -> (Form, usize) {
    let Some((inner, outer)) = axes.split_last() else { return (Form::Rows, 1) };
    if !inner.reduced {
        return (Form::Columns, inner.size);
    }
    // Of an innermost axis that is very short, a warp would read a little here and a little there.
    let is_scattered = inner.size < 8 && outer.iter().any(|axis| axis.reduced);
    match outer.last() {
        Some(next) if is_scattered && next.size >= 16 => (Form::Columns, 1),
        Some(_) | None => (Form::Rows, inner.size),
    }
}

/// Where things stand along the kept or the reduced axes, as an expression of their number.
fn places(axes: &[ReduceAxis], reduced: bool, number: &str) -> String {
    if axes.iter().any(|axis| axis.size == 0) {
        return "0u".to_string();
    }
    let mut stride = 1;
    let mut dims: Vec<ViewDim> = Vec::new();
    for axis in axes.iter().rev() {
        if axis.reduced == reduced {
            dims.push(ViewDim { size: axis.size, stride });
        }
        stride *= axis.size;
    }
    dims.reverse();
    element(&View::new(0, dims), number)
}

/// Threads of a block, and of a result: about two groups for each thread of a warp, more where there are many.
fn threads_of_rows(results: usize, groups: usize) -> (usize, usize) {
    let mut width = groups.div_ceil(2).next_power_of_two().min(WARP);
    let wants_more = |width: usize| {
        let is_idle = results * width < BUSY_THREADS && groups >= width * 4;
        width >= WARP && width < THREADS as usize && (is_idle || groups > width * 16)
    };
    while wants_more(width) {
        width *= 2;
    }
    (if width > WARP { width } else { THREADS as usize }, width)
}

/// Threads of a block, and how many of them stand side by side: as few below each other as keep the device busy.
fn threads_of_columns(groups: usize, depth: usize) -> (usize, usize) {
    let threads = THREADS as usize;
    let narrowest = groups.next_power_of_two().min(WARP);
    let deepest = (threads / narrowest).min(depth.div_ceil(4).next_power_of_two());
    let down = BUSY_THREADS.div_ceil(groups.max(1)).next_power_of_two().clamp(1, deepest.max(1));
    (threads, threads / down)
}

/// The parameter of a program, or where it needs none the line that makes it.
fn given(functor: &Functor, name: &str) -> (Option<(String, Param)>, String) {
    if functor.pointers.is_empty() {
        return (None, format!("{}()", functor.name));
    }
    let param = (format!("const {} {name}", functor.name), Param::Pointers(functor.pointers.clone()));
    (Some(param), name.to_string())
}

/// The reduction in one kernel, for layouts of one part.
pub(crate) fn whole(layout: &Layout, fold: &Fold, head: &Functor, tail: &Functor) -> Printed {
    let ((head_param, head_value), (tail_param, tail_value)) = (given(head, "head"), given(tail, "tail"));
    let params: Vec<(String, Param)> = head_param.into_iter().chain(tail_param).collect();
    let args = format!("{head_value}, Finished<{}, {}>{{{tail_value}}}", fold.name, tail.name);
    layout.kernel(&[&head.text, &tail.text], &params, &fold.name, &args)
}

/// The totals of each part.
pub(crate) fn parts(layout: &Layout, fold: &Fold, head: &Functor, totals: BufferIndex) -> Printed {
    let (head_param, head_value) = given(head, "head");
    let to = (format!("{}::Total* totals", fold.name), Param::pointer(totals));
    let params: Vec<(String, Param)> = head_param.into_iter().chain([to]).collect();
    let args = format!("{head_value}, Kept<{}, {}u>{{totals}}", fold.name, layout.parts());
    layout.kernel(&[&head.text], &params, &fold.name, &args)
}

/// The results of the totals of all parts.
pub(crate) fn join(layout: &Layout, fold: &Fold, totals: BufferIndex, tail: &Functor) -> Printed {
    let (tail_param, tail_value) = given(tail, "tail");
    let from = (format!("const {}::Total* totals", fold.name), Param::pointer(totals));
    let params: Vec<(String, Param)> = [from].into_iter().chain(tail_param).collect();
    let again = format!("fold::Again<{}>", fold.name);
    let args = format!("Parts<{}>{{totals}}, Finished<{again}, {}>{{{tail_value}}}", fold.name, tail.name);
    layout.joining().kernel(&[&tail.text], &params, &again, &args)
}

/// One step of a chain.
pub(crate) enum Link {
    /// A reduction along rows.
    Fold { layout: Layout, fold: Fold, head: Functor, tail: Functor },
    /// A program at each place of the rows.
    Map { layout: Layout, program: Functor },
}

/// Takes row by row through all links, which are all laid out alike.
pub(crate) fn chain(links: &[Link]) -> Printed {
    let (mut text, mut params, mut calls) = (String::new(), Vec::new(), Vec::new());
    let mut define = |number: usize, kind: &str, functor: &Functor| {
        let functor = functor.renamed(&format!("@_{kind}{number}"));
        let (param, value) = given(&functor, &format!("{kind}{number}"));
        params.extend(param);
        (functor.text, functor.name, value)
    };
    for (number, link) in links.iter().enumerate() {
        match link {
            Link::Fold { layout, fold, head, tail } => {
                let (head_text, _, head) = define(number, "head", head);
                let (tail_text, tail_name, tail) = define(number, "tail", tail);
                text.extend([head_text, tail_text, layout.printed(&number.to_string())]);
                let finish = format!("Finished<{}, {tail_name}>{{{tail}}}", fold.name);
                calls.push(format!("reduce_row<{}, @_shape{number}>(row, {head}, {finish});", fold.name));
            }
            Link::Map { layout, program } => {
                let (program_text, _, program) = define(number, "program", program);
                text.extend([program_text, layout.printed(&number.to_string())]);
                calls.push(format!("map_row<@_shape{number}>(row, {program});"));
            }
        }
        calls.push(format!("meet<@_shape{number}>();"));
    }
    let (Link::Fold { layout, .. } | Link::Map { layout, .. }) = &links[0];
    let rows = layout.threads / layout.width;
    let body = format!(
        "for (index row = blockIdx.x * {rows}u; row < {}u; row += gridDim.x * {rows}u) {{\n        {}\n    }}",
        layout.results,
        calls.join("\n        ")
    );
    let printed = Printed::new(family!("reduce"), &text, &params, layout.threads as u32, &body);
    printed.on([blocks(layout.results * layout.width, layout.threads as u32), 1, 1])
}
