//! `window_arg_max`: where the largest element of each window stands.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Rules};
use crate::ops::Windows;
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{DType, Type};

/// For each window of `[n, sizes…, channels]` the place of its largest element among all `sizes…·channels` of the
/// same example, in row-major order, as i32. The first NaN is larger than all numbers; of equal elements the first
/// counts. A window of padding alone has none, and gives -1.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WindowArgMax {
    /// Which windows.
    pub windows: Windows,
}

impl Rules for WindowArgMax {
    fn name(&self) -> &'static str {
        "window_arg_max"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        let shape = match args {
            [x] => self.windows.result(x).filter(|_| {
                let each = x.shape[1..].iter().fold(1usize, |product, &size| product.saturating_mul(size));
                i32::try_from(each).is_ok()
            }),
            _ => None,
        };
        let of = |shape| Type::new(DType::I32, shape);
        shape.map(of).ok_or_else(|| self.windows.refuse("window_arg_max", args))
    }

    fn grad<'b>(&self, _: &At<'b>, _: Expr<'b>) -> Grads<'b> {
        Grads::none()
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        let x = args[0].floats();
        let each: usize = args[0].shape()[1..].iter().product();
        let mut best: Vec<Option<usize>> = vec![None; ty.elements()];
        self.windows.meetings(args[0].shape(), |element, place| {
            let stays = best[place].is_some_and(|best| x[best].is_nan() || x[best] >= x[element]);
            if !stays {
                best[place] = Some(element);
            }
        });
        Tensor::from_integers(ty, best.into_iter().map(|best| best.map_or(-1, |best| (best % each) as i64)))
    }

    fn attributes(&self) -> Attributes {
        self.windows.write(Attributes::default())
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<WindowArgMax, String>> {
        (name == "window_arg_max").then(|| Ok(WindowArgMax { windows: Windows::read(attributes)? }))
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }

    fn flops(&self, _: &[&Type], ty: &Type) -> u64 {
        (ty.elements() as u64).saturating_mul(self.windows.sizes.elements() as u64)
    }
}

impl<'b> Expr<'b> {
    /// Where the largest element of each window stands: see [`WindowArgMax`].
    pub fn window_arg_max(self, windows: Windows) -> Expr<'b> {
        self.builder().apply(WindowArgMax { windows }, &[self])
    }
}
