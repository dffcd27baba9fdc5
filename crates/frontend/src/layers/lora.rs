//! Low-rank adaptation: a kernel stays as it is, and training fits two thin matrices beside it. Keras: `enable_lora`.

use std::sync::OnceLock;

use cornu_ir::Expr;
use serde_json::json;

use super::{AnyLayer, Config, Context, LayerConfig, Weights};
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::initializers::Initializer;

/// How a kernel is adapted: it becomes `kernel + (alpha / rank)·a·b`, of which training fits `a` and `b` alone.
///
/// For a kernel `[…, in, out]`, `a` is `[…, in, rank]` and `b` is `[rank, out]`. By default alpha is the rank, `a`
/// begins he-uniform and `b` at zero, so that the layer begins as it was. (Hu et al., 2021.)
///
/// ```
/// # use cornu::layers::{AnyLayer, Dense, Lora};
/// # fn main() -> cornu::Result<()> {
/// AnyLayer::from(Dense::new(3)).enable_lora(4)?;
/// AnyLayer::from(Dense::new(3)).enable_lora(Lora::new(4).alpha(8.0).a_initializer("he_normal"))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Lora {
    rank: usize,
    alpha: Option<f64>,
    a_initializer: Identifier<dyn Initializer>,
    b_initializer: Identifier<dyn Initializer>,
}

impl Lora {
    /// Matrices of `rank` columns and rows.
    pub fn new(rank: usize) -> Lora {
        Lora { rank, alpha: None, a_initializer: "he_uniform".into(), b_initializer: "zeros".into() }
    }

    /// What the product of the matrices counts, as a multiple of `1 / rank`.
    pub fn alpha(mut self, alpha: f64) -> Lora {
        self.alpha = Some(alpha);
        self
    }

    /// How the first matrix begins.
    pub fn a_initializer(mut self, initializer: impl Into<Identifier<dyn Initializer>>) -> Lora {
        self.a_initializer = initializer.into();
        self
    }

    /// How the second matrix begins.
    pub fn b_initializer(mut self, initializer: impl Into<Identifier<dyn Initializer>>) -> Lora {
        self.b_initializer = initializer.into();
        self
    }

    fn scale(&self) -> f64 {
        self.alpha.map_or(1.0, |alpha| alpha / self.rank as f64)
    }
}

/// With this rank, and otherwise Keras's defaults.
impl From<usize> for Lora {
    fn from(rank: usize) -> Lora {
        Lora::new(rank)
    }
}

/// The kernel of a layer that may be adapted: what the layer keeps of it, and asks where it needs the kernel.
#[derive(Clone, Debug)]
pub struct LoraKernel {
    /// The kernel's name among the layer's weights.
    kernel: &'static str,
    /// `lora_alpha`, which may be said without a rank.
    alpha: Option<f64>,
    /// Set as the layer is made, or once afterwards.
    lora: OnceLock<Lora>,
}

impl LoraKernel {
    /// The weight of this name, which is not adapted yet.
    pub(super) fn new(kernel: &'static str) -> LoraKernel {
        LoraKernel { kernel, alpha: None, lora: OnceLock::new() }
    }

    /// Reads `lora_rank`, for which 0 says what null does, and `lora_alpha`.
    pub(super) fn from_config(config: &LayerConfig<'_>, kernel: &'static str) -> Result<LoraKernel> {
        let mut read = LoraKernel { alpha: config.number("lora_alpha")?, ..LoraKernel::new(kernel) };
        if let Some(rank) = config.size("lora_rank")?.filter(|&rank| rank > 0) {
            read.set_rank(rank);
        }
        Ok(read)
    }

    pub(super) fn set_rank(&mut self, rank: usize) {
        self.lora = OnceLock::from(Lora { alpha: self.alpha, ..Lora::new(rank) });
    }

    pub(super) fn set_alpha(&mut self, alpha: f64) {
        self.alpha = Some(alpha);
        if let Some(lora) = self.lora.get_mut() {
            lora.alpha = Some(alpha);
        }
    }

    /// Writes `lora_rank` and `lora_alpha`, if the kernel is adapted.
    pub(super) fn write(&self, config: &mut Config) {
        if let Some(lora) = self.lora.get() {
            config.insert("lora_rank".into(), json!(lora.rank));
            config.insert("lora_alpha".into(), lora.alpha.map_or(json!(lora.rank), |alpha| json!(alpha)));
        }
    }

