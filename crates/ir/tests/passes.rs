//! The passes and the planner: by text files of programs and what becomes of them, and by random programs, whose
//! values no pass may change.
//!
//! A file holds cases apart by `===`; in each, a program, a line `=>`, and the expected text. `cargo xtask bless`
//! writes what comes out into the files.

use std::fs;
use std::path::Path;

use cornu_ir::interpret::interpret;
use cornu_ir::plan::plan;
use cornu_ir::testing::{agreement, random_graph, random_inputs};
use cornu_ir::{Graph, passes, text, verify};

/// Runs every case of every file of a folder.
fn check_folder(folder: &str, run: impl Fn(&Graph) -> String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let bless = std::env::var_os("CORNU_BLESS").is_some();
    let mut failures = Vec::new();
    for entry in fs::read_dir(&folder).expect("the folder of cases") {
        let path = entry.expect("an entry").path();
        let before = fs::read_to_string(&path).expect("a text file");
        let cases: Vec<String> = before.split("===\n").map(|case| rerun(case, &run)).collect();
        let after = cases.join("===\n");
        if bless {
            fs::write(&path, &after).expect("a writable file");
        } else if before != after {
            failures.push(format!("{}: expected\n{before}\ngot\n{after}", path.display()));
        }
    }
    assert!(failures.is_empty(), "{}\n(`cargo xtask bless` accepts what came out)", failures.join("\n\n"));
}

/// The case with the expected text replaced by what comes out.
fn rerun(case: &str, run: impl Fn(&Graph) -> String) -> String {
    let (program, _) = case.split_once("=>\n").unwrap_or((case, ""));
    let graph = text::parse(program).unwrap_or_else(|error| panic!("{error}\n{program}"));
    assert_eq!(verify::verify(&graph), Ok(()));
    format!("{program}=>\n{}", run(&graph))
}

fn written(graph: &Graph) -> String {
    format!("{graph}\n")
}

#[test]
fn simplify_rewrites_as_the_files_say() {
    check_folder("simplify", |graph| {
        written(&passes::eliminate_dead(&passes::eliminate_common(&passes::simplify(graph))))
    });
}

#[test]
fn canonicalize_rewrites_as_the_files_say() {
    check_folder("canonicalize", |graph| written(&passes::eliminate_dead(&passes::canonicalize(graph))));
}

#[test]
fn sums_are_shared_as_the_files_say() {
    let clean = |graph: &Graph| passes::eliminate_dead(&passes::eliminate_common(&passes::simplify(graph)));
    check_folder("sums", |graph| written(&clean(&passes::share_sums(graph))));
}

#[test]
fn plans_are_as_the_files_say() {
    check_folder("plan", |graph| plan(&passes::optimize(graph)).to_string());
}

#[test]
fn no_pass_changes_what_a_program_computes() {
    for seed in 0..300 {
        let graph = random_graph(seed);
        let inputs = random_inputs(&graph, None, seed);
        passes::observe(&graph, |pass, after| {
            assert_eq!(verify::verify(after), Ok(()), "{} on\n{graph}", pass.name);
            if let Err(difference) = agreement(&graph, &inputs, &interpret(after, &inputs)) {
                panic!("{} changes {difference}\n{graph}\ninto\n{after}", pass.name);
            }
        });
    }
}

#[test]
fn every_random_program_has_a_plan_that_fits_its_arena() {
    for seed in 0..300 {
        let plan = plan(&passes::optimize(&random_graph(seed)));
        for buffer in &plan.buffers {
            if let cornu_ir::plan::Place::Arena(offset) = buffer.place {
                assert_eq!(offset % cornu_ir::plan::ALIGNMENT, 0);
                assert!(offset + buffer.ty.bytes() <= plan.arena_bytes, "seed {seed}: {plan}");
            }
        }
    }
}
