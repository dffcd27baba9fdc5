//! Synthetic data: speed depends on its shape alone.

use cornu::Tensor;

/// Numbers between -1 and 1 that are the same in every run.
pub(crate) fn floats(shape: &[usize], seed: u64) -> Tensor {
    let items = numbers(shape.iter().product(), seed).map(|x| x as f32 / (1u64 << 31) as f32 - 1.0).collect();
    tensor(shape, items)
}

/// Whole numbers below `classes`.
pub(crate) fn labels(shape: &[usize], classes: u64, seed: u64) -> Tensor {
    let items = numbers(shape.iter().product(), seed).map(|x| (x % classes) as i32).collect();
    tensor(shape, items)
}

fn tensor<T: cornu::Element>(shape: &[usize], items: Vec<T>) -> Tensor {
    Tensor::new(shape, items).expect("as many items as the shape says")
}

/// Knuth's linear congruential generator; its upper 32 bits are good enough here.
fn numbers(count: usize, seed: u64) -> impl Iterator<Item = u64> {
    let next = |x: &u64| Some(x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407));
    std::iter::successors(Some(seed), next).skip(1).take(count).map(|x| x >> 32)
}
