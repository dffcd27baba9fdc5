//! Products of matrices of f32, beside crates that do nothing else.

use cornu_backend_cpu::Cpu;

use super::{Cell, ONE_THREAD, cpus, kernel};
use crate::args::Args;
use crate::line::Line;
use crate::peers;

const TABLE: &str = "products of matrices";

/// `[m,k]·[k,n]`: cubes, then what the workloads multiply, forward and for gradients, and one row at a time.
const SHAPES: [[usize; 3]; 24] = [
    [256, 256, 256],
    [512, 512, 512],
    [1024, 1024, 1024],
    [2048, 2048, 2048],
    // W1: forward, to the kernels, and one sample.
    [128, 784, 512],
    [128, 512, 512],
    [128, 512, 10],
    [784, 128, 512],
    [512, 128, 512],
    [1, 784, 512],
    [1, 512, 512],
    // W2: its second convolution as a product, and the last layer.
    [86528, 288, 64],
    [128, 1600, 10],
    // W3: all steps of the input, one step, all steps to the kernel.
    [2560, 128, 512],
    [32, 128, 512],
    [128, 2560, 512],
    // W4: projections, the two layers of a block, the words.
    [2048, 128, 128],
    [2048, 128, 512],
    [2048, 512, 128],
    [2048, 128, 8000],
    // W7: what a 1 by 1 convolution is, early and late.
    [3136, 64, 256],
    [784, 512, 128],
    [196, 256, 1024],
    [49, 2048, 512],
];

/// The lines of the table.
pub(super) fn lines(args: &Args) -> Result<Vec<Line>, String> {
    let [one, all] = cpus()?;
    let mut lines = Vec::new();
    for shape in SHAPES {
        let row = shape.map(|size| size.to_string()).join("x");
        eprintln!("{TABLE}: {row}");
        let of_all = format!("{} threads", all.threads());
        for (cpu, column) in [(&one, ONE_THREAD), (&all, &of_all)] {
            lines.extend(measured(args, &Cell { table: TABLE, row: &row, column }, cpu, shape)?);
        }
    }
    Ok(lines)
}

fn measured(args: &Args, cell: &Cell<'_>, cpu: &Cpu, shape: [usize; 3]) -> Result<Vec<Line>, String> {
    let [m, k, n] = shape;
    let mut contestants = vec![kernel::contestant(cpu, &[vec![m, k], vec![k, n]], |x| x[0].matmul(x[1]))?];
    if args.peers {
        contestants.extend(peers::for_product(cell.row, cpu.threads()));
    }
    cell.lines(contestants, args.rounds)
}
