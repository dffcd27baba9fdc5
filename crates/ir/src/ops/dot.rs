//! `dot`: sums of products over contracted axes: every matrix product.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Op, Rules};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{Shape, Type};

/// The general product of two tensors.
///
/// Axis `lhs_batch[i]` of the left pairs with axis `rhs_batch[i]` of the right and stays; `lhs_contract[i]` pairs with
/// `rhs_contract[i]` and is summed over. The result's axes: batch, the left's others, the right's others, each in the
/// order they had. The sum is taken in the element type (bf16 and f16: in f32).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Dot {
    /// Left axes that stay in step with the right's.
    pub lhs_batch: Shape,
    /// Right axes that stay in step with the left's.
    pub rhs_batch: Shape,
    /// Left axes summed over.
    pub lhs_contract: Shape,
    /// Right axes summed over.
    pub rhs_contract: Shape,
}

/// A dot as a batch of matrix products: the products of the sizes of each kind of axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DotSizes {
    /// Number of products.
    pub batch: usize,
    /// Rows of the left.
    pub m: usize,
    /// Columns of the right.
    pub n: usize,
    /// Length of each sum.
    pub k: usize,
}

impl Dot {
    /// A product without batch axes.
    pub fn contracting(lhs: impl Into<Shape>, rhs: impl Into<Shape>) -> Dot {
        Dot { lhs_contract: lhs.into(), rhs_contract: rhs.into(), ..Dot::default() }
    }

    /// The same product with batch axes.
    pub fn batched(self, lhs: impl Into<Shape>, rhs: impl Into<Shape>) -> Dot {
        Dot { lhs_batch: lhs.into(), rhs_batch: rhs.into(), ..self }
    }

    /// Axes of the left that are neither batch nor contracted.
    pub fn lhs_free(&self, rank: usize) -> Vec<usize> {
        (0..rank).filter(|axis| !self.lhs_batch.contains(axis) && !self.lhs_contract.contains(axis)).collect()
    }

    /// Axes of the right that are neither batch nor contracted.
    pub fn rhs_free(&self, rank: usize) -> Vec<usize> {
        (0..rank).filter(|axis| !self.rhs_batch.contains(axis) && !self.rhs_contract.contains(axis)).collect()
    }

    /// The sizes of the product of arguments of these shapes.
    pub fn sizes(&self, lhs: &Shape, rhs: &Shape) -> DotSizes {
        let product = |shape: &Shape, axes: &[usize]| axes.iter().map(|&axis| shape[axis]).product();
        DotSizes {
            batch: product(lhs, &self.lhs_batch),
            m: product(lhs, &self.lhs_free(lhs.rank())),
            n: product(rhs, &self.rhs_free(rhs.rank())),
            k: product(lhs, &self.lhs_contract),
        }
    }

    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        let batch = self.lhs_batch.iter().zip(self.rhs_batch.iter());
        let contract = self.lhs_contract.iter().zip(self.rhs_contract.iter());
        batch.chain(contract).map(|(&left, &right)| (left, right))
    }

    fn fits(&self, lhs: &Type, rhs: &Type) -> bool {
        let distinct = |axes: &[&Shape]| {
            let mut all: Vec<usize> = axes.iter().flat_map(|axes| axes.iter().copied()).collect();
            all.sort_unstable();
            all.is_sorted_by(|a, b| a < b)
        };
        lhs.dtype == rhs.dtype
            && lhs.dtype != crate::types::DType::Bool
            && self.lhs_batch.len() == self.rhs_batch.len()
            && self.lhs_contract.len() == self.rhs_contract.len()
            && distinct(&[&self.lhs_batch, &self.lhs_contract])
            && distinct(&[&self.rhs_batch, &self.rhs_contract])
            && self.pairs().all(|(left, right)| {
                let size = lhs.shape.get(left);
                size.is_some() && size == rhs.shape.get(right)
            })
    }
}

