//! `window`: the largest element, or the sum, of each window: what pooling is made of.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Rules};
use crate::ops::{Pad, Scatter, ScatterKind, Sliding};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{Shape, Type};

/// How the elements of a window combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WindowKind {
    /// Their sum; padding is zeros.
    Sum,
    /// The largest; NaN if any is; padding is smaller than all.
    Max,
}

impl WindowKind {
    /// Every way.
    pub const ALL: [WindowKind; 2] = [WindowKind::Sum, WindowKind::Max];

    /// The word in the written form.
    pub fn word(self) -> &'static str {
        match self {
            WindowKind::Sum => "sum",
            WindowKind::Max => "max",
        }
    }
}

/// Windows of these sizes over the axes of floats `[n, sizes…, channels]` between the first and the last.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Windows {
    /// Sizes of a window.
    pub sizes: Shape,
    /// How it moves.
    pub sliding: Sliding,
}

impl Windows {
    /// The shape of the results over a tensor of this type: `[n, places…, channels]`.
    pub(super) fn result(&self, x: &Type) -> Option<Shape> {
        let [batch, input @ .., channels] = &x.shape[..] else { return None };
        if !x.dtype.is_float() {
            return None;
        }
        let places = self.sliding.places(input, &self.sizes)?;
        Some([*batch].into_iter().chain(places.iter().copied()).chain([*channels]).collect())
    }

    /// Visits each element and the place of a window that contains it, by their numbers in row-major order. The
    /// elements of a window come in order.
    pub(super) fn meetings(&self, shape: &[usize], mut visit: impl FnMut(usize, usize)) {
        let [batch, input @ .., channels] = shape else { return };
        let Some(places) = self.sliding.places(input, &self.sizes) else { return };
        let (elements, places) = (input.iter().product::<usize>(), places.elements());
        for n in 0..*batch {
            self.sliding.meetings(input, &self.sizes, |element, _, place| {
                for c in 0..*channels {
                    visit((n * elements + element) * channels + c, (n * places + place) * channels + c);
                }
            });
        }
    }

    /// The rule that arguments break.
    pub(super) fn refuse(&self, op: &'static str, args: &[&Type]) -> OpError {
        let axes = self.sliding.axes();
        OpError::new(op, format!("floats [n, {axes} sizes, channels] and windows of {axes} sizes"), args)
    }

    pub(super) fn write(&self, attributes: Attributes) -> Attributes {
        self.sliding.write(attributes.sizes("sizes", &self.sizes))
    }

    pub(super) fn read(attributes: &Attributes) -> Result<Windows, String> {
        Ok(Windows { sizes: attributes.get_sizes("sizes")?, sliding: Sliding::read(attributes)? })
    }
}

/// Combines the elements of each window: `[n, sizes…, channels]` becomes `[n, places…, channels]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// How.
    pub kind: WindowKind,
    /// Which windows.
    pub windows: Windows,
}

impl Rules for Window {
    fn name(&self) -> &'static str {
        "window"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        let shape = if let [x] = args { self.windows.result(x) } else { None };
        shape.map(|shape| args[0].with_shape(shape)).ok_or_else(|| self.windows.refuse("window", args))
    }

    /// The first of the largest elements receives the cotangent of their window, as in XLA.
    fn grad<'b>(&self, at: &At<'b>, cotangent: Expr<'b>) -> Grads<'b> {
        let shape = at.args[0].shape();
        Grads::of([match self.kind {
            WindowKind::Sum => cotangent.window_spread(self.windows.clone(), &shape[1..shape.rank() - 1]),
            WindowKind::Max => {
                let flat = |x: Expr<'b>| x.reshape([x.shape()[0], x.shape()[1..].iter().product()]);
                let zeros = cotangent.number(0.0).broadcast_scalar(&shape);
                let chosen = at.args[0].window_arg_max(self.windows.clone());
                let add = Scatter { axis: 1, batch: 1, kind: ScatterKind::Add };
                flat(zeros).scatter(flat(chosen), flat(cotangent), add).reshape(shape)
            }
        }])
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        let x = args[0].floats();
        let nothing = if self.kind == WindowKind::Max { f64::NEG_INFINITY } else { 0.0 };
        let mut out = vec![nothing; ty.elements()];
        self.windows.meetings(args[0].shape(), |element, place| {
            let (value, total) = (x[element], out[place]);
            out[place] = match self.kind {
                WindowKind::Sum => total + value,
                WindowKind::Max if total.is_nan() || total >= value => total,
                WindowKind::Max => value,
            };
        });
        Tensor::from_floats(ty, out)
    }

    fn attributes(&self) -> Attributes {
        self.windows.write(Attributes::default().word("kind", self.kind.word()))
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<Window, String>> {
        (name == "window").then(|| {
            let word = attributes.get_word("kind")?;
            let kind = WindowKind::ALL.into_iter().find(|kind| kind.word() == word);
            Ok(Window {
                kind: kind.ok_or_else(|| format!("`kind` must be sum or max, not {word}"))?,
                windows: Windows::read(attributes)?,
            })
        })
    }

    fn exactness(&self) -> Exactness {
        match self.kind {
            WindowKind::Sum => Exactness::Rounding,
            WindowKind::Max => Exactness::Exact,
        }
    }

    fn flops(&self, _: &[&Type], ty: &Type) -> u64 {
        (ty.elements() as u64).saturating_mul(self.windows.sizes.elements() as u64)
    }

    fn simplify<'b>(&self, at: &At<'b>) -> Option<Expr<'b>> {
        let Windows { sizes, sliding } = &self.windows;
        if sliding.is_pointwise(sizes) {
            return Some(at.args[0]);
        }
        let padding = match self.kind {
            WindowKind::Sum => 0.0,
            WindowKind::Max => f64::NEG_INFINITY,
        };
        let (x, sliding) = Pad::slid_over(at.args[0], padding, sliding)?;
        Some(x.window(self.kind, Windows { sizes: sizes.clone(), sliding }))
    }
}

impl<'b> Expr<'b> {
    /// The sum or the largest element of each window: see [`Window`].
    pub fn window(self, kind: WindowKind, windows: Windows) -> Expr<'b> {
        self.builder().apply(Window { kind, windows }, &[self])
    }
}
