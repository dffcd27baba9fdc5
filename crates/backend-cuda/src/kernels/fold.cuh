// Folds: how many elements become one, in reductions, running totals and windows.
//
// A fold names the type of its elements, the type that totals are kept in (f32 for sums and products of half-width
// numbers, what wraps for those of whole numbers), and the type of its result. `lift` makes a total of one element,
// whose number along the way only some folds look at; `join` makes one total of two, and is commutative and, but for
// rounding, associative; `lower` makes a result of a total.

namespace fold {

template <class T, class Kept>
struct OfNumbers {
    typedef T Element;
    typedef Kept Total;
    typedef T Result;
    static METHOD Total lift(T x, index) { return cast<Total>(x); }
    static METHOD T lower(Total total) { return cast<T>(total); }
};

template <class T>
struct Sum : OfNumbers<T, typename Wrapped<T>::type> {
    typedef typename Wrapped<T>::type Total;
    static METHOD Total nothing() { return 0; }
    static METHOD Total join(Total a, Total b) { return a + b; }
};

template <class T>
struct Prod : OfNumbers<T, typename Wrapped<T>::type> {
    typedef typename Wrapped<T>::type Total;
    static METHOD Total nothing() { return 1; }
    static METHOD Total join(Total a, Total b) { return a * b; }
};

// The ends of a type's range.
template <class T>
struct Limits;
template <> struct Limits<f32> {
    static METHOD f32 lowest() { return -INFINITY; }
    static METHOD f32 highest() { return INFINITY; }
};
template <> struct Limits<f64> {
    static METHOD f64 lowest() { return -(f64)INFINITY; }
    static METHOD f64 highest() { return (f64)INFINITY; }
};
template <> struct Limits<i32> {
    static METHOD i32 lowest() { return (i32)0x80000000u; }
    static METHOD i32 highest() { return 0x7fffffff; }
};
template <> struct Limits<i64> {
    static METHOD i64 lowest() { return (i64)0x8000000000000000ull; }
    static METHOD i64 highest() { return 0x7fffffffffffffffll; }
};
template <> struct Limits<u8> {
    static METHOD u8 lowest() { return 0; }
    static METHOD u8 highest() { return 255; }
};
template <> struct Limits<u32> {
    static METHOD u32 lowest() { return 0; }
    static METHOD u32 highest() { return 0xffffffffu; }
};
template <> struct Limits<bool> {
    static METHOD bool lowest() { return false; }
    static METHOD bool highest() { return true; }
};

// NaN if any element is; of bools any.
template <class T>
struct Max : OfNumbers<T, typename Held<T>::type> {
    typedef typename Held<T>::type Total;
    static METHOD Total nothing() { return Limits<Total>::lowest(); }
    static METHOD Total join(Total a, Total b) { return op::max_(a, b); }
};

// NaN if any element is; of bools all.
template <class T>
struct Min : OfNumbers<T, typename Held<T>::type> {
    typedef typename Held<T>::type Total;
    static METHOD Total nothing() { return Limits<Total>::highest(); }
    static METHOD Total join(Total a, Total b) { return op::min_(a, b); }
};

// An element and where it stands.
template <class T>
struct Standing {
    T value;
    index place;
};
static constexpr index NOWHERE = 0xffffffffu;

// Where the largest or the smallest element stands: the first of equals, and the first NaN before any number.
template <class T, bool LARGEST>
struct Where {
    typedef T Element;
    typedef Standing<typename Held<T>::type> Total;
    typedef i32 Result;
    static METHOD Total nothing() { return Total{0, NOWHERE}; }
    static METHOD Total lift(T x, index place) { return Total{cast<typename Held<T>::type>(x), place}; }
    static METHOD i32 lower(Total total) { return (i32)total.place; }
    static METHOD Total join(Total a, Total b) {
        if (a.place == NOWHERE || b.place == NOWHERE) return a.place == NOWHERE ? b : a;
        const bool a_is_nan = a.value != a.value, b_is_nan = b.value != b.value;
        const bool beyond = LARGEST ? b.value > a.value : b.value < a.value;
        const bool behind = LARGEST ? a.value > b.value : a.value < b.value;
        const bool wins = (beyond && !a_is_nan) || (b_is_nan && !a_is_nan);
        const bool loses = (behind && !b_is_nan) || (a_is_nan && !b_is_nan);
        return wins || (!loses && b.place < a.place) ? b : a;
    }
};

// The same fold where its elements are totals already.
template <class Fold>
struct Again : Fold {
    typedef typename Fold::Total Element;
    static METHOD typename Fold::Total lift(typename Fold::Total total, index) { return total; }
};

// ---- Across threads ---------------------------------------------------------------------------------------------

// What threads hand each other: words of 32 or 64 bits.
template <class T>
struct Shuffled {
    typedef T type;
};
template <> struct Shuffled<u8> { typedef u32 type; };
template <> struct Shuffled<bool> { typedef u32 type; };

template <class T>
METHOD T shuffle_xor(T x, int distance) {
    return (T)__shfl_xor_sync(0xffffffffu, (typename Shuffled<T>::type)x, distance);
}
template <class T>
METHOD Standing<T> shuffle_xor(Standing<T> x, int distance) {
    return Standing<T>{shuffle_xor(x.value, distance), shuffle_xor(x.place, distance)};
}
template <class T>
METHOD T shuffle_up(T x, int distance) {
    return (T)__shfl_up_sync(0xffffffffu, (typename Shuffled<T>::type)x, distance);
}

// The total of WIDTH neighbouring threads, 1 to 32, for each of them. All threads of the warp come here.
template <class Fold, int WIDTH>
METHOD typename Fold::Total across_warp(typename Fold::Total total) {
#pragma unroll
    for (int distance = WIDTH / 2; distance > 0; distance /= 2) {
        total = Fold::join(total, shuffle_xor(total, distance));
    }
    return total;
}

// The total of all threads of a block of THREADS, for each of them.
template <class Fold, int THREADS>
METHOD typename Fold::Total across_block(typename Fold::Total total) {
    constexpr int WARPS = THREADS / 32;
    __shared__ typename Fold::Total totals[WARPS];
    total = across_warp<Fold, 32>(total);
    if (threadIdx.x % 32 == 0) totals[threadIdx.x / 32] = total;
    __syncthreads();
    total = threadIdx.x % 32 < WARPS ? totals[threadIdx.x % 32] : Fold::nothing();
    __syncthreads();
    return across_warp<Fold, 32>(total);
}

// The total of the threads of a block that stand before each, and in `whole` that of all.
template <class Fold, int THREADS>
METHOD typename Fold::Total before_in_block(typename Fold::Total own, typename Fold::Total& whole) {
    typedef typename Fold::Total Total;
    constexpr int WARPS = THREADS / 32;
    __shared__ Total totals[WARPS];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    Total running = own;
#pragma unroll
    for (int distance = 1; distance < 32; distance *= 2) {
        const Total before = shuffle_up(running, distance);
        if (lane >= distance) running = Fold::join(before, running);
    }
    if (lane == 31) totals[warp] = running;
    Total before = shuffle_up(running, 1);
    if (lane == 0) before = Fold::nothing();
    __syncthreads();
    Total warps_before = Fold::nothing();
    whole = Fold::nothing();
#pragma unroll
    for (int other = 0; other < WARPS; ++other) {
        if (other == warp) warps_before = whole;
        whole = Fold::join(whole, totals[other]);
    }
    __syncthreads();
    return Fold::join(warps_before, before);
}

}  // namespace fold
