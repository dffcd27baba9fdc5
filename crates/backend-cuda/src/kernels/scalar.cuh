// The scalar functions of the language, one for each name of `Unary`, `Binary` and `Compare`, and casts.
//
// An underscore ends each name, since some are keywords of C++ and others functions of its library. Whole numbers wrap:
// they are computed with unsigned, where overflow is defined. Half-width numbers are computed with as f32 and rounded
// after each function, fused or not.

// ---- Widening and narrowing -------------------------------------------------------------------------------------

#ifdef CORNU_EMULATOR
METHOD f32 f16_to_f32(u16 bits) {
    const u32 sign = (u32)(bits & 0x8000u) << 16, rest = bits & 0x7fffu;
    // Scaling by 2^112 puts the exponent right, of subnormal numbers too; infinities and NaN keep theirs.
    if (rest >= 0x7c00u) return __uint_as_float(sign | 0x7f800000u | (rest & 0x3ffu) << 13);
    return __uint_as_float(sign | __float_as_uint(__uint_as_float(rest << 13) * 5.192296858534828e33f));
}
METHOD u16 f32_to_f16(f32 x) {
    const u32 bits = __float_as_uint(x), size = bits & 0x7fffffffu;
    const u16 sign = (u16)(bits >> 16 & 0x8000u);
    if (size > 0x7f800000u) return sign | 0x7e00u;
    if (size >= 0x47800000u) return sign | 0x7c00u;
    // Below the normal numbers, adding a half puts the bits that stay at the end, rounded.
    if (size < 0x38800000u) return sign | (u16)(__float_as_uint(__uint_as_float(size) + 0.5f) - 0x3f000000u);
    return sign | (u16)((size - 0x38000000u + 0xfffu + (size >> 13 & 1u)) >> 13);
}
#else
METHOD f32 f16_to_f32(u16 bits) {
    f32 x;
    asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));
    return x;
}
METHOD u16 f32_to_f16(f32 x) {
    u16 bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x));
    return bits;
}
#endif

METHOD f32 widen(bf16 x) { return __uint_as_float((u32)x.bits << 16); }
METHOD f32 widen(f16 x) { return f16_to_f32(x.bits); }
METHOD f32 widen(f32 x) { return x; }
METHOD f64 widen(f64 x) { return x; }

template <class T>
struct Narrow;
template <>
struct Narrow<f32> {
    static METHOD f32 of(f32 x) { return x; }
};
template <>
struct Narrow<f64> {
    static METHOD f64 of(f64 x) { return x; }
};
template <>
struct Narrow<bf16> {
    // Round to nearest even; a NaN stays one, whatever bits of it are cut off.
    static METHOD bf16 of(f32 x) {
        const u32 bits = __float_as_uint(x);
        if (x != x) return bf16{(u16)((bits >> 16) | 0x40u)};
        return bf16{(u16)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)};
    }
};
template <>
struct Narrow<f16> {
    static METHOD f16 of(f32 x) { return f16{f32_to_f16(x)}; }
};

// What numbers of a type are computed as: halves as f32, all others as themselves.
template <class T>
struct Held {
    typedef T type;
};
template <>
struct Held<bf16> {
    typedef f32 type;
};
template <>
struct Held<f16> {
    typedef f32 type;
};

// What whole numbers wrap as; floats as they are held.
template <class T>
struct Wrapped {
    typedef typename Held<T>::type type;
};
template <>
struct Wrapped<i32> {
    typedef u32 type;
};
template <>
struct Wrapped<i64> {
    typedef u64 type;
};
template <>
struct Wrapped<u8> {
    typedef u32 type;
};

template <class T>
struct IsFloat {
    static constexpr bool value = false;
};
template <> struct IsFloat<f32> { static constexpr bool value = true; };
template <> struct IsFloat<f64> { static constexpr bool value = true; };
template <> struct IsFloat<bf16> { static constexpr bool value = true; };
template <> struct IsFloat<f16> { static constexpr bool value = true; };

// ---- Casts ------------------------------------------------------------------------------------------------------

// Floats stop at the ends of a whole number's range, and NaN becomes 0.
template <class To, class X>
METHOD To saturate(X x, X low, X high, To lowest, To highest) {
    if (x != x) return 0;
    if (x <= low) return lowest;
    if (x >= high) return highest;
    return (To)x;
}

template <class To>
struct Cast {
    // Between whole numbers, and from a bool: C++ cuts bits off, which is to wrap.
    template <class X>
    static METHOD To of(X x) { return (To)x; }
    static METHOD To of(bf16 x) { return of(widen(x)); }
    static METHOD To of(f16 x) { return of(widen(x)); }
    static METHOD To of(f32 x) { return from_float(x, (To)0); }
    static METHOD To of(f64 x) { return from_float(x, (To)0); }

