//! What the benchmarks are told.

use std::path::PathBuf;

/// What `cargo xtask bench --help` prints.
pub(crate) const HELP: &str = "\
cargo xtask bench [--workload NAME] [--rounds N] [--no-peers] [--setup-peers] [--backend LIST] [--json]
                  [--save FILE] [--against FILE] [--profile] [--tables] [--digests] [--write-docs FILE]

  --workload NAME   only this one: W1 to W7, start, optimizer
  --rounds N        how often each contestant runs; 5 if not given
  --setup-peers     makes the Python environments of the peers and builds those in Rust (network), and measures nothing
  --no-peers        without peers, even if they are set up
  --backend LIST    where Cornu runs, as in CORNU_BACKEND: `cpu`, `cuda`, or both as `cpu,cuda`; beside a GPU, PyTorch
                    runs on it, too
  --json            a line of JSON for each result in place of the table
  --save FILE       keeps the lines of JSON
  --against FILE    compares with lines that were kept
  --profile         shows what each kernel of a step takes, and measures nothing else
  --tables          measures products of matrices and the convolutions of the ResNets, each by itself
  --digests         compares what each workload computes on 1, 2, 3 and 7 threads, and measures nothing
  --write-docs FILE writes docs/performance.md from lines that were kept, those of tables after those of workloads
  --serve NAME MEASURE
                    does a round of one workload for each line of input: how the benches start Cornu beside its peers
  --digest NAME MEASURE
                    prints a digest of what one workload computes in a few steps
";

/// What is to be done.
#[derive(Debug, PartialEq)]
pub(crate) enum Mode {
    /// Time workloads.
    Measure,
    /// Show the kernels of their steps.
    Profile,
    /// Time products and convolutions by themselves.
    Tables,
    /// Compare what workloads compute on several numbers of threads.
    Digests,
    /// Write the page of the documentation from this file.
    WriteDocs(PathBuf),
    /// Do rounds of the workload of this name and measure.
    Serve([String; 2]),
    /// Print a digest of what it computes.
    Digest([String; 2]),
}

/// The command line.
#[derive(Debug, PartialEq)]
pub(crate) struct Args {
    pub(crate) mode: Mode,
    pub(crate) workload: Option<String>,
    pub(crate) rounds: usize,
    pub(crate) peers: bool,
    pub(crate) backends: Vec<String>,
    pub(crate) json: bool,
    pub(crate) save: Option<PathBuf>,
    pub(crate) against: Option<PathBuf>,
}

impl Default for Args {
    fn default() -> Args {
        Args {
            mode: Mode::Measure,
            workload: None,
            rounds: 5,
            peers: true,
            backends: vec!["cpu".to_string()],
            json: false,
            save: None,
            against: None,
        }
    }
}

impl Args {
    /// Reads the command line; `None` when help was asked for.
    pub(crate) fn parse(mut line: impl Iterator<Item = String>) -> Result<Option<Args>, String> {
        let mut args = Args::default();
        while let Some(flag) = line.next() {
            let mut value = || line.next().ok_or_else(|| format!("{flag} needs a value"));
            match flag.as_str() {
                "--help" | "-h" => return Ok(None),
                "--workload" => args.workload = Some(value()?),
                "--rounds" => args.rounds = rounds(&value()?)?,
                "--no-peers" => args.peers = false,
                "--backend" => args.backends = value()?.split(',').map(String::from).collect(),
                "--json" => args.json = true,
                "--save" => args.save = Some(value()?.into()),
                "--against" => args.against = Some(value()?.into()),
                "--profile" => args.mode = Mode::Profile,
                "--tables" => args.mode = Mode::Tables,
                "--digests" => args.mode = Mode::Digests,
                "--write-docs" => args.mode = Mode::WriteDocs(value()?.into()),
                "--serve" => args.mode = Mode::Serve([value()?, value()?]),
                "--digest" => args.mode = Mode::Digest([value()?, value()?]),
                _ => return Err(format!("there is no flag {flag}\n\n{HELP}")),
            }
        }
        Ok(Some(args))
    }
}

fn rounds(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|&rounds| rounds > 0)
        .ok_or_else(|| format!("--rounds needs 1 or more; it got {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Option<Args>, String> {
        Args::parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn flags_change_the_defaults() {
        let expected = Args { rounds: 3, peers: false, save: Some("f".into()), ..Args::default() };
        assert_eq!(parsed("--rounds 3 --no-peers --save f"), Ok(Some(expected)));
        let expected =
            Args { mode: Mode::Digest(["W1".to_string(), "train".to_string()]), ..Args::default() };
        assert_eq!(parsed("--digest W1 train"), Ok(Some(expected)));
        let backends = vec!["cpu".to_string(), "cuda:1".to_string()];
        assert_eq!(parsed("--backend cpu,cuda:1"), Ok(Some(Args { backends, ..Args::default() })));
        assert_eq!(parsed("--json --help"), Ok(None));
        for line in ["--rounds 0", "--rounds", "--fast"] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
