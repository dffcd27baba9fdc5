//! Functions of single elements as types, and the loops that apply them to a block.
//!
//! A function is a type rather than a value so that the loop over it can be compiled for each instruction set.

use std::marker::PhantomData;

use super::elementary::Elementary;
use super::number::{Number, Whole};
use super::plain::{Plain, elements, elements_mut};
use super::{Isa, Loop, Target};

/// One instruction's work on one block: bytes of as many results as there are places, and of its arguments there.
/// Arguments that the instruction does not have are empty.
pub(crate) struct Block<'a> {
    pub(crate) out: &'a mut [u8],
    pub(crate) args: [&'a [u8]; 3],
}

/// An instruction for fixed element types.
pub(crate) type BlockFn = fn(Isa, Block<'_>);

/// A function of one element.
pub(crate) trait Function1 {
    type X: Plain;
    type Y: Plain;

    /// Must be `#[inline(always)]` and free of branches and calls, or the loop over it stays scalar.
    fn of<T: Target>(x: Self::X) -> Self::Y;

    /// For the rare arguments that `of` does not take: the right answer. `None` for all others.
    #[inline(always)]
    fn rare(x: Self::X) -> Option<Self::Y> {
        let _ = x;
        None
    }
}

/// A function of two elements.
pub(crate) trait Function2 {
    type X: Plain;
    type Y: Plain;
    fn of<T: Target>(a: Self::X, b: Self::X) -> Self::Y;
}

/// Applies a function of one element to a block.
pub(crate) fn each1<F: Function1>(isa: Isa, block: Block<'_>) {
    isa.run(Each1::<F> { out: elements_mut(block.out), x: elements(block.args[0]) });
}

/// Applies a function of two elements to a block; an argument may be one number for all places.
pub(crate) fn each2<F: Function2>(isa: Isa, block: Block<'_>) {
    isa.run(Each2::<F> {
        out: elements_mut(block.out),
        x: elements(block.args[0]),
        y: elements(block.args[1]),
    });
}

/// Copies the first argument.
pub(crate) fn copy(_: Isa, block: Block<'_>) {
    block.out.copy_from_slice(block.args[0]);
}

/// Picks from the second or third argument, both of the width of `P`, by the first.
pub(crate) fn select<P: Whole>(isa: Isa, block: Block<'_>) {
    isa.run(Select::<P> {
        out: elements_mut(block.out),
        condition: block.args[0],
        yes: elements(block.args[1]),
        no: elements(block.args[2]),
    });
}

struct Each1<'a, F: Function1> {
    out: &'a mut [F::Y],
    x: &'a [F::X],
}

impl<F: Function1> Loop for Each1<'_, F> {
    #[inline(always)]
    fn run<T: Target>(self) {
        for (out, &x) in self.out.iter_mut().zip(self.x) {
            *out = F::of::<T>(x);
        }
        // Where `rare` is not defined, the compiler sees that this loop does nothing.
        for (out, &x) in self.out.iter_mut().zip(self.x) {
            if let Some(y) = F::rare(x) {
                *out = y;
            }
        }
    }
}

struct Each2<'a, F: Function2> {
    out: &'a mut [F::Y],
    x: &'a [F::X],
    y: &'a [F::X],
}

impl<F: Function2> Loop for Each2<'_, F> {
    #[inline(always)]
    fn run<T: Target>(self) {
        let Each2 { out, x, y } = self;
        match (x, y) {
            (&[x], &[y]) => out.fill(F::of::<T>(x, y)),
            (&[x], y) => {
                for (out, &y) in out.iter_mut().zip(y) {
                    *out = F::of::<T>(x, y);
                }
            }
            (x, &[y]) => {
                for (out, &x) in out.iter_mut().zip(x) {
                    *out = F::of::<T>(x, y);
                }
            }
            (x, y) => {
                for ((out, &x), &y) in out.iter_mut().zip(x).zip(y) {
                    *out = F::of::<T>(x, y);
                }
            }
        }
    }
}

struct Select<'a, P> {
    out: &'a mut [P],
    condition: &'a [u8],
    yes: &'a [P],
    no: &'a [P],
}

impl<P: Whole> Loop for Select<'_, P> {
    #[inline(always)]
    fn run<T: Target>(self) {
        for (((out, &condition), &yes), &no) in
            self.out.iter_mut().zip(self.condition).zip(self.yes).zip(self.no)
        {
            // With a mask, as the compiler would make an `if` of loads a branch.
            let mask = P::from_index(condition.into()).neg();
            *out = no.xor(yes.xor(no).and(mask));
        }
    }
}

