//! start: from the start of a process to the first prediction of a saved network.

use std::fs;
use std::process::Command;

use cornu::{Dense, Input, Sequential};

use super::Workload;
use crate::contestant::{Contestant, Question};
use crate::job::{Job, Made};
use crate::peers::target_folder;
use crate::unit::Unit;

/// The `cornu` command predicts one row.
pub(crate) const WORKLOAD: Workload =
    Workload { name: "start", measure: "start", unit: Unit::Milliseconds, work };

const INPUTS: usize = 9;

fn work() -> Made {
    let folder = tempfile::tempdir()?;
    let (model, x, y) =
        (folder.path().join("m.keras"), folder.path().join("x.npy"), folder.path().join("y.npy"));
    let layers = Sequential::new()
        .add(Input::new([INPUTS]))
        .add(Dense::new(32).activation("relu"))
        .add(Dense::new(128).activation("relu"))
        .add(Dense::new(1));
    layers.build()?.save(&model)?;
    fs::write(&x, row())?;
    let program = target_folder().join("release").join(format!("cornu{}", std::env::consts::EXE_SUFFIX));
    let mut command = Command::new(program);
    command.arg("predict").arg(model).arg("--input").arg(x).arg("--output").arg(y);
    let mut cornu = Contestant::program("cornu", command);
    cornu.ask(Question::Round)?;
    Ok(Job::Other(Contestant::new("cornu", move |question| {
        // The folder lives as long as the contestant.
        let _ = &folder;
        cornu.ask(question)
    })))
}

/// A `.npy` file of one row.
fn row() -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': (1, {INPUTS}), }}\n");
    let size = u16::try_from(header.len()).expect("a short header").to_le_bytes();
    [b"\x93NUMPY\x01\x00", size.as_slice(), header.as_bytes(), &[0; 4 * INPUTS]].concat()
}
