//! Times workloads, and beside them the same work done by peers. Rounds are interleaved, so that whatever slows the
//! machine for a while slows everybody.

mod about;
mod args;
mod contestant;
mod data;
mod digest;
mod docs;
mod job;
mod line;
mod peers;
mod report;
mod statistics;
mod table;
mod tables;
mod unit;
mod workloads;

use std::alloc::System;
use std::process::ExitCode;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use args::{Args, Mode};
use contestant::{Contestant, Question};
use cornu_backend_cpu::Cpu;
use report::{Measured, Report};
use workloads::Workload;

/// Counts what is allocated; the atomic additions are no part of what takes time in a step, which allocates little.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    let outcome = Args::parse(std::env::args().skip(1)).and_then(|args| match args {
        Some(args) => run(&args),
        None => {
            print!("{}", args::HELP);
            Ok(())
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("bench: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), String> {
    let chosen = || workloads::chosen(args.workload.as_deref());
    if matches!(args.mode, Mode::Measure | Mode::Digests) {
        args.backends.iter().try_for_each(|backend| workloads::open(backend))?;
    }
    match &args.mode {
        Mode::Measure => compete(args, &chosen()?),
        Mode::Profile => profile(&chosen()?),
        Mode::Tables => tables::measure(args),
        Mode::Digests => {
            let each = |backend: &String| digest::compare(&chosen()?, backend);
            args.backends.iter().try_for_each(each)
        }
        Mode::WriteDocs(from) => docs::write(from),
        Mode::Serve([name, measure]) => Workload::find(name, measure)?.here()?.serve(),
        Mode::Digest([name, measure]) => digest::print(&Workload::find(name, measure)?),
    }
}

/// Times workloads, and reports.
fn compete(args: &Args, workloads: &[Workload]) -> Result<(), String> {
    let mut report = Report::new(args)?;
    let first = &args.backends[0];
    let bare = workloads::bare_process(first)?;
    for workload in workloads {
        // The limits are those of the processor, and so are shares of them.
        let amount = if first == "cpu" { workload.amount()? } else { None };
        let predicted = amount.zip(bare).map(|(amount, bare)| amount.bytes + bare);
        let ours = args.backends.iter().map(|backend| workload.ours(backend));
        let mut contestants = ours.collect::<Result<Vec<_>, String>>()?;
        if args.peers {
            let others = args.backends.iter().map(|backend| peers::for_workload(workload, backend));
            contestants.extend(others.flatten());
        }
        let mut results = measure(workload, args.backends.len(), &mut contestants, args.rounds)?;
        results[0].predicted_rss = predicted.filter(|_| results[0].peak_rss.is_some());
        for (result, contestant) in results.iter_mut().zip(&mut contestants).take(args.backends.len()) {
            result.step_allocates = contestant.ask(Question::Allocated).ok().map(|bytes| bytes as u64);
        }
        report.add(workload, amount, &results);
    }
    report.finish()
}

/// Shows for each workload what the kernels of a step take.
fn profile(workloads: &[Workload]) -> Result<(), String> {
    let limits = Cpu::new().map_err(|error| error.to_string())?.limits();
    for workload in workloads {
        if let Some(mut profile) = workload.job()?.profile()? {
            profile.limits = Some(limits);
            println!("{} {}\n{profile}", workload.name, workload.measure);
        }
    }
    Ok(())
}

/// One result of every contestant in every round. A peer that fails is left out from then on;
/// the first `ours` are Cornu, and must not fail.
fn measure(
    workload: &Workload,
    ours: usize,
    contestants: &mut Vec<Contestant>,
    rounds: usize,
) -> Result<Vec<Measured>, String> {
    let mut results: Vec<Measured> = contestants.iter().map(Measured::of).collect();
    for round in 0..rounds {
        eprintln!("{}: round {} of {rounds}", workload.name, round + 1);
        for place in 0..contestants.len() {
            // Everybody is first once, because the first finds the machine cooler than the others.
            let index = (place + round) % contestants.len();
            match contestants[index].ask(Question::Round) {
                Ok(value) => {
                    results[index].values.push(value);
                    results[index].peak_rss = contestants[index].peak_rss();
                }
                Err(reason) if index < ours => {
                    return Err(format!("{} on {}: {reason}", workload.name, results[index].name));
                }
                Err(reason) => results[index].failure = Some(reason),
            }
        }
        let mut keep = results.iter().map(|result| result.failure.is_none());
        contestants.retain(|_| keep.next().unwrap_or(true));
        results.iter().filter_map(Measured::failure_line).for_each(|line| eprintln!("{line}"));
        results.retain(|result| result.failure.is_none());
    }
    Ok(results)
}
