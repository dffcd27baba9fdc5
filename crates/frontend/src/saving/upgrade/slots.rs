//! The optimizer's variables: from the orders in which earlier Keras stored them to Keras 3's.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

/// How the variables of an optimizer are stored.
#[derive(Clone, Copy, Debug)]
pub enum Stored<'a> {
    /// In order, with names: legacy files.
    Named(&'a [String]),
    /// So many, in order: archives.
    Numbered(usize),
}

/// Where one of Keras 3's variables comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The stored variable of this position.
    Stored(usize),
    /// Not stored: the learning rate of the configuration.
    LearningRate,
    /// Not stored: an integer 0 that Keras 3 keeps where Adafactor has no row or column averages.
    Placeholder,
    /// Not stored: the product of Nadam's momentum factors of all steps so far.
    MomentumProduct,
}

/// One kind of slot by its name in Keras 2.11 and later, and in those before.
type Kind = (&'static str, &'static str);

/// The kinds of slots of an optimizer. Kinds in one group alternate variable by variable, groups follow each other.
fn groups(class_name: &str) -> Option<&'static [&'static [Kind]]> {
    Some(match class_name {
        "SGD" => &[&[("m", "momentum")]],
        "Lion" => &[&[("m", "m")]],
        "Adagrad" => &[&[("accumulator", "accumulator")]],
        "Adam" | "AdamW" => &[&[("m", "m"), ("v", "v")], &[("vhat", "vhat")]],
        "Nadam" => &[&[("m", "m"), ("v", "v")]],
        "Adamax" => &[&[("m", "m"), ("u", "v")]],
        "Adadelta" => &[&[("accumulated_grad", "accum_grad"), ("accumulated_delta_var", "accum_var")]],
        "Ftrl" => &[&[("accumulator", "accumulator"), ("linear", "linear")]],
        "RMSprop" => &[&[("velocity", "rms")], &[("momentum", "momentum")], &[("average_gradient", "mg")]],
        "Adafactor" => &[&[("r", "r"), ("c", "c"), ("v", "v")]],
        _unknown => return None,
    })
}

/// Averages of the weights, which come before the slots.
const AVERAGE: Kind = ("average", "average");

/// For each of Keras 3's variables, where it comes from: iteration, learning rate (unless there is a schedule),
/// averages, slots. `optimizer` is the upgraded configuration, `variables` the number of trained variables. `None` when
/// the stored variables are not those that the optimizer has.
pub fn optimizer_slots(optimizer: &Value, stored: Stored<'_>, variables: usize) -> Option<Vec<Slot>> {
    let class_name = optimizer.get("class_name")?.as_str()?;
    let config = optimizer.get("config")?;
    let has_rate = config.get("learning_rate").is_none_or(Value::is_number);
    let mut slots = vec![Slot::Stored(0)];
    if has_rate {
        slots.push(Slot::LearningRate);
    }
    let rest: Vec<Slot> = match stored {
        Stored::Numbered(count) if class_name != "Adafactor" => (1..count).map(Slot::Stored).collect(),
        Stored::Numbered(_) => return None,
        Stored::Named(names) => {
            let groups = expected(class_name, config)?;
            named(class_name, &groups, names, variables)
                .or_else(|| unnamed(&groups, names.len(), variables))?
        }
    };
    slots.extend(rest);
    if class_name == "Nadam" {
        let cache = match stored {
            Stored::Named(names) => names.iter().position(|name| name.contains("momentum_cache")),
            Stored::Numbered(_) => None,
        };
        slots.push(cache.map_or(Slot::MomentumProduct, Slot::Stored));
    }
    Some(slots)
}

/// The kinds of slots that an optimizer of this configuration has. Old files may hold more, which nothing reads.
fn expected(class_name: &str, config: &Value) -> Option<Vec<&'static [Kind]>> {
    let is_on = |key: &str| match config.get(key) {
        Some(Value::Bool(on)) => *on,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_)) | None => false,
    };
    let has = |group: &&'static [Kind]| match (class_name, group) {
        ("Adam" | "AdamW", [("vhat", _)]) => is_on("amsgrad"),
        ("SGD", _) | ("RMSprop", [("momentum", _)]) => is_on("momentum"),
        ("RMSprop", [("average_gradient", _)]) => is_on("centered"),
        (_, _) => true,
    };
    let own = groups(class_name)?.iter().copied().filter(has);
    let averages: Option<&'static [Kind]> = is_on("use_ema").then_some(&[AVERAGE]);
    Some(averages.into_iter().chain(own).collect())
}

/// A slot's kind and variable: `Adam/m/dense/kernel:0` or `m/dense/kernel:0`, and before 2.11 `Adam/dense/kernel/m:0`.
fn parsed<'n>(name: &'n str, is_legacy: bool, groups: &[&[Kind]]) -> Option<(&'n str, &'n str)> {
    let (first, slot) = name.split(':').next()?.split_once('/')?;
    if is_legacy {
        return slot.rsplit_once('/').map(|(variable, kind)| (kind, variable));
    }
    let is_kind = groups.iter().flat_map(|group| group.iter()).any(|(kind, _)| *kind == first);
    if is_kind { Some((first, slot)) } else { slot.split_once('/') }
}