    template <class X>
    static METHOD i32 from_float(X x, i32) {
        return saturate<i32, X>(x, (X)-2147483648.0, (X)2147483648.0, (i32)0x80000000u, 0x7fffffff);
    }
    template <class X>
    static METHOD i64 from_float(X x, i64) {
        const i64 lowest = (i64)0x8000000000000000ull;
        return saturate<i64, X>(x, (X)-9223372036854775808.0, (X)9223372036854775808.0, lowest, ~lowest);
    }
    template <class X>
    static METHOD u32 from_float(X x, u32) {
        return saturate<u32, X>(x, (X)0, (X)4294967296.0, 0u, 0xffffffffu);
    }
    template <class X>
    static METHOD u8 from_float(X x, u8) {
        return saturate<u8, X>(x, (X)0, (X)255, (u8)0, (u8)255);
    }
};

template <class To>
struct CastToFloat {
    template <class X>
    static METHOD To of(X x) { return (To)x; }
    static METHOD To of(bf16 x) { return (To)widen(x); }
    static METHOD To of(f16 x) { return (To)widen(x); }
};
template <> struct Cast<f32> : CastToFloat<f32> {};
template <> struct Cast<f64> : CastToFloat<f64> {};

// To half width: a number that f32 does not hold exactly is rounded to it "to odd", so that it is not rounded twice.
METHOD f32 to_odd(f64 x) {
    const f32 near = (f32)x;
    const u32 bits = __float_as_uint(near);
    if ((f64)near == x || near != near || (bits & 1u) || (bits & 0x7fffffffu) == 0x7f800000u) return near;
    // The neighbour on the other side of x has the odd last bit.
    const bool beyond = (near > 0) ? ((f64)near > x) : ((f64)near < x);
    return __uint_as_float(beyond ? bits - 1u : bits + 1u);
}
template <class To>
struct CastToHalf {
    static METHOD To of(f32 x) { return Narrow<To>::of(x); }
    static METHOD To of(f64 x) { return Narrow<To>::of(to_odd(x)); }
    static METHOD To of(bf16 x) { return Narrow<To>::of(widen(x)); }
    static METHOD To of(f16 x) { return Narrow<To>::of(widen(x)); }
    static METHOD To of(bool x) { return Narrow<To>::of((f32)x); }
    static METHOD To of(u8 x) { return Narrow<To>::of((f32)x); }
    static METHOD To of(i32 x) { return of((f64)x); }
    static METHOD To of(u32 x) { return of((f64)x); }
    // A whole number of more than 53 bits: the bits that f64 cannot hold are kept as one that is set.
    static METHOD To of(i64 x) {
        const u64 size = x < 0 ? 0ull - (u64)x : (u64)x;
        const u64 held = size >> 53 ? (size & ~2047ull) | ((size & 2047ull) != 0 ? 2048ull : 0ull) : size;
        return of(x < 0 ? -(f64)held : (f64)held);
    }
};
template <> struct Cast<bf16> : CastToHalf<bf16> {};
template <> struct Cast<f16> : CastToHalf<f16> {};

// A number is true unless it is 0; NaN is true.
template <>
struct Cast<bool> {
    template <class X>
    static METHOD bool of(X x) { return x != (X)0; }
    static METHOD bool of(bf16 x) { return widen(x) != 0.0f; }
    static METHOD bool of(f16 x) { return widen(x) != 0.0f; }
};

template <class To, class X>
METHOD To cast(X x) { return Cast<To>::of(x); }

