//! Kernels: for each family of `.cu` files the launcher that stands beside it.
//!
//! A launcher prints what is particular to a plan (sizes, fused expressions) as a few lines of CUDA C that call the
//! templates of its family, and says on which grid they run.

pub(crate) mod branch;
pub(crate) mod conv;
pub(crate) mod copy;
pub(crate) mod cumulative;
pub(crate) mod gather;
pub(crate) mod hopper;
pub(crate) mod lines;
pub(crate) mod map;
pub(crate) mod matmul;
pub(crate) mod pool;
pub(crate) mod product;
pub(crate) mod random;
pub(crate) mod reduce;
pub(crate) mod scatter;
pub(crate) mod sort;

use smallvec::SmallVec;

use crate::launch::Param;
use crate::source::Family;

/// Threads of a block, where a kernel has no reason for another number.
pub(crate) const THREADS: u32 = 256;

/// The most blocks of a grid that strides over its work: enough for every multiprocessor of the largest device, many
/// times over.
const MOST_BLOCKS: usize = 132 * 16;

/// Blocks for so many threads' worth of work, where each block strides over what is left.
pub(crate) fn blocks(work: usize, threads: u32) -> u32 {
    work.div_ceil(threads as usize).clamp(1, MOST_BLOCKS) as u32
}

/// What a launcher says of one kernel, with its text still to be named.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) family: Family,
    pub(crate) text: String,
    pub(crate) grid: [u32; 3],
    pub(crate) threads: u32,
    pub(crate) shared: u32,
    pub(crate) params: SmallVec<[Param; 4]>,
}

impl Printed {
    /// A kernel whose body is `body`, with parameters of these C types and names behind the guard: `"const f32* x"`.
    /// Where the guard is closed it does nothing.
    pub(crate) fn new(
        family: Family,
        before: &str,
        params: &[(String, Param)],
        threads: u32,
        body: &str,
    ) -> Printed {
        let guarded = format!("if (guard.closed()) return;\n    {body}");
        Printed::unguarded(family, before, params, threads, &guarded)
    }

    /// As [`Printed::new`], of a kernel that looks at the guard itself.
    pub(crate) fn unguarded(
        family: Family,
        before: &str,
        params: &[(String, Param)],
        threads: u32,
        body: &str,
    ) -> Printed {
        let list: String = params.iter().map(|(declared, _)| format!(", {declared}")).collect();
        let name = family.name;
        let text = format!(
            "namespace {name}_family {{\n{before}extern \"C\" __global__ void __launch_bounds__({threads}) \
             @(const Guard guard{list}) {{\n    {body}\n}}\n}}\nusing {name}_family::@;\n"
        );
        let params = params.iter().map(|(_, param)| param.clone()).collect();
        Printed { family, text, grid: [1, 1, 1], threads, shared: 0, params }
    }

    /// The same on so many blocks.
    pub(crate) fn on(self, grid: [u32; 3]) -> Printed {
        Printed { grid, ..self }
    }

    /// The same with so many bytes of dynamic shared memory for each block.
    pub(crate) fn with_shared(self, shared: u32) -> Printed {
        Printed { shared, ..self }
    }
}
