//! Program: one graph compiled for a device, with the buffers for its inputs and outputs.

use std::path::Path;
use std::time::Duration;

use cornu_ir::backend::{Backend, Buffer, Executable};
use cornu_ir::plan::{Plan, plan};
use cornu_ir::{Graph, Tensor, Type, passes};

use crate::error::Result;
use crate::training::Rows;

/// What a program is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    /// One step of `fit`.
    Train,
    /// One step of `fit` that changes nothing where it would write a number that is not finite.
    GuardedTrain,
    /// One batch of `evaluate`.
    Test,
    /// One batch of `predict`.
    Predict,
}

/// Which program a batch needs: one for each purpose and each list of types of what is given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Signature {
    pub(crate) purpose: Purpose,
    pub(crate) given: Vec<Type>,
    /// How many of the last of what is given are sample weights.
    pub(crate) weights: usize,
}

/// A compiled graph. Making one takes milliseconds; a model keeps one for each [`Signature`] it has met.
pub(crate) struct Program {
    plan: Plan,
    executable: Box<dyn Executable>,
    /// What changes from run to run; weights that the program only reads come from the model.
    given: Vec<Buffer>,
    outputs: Vec<Buffer>,
}

impl Program {
    /// Compiles a graph whose last inputs, of the types `given`, change from run to run.
    pub(crate) fn new(backend: &dyn Backend, name: &str, graph: &Graph, given: &[Type]) -> Result<Program> {
        let mut dump = Dump::new(name);
        dump.write("built", graph);
        let optimized = passes::observe(graph, |pass, graph| dump.write(pass.name, graph));
        let plan = plan(&optimized);
        dump.write("plan", &plan);
        Ok(Program {
            executable: backend.compile(&plan)?,
            given: given.iter().map(|ty| Ok(backend.allocate(ty)?)).collect::<Result<_>>()?,
            outputs: plan.outputs[plan.state..]
                .iter()
                .map(|ty| Ok(backend.allocate(ty)?))
                .collect::<Result<_>>()?,
            plan,
        })
    }

    /// Runs once: changes `state`, reads `fixed` and then what is given. The results wait on the device.
    pub(crate) fn run(
        &mut self,
        backend: &dyn Backend,
        state: &mut [Buffer],
        fixed: &[Buffer],
        given: &[Rows],
    ) -> Result<()> {
        for (buffer, rows) in self.given.iter_mut().zip(given) {
            rows.write(backend, buffer)?;
        }
        let inputs: Vec<&Buffer> = fixed.iter().chain(&self.given).collect();
        Ok(self.executable.run(state, &inputs, &mut self.outputs)?)
    }

    /// What runs.
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// As [`Program::run`], and says how long each step of the plan took.
    pub(crate) fn profile(&mut self, state: &mut [Buffer], fixed: &[Buffer]) -> Result<Vec<Duration>> {
        let inputs: Vec<&Buffer> = fixed.iter().chain(&self.given).collect();
        Ok(self.executable.profile(state, &inputs, &mut self.outputs)?)
    }

    /// The results of the last run.
    pub(crate) fn outputs(&self, backend: &dyn Backend) -> Result<Vec<Tensor>> {
        self.outputs.iter().map(|buffer| Ok(backend.download(buffer)?)).collect()
    }
}

/// Writes the graph after each pass, and the plan, into the folder that `CORNU_DUMP` names.
struct Dump {
    folder: Option<std::ffi::OsString>,
    name: String,
    count: usize,
}

impl Dump {
    fn new(name: &str) -> Dump {
        Dump { folder: std::env::var_os("CORNU_DUMP"), name: name.to_string(), count: 0 }
    }

    fn write(&mut self, pass: &str, program: &dyn std::fmt::Display) {
        let Some(folder) = &self.folder else { return };
        let file = format!("{}.{:02}-{pass}.ir", self.name, self.count);
        self.count += 1;
        // A debugging aid must not stop the program: it says what went wrong and goes on.
        if let Err(error) = std::fs::write(Path::new(folder).join(&file), program.to_string()) {
            eprintln!("CORNU_DUMP: {file}: {error}");
        }
    }
}
