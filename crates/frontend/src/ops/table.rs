//! The table of operations: module, class, operands, attributes with their defaults, and what is written.

use cornu_ir::ops::{ArgReduction, Reduction};
use cornu_ir::{DType, Expr, derived};

use super::call::Call;
use super::elementwise::{self as each, Outputs};
use super::operand::{float, number, to};
use super::{indexing, products, reductions, shaping};
use crate::activations::Activation as A;

/// One operation.
pub(super) struct Entry {
    /// The last part of Keras's module.
    pub(super) module: &'static str,
    /// The whole of it.
    pub(super) path: &'static str,
    pub(super) class: &'static str,
    /// Names of the operands.
    pub(super) parameters: &'static [&'static str],
    /// Names of what the configuration holds, with defaults in JSON, in Keras's order.
    pub(super) attributes: &'static [(&'static str, &'static str)],
    pub(super) write: Write,
}

type Write = for<'a, 'b> fn(&Call<'a, 'b>) -> Outputs<'b>;

/// One line for each operation.
macro_rules! table {
    ($($module:ident $class:ident ($($parameter:ident),*) {$($name:ident: $default:literal),*} $write:expr;)*) => {
        /// Every operation.
        pub(super) const TABLE: &[Entry] = &[$(Entry {
            module: stringify!($module),
            path: concat!("keras.src.ops.", stringify!($module)),
            class: stringify!($class),
            parameters: &[$(stringify!($parameter)),*],
            attributes: &[$((stringify!($name), $default)),*],
            write: $write,
        }),*];
    };
}

