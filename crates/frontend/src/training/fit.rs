//! Fit: epochs of training steps.

use cornu_ir::Tensor;

use super::{Dataset, IntoTensor, IntoTensors, Logs, Tensors, Values};
use crate::callbacks::{Callback, History, Progress, Training};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::random;

/// How much `fit` says on standard error. Keras: `verbose`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verbose {
    /// A bar on a terminal, plain lines elsewhere.
    #[default]
    Auto,
    /// Nothing.
    Silent,
    /// A bar.
    Bar,
    /// One line for each epoch.
    Lines,
}

/// How to train: what Keras's `fit` takes beside the data, with Keras's defaults.
///
/// ```
/// use cornu::Fit;
///
/// let how = Fit::new().epochs(20).batch_size(128).validation_split(0.2);
/// ```
pub struct Fit {
    epochs: usize,
    initial_epoch: usize,
    batch_size: usize,
    shuffle: bool,
    validation_split: f64,
    validation_data: Option<(Tensors, Tensors)>,
    sample_weight: Option<Tensor>,
    class_weight: Vec<(i64, f64)>,
    verbose: Verbose,
    callbacks: Vec<Box<dyn Callback>>,
}

impl Default for Fit {
    fn default() -> Fit {
        Fit::new()
    }
}

impl Fit {
    /// One epoch in shuffled batches of 32.
    pub fn new() -> Fit {
        Fit {
            epochs: 1,
            initial_epoch: 0,
            batch_size: 32,
            shuffle: true,
            validation_split: 0.0,
            validation_data: None,
            sample_weight: None,
            class_weight: Vec::new(),
            verbose: Verbose::Auto,
            callbacks: Vec::new(),
        }
    }

    /// Number of the epoch to end before: with `initial_epoch` 0 the number of epochs.
    pub fn epochs(mut self, epochs: usize) -> Fit {
        self.epochs = epochs;
        self
    }

    /// Number of the first epoch, counted from 0: where an earlier training ended.
    pub fn initial_epoch(mut self, epoch: usize) -> Fit {
        self.initial_epoch = epoch;
        self
    }

    /// Samples in a step. The last batch of an epoch may be smaller.
    pub fn batch_size(mut self, size: usize) -> Fit {
        self.batch_size = size;
        self
    }

    /// Whether each epoch takes the samples in a new random order.
    pub fn shuffle(mut self, shuffle: bool) -> Fit {
        self.shuffle = shuffle;
        self
    }

    /// Keeps the last share of the samples, taken before shuffling, to evaluate on after each epoch.
    pub fn validation_split(mut self, share: f64) -> Fit {
        self.validation_split = share;
        self
    }

    /// Other samples to evaluate on after each epoch.
    pub fn validation_data(mut self, x: impl IntoTensors, y: impl IntoTensors) -> Fit {
        self.validation_data = Some((x.into_tensors(), y.into_tensors()));
        self
    }

    /// How much each sample counts in the loss.
    pub fn sample_weight(mut self, weights: impl IntoTensor) -> Fit {
        self.sample_weight = Some(weights.into_tensor());
        self
    }

    /// How much the samples of each class count in the loss; 1 for classes that are not listed.
    pub fn class_weight(mut self, weights: impl IntoIterator<Item = (i64, f64)>) -> Fit {
        self.class_weight = weights.into_iter().collect();
        self
    }

    /// How much is shown.
    pub fn verbose(mut self, verbose: Verbose) -> Fit {
        self.verbose = verbose;
        self
    }

    /// Adds a callback.
    pub fn callback(mut self, callback: impl Callback + 'static) -> Fit {
        self.callbacks.push(Box::new(callback));
        self
    }

    fn check(&self) -> Result<()> {
        if self.batch_size == 0 {
            return Err(Error::config("fit", "batch_size", 0, "1 or more"));
        }
        if !(0.0..1.0).contains(&self.validation_split) {
            return Err(Error::config(
                "fit",
                "validation_split",
                self.validation_split,
                "a share from 0 to below 1",
            ));
        }
        Ok(())
    }

    /// The samples to train on, and those to evaluate on.
    fn datasets(
        &self,
        x: Vec<Values>,
        y: Vec<Tensor>,
        validation: Option<Dataset>,
    ) -> Result<(Dataset, Option<Dataset>)> {
        let weights = match (&self.sample_weight, self.class_weight.as_slice()) {
            (weights, []) => weights.clone(),
            (None, classes) => Some(class_weights(&y, classes)?),
            (Some(_), _) => {
                let needed = "left out where sample_weight is given";
                return Err(Error::config("fit", "class_weight", format!("{:?}", self.class_weight), needed));
            }
        };
        let all = Dataset::new(x, y, weights)?;
        if validation.is_some() || self.validation_split == 0.0 {
            return Ok((all, validation));
        }
        let rows = all.rows();
        let at = (rows as f64 * (1.0 - self.validation_split)).floor() as usize;
        if at == 0 || at == rows {
            let what =
                format!("validation_split {} of {rows} samples leaves one part empty", self.validation_split);
            return Err(Error::Data { what });
        }
        let (train, validation) = all.split_at(at);
        Ok((train, Some(validation)))
    }
}

