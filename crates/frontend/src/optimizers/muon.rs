//! Muon: momentum made orthogonal, for matrices; Adam for all else.

use cornu_ir::Expr;

use super::adam;
use super::patterns;
use crate::error::Result;
use crate::optimizers::settings::{described, settings};
use crate::optimizers::slots::Initial;
use crate::optimizers::{Common, Optimizer, SlotSpec, Step, TrainedWeight, Updated};

settings! {
    /// Matrices, with weight w, gradient g, learning rate α and momentum μ:
    ///
    /// - m ← μ·m + g, then x = g + μ·m (Nesterov) or m
    /// - x ← x/(‖x‖ + 1e-7), as a wide matrix; `ns_steps` times: s = x·xᵀ, x ← a·x + (b·s + c·s·s)·x
    /// - w ← w - α·rms_rate·√(larger side)·x
    ///
    /// All else goes the way of [`Adam`](crate::Adam), with the learning rate α·adam_lr_ratio: what is no matrix,
    /// embeddings, and weights that `exclude_layers` names. Weights decay by 0.004 unless told otherwise.
    ///
    /// Jordan et al. 2024, <https://kellerjordan.github.io/posts/muon>; Liu et al. 2025,
    /// <https://arxiv.org/abs/2502.16982>.
    pub struct Muon(Common::new(0.001).with_weight_decay(0.004)) {
        /// The share of the old average in the new, of gradients, where the rule is Adam's.
        adam_beta_1: f64 = 0.9,
        /// The share of the old average in the new, of squared gradients, where the rule is Adam's.
        adam_beta_2: f64 = 0.999,
        /// What keeps the divisor from 0, where the rule is Adam's.
        epsilon: f64 = 1e-7,
        /// Regular expressions; where one is found in a weight's path, the rule is Adam's.
        exclude_layers: Vec<String> = Vec::new(),
        /// a
        muon_a: f64 = 3.4445,
        /// b
        muon_b: f64 = -4.775,
        /// c
        muon_c: f64 = 2.0315,
        /// What the learning rate is multiplied by where the rule is Adam's.
        adam_lr_ratio: f64 = 1.0,
        /// What is left of the momentum after a step.
        momentum: f64 = 0.95,
        /// How many times the momentum is made more orthogonal.
        ns_steps: usize = 5,
        /// Whether the gradient counts as if it were measured one step ahead.
        nesterov: bool = true,
        /// Whether the rule of embeddings is Adam's: of weights with "embedding" in their path.
        exclude_embeddings: bool = true,
        /// The weight decay where the rule is Adam's.
        adam_weight_decay: Option<f64> = Some(0.004),
        /// The size of a step's elements before the learning rate; without it steps are not scaled.
        rms_rate: Option<f64> = Some(0.2),
    }
}

impl Muon {
    fn goes_the_way_of_adam(&self, weight: &TrainedWeight) -> bool {
        let is_embedding = || weight.path.to_lowercase().contains("embedding");
        let is_named = || self.exclude_layers.iter().any(|pattern| patterns::is_found(pattern, &weight.path));
        weight.ty.shape.rank() != 2 || (self.exclude_embeddings && is_embedding()) || is_named()
    }

    fn slot_names(&self, weight: &TrainedWeight) -> &'static [&'static str] {
        if self.goes_the_way_of_adam(weight) { &["momentum", "velocity"] } else { &["momentum"] }
    }

    fn step<'b>(&self, w: Expr<'b>, g: Expr<'b>, alpha: Expr<'b>, m: Expr<'b>) -> (Expr<'b>, Expr<'b>) {
        let m = m * self.momentum + g;
        let direction = self.orthogonal(if self.nesterov { g + m * self.momentum } else { m });
        let larger = w.shape().iter().copied().max().unwrap_or(1) as f64;
        let scale = self.rms_rate.map_or(1.0, |rate| larger.sqrt() * rate);
        (w - direction * (alpha * scale), m)
    }

    /// Newton and Schulz's iteration: all singular values come near 1.
    fn orthogonal<'b>(&self, x: Expr<'b>) -> Expr<'b> {
        let is_tall = x.shape()[0] > x.shape()[1];
        let wide = |x: Expr<'b>| if is_tall { x.transpose(&[1, 0]) } else { x };
        let mut x = wide(x);
        x = x / (x.square().sum_all().sqrt() + 1e-7);
        for _ in 0..self.ns_steps {
            let s = x.matmul(x.transpose(&[1, 0]));
            let polynomial = s * self.muon_b + (s * self.muon_c).matmul(s);
            x = x * self.muon_a + polynomial.matmul(x);
        }
        wide(x)
    }
}

impl Optimizer for Muon {
    described!("Muon");

    fn rule_slots(&self, weights: &[TrainedWeight]) -> Vec<SlotSpec> {
        let slot = |name: &str, number: usize, weight: &TrainedWeight| SlotSpec {
            name: name.to_string(),
            weight: Some(number),
            ty: weight.ty.clone(),
            initial: Initial::Fill(0.0),
        };
        let numbered = weights.iter().enumerate();
        numbered
            .flat_map(|(number, weight)| {
                self.slot_names(weight).iter().map(move |name| slot(name, number, weight))
            })
            .collect()
    }

    fn update<'b>(
        &self,
        step: &Step<'_, 'b>,
        weights: &[Expr<'b>],
        gradients: &[Option<Expr<'b>>],
        slots: &[Expr<'b>],
    ) -> Result<Updated<'b>> {
        let rule = adam::Rule {
            beta_1: self.adam_beta_1,
            beta_2: self.adam_beta_2,
            epsilon: self.epsilon,
            amsgrad: false,
        };
        let (mut new_weights, mut new_slots) = (Vec::new(), Vec::new());
        let mut rest = slots;
        for ((&weight, gradient), about) in weights.iter().zip(gradients).zip(step.weights) {
            let (own, others) = rest.split_at(self.slot_names(about).len().min(rest.len()));
            rest = others;
            let gradient = gradient.map(|gradient| gradient.cast(weight.dtype()));
            let (weight, own) = match (gradient, own) {
                (Some(g), &[m]) => {
                    let (weight, m) = self.step(weight, g, step.rate_for(weight), m);
                    (weight, vec![m])
                }
                (Some(g), own) => {
                    let rate = rule.corrected_rate(step, weight) * self.adam_lr_ratio;
                    rule.step(weight, g, rate, own)
                }
                (None, own) => (weight, own.to_vec()),
            };
            new_weights.push(weight);
            new_slots.extend(own);
        }
        Ok((new_weights, new_slots))
    }

    fn decay_of(&self, weight: &TrainedWeight) -> Option<f64> {
        let by_adam = self.goes_the_way_of_adam(weight);
        let decay = if by_adam { self.adam_weight_decay } else { self.common.weight_decay };
        decay.filter(|_| !self.common.spares(weight))
    }

    fn check(&self) -> Result<()> {
        patterns::check("Muon", "exclude_layers", &self.exclude_layers)?;
        self.common.check("Muon")
    }
}