/// Slots by their names; `None` when one of the `count` trained variables lacks any.
fn named(class_name: &str, groups: &[&[Kind]], names: &[String], count: usize) -> Option<Vec<Slot>> {
    let is_legacy = !names.first()?.starts_with("iteration");
    let mut positions = HashMap::new();
    let mut variables = Vec::new();
    let mut seen = HashSet::new();
    for (n, name) in names.iter().enumerate().skip(1) {
        let Some((kind, variable)) = parsed(name, is_legacy, groups) else { continue };
        positions.insert((kind, variable), n);
        if seen.insert(variable) {
            variables.push(variable);
        }
    }
    if variables.len() != count && !groups.is_empty() {
        return None;
    }
    let mut slots = Vec::new();
    for group in groups {
        for variable in &variables {
            for (new, old) in *group {
                match positions.get(&(if is_legacy { *old } else { *new }, *variable)) {
                    Some(&n) => slots.push(Slot::Stored(n)),
                    None if class_name == "Adafactor" => slots.push(Slot::Placeholder),
                    None => return None,
                }
            }
        }
    }
    Some(slots)
}

/// Slots without telling names, from before 2.3: all of the first kind, then all of the second, ….
fn unnamed(groups: &[&[Kind]], stored: usize, variables: usize) -> Option<Vec<Slot>> {
    let kinds: usize = groups.iter().map(|group| group.len()).sum();
    if stored.checked_sub(1)? < kinds.checked_mul(variables)? {
        return None;
    }
    let mut slots = Vec::new();
    let mut first = 1;
    for group in groups {
        for variable in 0..variables {
            slots.extend((0..group.len()).map(|kind| Slot::Stored(first + kind * variables + variable)));
        }
        first += group.len() * variables;
    }
    Some(slots)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn order(optimizer: &Value, names: &[&str], variables: usize) -> Option<Vec<Slot>> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        optimizer_slots(optimizer, Stored::Named(&names), variables)
    }

    fn stored(positions: &[usize]) -> Vec<Slot> {
        let iteration_and_rate = [Slot::Stored(0), Slot::LearningRate];
        iteration_and_rate.into_iter().chain(positions.iter().map(|&n| Slot::Stored(n))).collect()
    }

    #[test]
    fn the_order_since_2_11_is_that_of_keras_3() {
        let adam = json!({"class_name": "Adam", "config": {"learning_rate": 0.1, "amsgrad": true}});
        let names = [
            "iteration:0",
            "Adam/m/a/kernel:0",
            "Adam/v/a/kernel:0",
            "Adam/m/b:0",
            "Adam/v/b:0",
            "Adam/vhat/a/kernel:0",
            "Adam/vhat/b:0",
        ];
        assert_eq!(order(&adam, &names, 2), Some(stored(&[1, 2, 3, 4, 5, 6])));
        assert_eq!(optimizer_slots(&adam, Stored::Numbered(7), 2), Some(stored(&[1, 2, 3, 4, 5, 6])));
    }

    #[test]
    fn the_order_before_is_kind_by_kind() {
        let adam = json!({"class_name": "Adam", "config": {"learning_rate": 0.1}});
        let names = ["Adam/iter:0", "Adam/a/kernel/m:0", "Adam/b/m:0", "Adam/a/kernel/v:0", "Adam/b/v:0"];
        assert_eq!(order(&adam, &names, 2), Some(stored(&[1, 3, 2, 4])));
        assert_eq!(order(&adam, &names[..4], 2), None);
        let names =
            ["training/Adam/iterations:0", "Variable:0", "Variable_1:0", "Variable_2:0", "Variable_3:0"];
        assert_eq!(order(&adam, &names, 2), Some(stored(&[1, 3, 2, 4])));
    }

    #[test]
    fn a_schedule_has_no_learning_rate() {
        let schedule = json!({"class_name": "InverseTimeDecay"});
        let sgd = json!({"class_name": "SGD", "config": {"learning_rate": schedule, "momentum": 0.0}});
        assert_eq!(order(&sgd, &["SGD/iter:0"], 2), Some(vec![Slot::Stored(0)]));
    }

    #[test]
    fn what_keras_3_keeps_besides() {
        let nadam = json!({"class_name": "Nadam", "config": {"learning_rate": 0.1}});
        let names = ["Nadam/iter:0", "Nadam/momentum_cache:0", "Nadam/a/m:0", "Nadam/a/v:0"];
        assert_eq!(order(&nadam, &names, 1), Some(stored(&[2, 3, 1])));
        let slots = optimizer_slots(&nadam, Stored::Numbered(3), 1).expect("known");
        assert_eq!(slots.last(), Some(&Slot::MomentumProduct));
        let adafactor = json!({"class_name": "Adafactor", "config": {"learning_rate": 0.1}});
        let names =
            ["iteration:0", "Adafactor/r/a:0", "Adafactor/c/a:0", "Adafactor/v/a:0", "Adafactor/v/b:0"];
        let mut expected = stored(&[1, 2, 3]);
        expected.extend([Slot::Placeholder, Slot::Placeholder, Slot::Stored(4)]);
        assert_eq!(order(&adafactor, &names, 2), Some(expected));
    }
}
