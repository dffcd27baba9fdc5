//! Einsum: products of tensors by an equation, `abc,cd->abd`, as dots, sums and a transpose.

use std::collections::BTreeSet;

use cornu_ir::Expr;
use cornu_ir::ops::Dot;

use crate::error::{Error, Result};

/// The axes that `...` stands for get letters of their own, from here on; the last one counts from the right.
const DOTS: u32 = 0xE000;

/// The product that `equation` describes. Operands are of one element type.
///
/// Letters that two operands share go together, letters that the output lacks are summed over, and `...` stands for
/// any axes. Without `->` the output has the letters that occur once, in the order of the alphabet, as in NumPy.
pub(crate) fn einsum<'b>(equation: &str, operands: &[Expr<'b>]) -> Result<Expr<'b>> {
    let ranks: Vec<usize> = operands.iter().map(|operand| operand.rank()).collect();
    let parsed = Equation::parse(equation, &ranks)?;
    parsed.check_sizes(equation, operands)?;
    let mut rest: Vec<Labelled<'b>> =
        operands.iter().zip(parsed.inputs).map(|(&value, labels)| Labelled { value, labels }).collect();
    for index in 0..rest.len() {
        stretch_away(&mut rest, index);
    }
    let mut rest = rest.into_iter();
    let Some(mut product) = rest.next() else {
        return Err(wrong(equation, "an equation of at least one operand"));
    };
    let later: Vec<Labelled<'b>> = rest.collect();
    for (index, next) in later.iter().enumerate() {
        let kept: BTreeSet<char> = parsed
            .output
            .iter()
            .chain(later[index + 1..].iter().flat_map(|other| &other.labels))
            .copied()
            .collect();
        product = product.times(next.clone(), &kept);
    }
    let kept = parsed.output.iter().copied().collect();
    product.summed(&kept).ordered(&parsed.output, equation)
}

fn wrong(equation: &str, needed: impl Into<String>) -> Error {
    Error::config("einsum", "equation", format!("\"{equation}\""), needed)
}

/// The letters of every axis of every operand and of the output, with `...` spelled out.
struct Equation {
    inputs: Vec<Vec<char>>,
    output: Vec<char>,
}

impl Equation {
    fn parse(equation: &str, ranks: &[usize]) -> Result<Equation> {
        let plain: String = equation.chars().filter(|letter| !letter.is_whitespace()).collect();
        let (inputs, output) = match plain.split_once("->") {
            Some((inputs, output)) => (inputs, Some(output)),
            None => (plain.as_str(), None),
        };
        let terms: Vec<&str> = inputs.split(',').collect();
        if terms.len() != ranks.len() {
            return Err(wrong(equation, format!("an equation of {} operands", ranks.len())));
        }
        let inputs: Vec<Vec<char>> = terms
            .iter()
            .zip(ranks)
            .map(|(term, &rank)| letters(equation, term, Some(rank)))
            .collect::<Result<_>>()?;
        let dots: Vec<char> = {
            let all: BTreeSet<char> =
                inputs.iter().flatten().copied().filter(|&c| c as u32 >= DOTS).collect();
            all.into_iter().collect()
        };
        let output = match output {
            Some(term) => expanded(letters(equation, term, None)?, &dots),
            None => dots.iter().copied().chain(single_letters(&inputs)).collect(),
        };
        let known: BTreeSet<char> = inputs.iter().flatten().copied().collect();
        if let Some(letter) = output.iter().find(|letter| !known.contains(letter)) {
            return Err(wrong(
                equation,
                format!("one whose output letters are in some operand; `{letter}` is in none"),
            ));
        }
        Ok(Equation { inputs, output })
    }