namespace op {

// ---- Unary ------------------------------------------------------------------------------------------------------

// Floats only, in single and double precision: `name_(x)` for both, and for halves by way of f32.
#define FLOAT_FUNCTION(name, of_f32, of_f64)                                     \
    METHOD f32 name(f32 x) { return of_f32; }                                    \
    METHOD f64 name(f64 x) { return of_f64; }                                    \
    METHOD bf16 name(bf16 half) { return Narrow<bf16>::of(name(widen(half))); }  \
    METHOD f16 name(f16 half) { return Narrow<f16>::of(name(widen(half))); }

FLOAT_FUNCTION(exp_, expf(x), exp(x))
FLOAT_FUNCTION(expm1_, expm1f(x), expm1(x))
FLOAT_FUNCTION(log_, logf(x), log(x))
FLOAT_FUNCTION(log1p_, log1pf(x), log1p(x))
FLOAT_FUNCTION(sqrt_, sqrtf(x), sqrt(x))
FLOAT_FUNCTION(rsqrt_, 1.0f / sqrtf(x), 1.0 / sqrt(x))
FLOAT_FUNCTION(sin_, sinf(x), sin(x))
FLOAT_FUNCTION(cos_, cosf(x), cos(x))
FLOAT_FUNCTION(tanh_, tanhf(x), tanh(x))
FLOAT_FUNCTION(logistic_, 1.0f / (1.0f + expf(-x)), 1.0 / (1.0 + exp(-x)))
FLOAT_FUNCTION(erf_, erff(x), erf(x))
FLOAT_FUNCTION(floor_, floorf(x), floor(x))
FLOAT_FUNCTION(ceil_, ceilf(x), ceil(x))
FLOAT_FUNCTION(round_, rintf(x), rint(x))

// The inverse of the error function: Giles's approximation (GPU Computing Gems, 2012), polished by Newton steps.
template <class T>
METHOD T giles(T x, T log_term) {
    T w = -log_term, p;
    if (w < (T)5.0) {
        w -= (T)2.5;
        p = (T)2.81022636e-08;
        p = p * w + (T)3.43273939e-07;
        p = p * w - (T)3.5233877e-06;
        p = p * w - (T)4.39150654e-06;
        p = p * w + (T)0.00021858087;
        p = p * w - (T)0.00125372503;
        p = p * w - (T)0.00417768164;
        p = p * w + (T)0.246640727;
        p = p * w + (T)1.50140941;
    } else {
        w = (T)sqrt((f64)w) - (T)3.0;
        p = (T)-0.000200214257;
        p = p * w + (T)0.000100950558;
        p = p * w + (T)0.00134934322;
        p = p * w - (T)0.00367342844;
        p = p * w + (T)0.00573950773;
        p = p * w - (T)0.0076224613;
        p = p * w + (T)0.00943887047;
        p = p * w + (T)1.00167406;
        p = p * w + (T)2.83297682;
    }
    return p * x;
}
METHOD f64 erf_inverse(f64 x) {
    const f64 size = fabs(x);
    if (!(size < 1.0)) return size == 1.0 ? x * (f64)INFINITY : (f64)NAN;
    f64 y = giles<f64>(x, log((1.0 - x) * (1.0 + x)));
    for (int step = 0; step < 2; ++step) y -= (erf(y) - x) / (1.1283791670955126 * exp(-y * y));
    return y;
}
FLOAT_FUNCTION(erf_inv_, (f32)erf_inverse((f64)x), erf_inverse(x))

METHOD f32 abs_(f32 x) { return fabsf(x); }
METHOD f64 abs_(f64 x) { return fabs(x); }
METHOD bf16 abs_(bf16 x) { return bf16{(u16)(x.bits & 0x7fffu)}; }
METHOD f16 abs_(f16 x) { return f16{(u16)(x.bits & 0x7fffu)}; }
METHOD i32 abs_(i32 x) { return x < 0 ? (i32)(0u - (u32)x) : x; }
METHOD i64 abs_(i64 x) { return x < 0 ? (i64)(0ull - (u64)x) : x; }
METHOD u8 abs_(u8 x) { return x; }
METHOD u32 abs_(u32 x) { return x; }

METHOD f32 neg_(f32 x) { return -x; }
METHOD f64 neg_(f64 x) { return -x; }
METHOD bf16 neg_(bf16 x) { return bf16{(u16)(x.bits ^ 0x8000u)}; }
METHOD f16 neg_(f16 x) { return f16{(u16)(x.bits ^ 0x8000u)}; }
METHOD i32 neg_(i32 x) { return (i32)(0u - (u32)x); }
METHOD i64 neg_(i64 x) { return (i64)(0ull - (u64)x); }
METHOD u8 neg_(u8 x) { return (u8)(0u - x); }
METHOD u32 neg_(u32 x) { return 0u - x; }

// Zeros of either sign, and NaN, are their own sign.
METHOD f32 sign_(f32 x) { return x > 0 ? 1.0f : x < 0 ? -1.0f : x; }
METHOD f64 sign_(f64 x) { return x > 0 ? 1.0 : x < 0 ? -1.0 : x; }
METHOD bf16 sign_(bf16 x) { return Narrow<bf16>::of(sign_(widen(x))); }
METHOD f16 sign_(f16 x) { return Narrow<f16>::of(sign_(widen(x))); }
METHOD i32 sign_(i32 x) { return (x > 0) - (x < 0); }
METHOD i64 sign_(i64 x) { return (x > 0) - (x < 0); }
METHOD u8 sign_(u8 x) { return x > 0; }
METHOD u32 sign_(u32 x) { return x > 0; }

template <class T>
METHOD T not_(T x) { return (T)~x; }
METHOD bool not_(bool x) { return !x; }

// ---- Binary -----------------------------------------------------------------------------------------------------

// Sums, differences and products: of floats as they are held, of whole numbers modulo a power of 2.
#define ARITHMETIC(name, sign)                                                                   \
    template <class T>                                                                           \
    METHOD T name(T x, T y) {                                                                    \
        typedef typename Wrapped<T>::type W;                                                     \
        return (T)((W)x sign(W) y);                                                              \
    }                                                                                            \
    METHOD bf16 name(bf16 x, bf16 y) { return Narrow<bf16>::of(widen(x) sign widen(y)); }        \
    METHOD f16 name(f16 x, f16 y) { return Narrow<f16>::of(widen(x) sign widen(y)); }

ARITHMETIC(add_, +)
ARITHMETIC(sub_, -)
ARITHMETIC(mul_, *)

#define FLOAT_FUNCTION2(name, of_f32, of_f64)                                                        \
    METHOD f32 name(f32 x, f32 y) { return of_f32; }                                                 \
    METHOD f64 name(f64 x, f64 y) { return of_f64; }                                                 \
    METHOD bf16 name(bf16 x, bf16 y) { return Narrow<bf16>::of(name(widen(x), widen(y))); }          \
    METHOD f16 name(f16 x, f16 y) { return Narrow<f16>::of(name(widen(x), widen(y))); }

FLOAT_FUNCTION2(div_, x / y, x / y)
FLOAT_FUNCTION2(rem_, fmodf(x, y), fmod(x, y))
FLOAT_FUNCTION2(pow_, powf(x, y), pow(x, y))
FLOAT_FUNCTION2(atan2_, atan2f(x, y), atan2(x, y))
// NaN if either is; `x + y` is the NaN of both.
FLOAT_FUNCTION2(max_, x > y ? x : y >= x ? y : x + y, x > y ? x : y >= x ? y : x + y)
FLOAT_FUNCTION2(min_, x < y ? x : y <= x ? y : x + y, x < y ? x : y <= x ? y : x + y)

// Whole numbers: a quotient by 0 has all bits set, and the remainder by 0 is the dividend. The lowest number by -1
// wraps to itself.
#define DIVISION(type, unsigned_type)                                                                \
    METHOD type div_(type x, type y) {                                                               \
        if (y == 0) return (type)-1;                                                                 \
        return y == (type)-1 && (type)-1 < (type)1 ? (type)((unsigned_type)0 - (unsigned_type)x)     \
                                                   : (type)(x / y);                                  \
    }                                                                                                \
    METHOD type rem_(type x, type y) {                                                               \
        if (y == 0) return x;                                                                        \
        return y == (type)-1 && (type)-1 < (type)1 ? (type)0 : (type)(x % y);                        \
    }                                                                                                \
    METHOD type max_(type x, type y) { return x > y ? x : y; }                                       \
    METHOD type min_(type x, type y) { return x < y ? x : y; }

DIVISION(i32, u32)
DIVISION(i64, u64)
DIVISION(u8, u8)
DIVISION(u32, u32)
METHOD bool max_(bool x, bool y) { return x || y; }
METHOD bool min_(bool x, bool y) { return x && y; }

template <class T>
METHOD T and_(T x, T y) { return (T)(x & y); }
template <class T>
METHOD T or_(T x, T y) { return (T)(x | y); }
template <class T>
METHOD T xor_(T x, T y) { return (T)(x ^ y); }

METHOD bool is_negative(i32 x) { return x < 0; }
METHOD bool is_negative(i64 x) { return x < 0; }
METHOD bool is_negative(u8) { return false; }
METHOD bool is_negative(u32) { return false; }

// A shift by more bits than there are leaves none to the left, and to the right the sign. As unsigned, a shift by less
// than nothing is one by more.
template <class T>
METHOD T shl_(T x, T y) {
    typedef typename Wrapped<T>::type W;
    return (W)y < (W)(sizeof(T) * 8) ? (T)((W)x << y) : (T)0;
}
template <class T>
METHOD T shr_(T x, T y) {
    typedef typename Wrapped<T>::type W;
    if ((W)y < (W)(sizeof(T) * 8)) return (T)(x >> y);
    return is_negative(x) ? (T)-1 : (T)0;
}

// ---- Compare ----------------------------------------------------------------------------------------------------

#define RELATION(name, sign)                                                   \
    template <class T>                                                         \
    METHOD bool name(T x, T y) { return x sign y; }                            \
    METHOD bool name(bf16 x, bf16 y) { return widen(x) sign widen(y); }        \
    METHOD bool name(f16 x, f16 y) { return widen(x) sign widen(y); }

RELATION(eq_, ==)
RELATION(ne_, !=)
RELATION(lt_, <)
RELATION(le_, <=)
RELATION(gt_, >)
RELATION(ge_, >=)

template <class T>
METHOD T select_(bool condition, T yes, T no) { return condition ? yes : no; }

}  // namespace op
