//! A run allocates nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use cornu_backend_cpu::Cpu;
use cornu_ir::backend::{Backend, Buffer};
use cornu_ir::derived::{Loop, Step, along_time, conditional};
use cornu_ir::ops::{Conv, Reduction, Scatter, ScatterKind, Sliding, WindowKind, Windows};
use cornu_ir::passes::optimize;
use cornu_ir::plan::plan;
use cornu_ir::testing::random_inputs;
use cornu_ir::{Builder, DType, Expr, Graph, Type};

/// The system's allocator, with a count.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A program with every kind of kernel, on tensors of `n` rows.
fn program(n: usize) -> Graph {
    let b = Builder::new();
    let x = b.input("x", Type::new(DType::F32, [n, 64]));
    let w = b.input("w", Type::new(DType::F32, [64, 80]));
    let half = b.input("half", Type::new(DType::BF16, [n, 64]));
    let indices = b.input("indices", Type::new(DType::U8, [n]));
    let key = b.input("key", Type::new(DType::U32, [2]));
    let product = x.matmul(w);
    let hidden = product.max(product.full_like(0.0)).tanh();
    let columns = hidden.sum(&[0]);
    let running = hidden.cumulative(Reduction::Sum, 0, false);
    let order = hidden.arg_sort(1, true, 5);
    let picked = hidden.gather(indices, 0, 0);
    let add = Scatter { axis: 0, batch: 0, kind: ScatterKind::Add };
    let spread = hidden.scatter(indices, picked, add);
    let bits = b.random_bits([n, 80], key, key);
    let narrow = half.sum(&[1]).cast(DType::F32);
    let joined = Expr::concat(&[hidden.transpose(&[1, 0]), running.transpose(&[1, 0])], 0).reverse(&[0]);
    let image = hidden.reshape([n, 5, 4, 4]);
    let sliding = Sliding { low: [1, 0].into(), ..Sliding::dense(2) };
    let conv = |groups: usize| Conv { sliding: sliding.clone(), groups };
    let convolved = image.conv(w.slice_axis(0, 0, 3).reshape([3, 2, 4, 10]), conv(1));
    let convolved = (convolved.tanh() + convolved.number(1.0).broadcast_scalar(&convolved.shape())).sum_all();
    let depthwise = image.conv(w.slice_axis(0, 0, 1).reshape([5, 4, 1, 4]), conv(4));
    let pooled = image.window(WindowKind::Max, Windows { sizes: [2, 2].into(), sliding });
    let steps = Loop {
        length: n,
        reverse: true,
        carries: vec![columns.slice_axis(0, 0, 64).expand(0)],
        sequences: vec![x.expand(1)],
    };
    let (last, _) = along_time(&b, steps, |carries, slices| {
        let next = (carries[0] * slices[0]).matmul(w.slice_axis(1, 0, 64)).tanh();
        Step { carries: vec![next], results: vec![next] }
    });
    let is_large = joined.sum_all().gt(joined.number(1.0));
    let chosen = conditional(
        &b,
        is_large,
        || vec![last[0].matmul(w), last[0]],
        || vec![hidden.slice_axis(0, 0, 1), last[0] * 2.0],
    );
    b.finish(&[
        chosen[0],
        chosen[1],
        convolved,
        depthwise,
        pooled,
        last[0],
        columns,
        order,
        spread,
        bits,
        narrow,
        joined.sum_all(),
        x.matmul(columns.slice_axis(0, 0, 64)),
    ])
    .unwrap()
}

/// The fewest allocations of a run among ten: the first run is for what is set up once, and the counter also sees
/// threads of the pool that are still starting.
fn allocations(cpu: &Cpu, graph: &Graph) -> usize {
    let mut executable = cpu.compile(&plan(&optimize(graph))).unwrap();
    let inputs: Vec<Buffer> =
        random_inputs(graph, None, 1).iter().map(|tensor| cpu.upload(tensor).unwrap()).collect();
    let inputs: Vec<&Buffer> = inputs.iter().collect();
    let mut outputs: Vec<Buffer> = graph.output_types().iter().map(|ty| cpu.allocate(ty).unwrap()).collect();
    let mut run = || {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        executable.run(&mut [], &inputs, &mut outputs).unwrap();
        ALLOCATIONS.load(Ordering::Relaxed) - before
    };
    (0..10).map(|_| run()).min().unwrap()
}

/// One test, as others would be counted too.
#[test]
fn a_run_allocates_nothing() {
    let (serial, parallel) = (Cpu::with_threads(1).unwrap(), Cpu::with_threads(3).unwrap());
    assert_eq!(allocations(&serial, &program(7)), 0);
    assert_eq!(allocations(&serial, &program(3000)), 0);
    assert_eq!(allocations(&parallel, &program(7)), 0);
    assert_eq!(allocations(&parallel, &program(3000)), 0);
}
