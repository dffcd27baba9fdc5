//! Seeds: where a model's random numbers begin.

use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;
use std::sync::PoisonError;

use cornu_ir::Tensor;
use cornu_ir::ops::philox4x32;

/// The seed that the next model gets, if [`set_random_seed`] was called.
static NEXT: Mutex<Option<u64>> = Mutex::new(None);

/// Makes every model built from now on begin with the same weights and draw the same random numbers, in the order in
/// which they are built. Keras: `keras.utils.set_random_seed`.
pub fn set_random_seed(seed: u64) {
    *NEXT.lock().unwrap_or_else(PoisonError::into_inner) = Some(seed);
}

/// A seed for a new model: the next of the sequence that was asked for, or an arbitrary one.
pub(crate) fn next_seed() -> u64 {
    let mut next = NEXT.lock().unwrap_or_else(PoisonError::into_inner);
    match *next {
        Some(seed) => {
            *next = Some(derive(seed, u64::MAX));
            seed
        }
        // Each `RandomState` has keys of its own, drawn from the system.
        None => RandomState::new().hash_one(0u8),
    }
}

/// Where the random numbers of a training begin: `[seed, seed, step, 0]`.
pub(crate) fn training_state(seed: u64) -> Tensor {
    let seed = derive(seed, u64::from(u32::MAX));
    Tensor::vector(vec![seed as u32, (seed >> 32) as u32, 0, 0])
}

/// The seed of stream number `stream` under a seed.
pub(crate) fn derive(seed: u64, stream: u64) -> u64 {
    let words = philox4x32([stream as u32, (stream >> 32) as u32, 0, 0], [seed as u32, (seed >> 32) as u32]);
    u64::from(words[0]) | u64::from(words[1]) << 32
}

/// Puts items into a random order: Fisher and Yates's shuffle.
pub(crate) fn shuffle<T>(items: &mut [T], seed: u64) {
    for last in (1..items.len()).rev() {
        // The bias of the remainder is below 2^-32 for any data that fits into memory.
        let other = derive(seed, last as u64) % (last as u64 + 1);
        items.swap(last, other as usize);
    }
}
