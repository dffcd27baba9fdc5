//! Compatibility: what of Keras there is, as a page that the lists of classes print themselves.

mod callbacks;
mod keras;
mod measures;
mod samples;
mod training;

use std::fmt::Write;

use serde_json::Map;

use crate::activations::Activation;
use crate::error::Result;
use crate::layers::{aliases_of, layer_names};
use crate::{constraints, initializers, regularizers};

use keras::{DEVIATIONS, GROUPS, LEFT_OUT};

const HEAD: &str = "\
# What of Keras there is

`cargo xtask docs` writes this page from the lists of classes in the code. Arguments are those that a class reads from
files and writes to them; layers also have `name`, `trainable` and `dtype`. Random numbers are the same on every machine
for equal seeds, but they are not those of any of Keras's back ends.

";

/// The page, in Markdown.
pub fn page() -> Result<String> {
    let mut text = HEAD.to_string();
    layers(&mut text)?;
    text += "\n## Activations\n\n| Name | Other names |\n|---|---|\n";
    for (name, others) in activations()? {
        row(&mut text, [code([name]), code(others)]);
    }
    table(&mut text, "Initializers", initializers::names(), |name| {
        Ok((initializers::get(name)?.config(), initializers::aliases_of(name).collect()))
    })?;
    table(&mut text, "Regularizers", regularizers::names(), |name| {
        Ok((regularizers::get(name)?.config(), Vec::new()))
    })?;
    table(&mut text, "Constraints", constraints::names(), |name| {
        Ok((constraints::get(name)?.config(), Vec::new()))
    })?;
    measures::write(&mut text)?;
    training::write(&mut text)?;
    callbacks::write(&mut text);
    Ok(text)
}

fn layers(text: &mut String) -> Result<()> {
    let known: Vec<&str> = layer_names().collect();
    let count = |names: &str| names.split_whitespace().filter(|name| known.contains(name)).count();
    let all: usize = GROUPS.iter().map(|(_, names)| names.split_whitespace().count()).sum();
    let there: usize = GROUPS.iter().map(|(_, names)| count(names)).sum();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "## Layers\n\n{there} of Keras's {all} classes are there.");
    for (group, names) in GROUPS {
        let _ = writeln!(
            text,
            "\n### {group}\n\n| Class | Other names | Arguments | Different from Keras |\n|---|---|---|---|"
        );
        for class in names.split_whitespace() {
            if known.contains(&class) {
                let config = samples::sample(class)?.layer().config()?;
                row(text, [code([class]), code(aliases_of(class)), arguments(&config), deviations(class)]);
            } else {
                let reason = LEFT_OUT.iter().find(|(name, _)| *name == class);
                let reason =
                    reason.map_or("not there yet".to_string(), |(_, reason)| format!("left out: {reason}"));
                row(text, [code([class]), String::new(), String::new(), reason]);
            }
        }
    }
    Ok(())
}

/// Each function once, with its other names.
fn activations() -> Result<Vec<(&'static str, Vec<&'static str>)>> {
    let mut found: Vec<(Activation, &str, Vec<&str>)> = Vec::new();
    for name in Activation::names() {
        let function: Activation = name.parse()?;
        match found.iter_mut().find(|(other, ..)| *other == function) {
            Some((_, _, others)) => others.push(name),
            None => found.push((function, name, Vec::new())),
        }
    }
    Ok(found.into_iter().map(|(_, name, others)| (name, others)).collect())
}

/// Arguments and other names of a class.
type Facts = (Map<String, serde_json::Value>, Vec<&'static str>);

fn table(
    text: &mut String,
    title: &str,
    names: impl Iterator<Item = &'static str>,
    facts: impl Fn(&str) -> Result<Facts>,
) -> Result<()> {
    let _ = writeln!(text, "\n## {title}\n\n| Class | Other names | Arguments |\n|---|---|---|");
    for name in names {
        let (config, others) = facts(name)?;
        row(text, [code([name]), code(others), arguments(&config)]);
    }
    Ok(())
}

fn arguments(config: &Map<String, serde_json::Value>) -> String {
    code(config.keys().map(String::as_str))
}

fn deviations(class: &str) -> String {
    let of_class =
        DEVIATIONS.iter().filter(|(classes, _)| classes.split_whitespace().any(|name| name == class));
    of_class.map(|(_, what)| *what).collect::<Vec<_>>().join("; ")
}

fn code<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn row<const N: usize>(text: &mut String, cells: [String; N]) {
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keras() -> Vec<&'static str> {
        GROUPS.iter().flat_map(|(_, names)| names.split_whitespace()).collect()
    }

    #[test]
    fn every_class_is_one_of_keras_and_has_a_sample() {
        assert_eq!(keras().len(), 145);
        for name in layer_names() {
            assert!(keras().contains(&name), "{name} is in no group");
            samples::sample(name)
                .and_then(|layer| layer.layer().config())
                .map_err(|e| format!("{name}: {e}"))
                .unwrap();
        }
        page().unwrap();
    }

    #[test]
    fn what_is_left_out_is_not_there_and_what_deviates_is() {
        let known: Vec<&str> = layer_names().collect();
        for (name, _) in LEFT_OUT {
            assert!(keras().contains(&name) && !known.contains(&name), "{name}");
        }
        for name in DEVIATIONS.iter().flat_map(|(classes, _)| classes.split_whitespace()) {
            assert!(known.contains(&name), "{name}");
        }
    }
}
