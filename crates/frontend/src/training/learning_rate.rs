//! The learning rate of a compiled model, read and set between steps.

use cornu_ir::Tensor;

use super::compile::Layout;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::optimizers::LearningRate;

impl Model {
    /// The learning rate of the next step; of a schedule, its value there.
    pub fn learning_rate(&self) -> Result<f64> {
        let compiled = self.compiled()?;
        match &compiled.optimizer.common().learning_rate {
            LearningRate::Schedule(schedule) => Ok(schedule.at(first(&self.counter(0)?) as i32)),
            LearningRate::Fixed(_) => Ok(first(&self.counter(1)?)),
        }
    }

    /// Sets the learning rate. An error if a schedule computes it.
    pub fn set_learning_rate(&mut self, rate: f64) -> Result<()> {
        let compiled = self.compiled()?;
        if compiled.optimizer.common().learning_rate.is_schedule() {
            let needed = "a number, to be set: a schedule computes it anew at each step";
            let class = compiled.optimizer.class_name().to_string();
            return Err(Error::config(&class, "learning_rate", "a schedule", needed));
        }
        let place = Layout::of(self.built()?, Some(compiled)).iterations + 1;
        self.backend.write(&mut self.state[place], &Tensor::scalar(rate as f32))?;
        Ok(())
    }

    /// How many steps the optimizer has made. Keras: `optimizer.iterations`.
    pub fn iterations(&self) -> Result<usize> {
        Ok(first(&self.counter(0)?) as usize)
    }

    /// The optimizer's `iterations` (0) or `learning_rate` (1).
    fn counter(&self, number: usize) -> Result<Tensor> {
        let place = Layout::of(self.built()?, Some(self.compiled()?)).iterations + number;
        Ok(self.backend.download(&self.state[place])?)
    }
}

fn first(value: &Tensor) -> f64 {
    value.floats().first().copied().unwrap_or(f64::NAN)
}