    /// Freezes the kernel, which is built, and adds the matrices, if it is adapted.
    pub(super) fn build(&self, class: &str, weights: &mut Weights) -> Result<()> {
        let Some(lora) = self.lora.get() else { return Ok(()) };
        let kernel = weights.own_mut(self.kernel);
        self.check(class, lora, kernel.constraint.is_some())?;
        kernel.non_trainable();
        let (sizes, regularizer) = (kernel.ty.shape.to_vec(), kernel.regularizer.clone());
        let (outputs, before) = sizes.split_last().expect("a kernel has axes");
        let [a, b] = self.matrices();
        let sizes_of_a = [before, &[lora.rank]].concat();
        weights.add(&a, sizes_of_a, lora.a_initializer.resolve()?)?.regularizer = regularizer.clone();
        weights.add(&b, [lora.rank, *outputs], lora.b_initializer.resolve()?)?.regularizer = regularizer;
        Ok(())
    }

    /// The kernel that the layer computes with. A model that was built before the kernel was adapted has no matrices
    /// until its next `compile`, and computes without them.
    pub(super) fn value<'b>(&self, context: &Context<'_, 'b>) -> Result<Expr<'b>> {
        let kernel = context.weight(self.kernel)?;
        let [a, b] = self.matrices();
        if self.lora.get().is_none() || !context.has_weight(&a) {
            return Ok(kernel);
        }
        Ok(self.adapted(kernel, context.weight(&a)?, context.weight(&b)?))
    }

    /// The formula.
    pub(crate) fn adapted<'b>(&self, kernel: Expr<'b>, a: Expr<'b>, b: Expr<'b>) -> Expr<'b> {
        kernel + a.matmul(b) * self.lora.get().map_or(1.0, Lora::scale)
    }

    /// The name of the kernel.
    pub(crate) fn name(&self) -> &'static str {
        self.kernel
    }

    /// The names of the matrices.
    pub(crate) fn matrices(&self) -> [String; 2] {
        ["a", "b"].map(|matrix| format!("lora_{}_{matrix}", self.kernel))
    }

    fn check(&self, class: &str, lora: &Lora, constrained: bool) -> Result<()> {
        if lora.rank == 0 {
            return Err(Error::config(class, "lora_rank", 0, "1 or more"));
        }
        if constrained {
            let key = format!("{}_constraint", self.kernel);
            return Err(Error::config(class, &key, "there", "left out of a layer with low-rank adaptation"));
        }
        Ok(())
    }
}

/// The builder methods of a layer whose field `lora` is a [`LoraKernel`].
macro_rules! lora_options {
    ($rank:ident $alpha:ident) => {
        /// The rank of the matrices that training fits in place of the kernel: see [`Lora`](crate::layers::Lora).
        pub fn $rank(mut self, rank: usize) -> Self {
            self.lora.set_rank(rank);
            self
        }

        /// What the product of these matrices counts, as a multiple of `1 / rank`; the rank by default.
        pub fn $alpha(mut self, alpha: f64) -> Self {
            self.lora.set_alpha(alpha);
            self
        }
    };
}
pub(super) use lora_options;

impl AnyLayer {
    /// Adapts the layer by matrices of low rank: `enable_lora(4)`, or with more settings a [`Lora`]. Keras:
    /// `enable_lora`.
    ///
    /// The kernel stays from then on, and training fits two thin matrices, beside the bias. The layer is one of those
    /// that have `lora_rank`, or a dense layer inside an attention; its kernel may have no constraint. As with
    /// [`AnyLayer::set_trainable`], a model that is built heeds it from its next `compile` on. Files hold the kernel
    /// with the matrices merged into it; opened again, both are zero, as in Keras, and without gradients.
    pub fn enable_lora(&self, lora: impl Into<Lora>) -> Result<()> {
        let lora = lora.into();
        let wrong = |reason: String| Error::Layer { path: self.name().to_string(), reason };
        let class = self.class_name();
        let Some(kernel) = self.layer().lora() else {
            return Err(wrong(format!("{class} has no kernel that low-rank adaptation is for")));
        };
        let constraint = self.layer().config()?.remove(&format!("{}_constraint", kernel.kernel));
        kernel.check(class, &lora, constraint.is_some_and(|constraint| !constraint.is_null()))?;
        lora.a_initializer.resolve()?;
        lora.b_initializer.resolve()?;
        let enabled = kernel.lora.set(lora);
        enabled
            .map_err(|_| wrong("its low-rank adaptation is enabled already; that is done once".to_string()))
    }
}