table! {
    numpy Add(x1, x2) {} each::add;
    numpy Subtract(x1, x2) {} |c| c.map_pair(|a, b| number(a) - number(b));
    numpy Multiply(x1, x2) {} each::multiply;
    numpy Divide(x1, x2) {} each::divide;
    numpy TrueDivide(x1, x2) {} each::divide;
    numpy DivideNoNan(x1, x2) {} each::divide_no_nan;
    numpy FloorDivide(x1, x2) {} |c| c.map_pair(|a, b| each::floor_divide(number(a), number(b)));
    numpy Mod(x1, x2) {} |c| c.map_pair(|a, b| each::modulo(number(a), number(b)));
    numpy Fmod(x1, x2) {} |c| c.map_pair(|a, b| number(a).rem(number(b)));
    numpy Power(x1, x2) {} each::power;
    numpy Maximum(x1, x2) {} |c| c.map_pair(Expr::max);
    numpy Minimum(x1, x2) {} |c| c.map_pair(Expr::min);
    numpy Arctan2(x1, x2) {} |c| c.map_pair(|a, b| float(a).atan2(float(b)));
    numpy Hypot(x1, x2) {} |c| c.map_pair(|a, b| (float(a).square() + float(b).square()).sqrt());
    numpy Logaddexp(x1, x2) {} |c| c.map_pair(|a, b| {
        let (a, b) = (float(a), float(b));
        a.max(b) + (-(a - b).abs()).exp().log1p()
    });

    numpy Negative(x) {} |c| c.map(|x| -number(x));
    numpy Abs(x) {} |c| c.map(|x| if x.dtype() == DType::Bool { x } else { x.abs() });
    numpy Absolute(x) {} |c| c.map(|x| if x.dtype() == DType::Bool { x } else { x.abs() });
    numpy Sign(x) {} |c| c.map(|x| number(x).sign());
    numpy Square(x) {} |c| c.map(|x| number(x).square());
    numpy Reciprocal(x) {} |c| c.map_float(|x| 1.0 / x);
    numpy Sqrt(x) {} |c| c.map_float(Expr::sqrt);
    math Rsqrt(x) {} |c| c.map_float(Expr::rsqrt);
    numpy Exp(x) {} |c| c.map_float(Expr::exp);
    numpy Exp2(x) {} |c| c.map_float(|x| (x * std::f64::consts::LN_2).exp());
    numpy Expm1(x) {} |c| c.map_float(Expr::expm1);
    numpy Log(x) {} |c| c.map_float(Expr::log);
    numpy Log10(x) {} |c| c.map_float(|x| x.log() / std::f64::consts::LN_10);
    numpy Log2(x) {} |c| c.map_float(|x| x.log() / std::f64::consts::LN_2);
    numpy Log1p(x) {} |c| c.map_float(Expr::log1p);
    numpy Sin(x) {} |c| c.map_float(Expr::sin);
    numpy Cos(x) {} |c| c.map_float(Expr::cos);
    numpy Tan(x) {} |c| c.map_float(|x| x.sin() / x.cos());
    numpy Arcsin(x) {} |c| c.map_float(|x| x.atan2((1.0 - x.square()).sqrt()));
    numpy Arccos(x) {} |c| c.map_float(|x| (1.0 - x.square()).sqrt().atan2(x));
    numpy Arctan(x) {} |c| c.map_float(|x| x.atan2(x.full_like(1.0)));
    numpy Sinh(x) {} |c| c.map_float(|x| (x.expm1() - (-x).expm1()) * 0.5);
    numpy Cosh(x) {} |c| c.map_float(|x| (x.exp() + (-x).exp()) * 0.5);
    numpy Tanh(x) {} |c| c.map_float(Expr::tanh);
    math Erf(x) {} |c| c.map_float(Expr::erf);
    math Erfc(x) {} |c| c.map_float(|x| 1.0 - x.erf());
    math Erfinv(x) {} |c| c.map_float(Expr::erf_inv);
    numpy Floor(x) {} |c| each::rounding(c, Expr::floor);
    numpy Ceil(x) {} |c| each::rounding(c, Expr::ceil);
    numpy Trunc(x) {} |c| each::rounding(c, each::truncate);
    numpy Round(x) {decimals: "0"} each::round;
    numpy Clip(x) {x_min: "null", x_max: "null"} each::clip;
    numpy Copy(x) {} |c| c.map(|x| x);
    core StopGradient(variable) {} |c| c.map(Expr::detach);
    core Cast(x) {dtype: "\"float32\""} each::cast;
    core ConvertToTensor(x) {dtype: "null", sparse: "null", ragged: "null"} each::cast;
    numpy NanToNum(x) {nan: "0.0", posinf: "null", neginf: "null"} each::nan_to_num;
    numpy ZerosLike(x) {dtype: "null"} |c| each::like(c, 0.0);
    numpy OnesLike(x) {dtype: "null"} |c| each::like(c, 1.0);
    numpy FullLike(x, fill_value) {dtype: "null"} each::full_like;
    numpy Where(condition, x1, x2) {} each::choose;

    numpy Equal(x1, x2) {} |c| c.map_pair(Expr::eq);
    numpy NotEqual(x1, x2) {} |c| c.map_pair(Expr::ne);
    numpy Greater(x1, x2) {} |c| c.map_pair(Expr::gt);
    numpy GreaterEqual(x1, x2) {} |c| c.map_pair(Expr::ge);
    numpy Less(x1, x2) {} |c| c.map_pair(Expr::lt);
    numpy LessEqual(x1, x2) {} |c| c.map_pair(Expr::le);
    numpy LogicalAnd(x1, x2) {} |c| each::logical(c, Expr::and);
    numpy LogicalOr(x1, x2) {} |c| each::logical(c, Expr::or);
    numpy LogicalXor(x1, x2) {} |c| each::logical(c, Expr::xor);
    numpy LogicalNot(x) {} |c| c.map(|x| to(x, DType::Bool).not());
    numpy Isnan(x) {} |c| c.map_float(|x| x.ne(x));
    numpy Isinf(x) {} |c| c.map_float(|x| x.abs().eq(x.number(f64::INFINITY)));
    numpy Isfinite(x) {} |c| c.map_float(each::is_finite);

    nn Relu(x) {} each::relu;
    nn Relu6(x) {} |c| each::activation(c, A::Relu6);
    nn Sigmoid(x) {} |c| each::activation(c, A::Sigmoid);
    nn LogSigmoid(x) {} |c| each::activation(c, A::LogSigmoid);
    nn Softplus(x) {} |c| each::activation(c, A::Softplus);
    nn Softsign(x) {} |c| each::activation(c, A::Softsign);
    nn Silu(x) {} |c| each::activation(c, A::Silu);
    nn HardSigmoid(x) {} |c| each::activation(c, A::HardSigmoid);
    nn HardSilu(x) {} |c| each::activation(c, A::HardSilu);
    nn HardTanh(x) {} |c| each::activation(c, A::HardTanh);
    nn TanhShrink(x) {} |c| each::activation(c, A::TanhShrink);
    nn SparsePlus(x) {} |c| each::activation(c, A::SparsePlus);
    nn SparseSigmoid(x) {} |c| each::activation(c, A::SparseSigmoid);
    nn Selu(x) {} |c| each::activation(c, A::Selu);
    nn LeakyRelu(x) {negative_slope: "0.2"} |c| {
        let negative_slope = c.attributes().number_or("negative_slope", 0.2)?;
        each::activation(c, A::LeakyRelu { negative_slope })
    };
    nn Elu(x) {alpha: "1.0"} |c| each::activation(c, A::Elu { alpha: c.attributes().number_or("alpha", 1.0)? });
    nn Celu(x) {alpha: "1.0"} |c| each::activation(c, A::Celu { alpha: c.attributes().number_or("alpha", 1.0)? });
    nn Gelu(x) {approximate: "true"} |c| {
        each::activation(c, A::Gelu { approximate: c.attributes().boolean_or("approximate", true)? })
    };
    nn Squareplus(x) {b: "4"} |c| each::activation(c, A::Squareplus { b: c.attributes().number_or("b", 4.0)? });
    nn SoftShrink(x) {threshold: "0.5"} |c| {
        each::activation(c, A::SoftShrink { threshold: c.attributes().number_or("threshold", 0.5)? })
    };
    nn HardShrink(x) {threshold: "0.5"} |c| {
        each::activation(c, A::HardShrink { threshold: c.attributes().number_or("threshold", 0.5)? })
    };
    nn Glu(x) {axis: "-1"} |c| {
        each::activation(c, A::Glu { axis: c.attributes().integer("axis")?.unwrap_or(-1) })
    };
    nn Softmax(x) {axis: "-1"} |c| {
        let x = c.float()?;
        Ok(vec![derived::softmax(x, &c.axes("axis", x)?)])
    };
    nn LogSoftmax(x) {axis: "-1"} |c| {
        let x = c.float()?;
        Ok(vec![derived::log_softmax(x, &c.axes("axis", x)?)])
    };
    nn Normalize(x) {axis: "-1", order: "2", epsilon: "null"} reductions::normalize;
    nn Moments(x) {axes: "null", keepdims: "false", synchronized: "false"} reductions::moments;

    numpy Sum(x) {axis: "null", keepdims: "false"} |c| reductions::total(c, Reduction::Sum);
    numpy Prod(x) {axis: "null", keepdims: "false", dtype: "null"} |c| reductions::total(c, Reduction::Prod);
    numpy Max(x) {axis: "null", keepdims: "false", initial: "null"} |c| reductions::extreme(c, Reduction::Max);
    numpy Min(x) {axis: "null", keepdims: "false", initial: "null"} |c| reductions::extreme(c, Reduction::Min);
    numpy Amax(x) {axis: "null", keepdims: "false"} |c| reductions::extreme(c, Reduction::Max);
    numpy Amin(x) {axis: "null", keepdims: "false"} |c| reductions::extreme(c, Reduction::Min);
    numpy Mean(x) {axis: "null", keepdims: "false"} |c| reductions::statistic(c, derived::mean);
    numpy Var(x) {axis: "null", keepdims: "false"} |c| reductions::statistic(c, derived::variance);
    numpy Std(x) {axis: "null", keepdims: "false"} |c| {
        reductions::statistic(c, |x, axes| derived::variance(x, axes).sqrt())
    };
    numpy Median(x) {axis: "null", keepdims: "false"} reductions::median;
    numpy Average(x, weights) {axis: "null"} reductions::average;
    numpy Any(x) {axis: "null", keepdims: "false"} |c| reductions::holds(c, Reduction::Max);
    numpy All(x) {axis: "null", keepdims: "false"} |c| reductions::holds(c, Reduction::Min);
    numpy CountNonzero(x) {axis: "null"} reductions::count_nonzero;
    numpy Argmax(x) {axis: "null", keepdims: "false"} |c| reductions::place(c, ArgReduction::Max);
    numpy Argmin(x) {axis: "null", keepdims: "false"} |c| reductions::place(c, ArgReduction::Min);
    math Logsumexp(x) {axis: "null", keepdims: "false"} reductions::logsumexp;
    linalg Norm(x) {ord: "null", axis: "null", keepdims: "false"} reductions::norm;
    numpy Cumsum(x) {axis: "null", dtype: "null"} |c| reductions::cumulative(c, Reduction::Sum);
    numpy Cumprod(x) {axis: "null", dtype: "null"} |c| reductions::cumulative(c, Reduction::Prod);
    math TopK(x) {k: "1", sorted: "true"} reductions::top_k;
    numpy Sort(x) {axis: "-1"} |c| reductions::sorted(c, false);
    numpy Argsort(x) {axis: "-1"} |c| reductions::sorted(c, true);

    numpy Reshape(x) {newshape: "null"} shaping::reshape;
    numpy Ravel(x) {} |c| c.map(|x| x.reshape([x.shape().elements()]));
    numpy Transpose(x) {axes: "null"} shaping::transpose;
    numpy Swapaxes(x) {axis1: "0", axis2: "1"} shaping::swap_axes;
    numpy Moveaxis(x) {source: "0", destination: "0"} shaping::move_axis;
    numpy ExpandDims(x) {axis: "null"} shaping::expand_dims;
    numpy Squeeze(x) {axis: "null"} shaping::squeeze;
    numpy Concatenate(xs) {axis: "0"} |c| shaping::concatenate(c, None);
    numpy Vstack(xs) {} |c| shaping::concatenate(c, Some(0));
    numpy Hstack(xs) {} |c| shaping::concatenate(c, Some(1));
    numpy Stack(xs) {axis: "0"} shaping::stack;
    numpy Split(x) {indices_or_sections: "1", axis: "0"} shaping::split;
    core Unstack(x) {num: "null", axis: "0"} shaping::unstack;
    numpy Flip(x) {axis: "null"} shaping::flip;
    numpy Roll(x) {shift: "0", axis: "null"} shaping::roll;
    numpy Repeat(x) {repeats: "1", axis: "null"} shaping::repeat;
    numpy Tile(x) {repeats: "1"} shaping::tile;
    numpy BroadcastTo(x) {shape: "null"} shaping::broadcast_to;
    numpy Pad(x, constant_values) {pad_width: "0", mode: "\"constant\""} shaping::pad;
    numpy Tril(x) {k: "0"} |c| shaping::triangle(c, true);
    numpy Triu(x) {k: "0"} |c| shaping::triangle(c, false);

    numpy GetItem(x, key) {} indexing::get_item;
    numpy Take(x, indices) {axis: "null"} indexing::take_op;
    numpy TakeAlongAxis(x, indices) {axis: "null"} indexing::take_along_axis;
    nn OneHot(x) {num_classes: "null", axis: "-1", dtype: "null", sparse: "false"} indexing::one_hot;
    nn MultiHot(inputs) {num_classes: "null", axis: "-1", dtype: "null", sparse: "false"} indexing::multi_hot;
    core Slice(inputs, start_indices) {shape: "null"} indexing::slice;
    numpy Arange(start, stop, step) {dtype: "null"} indexing::arange;

    numpy Matmul(x1, x2) {} products::matmul;
    numpy Dot(x1, x2) {} products::dot;
    numpy Inner(x1, x2) {} products::inner;
    numpy Outer(x1, x2) {} products::outer;
    numpy Tensordot(x1, x2) {axes: "2"} products::tensordot;
    numpy Einsum(operands) {subscripts: "null"} products::einsum_op;
}
