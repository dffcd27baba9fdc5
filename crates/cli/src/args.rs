//! The command line: which flags each command takes, and what they mean.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use lexopt::{Arg, Parser};

use crate::error::Failure;

/// What `cornu --help` prints.
pub(crate) const HELP: &str = "\
Keras models from the command line: reads .keras and .h5 files, NumPy arrays in .npy and .npz.

  cornu predict MODEL --input X --output Y [--batch-size N]
  cornu evaluate MODEL --input X --target T [--json] [--batch-size N]
  cornu fit MODEL --input X --target T [--epochs N] [--batch-size B] [--no-shuffle] [--validation-split F]
            [--sample-weight W.npy] [--save OUT] [--json]
  cornu summary MODEL
  cornu explain MODEL [--batch-size N]
  cornu convert IN OUT

A model with several inputs or outputs is given .npz files keyed by the names of its input or output layers.
explain says what a prediction takes, and lists its kernels: the time, the arithmetic and the memory traffic of each,
its share of what the machine can do, and the layers it computes.
OUT is a .keras, .h5 or .weights.h5 file. Defaults are Keras's: batches of 32, 1 epoch, shuffled.
--json prints one object on stdout, in Python's dialect: numbers that are not finite are NaN and Infinity.
";

/// A command with its arguments.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Predict(Predict),
    Evaluate(Evaluate),
    Fit(Fit),
    Summary { model: PathBuf },
    Explain { model: PathBuf, batch_size: usize },
    Convert { from: PathBuf, to: PathBuf },
    Help,
    Version,
}

/// Arguments of `cornu predict`.
#[derive(Debug, PartialEq)]
pub(crate) struct Predict {
    pub(crate) model: PathBuf,
    pub(crate) input: PathBuf,
    pub(crate) output: PathBuf,
    pub(crate) batch_size: usize,
}

/// Arguments of `cornu evaluate`.
#[derive(Debug, PartialEq)]
pub(crate) struct Evaluate {
    pub(crate) model: PathBuf,
    pub(crate) input: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) batch_size: usize,
    pub(crate) json: bool,
}

/// Arguments of `cornu fit`.
#[derive(Debug, PartialEq)]
pub(crate) struct Fit {
    pub(crate) model: PathBuf,
    pub(crate) input: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) sample_weight: Option<PathBuf>,
    pub(crate) epochs: usize,
    pub(crate) batch_size: usize,
    pub(crate) shuffle: bool,
    pub(crate) validation_split: f64,
    pub(crate) save: Option<PathBuf>,
    pub(crate) json: bool,
}

const COMMANDS: &str = "predict, evaluate, fit, summary, explain, convert";

/// Flags that stand alone; all others are followed by a value.
const SWITCHES: [&str; 2] = ["json", "no-shuffle"];

/// Reads the command line.
pub(crate) fn parse(mut parser: Parser) -> Result<Command, Failure> {
    let name = match parser.next()? {
        None => return Err(Failure::usage(format!("a command is missing: {COMMANDS}; see cornu --help"))),
        Some(Arg::Value(name)) => name.to_string_lossy().into_owned(),
        Some(Arg::Long("help") | Arg::Short('h')) => return Ok(Command::Help),
        Some(Arg::Long("version") | Arg::Short('V')) => return Ok(Command::Version),
        Some(other) => return Err(other.unexpected().into()),
    };
    let flags: &[&str] = match name.as_str() {
        "predict" => &["input", "output", "batch-size"],
        "evaluate" => &["input", "target", "batch-size", "json"],
        "fit" => &[
            "input",
            "target",
            "sample-weight",
            "epochs",
            "batch-size",
            "no-shuffle",
            "validation-split",
            "save",
            "json",
        ],
        "explain" => &["batch-size"],
        "summary" | "convert" => &[],
        "help" => return Ok(Command::Help),
        _ => return Err(Failure::usage(format!("there is no command `{name}`; there are {COMMANDS}"))),
    };
    match Given::collect(parser, flags)? {
        None => Ok(Command::Help),
        Some(given) => command(&name, given),
    }
}

fn command(name: &str, mut given: Given) -> Result<Command, Failure> {
    let model = given.place(if name == "convert" { "IN" } else { "MODEL" })?;
    let command = match name {
        "predict" => Command::Predict(Predict {
            model,
            input: given.path("input")?,
            output: given.path("output")?,
            batch_size: given.count("batch-size", 32)?,
        }),
        "evaluate" => Command::Evaluate(Evaluate {
            model,
            input: given.path("input")?,
            target: given.path("target")?,
            batch_size: given.count("batch-size", 32)?,
            json: given.switch("json"),
        }),
        "fit" => Command::Fit(Fit {
            model,
            input: given.path("input")?,
            target: given.path("target")?,
            sample_weight: given.optional("sample-weight"),
            epochs: given.count("epochs", 1)?,
            batch_size: given.count("batch-size", 32)?,
            shuffle: !given.switch("no-shuffle"),
            validation_split: given.share("validation-split")?,
            save: given.optional("save"),
            json: given.switch("json"),
        }),
        "summary" => Command::Summary { model },
        "explain" => Command::Explain { model, batch_size: given.count("batch-size", 32)? },
        _ => Command::Convert { from: model, to: given.place("OUT")? },
    };
    match given.places.first() {
        None => Ok(command),
        Some(extra) => Err(Failure::usage(format!("one argument too many: {}", extra.display()))),
    }
}

