//! Add, Subtract, Multiply, Average, Maximum, Minimum: inputs combined element by element.

use cornu_ir::{DType, Expr};

use super::{any_mask, check_count, check_sizes, matched};
use crate::error::Result;
use crate::layers::{Config, Context, Layer, LayerConfig, Spec, Weights};

/// An input of the rank of the others, and where it counts, as `bool` of the same rank.
type Masked<'b> = (Expr<'b>, Option<Expr<'b>>);

/// The layers, which differ in their formula and in how many inputs they take.
macro_rules! elementwise {
    ($($(#[$doc:meta])* $layer:ident $combine:ident $count:expr, $needed:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// Sizes are equal or 1; an input of fewer axes gets its missing ones after the batch. No weights. A step
        /// counts if it counts in any input.
        #[derive(Clone, Debug, Default)]
        pub struct $layer;

        impl $layer {
            /// A layer that takes a list of inputs.
            pub fn new() -> $layer {
                $layer
            }

            pub(in crate::layers) fn from_config(_: &LayerConfig<'_>) -> Result<$layer> {
                Ok($layer)
            }
        }

        impl Layer for $layer {
            fn class_name(&self) -> &str {
                stringify!($layer)
            }

            fn config(&self) -> Result<Config> {
                Ok(Config::new())
            }

            fn build(&self, inputs: &[Spec], _: &mut Weights) -> Result<()> {
                check_count(stringify!($layer), inputs, $count, $needed)?;
                check_sizes(stringify!($layer), inputs)
            }

            fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
                context.set_output_mask(0, any_mask(context, inputs.len()));
                Ok(vec![$combine(&matched(context, inputs))])
            }

            fn supports_masking(&self) -> bool {
                true
            }

            fn takes_list(&self) -> bool {
                true
            }
        }
    )*};
}

elementwise! {
    /// The sum of the inputs. Keras: `Add`.
    Add sum 1.., "at least 1 input";
    /// The first input minus the second. Keras: `Subtract`.
    Subtract difference 2..=2, "exactly 2 inputs";
    /// The product of the inputs; where an input is masked it counts as 1, and where all are the product is 0. Keras:
    /// `Multiply`.
    Multiply product 1.., "at least 1 input";
    /// The mean of the inputs. Keras: `Average`.
    Average average 1.., "at least 1 input";
    /// The largest of the inputs; one that is masked yields to the others. Keras: `Maximum`.
    Maximum maximum 1.., "at least 1 input";
    /// The smallest of the inputs; one that is masked yields to the others. Keras: `Minimum`.
    Minimum minimum 1.., "at least 1 input";
}

/// `build` has seen that there are inputs.
fn folded<'b>(
    values: impl Iterator<Item = Expr<'b>>,
    op: impl Fn(Expr<'b>, Expr<'b>) -> Expr<'b>,
) -> Expr<'b> {
    values.reduce(op).expect("a merging layer has at least one input")
}

fn values<'a, 'b>(inputs: &'a [Masked<'b>]) -> impl Iterator<Item = Expr<'b>> + 'a {
    inputs.iter().map(|(value, _)| *value)
}

fn sum<'b>(inputs: &[Masked<'b>]) -> Expr<'b> {
    folded(values(inputs), |sum, x| sum + x)
}

fn difference<'b>(inputs: &[Masked<'b>]) -> Expr<'b> {
    folded(values(inputs), |first, second| first - second)
}

fn average<'b>(inputs: &[Masked<'b>]) -> Expr<'b> {
    let sum = sum(inputs);
    let sum = if sum.dtype().is_float() { sum } else { sum.cast(DType::F32) };
    sum / inputs.len() as f64
}

fn product<'b>(inputs: &[Masked<'b>]) -> Expr<'b> {
    let counted = inputs.iter().map(|&(x, mask)| mask.map_or(x, |mask| mask.select(x, x.number(1.0))));
    let product = folded(counted, |product, x| product * x);
    // A step that counts nowhere is 0 and not 1.
    let masks: Option<Vec<Expr<'b>>> = inputs.iter().map(|(_, mask)| *mask).collect();
    let counts = masks.and_then(|masks| masks.into_iter().reduce(Expr::or));
    counts.map_or(product, |counts| counts.select(product, product.number(0.0)))
}

fn maximum<'b>(inputs: &[Masked<'b>]) -> Expr<'b> {
    extreme(inputs, Expr::max)
}

fn minimum<'b>(inputs: &[Masked<'b>]) -> Expr<'b> {
    extreme(inputs, Expr::min)
}

/// The extreme so far and where it counts, input after input. As in Keras an input without a mask makes all that is
/// after it count.
fn extreme<'b>(inputs: &[Masked<'b>], op: fn(Expr<'b>, Expr<'b>) -> Expr<'b>) -> Expr<'b> {
    let combined = inputs.iter().copied().reduce(|(so_far, counts), (x, mask)| {
        let x = mask.map_or(x, |mask| mask.select(x, so_far));
        let so_far = counts.map_or(so_far, |counts| counts.select(so_far, x));
        (op(so_far, x), counts.zip(mask).map(|(counts, mask)| counts.or(mask)))
    });
    combined.expect("a merging layer has at least one input").0
}
