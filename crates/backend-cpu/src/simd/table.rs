//! The instruction table: the block function for each scalar operation and element type.

use cornu_ir::DType;
use cornu_ir::ops::{Binary, Compare, Unary};

use super::function::*;

/// The type that a register of some element type holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    F32,
    F64,
    I32,
    I64,
    U8,
    U32,
}

impl Held {
    /// bf16 and f16 are computed in f32; a bool is a byte, 0 or 1.
    pub(crate) fn of(dtype: DType) -> Held {
        match dtype {
            DType::F32 | DType::BF16 | DType::F16 => Held::F32,
            DType::F64 => Held::F64,
            DType::I32 => Held::I32,
            DType::I64 => Held::I64,
            DType::U8 | DType::Bool => Held::U8,
            DType::U32 => Held::U32,
        }
    }

    /// Bytes of one element in a register.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Held::U8 => 1,
            Held::F32 | Held::I32 | Held::U32 => 4,
            Held::F64 | Held::I64 => 8,
        }
    }
}

/// An expression for the float type that registers hold; `None` for other types.
macro_rules! floats {
    ($held:expr, $N:ident => $each:expr) => {
        match $held {
            Held::F32 => {
                type $N = f32;
                Some($each)
            }
            Held::F64 => {
                type $N = f64;
                Some($each)
            }
            Held::I32 | Held::I64 | Held::U8 | Held::U32 => None,
        }
    };
}

/// An expression for the integer type that registers hold; `None` for other types.
macro_rules! wholes {
    ($held:expr, $N:ident => $each:expr) => {
        match $held {
            Held::I32 => {
                type $N = i32;
                Some($each)
            }
            Held::I64 => {
                type $N = i64;
                Some($each)
            }
            Held::U8 => {
                type $N = u8;
                Some($each)
            }
            Held::U32 => {
                type $N = u32;
                Some($each)
            }
            Held::F32 | Held::F64 => None,
        }
    };
}

/// An expression for the type that registers hold.
macro_rules! numbers {
    ($held:expr, $N:ident => $each:expr) => {
        match $held {
            Held::F32 => {
                type $N = f32;
                Some($each)
            }
            Held::F64 => {
                type $N = f64;
                Some($each)
            }
            Held::I32 => {
                type $N = i32;
                Some($each)
            }
            Held::I64 => {
                type $N = i64;
                Some($each)
            }
            Held::U8 => {
                type $N = u8;
                Some($each)
            }
            Held::U32 => {
                type $N = u32;
                Some($each)
            }
        }
    };
}

pub(crate) use {floats, numbers};

/// A function of one number; `None` where the language has none for the type.
pub(crate) fn unary(op: Unary, dtype: DType) -> Option<BlockFn> {
    let held = Held::of(dtype);
    match op {
        Unary::Neg => numbers!(held, N => each1::<Neg<N>> as BlockFn),
        Unary::Abs => numbers!(held, N => each1::<Abs<N>> as BlockFn),
        Unary::Sign => numbers!(held, N => each1::<Sign<N>> as BlockFn),
        Unary::Exp => floats!(held, N => each1::<Exp<N>>),
        Unary::Expm1 => floats!(held, N => each1::<Expm1<N>>),
        Unary::Log => floats!(held, N => each1::<Log<N>>),
        Unary::Log1p => floats!(held, N => each1::<Log1p<N>>),
        Unary::Sqrt => floats!(held, N => each1::<Sqrt<N>>),
        Unary::Rsqrt => floats!(held, N => each1::<Rsqrt<N>>),
        Unary::Sin => floats!(held, N => each1::<Sin<N>>),
        Unary::Cos => floats!(held, N => each1::<Cos<N>>),
        Unary::Tanh => floats!(held, N => each1::<Tanh<N>>),
        Unary::Logistic => floats!(held, N => each1::<Logistic<N>>),
        Unary::Erf => floats!(held, N => each1::<Erf<N>>),
        Unary::ErfInv => floats!(held, N => each1::<ErfInv<N>>),
        Unary::Floor => floats!(held, N => each1::<Floor<N>>),
        Unary::Ceil => floats!(held, N => each1::<Ceil<N>>),
        Unary::Round => floats!(held, N => each1::<Round<N>>),
        Unary::Not if dtype == DType::Bool => Some(each1::<NotBool>),
        Unary::Not => wholes!(held, N => each1::<Not<N>>),
    }
}

/// A function of two numbers; `None` where the language has none for the type.
pub(crate) fn binary(op: Binary, dtype: DType) -> Option<BlockFn> {
    let held = Held::of(dtype);
    match op {
        Binary::Add => numbers!(held, N => each2::<Add<N>> as BlockFn),
        Binary::Sub => numbers!(held, N => each2::<Sub<N>> as BlockFn),
        Binary::Mul => numbers!(held, N => each2::<Mul<N>> as BlockFn),
        Binary::Div => numbers!(held, N => each2::<Div<N>> as BlockFn),
        Binary::Rem => numbers!(held, N => each2::<Rem<N>> as BlockFn),
        Binary::Max => numbers!(held, N => each2::<Max<N>> as BlockFn),
        Binary::Min => numbers!(held, N => each2::<Min<N>> as BlockFn),
        Binary::Pow => floats!(held, N => each2::<Pow<N>>),
        Binary::Atan2 => floats!(held, N => each2::<Atan2<N>>),
        Binary::And => wholes!(held, N => each2::<And<N>>),
        Binary::Or => wholes!(held, N => each2::<Or<N>>),
        Binary::Xor => wholes!(held, N => each2::<Xor<N>>),
        Binary::Shl => wholes!(held, N => each2::<Shl<N>>),
        Binary::Shr => wholes!(held, N => each2::<Shr<N>>),
    }
}

/// A comparison of registers of one element type.
pub(crate) fn compare(op: Compare, dtype: DType) -> BlockFn {
    let held = Held::of(dtype);
    let found = match op {
        Compare::Eq => numbers!(held, N => each2::<Eq<N>> as BlockFn),
        Compare::Ne => numbers!(held, N => each2::<Ne<N>> as BlockFn),
        Compare::Lt => numbers!(held, N => each2::<Lt<N>> as BlockFn),
        Compare::Le => numbers!(held, N => each2::<Le<N>> as BlockFn),
        Compare::Gt => numbers!(held, N => each2::<Gt<N>> as BlockFn),
        Compare::Ge => numbers!(held, N => each2::<Ge<N>> as BlockFn),
    };
    found.expect("every type is compared")
}

/// The choice between registers of one element type.
pub(crate) fn choice(dtype: DType) -> BlockFn {
    match Held::of(dtype).bytes() {
        1 => select::<u8>,
        4 => select::<u32>,
        _ => select::<i64>,
    }
}