/// What stands on the command line after the command's name.
struct Given {
    places: Vec<PathBuf>,
    flags: BTreeMap<String, OsString>,
}

impl Given {
    /// Sorts arguments into places and flags; `None` when help was asked for.
    fn collect(mut parser: Parser, known: &[&str]) -> Result<Option<Given>, Failure> {
        let mut given = Given { places: Vec::new(), flags: BTreeMap::new() };
        while let Some(arg) = parser.next()? {
            let flag = match arg {
                Arg::Value(place) => {
                    given.places.push(place.into());
                    continue;
                }
                Arg::Long("help") | Arg::Short('h') => return Ok(None),
                Arg::Long(flag) if known.contains(&flag) => flag.to_string(),
                other => return Err(other.unexpected().into()),
            };
            let value = if SWITCHES.contains(&flag.as_str()) { OsString::new() } else { parser.value()? };
            if given.flags.insert(flag.clone(), value).is_some() {
                return Err(Failure::usage(format!("--{flag} is given twice")));
            }
        }
        Ok(Some(given))
    }

    /// The next argument that is not a flag.
    fn place(&mut self, name: &str) -> Result<PathBuf, Failure> {
        if self.places.is_empty() {
            return Err(Failure::usage(format!("{name} is missing; see cornu --help")));
        }
        Ok(self.places.remove(0))
    }

    fn path(&self, flag: &str) -> Result<PathBuf, Failure> {
        self.optional(flag).ok_or_else(|| Failure::usage(format!("--{flag} is missing; see cornu --help")))
    }

    fn optional(&self, flag: &str) -> Option<PathBuf> {
        self.flags.get(flag).map(PathBuf::from)
    }

    fn switch(&self, flag: &str) -> bool {
        self.flags.contains_key(flag)
    }

    fn count(&self, flag: &str, default: usize) -> Result<usize, Failure> {
        let given: Option<NonZeroUsize> = self.parsed(flag, "a whole number from 1 up")?;
        Ok(given.map_or(default, NonZeroUsize::get))
    }

    fn share(&self, flag: &str) -> Result<f64, Failure> {
        let need = "a number from 0 up to, but not including, 1";
        match self.parsed(flag, need)? {
            None => Ok(0.0),
            Some(share) if (0.0..1.0).contains(&share) => Ok(share),
            Some(share) => Err(Failure::usage(format!("--{flag} needs {need}; it got {share}"))),
        }
    }

    fn parsed<T: FromStr>(&self, flag: &str, need: &str) -> Result<Option<T>, Failure> {
        let Some(text) = self.flags.get(flag) else { return Ok(None) };
        let value = text.to_str().and_then(|text| text.trim().parse().ok());
        let wrong = || Failure::usage(format!("--{flag} needs {need}; it got {}", text.display()));
        value.map(Some).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(Parser::from_args(line.split_whitespace())).map_err(|failure| failure.to_string())
    }

    #[test]
    fn every_flag_of_fit_is_read() {
        let line = "fit m.keras --input x.npy --target=y.npy --epochs 3 --batch-size 8 --no-shuffle \
                    --validation-split 0.25 --sample-weight w.npy --save out.keras --json";
        let expected = Fit {
            model: "m.keras".into(),
            input: "x.npy".into(),
            target: "y.npy".into(),
            sample_weight: Some("w.npy".into()),
            epochs: 3,
            batch_size: 8,
            shuffle: false,
            validation_split: 0.25,
            save: Some("out.keras".into()),
            json: true,
        };
        assert_eq!(parsed(line), Ok(Command::Fit(expected)));
    }

    #[test]
    fn places_may_stand_after_flags() {
        let expected = Predict { model: "m".into(), input: "x".into(), output: "y".into(), batch_size: 32 };
        assert_eq!(parsed("predict --input x m --output y"), Ok(Command::Predict(expected)));
    }

    #[test]
    fn mistakes_say_what_is_needed() {
        for (line, part) in [
            ("", "a command is missing"),
            ("train m", "there is no command `train`"),
            ("--bogus", "--bogus"),
            ("summary", "MODEL is missing"),
            ("summary a b", "one argument too many: b"),
            ("summary a --json", "--json"),
            ("convert a", "OUT is missing"),
            ("predict m --output y", "--input is missing"),
            ("predict m --input x --input z --output y", "--input is given twice"),
            ("predict m --input x --output", "output"),
            (
                "predict m --input x --output y --batch-size 0",
                "--batch-size needs a whole number from 1 up; it got 0",
            ),
            ("predict m --input x --output y --batch-size -4", "it got -4"),
            ("predict m --input x --output y --batch-size 1.5", "it got 1.5"),
            ("evaluate m --input x --target y --json=1", "json"),
            ("fit m --input x --target y --validation-split 1", "--validation-split needs a number from 0"),
            ("fit m --input x --target y --validation-split nan", "it got NaN"),
            ("fit m --input x --target y --epochs 99999999999999999999", "--epochs needs a whole number"),
        ] {
            let error = parsed(line).expect_err(line);
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}