impl Model {
    /// One step of training on these samples; the logs are those of this batch alone. Keras: `train_on_batch`.
    pub fn train_on_batch(&mut self, x: impl IntoTensors, y: impl IntoTensors) -> Result<Logs> {
        self.compiled()?;
        let (x, y) = (self.admit(x)?, self.targets(y)?);
        let data = Dataset::new(x, y, None)?;
        if data.rows() == 0 {
            return Err(Error::Data { what: "train_on_batch needs at least one sample".to_string() });
        }
        self.decide_goals(&data)?;
        self.reset_metrics()?;
        let rows: Vec<usize> = (0..data.rows()).collect();
        let step = self.train_step(&data, &rows)?;
        self.logs(&step)
    }

    /// Trains: Keras's `fit`. `x` and `y` have one row for each sample; a model with several inputs or outputs takes
    /// several arrays, in order or by name: see [`IntoTensors`]. Strings are given as arrays and lists of strings.
    ///
    /// The model must be compiled. Returns the logs of every epoch.
    pub fn fit(&mut self, x: impl IntoTensors, y: impl IntoTensors, mut how: Fit) -> Result<History> {
        how.check()?;
        self.compiled()?;
        let (x, y) = (self.admit(x)?, self.targets(y)?);
        let validation = match how.validation_data.take() {
            Some((x, y)) => Some(Dataset::new(self.admit(x)?, self.targets(y)?, None)?),
            None => None,
        };
        let (data, validation) = how.datasets(x, y, validation)?;
        if data.rows() == 0 {
            return Err(Error::Data { what: "fit needs at least one sample".to_string() });
        }
        let mut callbacks: Vec<Box<dyn Callback>> = std::mem::take(&mut how.callbacks);
        match how.verbose {
            Verbose::Silent => {}
            Verbose::Auto => callbacks.push(Box::new(Progress::new())),
            Verbose::Bar => callbacks.push(Box::new(Progress::bar())),
            Verbose::Lines => callbacks.push(Box::new(Progress::lines())),
        }
        let steps = data.rows().div_ceil(how.batch_size);
        let training = Training { model: self, epochs: how.epochs, steps, stopped: false };
        Run { training, callbacks, history: History::default(), how, data, validation }.all()
    }
}

/// A training in progress.
struct Run<'m> {
    training: Training<'m>,
    callbacks: Vec<Box<dyn Callback>>,
    history: History,
    how: Fit,
    data: Dataset,
    validation: Option<Dataset>,
}

impl<'m> Run<'m> {
    fn all(mut self) -> Result<History> {
        self.tell(|callback, training| callback.on_train_begin(training))?;
        for epoch in self.how.initial_epoch..self.how.epochs {
            self.epoch(epoch)?;
            if self.training.stopped {
                break;
            }
        }
        self.training.model.weights_become_averages()?;
        self.tell(|callback, training| callback.on_train_end(training))?;
        Ok(self.history)
    }

    fn epoch(&mut self, epoch: usize) -> Result<()> {
        self.tell(|callback, training| callback.on_epoch_begin(training, epoch))?;
        self.training.model.decide_goals(&self.data)?;
        self.training.model.reset_metrics()?;
        let order = self.order(epoch);
        let mut logs = Logs::default();
        let last = self.training.steps - 1;
        for (step, rows) in order.chunks(self.how.batch_size).enumerate() {
            let wanted = self.callbacks.iter_mut().any(|callback| callback.wants_batch(step));
            let signature = self.training.model.train_step(&self.data, rows)?;
            if wanted || step == last {
                logs = self.training.model.logs(&signature)?;
            }
            if wanted {
                self.tell_those_who_want(step, &logs)?;
            }
            if self.training.stopped {
                break;
            }
        }
        if let Some(validation) = &self.validation {
            logs = logs.with("val_", &self.training.model.evaluate_dataset(validation, self.how.batch_size)?);
        }
        self.history.on_epoch_end(&mut self.training, epoch, &logs)?;
        self.tell(|callback, training| callback.on_epoch_end(training, epoch, &logs))
    }

    /// The order of the samples in an epoch: a function of the model's seed and the epoch's number alone.
    fn order(&self, epoch: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.data.rows()).collect();
        if self.how.shuffle {
            random::shuffle(&mut order, random::derive(self.training.model.seed, u64::MAX - epoch as u64));
        }
        order
    }

    fn tell(
        &mut self,
        mut what: impl FnMut(&mut dyn Callback, &mut Training<'m>) -> Result<()>,
    ) -> Result<()> {
        self.callbacks.iter_mut().try_for_each(|callback| what(&mut **callback, &mut self.training))
    }

    fn tell_those_who_want(&mut self, step: usize, logs: &Logs) -> Result<()> {
        for callback in &mut self.callbacks {
            if callback.wants_batch(step) {
                callback.on_train_batch_end(&mut self.training, step, logs)?;
            }
        }
        Ok(())
    }
}

/// For each sample the weight of its class: the number in `y`, or the place of the largest in a row of several.
fn class_weights(y: &[Tensor], classes: &[(i64, f64)]) -> Result<Tensor> {
    let [y] = y else {
        return Err(Error::Data { what: "class_weight is for models with one output".to_string() });
    };
    let rows = y.shape().first().copied().unwrap_or(0);
    let width = y.shape().elements().checked_div(rows).unwrap_or(1);
    let values = y.floats();
    let class = |row: usize| match &values[row * width..(row + 1) * width] {
        [label] => *label as i64,
        scores => (0..width).rev().max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap_or(0) as i64,
    };
    let weight =
        |class: i64| classes.iter().find(|(of, _)| *of == class).map_or(1.0, |&(_, weight)| weight as f32);
    Ok(Tensor::vector((0..rows).map(|row| weight(class(row))).collect()))
}
