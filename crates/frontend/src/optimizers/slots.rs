//! Slots: what rules keep between steps, and the order in which it is stored.

use cornu_ir::{DType, Expr, Type};

use crate::error::{Error, Result};
use crate::optimizers::{TrainedWeight, Updated};

/// How a slot begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initial {
    /// This number in all elements.
    Fill(f64),
    /// A copy of the weight that it belongs to.
    Weight,
}

/// One variable of an optimizer.
#[derive(Clone, Debug, PartialEq)]
pub struct SlotSpec {
    /// What it is: `momentum`, `velocity`.
    pub name: String,
    /// The number of the weight that it belongs to, if it belongs to one.
    pub weight: Option<usize>,
    /// Element type and shape.
    pub ty: Type,
    /// What it is at the beginning.
    pub initial: Initial,
}

impl SlotSpec {
    /// A single number that belongs to no weight.
    pub fn scalar(name: &str, dtype: DType, initial: f64) -> SlotSpec {
        let (name, ty) = (name.to_string(), Type::scalar(dtype));
        SlotSpec { name, weight: None, ty, initial: Initial::Fill(initial) }
    }

    /// With this number in all elements at the beginning.
    pub fn beginning_at(self, value: f64) -> SlotSpec {
        SlotSpec { initial: Initial::Fill(value), ..self }
    }

    /// With the values of its weight at the beginning.
    pub fn beginning_as_weight(self) -> SlotSpec {
        SlotSpec { initial: Initial::Weight, ..self }
    }
}

/// The slots of a rule that keeps, for each weight, tensors of the weight's type that begin at 0.
///
/// Each group is stored weight by weight, one group after the other: `[["m", "v"], ["h"]]` is m₀ v₀ m₁ v₁ … h₀ h₁ ….
pub fn slots_of(weights: &[TrainedWeight], groups: &[&[&str]]) -> Vec<SlotSpec> {
    let slot = |name: &str, index: usize, weight: &TrainedWeight| SlotSpec {
        name: name.to_string(),
        weight: Some(index),
        ty: weight.ty.clone(),
        initial: Initial::Fill(0.0),
    };
    let group = |names: &[&str]| -> Vec<SlotSpec> {
        let weights = weights.iter().enumerate();
        weights.flat_map(|(index, weight)| names.iter().map(move |name| slot(name, index, weight))).collect()
    };
    groups.iter().flat_map(|names| group(names)).collect()
}

/// Applies the rule of one weight to all that have a gradient. `update` takes a weight, its gradient in the weight's
/// type, and its slots in the order of `groups` (which are those of [`slots_of`]); it gives weight and slots back.
pub fn each_weight<'b>(
    groups: &[&[&str]],
    weights: &[Expr<'b>],
    gradients: &[Option<Expr<'b>>],
    slots: &[Expr<'b>],
    update: impl Fn(Expr<'b>, Expr<'b>, &[Expr<'b>]) -> (Expr<'b>, Vec<Expr<'b>>),
) -> Result<Updated<'b>> {
    let kept: usize = groups.iter().map(|names| names.len()).sum();
    if slots.len() != kept * weights.len() || gradients.len() != weights.len() {
        let given =
            format!("{} weights, {} gradients, {} slots", weights.len(), gradients.len(), slots.len());
        let needed = format!("a gradient and {kept} slots for each weight");
        return Err(Error::config("optimizer", "state", given, needed));
    }
    let (mut new_weights, mut new_slots) = (weights.to_vec(), slots.to_vec());
    for (index, (&weight, gradient)) in weights.iter().zip(gradients).enumerate() {
        let Some(gradient) = gradient else { continue };
        let places = places(groups, weights.len(), index);
        let own: Vec<Expr<'b>> = places.iter().map(|&place| slots[place]).collect();
        let (weight, own) = update(weight, gradient.cast(weight.dtype()), &own);
        new_weights[index] = weight;
        places.into_iter().zip(own).for_each(|(place, slot)| new_slots[place] = slot);
    }
    Ok((new_weights, new_slots))
}

/// Where the slots of one weight stand among all.
fn places(groups: &[&[&str]], weights: usize, index: usize) -> Vec<usize> {
    let mut first = 0;
    let mut places = Vec::new();
    for names in groups {
        places.extend((0..names.len()).map(|place| first + index * names.len() + place));
        first += weights * names.len();
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_stand_one_after_the_other() {
        let weights = [2, 3].map(|size| TrainedWeight::new("w", Type::new(DType::F32, [size])));
        let groups: [&[&str]; 2] = [&["m", "v"], &["h"]];
        let names: Vec<String> = slots_of(&weights, &groups)
            .iter()
            .map(|slot| format!("{}{}", slot.name, slot.ty.shape[0]))
            .collect();
        assert_eq!(names, ["m2", "v2", "m3", "v3", "h2", "h3"]);
        assert_eq!(places(&groups, 2, 1), [2, 3, 5]);
    }
}
