//! What each command does: read, ask the library, write. Paths that will be written are looked at first.

use cornu::Tensor;

use crate::args::{self, Command, Evaluate, Fit, Predict};
use crate::arrays;
use crate::error::Failure;
use crate::json::{self, Json};
use crate::model::{Model, check_format};
use crate::npy;
use crate::output::{Target, print};

/// Carries out a command.
pub(crate) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Predict(args) => predict(&args),
        Command::Evaluate(args) => evaluate(&args),
        Command::Fit(args) => fit(&args),
        Command::Summary { model } => print(&with_newline(Model::load(&model)?.summary())),
        Command::Explain { model, batch_size } => print(&Model::load(&model)?.explain(batch_size)?),
        Command::Convert { from, to } => {
            check_format(&to)?;
            Target::new(&to)?;
            Model::load(&from)?.save(&to)
        }
        Command::Help => print(args::HELP),
        Command::Version => print(concat!("cornu ", env!("CARGO_PKG_VERSION"), "\n")),
    }
}

fn predict(args: &Predict) -> Result<(), Failure> {
    let target = Target::new(&args.output)?;
    let mut model = Model::load(&args.model)?;
    let x = arrays::inputs(&args.input, &model.inputs())?;
    let outputs = model.predict(x, args.batch_size)?;
    target.replace(|out| match outputs.as_slice() {
        [only] => npy::write_array(out, only),
        _ => npy::write_archive(out, &keyed(model.output_keys(), &outputs)),
    })
}

fn evaluate(args: &Evaluate) -> Result<(), Failure> {
    let mut model = Model::load(&args.model)?;
    let x = arrays::inputs(&args.input, &model.inputs())?;
    let y = arrays::targets(&args.target, &model.output_keys())?;
    let logs = model.evaluate(x, y, args.batch_size)?;
    report(&logs, args.json)
}

fn fit(args: &Fit) -> Result<(), Failure> {
    if let Some(path) = &args.save {
        check_format(path)?;
        Target::new(path)?;
    }
    let mut model = Model::load(&args.model)?;
    let x = arrays::inputs(&args.input, &model.inputs())?;
    let y = arrays::targets(&args.target, &model.output_keys())?;
    let sample_weight = args.sample_weight.as_deref().map(arrays::sample_weight).transpose()?;
    let history = model.fit(x, y, sample_weight, args)?;
    // First the report: if stdout is closed, the command fails, and then no file may appear.
    report(&history, args.json)?;
    args.save.as_deref().map_or(Ok(()), |path| model.save(path))
}

fn report(logs: &[(String, Json)], as_json: bool) -> Result<(), Failure> {
    if as_json { print(&json::object(logs)) } else { print(&json::lines(logs)) }
}

fn keyed(keys: Vec<String>, outputs: &[Tensor]) -> Vec<(String, &Tensor)> {
    keys.into_iter().zip(outputs).collect()
}

fn with_newline(text: String) -> String {
    if text.ends_with('\n') { text } else { text + "\n" }
}
