//! Dot: products of two inputs, sample by sample. Keras: `Dot`.

use cornu_ir::{Expr, derived, ops};
use serde_json::Value;

use super::check_count;
use crate::EPSILON;
use crate::error::{Error, Result};
use crate::layers::{Axes, Config, Context, Layer, LayerConfig, Spec, Weights};

/// Σ over one axis of each input, for each sample: `(batch, a…, k)` and `(batch, k, b…)` become `(batch, a…, b…)`; two
/// vectors per sample become `(batch, 1)`.
///
/// With `normalize` the vectors along the axes have length 1 first: the products are cosines.
#[derive(Clone, Debug)]
pub struct Dot {
    axes: Axes,
    normalize: bool,
}

impl Dot {
    /// Sums along this axis of both inputs, or along the first's and the second's: `Dot::new([2, 1])`. Axis 0 is the
    /// batch.
    pub fn new(axes: impl Into<Axes>) -> Dot {
        Dot { axes: axes.into(), normalize: false }
    }

    /// Whether vectors are brought to length 1 first.
    pub fn normalize(mut self, normalize: bool) -> Dot {
        self.normalize = normalize;
        self
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<Dot> {
        if config.value("axes").is_none() {
            return Err(config.wrong("axes", "a whole number or a list of two"));
        }
        let axes = Axes::from_config(config, "axes")?;
        Ok(Dot { axes, normalize: config.boolean_or("normalize", false)? })
    }

    /// The axis of each input that is summed over, given their ranks.
    fn axes(&self, ranks: [usize; 2]) -> Result<[usize; 2]> {
        let given = match &self.axes {
            Axes::One(axis) => [*axis; 2],
            Axes::Several(axes) => match axes[..] {
                [first, second] => [first, second],
                _ => return Err(self.wrong("a whole number or a list of two".to_string())),
            },
        };
        let counted = |axis: i64, rank: usize| {
            let axis = if axis < 0 { axis + rank as i64 } else { axis };
            usize::try_from(axis).ok().filter(|axis| (1..rank).contains(axis))
        };
        let found = counted(given[0], ranks[0]).zip(counted(given[1], ranks[1]));
        let [m, n] = ranks;
        let needed = format!("axes of inputs of {m} and {n} axes, and not that of the batch");
        found.map(|(first, second)| [first, second]).ok_or_else(|| self.wrong(needed))
    }

    fn wrong(&self, needed: String) -> Error {
        Error::config("Dot", "axes", self.axes.config(), needed)
    }
}

impl Layer for Dot {
    fn class_name(&self) -> &str {
        "Dot"
    }

    fn config(&self) -> Result<Config> {
        Ok(Config::from_iter([
            ("axes".into(), self.axes.config()),
            ("normalize".into(), Value::from(self.normalize)),
        ]))
    }

    fn build(&self, inputs: &[Spec], _: &mut Weights) -> Result<()> {
        check_count("Dot", inputs, 2..=2, "exactly 2 inputs")?;
        let [first, second] = self.axes([inputs[0].rank(), inputs[1].rank()])?;
        let sizes = inputs[0].shape[first].zip(inputs[1].shape[second]);
        match sizes.filter(|(a, b)| a != b) {
            None => Ok(()),
            Some((a, b)) => Err(Error::Layer {
                path: String::new(),
                reason: format!(
                    "Dot needs equal sizes along the axes {first} and {second}; they are {a} and {b} in {} and {}",
                    inputs[0], inputs[1]
                ),
            }),
        }
    }

    fn call<'b>(&self, _: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let (x, y) = (inputs[0], inputs[1]);
        let [first, second] = self.axes([x.rank(), y.rank()])?;
        let along = |x, axis| if self.normalize { derived::l2_normalize(x, &[axis], EPSILON) } else { x };
        let product = ops::Dot::contracting([first], [second]).batched([0], [0]);
        let products = along(x, first).dot(along(y, second), product);
        Ok(vec![if products.rank() == 1 { products.expand(1) } else { products }])
    }

    fn takes_list(&self) -> bool {
        true
    }
}
