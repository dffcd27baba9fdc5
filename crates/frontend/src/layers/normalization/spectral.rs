//! SpectralNormalization: a layer whose kernel is kept at spectral norm 1. Keras: `SpectralNormalization`.

use std::sync::Arc;

use cornu_ir::ops::Reduction;
use cornu_ir::{Expr, derived};
use serde_json::json;

use crate::EPSILON;
use crate::error::{Error, Result};
use crate::initializers::TruncatedNormal;
use crate::layers::{AnyLayer, Config, Context, Layer, LayerConfig, Spec, Sublayer, Weights};
use crate::saving::snake_case::snake_case;

/// A layer with its kernel divided by an estimate of its largest singular value. In training the kernel is replaced,
/// and the estimate gets better by steps of power iteration.
///
/// Weights: those of the layer inside, whose kernel is followed by `vector_u`, the estimate's singular vector.
/// (Miyato et al. 2018, <https://arxiv.org/abs/1802.05957>.)
#[derive(Clone)]
pub struct SpectralNormalization {
    layer: AnyLayer,
    power_iterations: usize,
}

/// What layers call the weight that is normalized.
const KERNELS: [&str; 2] = ["kernel", "embeddings"];

impl SpectralNormalization {
    /// Around a layer that has a kernel or embeddings, with one power iteration each step.
    pub fn new(layer: impl Into<AnyLayer>) -> SpectralNormalization {
        let layer = layer.into();
        layer.name_unless_named(|| snake_case(layer.class_name()));
        SpectralNormalization { layer, power_iterations: 1 }
    }

    /// How many power iterations are made in each step.
    pub fn power_iterations(mut self, power_iterations: usize) -> SpectralNormalization {
        self.power_iterations = power_iterations;
        self
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<SpectralNormalization> {
        let layer = config.value("layer").ok_or_else(|| config.wrong("layer", "a layer"))?;
        let power_iterations = match config.value("power_iterations") {
            Some(_) => config.positive("power_iterations")?,
            None => 1,
        };
        Ok(SpectralNormalization::new(AnyLayer::deserialize(layer)?).power_iterations(power_iterations))
    }

    /// The next `vector_u` and kernel.
    fn normalized<'b>(&self, kernel: Expr<'b>, vector_u: Expr<'b>) -> (Expr<'b>, Expr<'b>) {
        let shape = kernel.shape();
        let outputs = shape.last().copied().unwrap_or(1);
        let matrix = kernel.reshape([shape.elements() / outputs.max(1), outputs]);
        let unit = |vector| derived::l2_normalize(vector, &[0, 1], EPSILON);
        let (mut u, mut v) = (vector_u, vector_u);
        for _ in 0..self.power_iterations {
            v = unit(u.matmul(matrix.transpose(&[1, 0])));
            u = unit(v.matmul(matrix));
        }
        let (u, v) = (u.detach(), v.detach());
        let sigma = v.matmul(matrix).matmul(u.transpose(&[1, 0])).reshape([]);
        // A kernel of zeros has no direction: it stays, and so does the estimate.
        let some = matrix.ne(matrix.number(0.0)).reduce(Reduction::Max, &[0, 1]);
        let sigma = some.select(sigma, sigma.number(1.0));
        (some.select(u, vector_u), kernel / sigma)
    }
}

impl Layer for SpectralNormalization {
    fn class_name(&self) -> &str {
        "SpectralNormalization"
    }

    fn config(&self) -> Result<Config> {
        Ok(Config::from_iter([
            ("layer".into(), self.layer.serialize()?),
            ("power_iterations".into(), json!(self.power_iterations)),
        ]))
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        if self.power_iterations == 0 {
            return Err(Error::config("SpectralNormalization", "power_iterations", 0, "1 or more"));
        }
        self.layer.build(inputs, weights)?;
        let scope = format!("{}/{}", weights.scope(), self.layer.name());
        let is_kernel = |path: &str| KERNELS.iter().any(|kernel| path == format!("{scope}/{kernel}"));
        let place = weights.specs().iter().position(|spec| is_kernel(&spec.path));
        let place = place.ok_or_else(|| Error::Layer {
            path: String::new(),
            reason: format!(
                "SpectralNormalization needs a layer with a kernel or embeddings; {} has none",
                self.layer.class_name()
            ),
        })?;
        let outputs = weights.specs()[place].ty.shape.last().copied().unwrap_or(1);
        let begins = Arc::new(TruncatedNormal::new().stddev(0.02));
        weights.add("vector_u", [1, outputs], begins)?.non_trainable();
        weights.move_last(place + 1);
        Ok(())
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        if context.training() {
            // Of the two names one is there.
            let mut names = self.shared_weights();
            names.retain(|name| context.weight(name).is_ok());
            for name in names {
                let (vector_u, kernel) = self.normalized(context.weight(&name)?, context.weight("vector_u")?);
                context.update_weight("vector_u", vector_u);
                context.update_weight(&name, kernel);
            }
        }
        let outputs = self.layer.call(context, inputs)?;
        // As in Keras the output is of the input's type, even where that is whole.
        let dtype = inputs.first().map(|input| input.dtype());
        Ok(outputs.into_iter().map(|output| dtype.map_or(output, |dtype| output.cast(dtype))).collect())
    }

    fn shared_weights(&self) -> Vec<String> {
        KERNELS.iter().map(|kernel| format!("{}/{kernel}", self.layer.name())).collect()
    }

    fn sublayers(&self) -> Vec<Sublayer<'_>> {
        vec![Sublayer::new("layer", &self.layer)]
    }
}
