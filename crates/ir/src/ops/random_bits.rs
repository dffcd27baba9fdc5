//! `random_bits`: random words from a key and a counter.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Rules};
use crate::tensor::{Data, Tensor};
use crate::text::attributes::Attributes;
use crate::types::{DType, Shape, Type};

/// Random `u32` words: a pure function of `key: u32[2]` and `counter: u32[2]`, the same on every backend and for any
/// number of threads.
///
/// Element `i` is word `i % 4` of the Philox 4x32-10 block with this key and the counter
/// `[low half of i / 4, high half of i / 4, counter[0], counter[1]]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RandomBits {
    /// Shape of the result.
    pub shape: Shape,
}

/// One block of Philox 4x32 with 10 rounds: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011).
pub fn philox4x32(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    const ROUNDS: u32 = 10;
    const MULTIPLIERS: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
    // The golden ratio and √3 - 1: the key of each round differs from the last by these.
    const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
    (0..ROUNDS).fold(counter, |[a, b, c, d], round| {
        let [k0, k1] = [0, 1].map(|half| key[half].wrapping_add(round.wrapping_mul(WEYL[half])));
        let products = [u64::from(a) * MULTIPLIERS[0], u64::from(c) * MULTIPLIERS[1]];
        let [high0, high1] = products.map(|product| (product >> 32) as u32);
        let [low0, low1] = products.map(|product| product as u32);
        [high1 ^ b ^ k0, low1, high0 ^ d ^ k1, low0]
    })
}

impl Rules for RandomBits {
    fn name(&self) -> &'static str {
        "random_bits"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        let pair = Type::new(DType::U32, [2]);
        match args {
            [key, counter] if **key == pair && **counter == pair => {
                Ok(Type::new(DType::U32, self.shape.clone()))
            }
            _ => Err(OpError::new("random_bits", "a key and a counter, both u32[2]", args)),
        }
    }

    fn grad<'b>(&self, _: &At<'b>, _: Expr<'b>) -> Grads<'b> {
        Grads::none()
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        let pair = |tensor: &Tensor| {
            let words = tensor.items::<u32>().expect("infer admits u32 only");
            [words[0], words[1]]
        };
        let (key, [low, high]) = (pair(args[0]), pair(args[1]));
        let word = |i: usize| {
            let block = (i / 4) as u64;
            philox4x32([block as u32, (block >> 32) as u32, low, high], key)[i % 4]
        };
        let words = Data::U32((0..ty.elements()).map(word).collect());
        Tensor::from_data(ty.shape.clone(), words).expect("one word for each element")
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<RandomBits, String>> {
        (name == "random_bits").then(|| Ok(RandomBits { shape: attributes.stated_shape()? }))
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }
}

#[cfg(test)]
mod tests {
    use super::philox4x32;

    /// The known answers published with Random123 (`kat_vectors`).
    #[test]
    fn philox_gives_the_published_answers() {
        assert_eq!(philox4x32([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(
            philox4x32([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        // Digits of pi.
        assert_eq!(
            philox4x32([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }
}