impl Rules for Dot {
    fn name(&self) -> &'static str {
        "dot"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        let [lhs, rhs] = args else { return Err(OpError::new("dot", "two arguments", args)) };
        if !self.fits(lhs, rhs) {
            let pairs: Vec<String> =
                self.pairs().map(|(left, right)| format!("{left} and {right}")).collect();
            let need = format!("one number type and equal sizes on the paired axes ({})", pairs.join(", "));
            return Err(OpError::new("dot", need, args));
        }
        let batch = self.lhs_batch.iter().map(|&axis| lhs.shape[axis]);
        let left = self.lhs_free(lhs.shape.rank()).into_iter().map(|axis| lhs.shape[axis]);
        let right = self.rhs_free(rhs.shape.rank()).into_iter().map(|axis| rhs.shape[axis]);
        Ok(lhs.with_shape(batch.chain(left).chain(right).collect::<Shape>()))
    }

    fn grad<'b>(&self, at: &At<'b>, cotangent: Expr<'b>) -> Grads<'b> {
        let (lhs, rhs) = (at.args[0], at.args[1]);
        let (left, right) = (self.lhs_free(lhs.rank()).len(), self.rhs_free(rhs.rank()).len());
        let batch = self.lhs_batch.len();
        let of_lhs = self.grad_of_lhs(lhs.rank(), rhs, cotangent, batch + left);
        let of_rhs = self.swapped().grad_of_lhs(rhs.rank(), lhs, cotangent, batch);
        debug_assert_eq!(cotangent.rank(), batch + left + right);
        Grads::of([of_lhs, of_rhs])
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        let (lhs, rhs) = (args[0], args[1]);
        let sizes = self.sizes(lhs.shape(), rhs.shape());
        let a = arranged(lhs, &[&self.lhs_batch, &self.lhs_free(lhs.shape().rank()), &self.lhs_contract]);
        let b = arranged(rhs, &[&self.rhs_batch, &self.rhs_free(rhs.shape().rank()), &self.rhs_contract]);
        let places = |i: usize| {
            let (batch, row, column) = (i / (sizes.m * sizes.n), i / sizes.n % sizes.m, i % sizes.n);
            ((batch * sizes.m + row) * sizes.k, (batch * sizes.n + column) * sizes.k)
        };
        if ty.dtype.is_float() {
            let (a, b) = (a.floats(), b.floats());
            Tensor::from_floats(
                ty,
                (0..ty.elements()).map(|i| {
                    let (left, right) = places(i);
                    (0..sizes.k).map(|k| a[left + k] * b[right + k]).sum()
                }),
            )
        } else {
            let (a, b) = (a.integers(), b.integers());
            Tensor::from_integers(
                ty,
                (0..ty.elements()).map(|i| {
                    let (left, right) = places(i);
                    (0..sizes.k)
                        .fold(0, |sum: i64, k| sum.wrapping_add(a[left + k].wrapping_mul(b[right + k])))
                }),
            )
        }
    }

    fn attributes(&self) -> Attributes {
        let attributes = Attributes::default();
        let attributes = if self.lhs_batch.is_empty() {
            attributes
        } else {
            attributes.sizes("lhs_batch", &self.lhs_batch).sizes("rhs_batch", &self.rhs_batch)
        };
        attributes.sizes("lhs_contract", &self.lhs_contract).sizes("rhs_contract", &self.rhs_contract)
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<Dot, String>> {
        (name == "dot").then(|| {
            Ok(Dot {
                lhs_batch: attributes.get_sizes("lhs_batch").unwrap_or_default(),
                rhs_batch: attributes.get_sizes("rhs_batch").unwrap_or_default(),
                lhs_contract: attributes.get_sizes("lhs_contract")?,
                rhs_contract: attributes.get_sizes("rhs_contract")?,
            })
        })
    }

    fn exactness(&self) -> Exactness {
        Exactness::Rounding
    }

    /// A transposed argument is read in its own order when that leaves the order of the result alone.
    fn simplify<'b>(&self, at: &At<'b>) -> Option<Expr<'b>> {
        let (lhs, rhs) = (at.args[0], at.args[1]);
        if let Some((inner, order)) = untransposed(lhs, &self.lhs_free(lhs.rank())) {
            let dot = Dot {
                lhs_batch: renamed(&self.lhs_batch, &order),
                lhs_contract: renamed(&self.lhs_contract, &order),
                ..self.clone()
            };
            return Some(inner.dot(rhs, dot));
        }
        let (inner, order) = untransposed(rhs, &self.rhs_free(rhs.rank()))?;
        let dot = Dot {
            rhs_batch: renamed(&self.rhs_batch, &order),
            rhs_contract: renamed(&self.rhs_contract, &order),
            ..self.clone()
        };
        Some(lhs.dot(inner, dot))
    }
}