    /// Letters stand for one size each; an axis of size 1 goes with any.
    fn check_sizes(&self, equation: &str, operands: &[Expr<'_>]) -> Result<()> {
        let axes = |index: usize| self.inputs[index].iter().copied().zip(operands[index].shape().to_vec());
        let all: Vec<(char, usize)> =
            (0..operands.len()).flat_map(axes).filter(|&(_, size)| size != 1).collect();
        for (index, &(letter, size)) in all.iter().enumerate() {
            if let Some((_, other)) =
                all[..index].iter().find(|&&(seen, other)| seen == letter && other != size)
            {
                let what = if letter as u32 >= DOTS { "...".to_string() } else { letter.to_string() };
                let needed =
                    format!("one that fits the operands: `{what}` stands for both {other} and {size}");
                return Err(wrong(equation, needed));
            }
        }
        Ok(())
    }
}

/// The place of `...` in a term of the output.
const ELLIPSIS: char = '.';

/// The letters of one term. `...` becomes the axes that the letters leave of `rank`, or [`ELLIPSIS`] if it is `None`.
fn letters(equation: &str, term: &str, rank: Option<usize>) -> Result<Vec<char>> {
    let (before, after, has_dots) = match term.split_once("...") {
        Some((before, after)) => (before, after, true),
        None => (term, "", false),
    };
    let named: Vec<char> = before.chars().chain(after.chars()).collect();
    if named.iter().any(|letter| !letter.is_ascii_alphabetic()) {
        return Err(wrong(
            equation,
            "terms of letters and at most one `...`, separated by commas, then `->` and a term",
        ));
    }
    let distinct: BTreeSet<&char> = named.iter().collect();
    if distinct.len() != named.len() {
        return Err(wrong(equation, format!("one without a letter twice in a term (`{term}`)")));
    }
    let dots: Vec<char> = match rank {
        None => vec![ELLIPSIS; usize::from(has_dots)],
        Some(rank) if rank == named.len() || (has_dots && rank > named.len()) => (0..rank - named.len())
            .rev()
            .filter_map(|back| char::from_u32(DOTS + 0xFF - back as u32))
            .collect(),
        Some(rank) => {
            return Err(wrong(
                equation,
                format!("one whose term `{term}` has a letter for each of the {rank} axes"),
            ));
        }
    };
    Ok(before.chars().chain(dots).chain(after.chars()).collect())
}

fn expanded(term: Vec<char>, dots: &[char]) -> Vec<char> {
    term.into_iter().flat_map(|c| if c == ELLIPSIS { dots.to_vec() } else { vec![c] }).collect()
}

/// The letters that occur once, in the order of the alphabet.
fn single_letters(inputs: &[Vec<char>]) -> Vec<char> {
    let mut all: Vec<char> = inputs.iter().flatten().copied().filter(|&c| (c as u32) < DOTS).collect();
    all.sort_unstable();
    let once = |&&letter: &&char| all.iter().filter(|&&other| other == letter).count() == 1;
    all.iter().filter(once).copied().collect()
}

/// A value with the letter of each axis.
#[derive(Clone)]
struct Labelled<'b> {
    value: Expr<'b>,
    labels: Vec<char>,
}

/// Takes out the axes of size 1 that are longer elsewhere: they only repeat.
fn stretch_away(operands: &mut [Labelled<'_>], index: usize) {
    let longer = |label: char| {
        operands.iter().any(|other| {
            other
                .labels
                .iter()
                .zip(other.value.shape().iter())
                .any(|(&seen, &size)| seen == label && size != 1)
        })
    };
    let operand = &operands[index];
    let shape = operand.value.shape();
    let gone: Vec<usize> =
        (0..shape.rank()).filter(|&axis| shape[axis] == 1 && longer(operand.labels[axis])).collect();
    let labels =
        operand.labels.iter().enumerate().filter(|(axis, _)| !gone.contains(axis)).map(|(_, &c)| c).collect();
    operands[index] = Labelled { value: operand.value.squeeze(&gone), labels };
}

impl<'b> Labelled<'b> {
    fn axis(&self, label: char) -> Option<usize> {
        self.labels.iter().position(|&own| own == label)
    }

    /// Summed over the axes whose letters are not `kept`.
    fn summed(self, kept: &BTreeSet<char>) -> Labelled<'b> {
        let axes: Vec<usize> =
            (0..self.labels.len()).filter(|&axis| !kept.contains(&self.labels[axis])).collect();
        if axes.is_empty() {
            return self;
        }
        let labels = self.labels.iter().copied().filter(|label| kept.contains(label)).collect();
        Labelled { value: self.value.sum(&axes), labels }
    }

    /// The product with `other`, summed over all letters that are not `kept`.
    fn times(self, other: Labelled<'b>, kept: &BTreeSet<char>) -> Labelled<'b> {
        let either = |labels: &[char]| labels.iter().chain(kept).copied().collect::<BTreeSet<char>>();
        let (needed_left, needed_right) = (either(&other.labels), either(&self.labels));
        let (left, right) = (self.summed(&needed_left), other.summed(&needed_right));
        let shared: Vec<char> = left.labels.iter().copied().filter(|&c| right.axis(c).is_some()).collect();
        let (batch, contract): (Vec<char>, Vec<char>) = shared.into_iter().partition(|c| kept.contains(c));
        let axes = |of: &Labelled<'b>, labels: &[char]| {
            labels.iter().filter_map(|&label| of.axis(label)).collect::<Vec<usize>>()
        };
        let dot = Dot::contracting(axes(&left, &contract), axes(&right, &contract))
            .batched(axes(&left, &batch), axes(&right, &batch));
        let free = |of: &Labelled<'b>| {
            let own = |label: &char| !batch.contains(label) && !contract.contains(label);
            of.labels.iter().copied().filter(own).collect::<Vec<char>>()
        };
        let labels = [batch.clone(), free(&left), free(&right)].concat();
        Labelled { value: left.value.dot(right.value, dot), labels }
    }

    fn ordered(self, output: &[char], equation: &str) -> Result<Expr<'b>> {
        let order: Option<Vec<usize>> = output.iter().map(|&label| self.axis(label)).collect();
        let order = order.filter(|order| order.len() == self.labels.len());
        let order = order.ok_or_else(|| wrong(equation, "one whose output has each letter once"))?;
        Ok(self.value.transpose(&order))
    }
}

