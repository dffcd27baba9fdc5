//! Adafactor: mean squares of gradients kept by rows and columns, and steps relative to the weight.

use cornu_ir::{DType, Expr, Type, derived};

use crate::error::Result;
use crate::optimizers::settings::{described, settings};
use crate::optimizers::slots::Initial;
use crate::optimizers::{Common, Optimizer, SlotSpec, Step, TrainedWeight, Updated, each_weight};

settings! {
    /// With weight w, gradient g, learning rate α, t counting steps from 1, β = 1 - tᵈ with d = beta_2_decay, and
    /// rms the root of the mean square:
    ///
    /// - r ← β·r + (1 - β)·mean(g² + ε₁) of each row, c likewise of each column, v = r/mean(r)·c;
    ///   for vectors and scalars: v ← β·v + (1 - β)·(g² + ε₁)
    /// - u = g/√v, u ← u/max(1, rms(u)/clip_threshold)
    /// - w ← w - max(ε₂, rms(w))·min(α, 1/√t)·u
    ///
    /// Shazeer, Stern 2018, <https://arxiv.org/abs/1804.04235>. As Keras does, it keeps v too, which the formulas do
    /// not need where there are rows and columns.
    pub struct Adafactor(Common::new(0.001)) {
        /// The exponent of t in the share of old means.
        beta_2_decay: f64 = -0.8,
        /// What is added to squared gradients.
        epsilon_1: f64 = 1e-30,
        /// The size that weights count as at least.
        epsilon_2: f64 = 1e-3,
        /// The size from which on steps are cut.
        clip_threshold: f64 = 1.0,
        /// Kept for Keras's sake: steps are at most 1/√t in any case, there as here.
        relative_step: bool = true,
    }
}

/// Rows, columns, all; a vector or scalar has placeholders for the first two.
const GROUPS: &[&[&str]] = &[&["r", "c", "velocity"]];

impl Adafactor {
    /// r, c and v after a step in which β is the share of the old ones.
    fn squares<'b>(&self, beta: Expr<'b>, g: Expr<'b>, slots: &[Expr<'b>]) -> Vec<Expr<'b>> {
        let square = g.square() + self.epsilon_1;
        let average = |old: Expr<'b>, new: Expr<'b>| old * beta + new * (1.0 - beta);
        let Some(rows) = g.rank().checked_sub(2) else {
            return vec![slots[0], slots[1], average(slots[2], square)];
        };
        let columns = rows + 1;
        let r = average(slots[0], derived::mean(square, &[columns]));
        let c = average(slots[1], derived::mean(square, &[rows]));
        let share = r / derived::mean(r, &[rows]).expand(rows);
        vec![r, c, share.expand(columns) * c.expand(rows)]
    }
}

impl Optimizer for Adafactor {
    described!("Adafactor");

    fn rule_slots(&self, weights: &[TrainedWeight]) -> Vec<SlotSpec> {
        weights.iter().enumerate().flat_map(|(number, weight)| slots(number, weight)).collect()
    }

    fn update<'b>(
        &self,
        step: &Step<'_, 'b>,
        weights: &[Expr<'b>],
        gradients: &[Option<Expr<'b>>],
        slots: &[Expr<'b>],
    ) -> Result<Updated<'b>> {
        let largest = |x: Expr<'b>, least: f64| x.max(x.number(least));
        each_weight(GROUPS, weights, gradients, slots, |w, g, slots| {
            let t = step.count_for(w);
            let beta = 1.0 - t.pow(t.number(self.beta_2_decay));
            let next = self.squares(beta, g, slots);
            let v = next[2];
            // rms(u), said so that no kernel need keep u.
            let size = derived::mean_all(g.square() / v).sqrt();
            let cut = largest(size / self.clip_threshold, 1.0);
            let rate = step.rate_for(w).min(1.0 / t.sqrt());
            (w - g / v.sqrt() * (largest(rms(w), self.epsilon_2) * rate / cut), next)
        })
    }
}

/// √mean(x²)
fn rms(x: Expr<'_>) -> Expr<'_> {
    derived::mean_all(x.square()).sqrt()
}

fn slots(number: usize, weight: &TrainedWeight) -> [SlotSpec; 3] {
    let slot = |name: &str, ty: Type| SlotSpec {
        name: name.to_string(),
        weight: Some(number),
        ty,
        initial: Initial::Fill(0.0),
    };
    let without = |axis: usize| weight.ty.with_shape(weight.ty.shape.without(&[axis]));
    let [r, c] = match weight.ty.shape.rank().checked_sub(2) {
        Some(rows) => [without(rows + 1), without(rows)],
        None => [Type::scalar(DType::I32), Type::scalar(DType::I32)],
    };
    [slot("r", r), slot("c", c), slot("velocity", weight.ty.clone())]
}
