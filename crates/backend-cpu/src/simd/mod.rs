//! Instruction sets: a loop is written once, compiled for each set, and the best form that the machine has is run.

pub(crate) mod cast;
pub(crate) mod channels;
pub(crate) mod elementary;
pub(crate) mod fold;
pub(crate) mod function;
pub(crate) mod gemm;
pub(crate) mod half;
pub(crate) mod math;
pub(crate) mod number;
pub(crate) mod outer;
pub(crate) mod pack;
pub(crate) mod pair;
pub(crate) mod peak;
pub(crate) mod plain;
pub(crate) mod rows;
pub(crate) mod sliding;
pub(crate) mod sliding_channels;
pub(crate) mod sliding_outer;
pub(crate) mod table;
mod turn;
mod vector;

/// An instruction set that this machine has. Values come from detection alone: holding one is the proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Isa(Set);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    /// What the crate was compiled for: SSE2 on x86-64, NEON on AArch64.
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// What the code of a loop may count on in the form that is being compiled.
pub(crate) trait Target: Copy + 'static {
    /// True if a fused multiply-add is one instruction.
    const FUSED: bool;

    /// `a·b + c`, in one rounding where that is one instruction, in two elsewhere.
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        if Self::FUSED { a.mul_add(b, c) } else { a * b + c }
    }

    /// The same in double precision.
    #[inline(always)]
    fn mul_add_f64(a: f64, b: f64, c: f64) -> f64 {
        if Self::FUSED { a.mul_add(b, c) } else { a * b + c }
    }
}

/// The set that the crate was compiled for.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

/// Any set of x86-64 from AVX2 on.
#[derive(Clone, Copy)]
pub(crate) struct Avx;

impl Target for Portable {
    const FUSED: bool = cfg!(target_arch = "aarch64");
}

impl Target for Avx {
    const FUSED: bool = true;
}

/// A loop to be compiled for each instruction set.
///
/// `run` and all that it calls must be `#[inline(always)]`: only what is inlined is compiled with the features of the
/// function it is inlined into. The compiler then vectorises plain Rust with registers of that set's width.
pub(crate) trait Loop {
    /// Runs it.
    fn run<T: Target>(self);
}

impl Isa {
    /// The best set of this machine.
    pub(crate) fn detect() -> Isa {
        Isa::available().last().expect("the portable set is always there")
    }

    /// Every set of this machine, the best last.
    pub(crate) fn available() -> impl DoubleEndedIterator<Item = Isa> {
        #[cfg(target_arch = "x86_64")]
        let rest = [(has_avx2(), Set::Avx2), (has_avx2() && has_avx512(), Set::Avx512)];
        #[cfg(not(target_arch = "x86_64"))]
        let rest = [];
        let rest = rest.into_iter().filter_map(|(present, set)| present.then_some(Isa(set)));
        std::iter::once(Isa(Set::Portable)).chain(rest)
    }

    /// The name, for people.
    pub(crate) fn name(self) -> &'static str {
        match self.0 {
            Set::Portable if cfg!(target_arch = "aarch64") => "neon",
            Set::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "avx512",
        }
    }

    /// Runs a loop in the form compiled for this set.
    #[inline]
    pub(crate) fn run<L: Loop>(self, work: L) {
        match self.0 {
            Set::Portable => work.run::<Portable>(),
            // SAFETY: an `Isa` exists only if detection found the features of its set.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { run_avx2(work) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { run_avx512(work) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<L: Loop>(work: L) {
    work.run::<Avx>();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
fn run_avx512<L: Loop>(work: L) {
    work.run::<Avx>();
}
