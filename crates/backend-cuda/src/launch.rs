//! Launches: what a lowered plan does in its turn, and the memory it does it on.

use cornu_ir::DType;
use smallvec::SmallVec;

use crate::source::KernelId;

/// The number of a buffer: the plan's first, then those that kernels of one step pass to each other.
pub(crate) type BufferIndex = usize;

/// One kernel on a grid of blocks of threads. Every kernel takes a `Guard` first, then `params`.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    pub(crate) kernel: KernelId,
    /// Blocks along x, y and z.
    pub(crate) grid: [u32; 3],
    /// Threads of a block, along x.
    pub(crate) threads: u32,
    /// Bytes of dynamic shared memory of a block.
    pub(crate) shared: u32,
    pub(crate) params: SmallVec<[Param; 4]>,
}

/// One parameter of a kernel.
#[derive(Clone, Debug)]
pub(crate) enum Param {
    /// Pointers to the first bytes of buffers: one, or a struct of several.
    Pointers(SmallVec<[BufferIndex; 4]>),
    /// A whole number: `i64` in the kernel.
    Number(i64),
    /// A matrix that the tensor memory accelerator copies boxes of: `const __grid_constant__ TensorMap` in the kernel.
    Map(TensorMap),
}

/// What the tensor memory accelerator has to know of a buffer, whose elements lie side by side, and which begins at a
/// multiple of 16 bytes, as each of its rows does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TensorMap {
    pub(crate) buffer: BufferIndex,
    /// Halves of either kind.
    pub(crate) dtype: DType,
    /// Elements along each axis, and of those a copy takes: the axis whose elements are neighbours first.
    pub(crate) sizes: [usize; 3],
    pub(crate) copied: [u32; 3],
}

impl Param {
    /// A pointer to one buffer.
    pub(crate) fn pointer(buffer: BufferIndex) -> Param {
        Param::Pointers(SmallVec::from_slice(&[buffer]))
    }
}

/// What runs in its turn.
#[derive(Debug)]
pub(crate) enum Work {
    /// A kernel.
    Launch(Launch),
    /// A plan inside this one.
    Body(Body),
}

impl Work {
    /// For each of so many kernels the most bytes of dynamic shared memory that a launch of it asks for.
    pub(crate) fn shared_bytes(works: &[Work], kernels: usize) -> Vec<u32> {
        let mut bytes = vec![0; kernels];
        Work::each(works, &mut |launch| {
            let most = &mut bytes[launch.kernel.index()];
            *most = launch.shared.max(*most);
        });
        bytes
    }

    fn each(works: &[Work], see: &mut impl FnMut(&Launch)) {
        for work in works {
            match work {
                Work::Launch(launch) => see(launch),
                Work::Body(body) => Work::each(&body.works, see),
            }
        }
    }
}

/// The work of a plan inside another: a branch, or a loop that runs it again and again.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) works: Vec<Work>,
    /// For each buffer of the body where it lies in those around it.
    pub(crate) bindings: Vec<Binding>,
    /// The flag without which its kernels do nothing; none for loops, which are guarded as what is around them.
    pub(crate) guard: Option<BufferIndex>,
    /// How often it runs.
    pub(crate) length: usize,
    /// From the last slice to the first.
    pub(crate) reverse: bool,
}

/// Where a buffer of a body lies: this many bytes into a buffer around it, and so many further at each turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding {
    pub(crate) around: BufferIndex,
    pub(crate) offset: usize,
    pub(crate) stride: usize,
}

impl Binding {
    /// At the beginning of a buffer.
    pub(crate) fn whole(around: BufferIndex) -> Binding {
        Binding { around, offset: 0, stride: 0 }
    }

    /// At slices of a buffer, so many bytes apart.
    pub(crate) fn sliced(around: BufferIndex, stride: usize) -> Binding {
        Binding { around, offset: 0, stride }
    }
}

/// The address of device memory.
pub(crate) type Address = u64;

