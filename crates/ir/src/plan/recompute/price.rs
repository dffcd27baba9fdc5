//! What an instruction costs, in bytes of memory traffic that take as long.

use crate::op::Op;
use crate::ops::{Binary, Unary};
use crate::types::DType;

/// What it costs to compute a node at one place. Kernels do an addition of four-byte numbers in about the time in
/// which memory moves one byte for them; other ops are counted in additions.
pub(super) fn price(op: &Op, dtype: DType) -> u64 {
    let additions = match op {
        Op::Unary(unary) => unary_price(*unary),
        Op::Binary(binary) => binary_price(*binary),
        _ => 1,
    };
    additions * (dtype.bytes() as u64).div_ceil(4)
}

fn unary_price(op: Unary) -> u64 {
    match op {
        Unary::Neg | Unary::Abs | Unary::Sign | Unary::Not => 1,
        Unary::Floor | Unary::Ceil | Unary::Round => 1,
        Unary::Sqrt | Unary::Rsqrt => 3,
        Unary::Exp | Unary::Expm1 | Unary::Log | Unary::Log1p | Unary::Tanh | Unary::Logistic => 8,
        Unary::Sin | Unary::Cos | Unary::Erf => 12,
        Unary::ErfInv => 24,
    }
}

fn binary_price(op: Binary) -> u64 {
    match op {
        Binary::Add | Binary::Sub | Binary::Mul | Binary::Max | Binary::Min => 1,
        Binary::And | Binary::Or | Binary::Xor | Binary::Shl | Binary::Shr => 1,
        Binary::Div => 2,
        Binary::Rem => 8,
        Binary::Pow | Binary::Atan2 => 24,
    }
}