/// Functions from a type to itself: `Type: what the element can do, the method of it`.
macro_rules! functions1 {
    ($($name:ident: $bound:ident, $method:ident;)*) => {$(
        pub(crate) struct $name<N>(PhantomData<N>);

        impl<N: $bound> Function1 for $name<N> {
            type X = N;
            type Y = N;

            #[inline(always)]
            fn of<T: Target>(x: N) -> N {
                x.$method()
            }
        }
    )*};
}

/// Elementary functions, which depend on the target.
macro_rules! elementary1 {
    ($($name:ident: $method:ident;)*) => {$(
        pub(crate) struct $name<N>(PhantomData<N>);

        impl<N: Elementary> Function1 for $name<N> {
            type X = N;
            type Y = N;

            #[inline(always)]
            fn of<T: Target>(x: N) -> N {
                x.$method::<T>()
            }
        }
    )*};
}

macro_rules! functions2 {
    ($($name:ident: $bound:ident, $method:ident;)*) => {$(
        pub(crate) struct $name<N>(PhantomData<N>);

        impl<N: $bound> Function2 for $name<N> {
            type X = N;
            type Y = N;

            #[inline(always)]
            fn of<T: Target>(a: N, b: N) -> N {
                a.$method(b)
            }
        }
    )*};
}

macro_rules! comparisons {
    ($($name:ident: $operator:tt;)*) => {$(
        pub(crate) struct $name<N>(PhantomData<N>);

        impl<N: Number> Function2 for $name<N> {
            type X = N;
            type Y = u8;

            #[inline(always)]
            fn of<T: Target>(a: N, b: N) -> u8 {
                u8::from(a $operator b)
            }
        }
    )*};
}

functions1! {
    Neg: Number, neg;
    Abs: Number, abs;
    Sign: Number, sign;
    Not: Whole, not;
    Sqrt: Elementary, sqrt;
    Rsqrt: Elementary, rsqrt;
    Floor: Elementary, floor;
    Ceil: Elementary, ceil;
    Round: Elementary, round;
}

elementary1! {
    Exp: exp;
    Expm1: expm1;
    Log: log;
    Log1p: log1p;
    Tanh: tanh;
    Logistic: logistic;
    Erf: erf;
    ErfInv: erf_inv;
}

functions2! {
    Add: Number, add;
    Sub: Number, sub;
    Mul: Number, mul;
    Div: Number, div;
    Rem: Number, rem;
    Max: Number, max;
    Min: Number, min;
    And: Whole, and;
    Or: Whole, or;
    Xor: Whole, xor;
    Shl: Whole, shl;
    Shr: Whole, shr;
    Atan2: Elementary, atan2;
}

comparisons! {
    Eq: ==;
    Ne: !=;
    Lt: <;
    Le: <=;
    Gt: >;
    Ge: >=;
}

/// The complement of a bool.
pub(crate) struct NotBool;

impl Function1 for NotBool {
    type X = u8;
    type Y = u8;

    #[inline(always)]
    fn of<T: Target>(x: u8) -> u8 {
        x ^ 1
    }
}

/// The second of two.
pub(crate) struct Second<N>(PhantomData<N>);

impl<N: Number> Function2 for Second<N> {
    type X = N;
    type Y = N;

    #[inline(always)]
    fn of<T: Target>(_: N, b: N) -> N {
        b
    }
}

/// Power.
pub(crate) struct Pow<N>(PhantomData<N>);

impl<N: Elementary> Function2 for Pow<N> {
    type X = N;
    type Y = N;

    #[inline(always)]
    fn of<T: Target>(a: N, b: N) -> N {
        a.pow::<T>(b)
    }
}

/// Sine.
pub(crate) struct Sin<N>(PhantomData<N>);

impl<N: Elementary> Function1 for Sin<N> {
    type X = N;
    type Y = N;

    #[inline(always)]
    fn of<T: Target>(x: N) -> N {
        x.sin::<T>()
    }

    #[inline(always)]
    fn rare(x: N) -> Option<N> {
        x.is_large_angle().then(|| x.sin_any())
    }
}

/// Cosine.
pub(crate) struct Cos<N>(PhantomData<N>);

impl<N: Elementary> Function1 for Cos<N> {
    type X = N;
    type Y = N;

    #[inline(always)]
    fn of<T: Target>(x: N) -> N {
        x.cos::<T>()
    }

    #[inline(always)]
    fn rare(x: N) -> Option<N> {
        x.is_large_angle().then(|| x.cos_any())
    }
}
