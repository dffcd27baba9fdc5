//! The library as this command uses it. The only file that calls it.

use std::io::IsTerminal;
use std::path::Path;

use cornu::{DType, Evaluate, Tensor, Verbose};

use crate::args;
use crate::error::Failure;
use crate::json::Json;

/// What can be saved to, by the end of the file's name.
const SUFFIXES: [&str; 3] = [".keras", ".weights.h5", ".h5"];

/// A model that was read from a file.
pub(crate) struct Model(cornu::Model);

/// One input of a model.
#[derive(Debug)]
pub(crate) struct Input {
    /// Name of the input layer.
    pub(crate) name: String,
    /// Sizes of the axes, that of the samples first; `None` is any size. Nothing where the model learns it from data.
    pub(crate) shape: Option<Vec<Option<usize>>>,
    /// What the input layer asks for, if it is known.
    pub(crate) dtype: Option<DType>,
    /// Whether it takes strings.
    pub(crate) is_text: bool,
}

impl From<cornu::Error> for Failure {
    fn from(error: cornu::Error) -> Failure {
        Failure::new(error.to_string())
    }
}

impl Model {
    /// Reads a whole model.
    pub(crate) fn load(path: &Path) -> Result<Model, Failure> {
        Ok(Model(cornu::Model::load(path)?))
    }

    /// The inputs, in order.
    pub(crate) fn inputs(&self) -> Vec<Input> {
        let specs = self.0.input_specs();
        let input = |(index, name): (usize, String)| {
            let spec = specs.get(index);
            Input {
                name,
                shape: spec.map(|spec| spec.shape.clone()),
                dtype: spec.map(|spec| spec.dtype),
                is_text: spec.is_some_and(|spec| spec.is_text()),
            }
        };
        self.0.input_names().into_iter().enumerate().map(input).collect()
    }

    /// What each kernel of a prediction takes.
    pub(crate) fn explain(&mut self, batch_size: usize) -> Result<String, Failure> {
        let profile = self.0.explain(batch_size)?;
        Ok(format!("{}\n\n{profile}", self.0.cost(batch_size)?))
    }

    /// What each output is called in a file of several: by its layer, or by its number if two names are equal.
    pub(crate) fn output_keys(&self) -> Vec<String> {
        let names = self.0.output_names();
        let twice = names.iter().enumerate().any(|(index, name)| names[..index].contains(name));
        if twice { (0..names.len()).map(|index| format!("output_{index}")).collect() } else { names }
    }

    /// All outputs for a list of inputs.
    pub(crate) fn predict(&mut self, x: Vec<Tensor>, batch_size: usize) -> Result<Vec<Tensor>, Failure> {
        Ok(self.0.predict_tensors(x, batch_size)?)
    }

    /// Loss and metrics by name.
    pub(crate) fn evaluate(
        &mut self,
        x: Vec<Tensor>,
        y: Vec<Tensor>,
        batch_size: usize,
    ) -> Result<Vec<(String, Json)>, Failure> {
        let logs = self.0.evaluate_with(x, y, Evaluate::new().batch_size(batch_size))?;
        Ok(logs.iter().map(|(name, value)| (name.to_string(), Json::from(value))).collect())
    }

    /// Trains; loss and metrics by name, an entry for each epoch.
    pub(crate) fn fit(
        &mut self,
        x: Vec<Tensor>,
        y: Vec<Tensor>,
        sample_weight: Option<Tensor>,
        args: &args::Fit,
    ) -> Result<Vec<(String, Json)>, Failure> {
        // Lines on stderr are for people who watch. Elsewhere they would stand beside the one line of a failure.
        let verbose = if std::io::stderr().is_terminal() { Verbose::Bar } else { Verbose::Silent };
        let mut how = cornu::Fit::new()
            .epochs(args.epochs)
            .batch_size(args.batch_size)
            .shuffle(args.shuffle)
            .validation_split(args.validation_split)
            .verbose(verbose)
            // What was trained until then is saved as asked.
            .stop_on_ctrl_c(true);
        if let Some(weights) = sample_weight {
            how = how.sample_weight(weights);
        }
        let history = self.0.fit(x, y, how)?;
        let entry = |(name, values): (String, Vec<_>)| (name, values.into_iter().map(Json::from).collect());
        Ok(history.metrics.into_iter().map(entry).collect())
    }

    /// The table of layers.
    pub(crate) fn summary(&self) -> String {
        self.0.summary()
    }

    /// Writes the model in the format that the path's end names.
    pub(crate) fn save(&self, path: &Path) -> Result<(), Failure> {
        Ok(self.0.save(path)?)
    }
}

/// Makes sure, before any work is done, that the end of the path names a format.
pub(crate) fn check_format(path: &Path) -> Result<(), Failure> {
    let name = path.as_os_str().to_string_lossy();
    if SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) {
        return Ok(());
    }
    let message =
        format!("{name}: the end of the name tells the format; it must be one of {}", SUFFIXES.join(", "));
    Err(Failure::usage(message))
}
