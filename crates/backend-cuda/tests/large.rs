//! The forms that kernels take for tensors larger than those of the corpus, which are too slow for the reference to
//! belong there.

mod common;

use cornu_ir::testing::conformance;

/// Long rows, many columns, lines in parts, runs that are merged.
#[test]
fn every_large_case_passes() {
    let Some(cuda) = common::gpu() else { return };
    if let Err(reasons) = conformance(include_str!("large.ir"), cuda) {
        panic!("{reasons}");
    }
}
