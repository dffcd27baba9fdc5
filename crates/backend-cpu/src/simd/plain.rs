//! Bytes seen as numbers: the one place where untyped memory becomes typed.

use half::{bf16, f16};

/// A type for which any bytes are a value, and whose every byte may be read.
///
/// # Safety
/// Implemented only for types without padding and without invalid bit patterns; so not for `bool`.
pub(crate) unsafe trait Plain: Copy + Send + Sync + 'static {}

// SAFETY: numbers of the machine, and wrappers of `u16`.
unsafe impl Plain for f32 {}
// SAFETY: as above.
unsafe impl Plain for f64 {}
// SAFETY: as above.
unsafe impl Plain for bf16 {}
// SAFETY: as above.
unsafe impl Plain for f16 {}
// SAFETY: as above.
unsafe impl Plain for i32 {}
// SAFETY: as above.
unsafe impl Plain for i64 {}
// SAFETY: as above.
unsafe impl Plain for u8 {}
// SAFETY: as above.
unsafe impl Plain for u16 {}
// SAFETY: as above.
unsafe impl Plain for u32 {}
// SAFETY: as above.
unsafe impl Plain for u64 {}

/// The bytes as elements.
///
/// # Panics
/// When the memory is not aligned for them; all memory of the crate is aligned to 64 bytes, and cut at elements.
#[inline(always)]
pub(crate) fn elements<T: Plain>(bytes: &[u8]) -> &[T] {
    assert!(bytes.as_ptr().cast::<T>().is_aligned(), "elements lie at multiples of their size");
    // SAFETY: aligned as just checked, within `bytes`, and any bytes are a `T`.
    unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len() / size_of::<T>()) }
}

/// The bytes as elements to be written.
///
/// # Panics
/// As [`elements`].
#[inline(always)]
pub(crate) fn elements_mut<T: Plain>(bytes: &mut [u8]) -> &mut [T] {
    assert!(bytes.as_ptr().cast::<T>().is_aligned(), "elements lie at multiples of their size");
    // SAFETY: aligned as just checked, within `bytes`, any bytes are a `T`, and any `T` leaves valid bytes.
    unsafe { std::slice::from_raw_parts_mut(bytes.as_mut_ptr().cast(), bytes.len() / size_of::<T>()) }
}

/// The value whose bytes are all 0.
#[inline(always)]
pub(crate) fn zero<T: Plain>() -> T {
    // SAFETY: any bytes are a `T`.
    unsafe { std::mem::zeroed() }
}

/// The elements as bytes.
#[inline(always)]
pub(crate) fn bytes<T: Plain>(elements: &[T]) -> &[u8] {
    // SAFETY: the same memory, and a `Plain` type has no padding.
    unsafe { std::slice::from_raw_parts(elements.as_ptr().cast(), size_of_val(elements)) }
}

/// The bytes of these: 0 or 1.
pub(crate) fn bytes_of_bools(elements: &[bool]) -> &[u8] {
    // SAFETY: the same memory; a `bool` is a byte, 0 or 1.
    unsafe { std::slice::from_raw_parts(elements.as_ptr().cast(), elements.len()) }
}