impl Dot {
    /// The cotangent of the left argument: the result's cotangent times the right argument, contracted over the
    /// right's free axes, which stand in the cotangent from axis `right_at` on.
    fn grad_of_lhs<'b>(&self, rank: usize, rhs: Expr<'b>, cotangent: Expr<'b>, right_at: usize) -> Expr<'b> {
        let right = self.rhs_free(rhs.rank());
        let product = Dot {
            lhs_batch: (0..self.lhs_batch.len()).collect(),
            rhs_batch: self.rhs_batch.clone(),
            lhs_contract: (right_at..right_at + right.len()).collect(),
            rhs_contract: right.into(),
        };
        // The contracted axes come in the order of the right.
        let mut pairs: Vec<usize> = (0..self.rhs_contract.len()).collect();
        pairs.sort_unstable_by_key(|&pair| self.rhs_contract[pair]);
        let (batch, free) = (self.lhs_batch.to_vec(), self.lhs_free(rank));
        let contracted: Vec<usize> = pairs.into_iter().map(|pair| self.lhs_contract[pair]).collect();
        // Either factor may come first; in one of the two orders there is often nothing left to transpose.
        let turned = [batch.clone(), contracted.clone(), free.clone()].concat();
        if turned.is_sorted() {
            return rhs.dot(cotangent, product.swapped());
        }
        let axes = [batch, free, contracted].concat();
        let mut order = vec![0; rank];
        for (place, axis) in axes.into_iter().enumerate() {
            order[axis] = place;
        }
        cotangent.dot(rhs, product).transpose(&order)
    }

    /// The same product with its arguments the other way round.
    fn swapped(&self) -> Dot {
        Dot {
            lhs_batch: self.rhs_batch.clone(),
            rhs_batch: self.lhs_batch.clone(),
            lhs_contract: self.rhs_contract.clone(),
            rhs_contract: self.lhs_contract.clone(),
        }
    }
}

/// The argument with its axes in the order of `groups`.
fn arranged(tensor: &Tensor, groups: &[&[usize]]) -> Tensor {
    let order: Shape = groups.iter().flat_map(|axes| axes.iter().copied()).collect();
    let ty = tensor.ty().with_shape(order.iter().map(|&axis| tensor.shape()[axis]).collect::<Shape>());
    super::Transpose { order }.eval(&[tensor], &ty)
}

/// What was transposed into `x`, and the order, if its axes `free` come in the same sequence there.
fn untransposed<'b>(x: Expr<'b>, free: &[usize]) -> Option<(Expr<'b>, Shape)> {
    let node = x.node();
    let Op::Transpose(transpose) = node.op else { return None };
    let order = transpose.order;
    free.iter().map(|&axis| order[axis]).is_sorted().then(|| (x.builder().expr(node.args[0]), order))
}

fn renamed(axes: &Shape, order: &Shape) -> Shape {
    axes.iter().map(|&axis| order[axis]).collect()
}