#[cfg(test)]
mod tests {
    use cornu_ir::{Builder, DType, Type};

    use super::*;

    fn shape_of(equation: &str, shapes: &[&[usize]]) -> Result<Vec<usize>> {
        let builder = Builder::new();
        let operands: Vec<Expr<'_>> =
            shapes.iter().map(|&shape| builder.input("x", Type::new(DType::F32, shape.to_vec()))).collect();
        let product = einsum(equation, &operands)?;
        builder.check()?;
        Ok(product.shape().to_vec())
    }

    #[test]
    fn the_output_has_the_axes_of_the_equation() {
        assert_eq!(shape_of("abc,cd->abd", &[&[2, 3, 4], &[4, 5]]).unwrap(), [2, 3, 5]);
        assert_eq!(shape_of("abc,dc->adb", &[&[2, 3, 4], &[5, 4]]).unwrap(), [2, 5, 3]);
        assert_eq!(shape_of("...x,xy->...y", &[&[2, 3, 4], &[4, 5]]).unwrap(), [2, 3, 5]);
        assert_eq!(shape_of("...ij,...jk->...ik", &[&[7, 2, 3], &[1, 3, 4]]).unwrap(), [7, 2, 4]);
        assert_eq!(shape_of("...ij,...jk->...ik", &[&[7, 2, 3], &[3, 4]]).unwrap(), [7, 2, 4]);
        assert_eq!(shape_of("ij->ji", &[&[2, 3]]).unwrap(), [3, 2]);
        assert_eq!(shape_of("ij->", &[&[2, 3]]).unwrap(), [0usize; 0]);
        assert_eq!(shape_of("ij,jk,kl->il", &[&[2, 3], &[3, 4], &[4, 5]]).unwrap(), [2, 5]);
        assert_eq!(shape_of("ij,jk", &[&[2, 3], &[3, 4]]).unwrap(), [2, 4]);
        assert_eq!(shape_of("i,j->ij", &[&[2], &[3]]).unwrap(), [2, 3]);
    }

    #[test]
    fn a_bad_equation_is_explained() {
        let message = |equation: &str| shape_of(equation, &[&[2, 3], &[3, 4]]).unwrap_err().to_string();
        assert!(message("ij,kj->ik").contains("`j` stands for both 3 and 4"), "{}", message("ij,kj->ik"));
        assert!(message("ij->i").contains("2 operands"));
        assert!(message("ijk,jk->i").contains("each of the 2 axes"));
        assert!(message("ij,jk->iz").contains("`z` is in none"));
        assert!(message("ii,jk->i").contains("twice"));
        assert!(message("i1,jk->i").contains("letters"));
        assert!(message("ij,jk->ii").contains("twice"));
    }
}