/// A launch with its parameters as the driver takes them: one after another, each so many bytes.
pub(crate) struct Ready<'a> {
    pub(crate) launch: &'a Launch,
    pub(crate) params: SmallVec<[u64; 16]>,
    /// Where each parameter begins in `params`.
    pub(crate) starts: SmallVec<[usize; 8]>,
    /// Maps that the driver has yet to write into `params`: from where on, and of what address.
    pub(crate) maps: SmallVec<[(usize, Address, TensorMap); 2]>,
}

/// Words of a map.
pub(crate) const MAP_WORDS: usize = 16;

/// Calls `each` with every launch, in order, where the buffers lie at `addresses`, and the guard at `guard` (0: none).
pub(crate) fn walk<E>(
    works: &[Work],
    addresses: &[Address],
    guard: Address,
    each: &mut impl FnMut(Ready<'_>) -> Result<(), E>,
) -> Result<(), E> {
    for work in works {
        match work {
            Work::Launch(launch) => each(ready(launch, addresses, guard))?,
            Work::Body(body) => {
                let guard = body.guard.map_or(guard, |flag| addresses[flag]);
                for turn in 0..body.length {
                    let slice = if body.reverse { body.length - 1 - turn } else { turn };
                    let place = |binding: &Binding| {
                        addresses[binding.around] + (binding.offset + slice * binding.stride) as Address
                    };
                    let inside: Vec<Address> = body.bindings.iter().map(place).collect();
                    walk(&body.works, &inside, guard, each)?;
                }
            }
        }
    }
    Ok(())
}

fn ready<'a>(launch: &'a Launch, addresses: &[Address], guard: Address) -> Ready<'a> {
    let mut params: SmallVec<[u64; 16]> = SmallVec::from_slice(&[guard]);
    let mut starts: SmallVec<[usize; 8]> = SmallVec::from_slice(&[0]);
    let mut maps = SmallVec::new();
    for param in &launch.params {
        starts.push(params.len());
        match param {
            Param::Pointers(buffers) => params.extend(buffers.iter().map(|&buffer| addresses[buffer])),
            Param::Number(number) => params.push(number.cast_unsigned()),
            Param::Map(map) => {
                maps.push((params.len(), addresses[map.buffer], *map));
                params.extend([0; MAP_WORDS]);
            }
        }
    }
    Ready { launch, params, starts, maps }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Family, Source};

    fn launch(buffers: &[BufferIndex]) -> Work {
        let kernel = Source::default().kernel(Family { name: "test", text: "" }, String::new());
        let params = SmallVec::from_vec(vec![Param::Pointers(buffers.into()), Param::Number(-1)]);
        Work::Launch(Launch { kernel, grid: [1; 3], threads: 1, shared: 0, params })
    }

    fn walked(works: &[Work], addresses: &[Address]) -> Vec<Vec<u64>> {
        let mut seen = Vec::new();
        let mut each = |ready: Ready<'_>| {
            seen.push(ready.params.to_vec());
            Ok::<(), ()>(())
        };
        walk(works, addresses, 0, &mut each).expect("nothing fails");
        seen
    }

    #[test]
    fn parameters_follow_the_guard() {
        assert_eq!(walked(&[launch(&[1, 0])], &[100, 200]), [[0, 200, 100, u64::MAX]]);
    }

    #[test]
    fn a_loop_moves_along_its_slices_and_a_branch_hands_its_guard_inwards() {
        let inner = Body {
            works: vec![launch(&[0])],
            bindings: vec![Binding::sliced(1, 8)],
            guard: None,
            length: 3,
            reverse: true,
        };
        let outer = Body {
            works: vec![Work::Body(inner)],
            bindings: vec![Binding::whole(0), Binding { around: 1, offset: 64, stride: 0 }],
            guard: Some(0),
            length: 1,
            reverse: false,
        };
        let expected = [180, 172, 164].map(|address| [50, address, u64::MAX]);
        assert_eq!(walked(&[Work::Body(outer)], &[50, 100]), expected);
    }
}
