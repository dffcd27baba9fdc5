//! Scaled dot products of heads: the computation inside multi-head and grouped-query attention.

use cornu_ir::{DType, Expr, derived};

use super::super::{Context, Layer, lowest_score, only};
use super::dot_product::dropout;
use crate::einsum::einsum;
use crate::error::{Error, Result};
use crate::shapes;

/// softmax(scale · query·keyᵀ)·value for each head.
pub(super) struct Heads<'a> {
    pub scale: f64,
    pub dropout: f64,
    pub seed: Option<i64>,
    /// The axes that are attended over, ascending.
    pub axes: &'a [usize],
    /// Whether the call gives the scores too.
    pub keep_scores: bool,
}

/// What an attention gives: outputs, scores, and the mask of the scores with an axis for heads.
pub(super) struct Attended<'b> {
    pub output: Expr<'b>,
    pub scores: Expr<'b>,
    pub mask: Option<Expr<'b>>,
}

impl Heads<'_> {
    /// Query, key and value are `[batch…, attended…, heads, size]`.
    pub(super) fn attend<'b>(
        &self,
        context: &mut Context<'_, 'b>,
        [query, key, value]: [Expr<'b>; 3],
        mask: Option<Expr<'b>>,
    ) -> Result<Attended<'b>> {
        let (dot, combine) = self.equations(query.rank());
        let scores = einsum(&dot, &[key, query * self.scale])?;
        let mask = mask.map(|mask| self.with_heads(mask, scores)).transpose()?;
        let scores = self.softmax(scores, mask, query.rank());
        let kept = if self.dropout > 0.0 {
            only(&dropout(self.dropout, self.seed).call(context, &[scores])?)?
        } else {
            scores
        };
        Ok(Attended { output: einsum(&combine, &[kept, value])?, scores, mask })
    }

    /// `keys,queries->scores` and `scores,values->outputs`: scores are `[batch…, heads, queries…, keys…]`.
    fn equations(&self, rank: usize) -> (String, String) {
        let letters: Vec<char> = ('a'..='z').chain('A'..='Z').collect();
        let target: Vec<char> = letters[..rank].to_vec();
        let mut fresh = letters[rank..].iter().copied();
        let source: Vec<char> = (0..rank)
            .map(|axis| if self.axes.contains(&axis) { fresh.next().unwrap_or('?') } else { target[axis] })
            .collect();
        let batch = (0..rank - 1).filter(|axis| !self.axes.contains(axis)).map(|axis| target[axis]);
        let attended = |of: &[char]| self.axes.iter().map(|&axis| of[axis]).collect::<String>();
        let product: String = batch.collect::<String>() + &attended(&target) + &attended(&source);
        let (target, source) = (target.iter().collect::<String>(), source.iter().collect::<String>());
        (format!("{source},{target}->{product}"), format!("{product},{source}->{target}"))
    }

    /// The mask with axes of size 1 for heads, and for whatever else it lacks, before those that are attended over.
    fn with_heads<'b>(&self, mask: Expr<'b>, scores: Expr<'b>) -> Result<Expr<'b>> {
        let mut full = mask;
        while full.rank() < scores.rank() {
            full = full.expand((full.rank() + 1).saturating_sub(2 * self.axes.len() + 1));
        }
        let fits = full.rank() == scores.rank()
            && full.shape().iter().zip(scores.shape().iter()).all(|(&own, &size)| own == 1 || own == size);
        fits.then_some(full).ok_or_else(|| Error::Shapes {
            what: "the mask of an attention against its scores".to_string(),
            left: Box::new(mask.ty()),
            right: Box::new(scores.ty()),
            fix: "A mask is (batch, queries, keys), or (queries, keys), or has an axis for heads after the batch"
                .to_string(),
        })
    }

    /// The share of each key. Where a query may look at no key, Keras gives all keys equal shares or, if it goes the
    /// longer way (scores kept, dropout, more axes), no share; so do we. The shorter way takes 32 bits or more.
    fn softmax<'b>(&self, scores: Expr<'b>, mask: Option<Expr<'b>>, rank: usize) -> Expr<'b> {
        let axes: Vec<usize> = (scores.rank() - self.axes.len()..scores.rank()).collect();
        let (short, dtype) = (!(self.dropout > 0.0 || self.keep_scores || rank != 4), scores.dtype());
        let scores = if short && dtype != DType::F64 { scores.cast(DType::F32) } else { scores };
        let Some(mask) = mask else { return derived::softmax(scores, &axes).cast(dtype) };
        let mask = shapes::broadcast_to(mask, &scores.shape());
        let lowest = if short { -0.7 * f64::from(f32::MAX) } else { lowest_score(dtype) };
        let shares = derived::softmax(mask.select(scores, scores.number(lowest)), &axes);
        if short { shares.cast(dtype) } else { mask.select(shares, shares.number(0.0)) }
    }
}
