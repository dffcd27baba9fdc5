//! Kernel: a graph of a single op, compiled and run again and again on one set of threads.

use std::time::Instant;

use cornu_backend_cpu::Cpu;
use cornu_ir::backend::{Backend, Buffer, Executable};
use cornu_ir::error::BackendError;
use cornu_ir::passes::optimize;
use cornu_ir::plan::plan;
use cornu_ir::{Builder, DType, Expr, Type};

use crate::contestant::Contestant;
use crate::data;

/// A round takes at least so long, so that clocks are fine enough and caches are as they are in a long run.
const SECONDS: f64 = 0.01;

/// Someone who computes `op` of f32 arrays of these shapes; a round is how many GFLOP/s that was.
pub(super) fn contestant(
    cpu: &Cpu,
    shapes: &[Vec<usize>],
    op: impl for<'b> Fn(&[Expr<'b>]) -> Expr<'b>,
) -> Result<Contestant, String> {
    let mut kernel = Kernel::new(cpu, shapes, op)?;
    Ok(Contestant::new("cpu", move |_| kernel.round().map_err(|error| error.to_string())))
}

struct Kernel {
    executable: Box<dyn Executable>,
    inputs: Vec<Buffer>,
    outputs: Vec<Buffer>,
    flops: f64,
}

impl Kernel {
    fn new(
        cpu: &Cpu,
        shapes: &[Vec<usize>],
        op: impl for<'b> Fn(&[Expr<'b>]) -> Expr<'b>,
    ) -> Result<Kernel, String> {
        let builder = Builder::new();
        let input = |shape: &Vec<usize>| builder.input("x", Type::new(DType::F32, shape.clone()));
        let inputs: Vec<Expr<'_>> = shapes.iter().map(input).collect();
        let graph = builder.finish(&[op(&inputs)]).map_err(|error| error.to_string())?;
        let plan = plan(&optimize(&graph));
        let said = |error: BackendError| error.to_string();
        let uploaded = |(shape, seed): (&Vec<usize>, u64)| cpu.upload(&data::floats(shape, seed));
        Ok(Kernel {
            executable: cpu.compile(&plan).map_err(said)?,
            inputs: shapes.iter().zip(1..).map(uploaded).collect::<Result<_, _>>().map_err(said)?,
            outputs: plan
                .outputs
                .iter()
                .map(|ty| cpu.allocate(ty))
                .collect::<Result<_, _>>()
                .map_err(said)?,
            flops: plan.cost().flops as f64,
        })
    }

    fn round(&mut self) -> Result<f64, BackendError> {
        let inputs: Vec<&Buffer> = self.inputs.iter().collect();
        self.executable.run(&mut [], &inputs, &mut self.outputs)?;
        let (begun, mut times) = (Instant::now(), 0);
        while times == 0 || begun.elapsed().as_secs_f64() < SECONDS {
            self.executable.run(&mut [], &inputs, &mut self.outputs)?;
            times += 1;
        }
        Ok(f64::from(times) * self.flops / begun.elapsed().as_secs_f64() / 1e9)
    }
}
