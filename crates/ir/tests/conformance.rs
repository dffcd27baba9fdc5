//! The corpus itself: complete, and true of the reference evaluator.

use std::collections::BTreeSet;

use cornu_ir::Op;
use cornu_ir::graph::Graph;
use cornu_ir::interpret::interpret;
use cornu_ir::op::Rules;
use cornu_ir::ops::{Binary, Compare, Unary};
use cornu_ir::passes::optimize;
use cornu_ir::plan::plan;
use cornu_ir::testing::{
    CASES, Case, Reference, Run, agreement, cases, check_gradient, conformance, gradient_graph, random_graph,
    random_inputs, run,
};

/// How many random programs each test goes through.
const PROGRAMS: u64 = 300;

fn corpus() -> impl Iterator<Item = (&'static str, Case)> {
    CASES.iter().flat_map(|(name, text)| {
        let cases = cases(text).unwrap_or_else(|error| panic!("{name}.ir: {error}"));
        cases.into_iter().map(move |case| (*name, case))
    })
}

fn op_names(graph: &Graph) -> impl Iterator<Item = &'static str> {
    graph.nodes.iter().map(|node| node.op.rules().name())
}

#[test]
fn every_line_of_the_table_has_a_file() {
    let files: BTreeSet<&str> = CASES.iter().map(|(name, _)| *name).collect();
    let missing: Vec<String> =
        Op::TABLE.iter().map(|name| snake(name)).filter(|name| !files.contains(&**name)).collect();
    assert!(missing.is_empty(), "write conformance/*.ir for {missing:?} and name them in testing.rs");
}

/// `ArgReduce` as files are called: `arg_reduce`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

#[test]
fn every_member_of_a_family_has_a_case() {
    let seen: BTreeSet<&str> =
        corpus().flat_map(|(_, case)| op_names(&case.graph).collect::<Vec<_>>()).collect();
    let unary = Unary::ALL.iter().map(Rules::name);
    let names = unary.chain(Binary::ALL.iter().map(Rules::name)).chain(Compare::ALL.iter().map(Rules::name));
    let missing: Vec<&str> = names.filter(|name| !seen.contains(name)).collect();
    assert!(missing.is_empty(), "no case uses {missing:?}");
}

#[test]
fn every_case_is_run() {
    for (file, case) in corpus() {
        assert!(!case.runs.is_empty(), "{file}.ir: `{}` has no `run` or `random` line", case.name);
    }
}

#[test]
fn the_reference_gives_what_the_files_say() {
    let mut wrong = Vec::new();
    for (file, case) in corpus() {
        for (line, run) in &case.runs {
            if let Run::Exact { inputs, outputs } = run
                && let Err(reason) = agreement(&case.graph, inputs, outputs)
            {
                wrong.push(format!("{file}.ir:{line} `{}`: {reason}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "the file, not the reference, comes second:\n{}", wrong.join("\n"));
}

#[test]
fn passes_keep_the_meaning_of_every_case() {
    for (file, case) in corpus() {
        let after = optimize(&case.graph);
        for (line, run) in &case.runs {
            let inputs = match run {
                Run::Exact { inputs, .. } => inputs.clone(),
                Run::Random(range) => random_inputs(&case.graph, range.clone(), *line as u64),
            };
            let result = agreement(&case.graph, &inputs, &interpret(&after, &inputs));
            assert_eq!(result, Ok(()), "{file}.ir:{line} `{}` became\n{after}", case.name);
        }
    }
}

/// The planner, and the runner that other backends use, on the backend that only says what a plan means.
#[test]
fn plans_keep_the_meaning_of_every_case() {
    for (name, text) in CASES {
        let result = conformance(text, &Reference);
        assert!(result.is_ok(), "{name}.ir:\n{}", result.unwrap_err());
    }
}

#[test]
fn plans_keep_the_meaning_of_random_programs() {
    for seed in 0..PROGRAMS {
        let graph = random_graph(seed);
        let inputs = random_inputs(&graph, None, seed);
        let got = run(&graph, &inputs, &Reference).expect("the reference backend runs every plan");
        let result = agreement(&graph, &inputs, &got);
        assert_eq!(result, Ok(()), "seed {seed}:\n{graph}\nas\n{}", plan(&optimize(&graph)));
    }
}

/// First derivatives, and where they have any, derivatives of those.
#[test]
fn gradients_of_every_case_are_those_of_differences() {
    let mut checked = BTreeSet::new();
    for (file, case) in corpus() {
        for (line, run) in &case.runs {
            let Run::Random(range) = run else { continue };
            let Ok(Some(first)) = gradient_graph(&case.graph) else { continue };
            // In double precision, for halves fall on the corners of `floor` and `max` too often.
            let inputs = random_inputs(&first, range.clone(), *line as u64);
            let at = format!("{file}.ir:{line} `{}`", case.name);
            let count =
                check_gradient(&case.graph, &inputs).unwrap_or_else(|reason| panic!("{at}: {reason}"));
            checked.extend(op_names(&case.graph).filter(|_| count > 0));
            if let Ok(Some(_)) = gradient_graph(&first) {
                check_gradient(&first, &inputs)
                    .unwrap_or_else(|reason| panic!("{at}, second derivative: {reason}"));
            }
        }
    }
    // Without a derivative that is not zero everywhere: leaves, comparisons, whole numbers, indices.
    let none =
        ["input", "constant", "iota", "random_bits", "detach", "arg_reduce", "arg_sort", "window_arg_max"];
    let steps = ["sign", "floor", "ceil", "round", "not", "and", "or", "xor", "shl", "shr"];
    let relations = Compare::ALL.map(|op| op.name());
    let exempt = |name: &&str| none.contains(name) || steps.contains(name) || relations.contains(name);
    let all: BTreeSet<&str> =
        corpus().flat_map(|(_, case)| op_names(&case.graph).collect::<Vec<_>>()).collect();
    let unchecked: Vec<&str> =
        all.into_iter().filter(|name| !exempt(name) && !checked.contains(name)).collect();
    assert!(unchecked.is_empty(), "no `random` line of a float case checks the gradient of {unchecked:?}");
}

#[test]
fn gradients_of_random_programs_are_those_of_differences() {
    let mut checked = 0;
    for seed in 0..PROGRAMS {
        let graph = random_graph(seed);
        let Ok(Some(first)) = gradient_graph(&graph) else { continue };
        let result = check_gradient(&graph, &random_inputs(&first, None, seed));
        checked += result.unwrap_or_else(|reason| panic!("seed {seed}: {reason}\n{graph}"));
    }
    assert!(checked > 0);
}
