// What every program begins with: the element types of the language, packs of neighbours, and the guard of branches.
//
// NVRTC knows no header of the host, so nothing is included. The same text compiles as C++ where CORNU_EMULATOR is
// defined: kernels run on the CPU then, one thread after another.

typedef signed char i8;
typedef unsigned char u8;
typedef unsigned short u16;
typedef int i32;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;
typedef float f32;
typedef double f64;

// The number of an element. No tensor has more elements than this counts.
typedef u32 index;

#ifndef INFINITY
#define INFINITY __int_as_float(0x7f800000)
#define NAN __int_as_float(0x7fffffff)
#endif

#define DEVICE static __device__ __forceinline__
#define METHOD __device__ __forceinline__

#ifndef CORNU_EMULATOR
// Shared memory whose size the launch says.
#define DYN_SHARED(type, name) extern __shared__ __align__(128) type name[]
#endif

// Half-width numbers are kept as their bits and computed with as f32: see `widen` and `narrow` in scalar.cuh.
struct bf16 {
    u16 bits;
};
struct f16 {
    u16 bits;
};

// N neighbours, read and written at once.
template <class T, int N>
struct alignas(sizeof(T) * N <= 16 ? sizeof(T) * N : 16) Pack {
    T lane[N];
    METHOD T& operator[](int i) { return lane[i]; }
    METHOD const T& operator[](int i) const { return lane[i]; }
};

// Chooses, among the forms of a printed program, the one for N neighbours at a time.
template <int N>
struct Lanes {
    static constexpr int count = N;
};

template <int N, class T>
METHOD Pack<T, N> load(const T* from, index i) {
    return *reinterpret_cast<const Pack<T, N>*>(from + i);
}

template <int N, class T>
METHOD void store(T* to, index i, const Pack<T, N>& values) {
    *reinterpret_cast<Pack<T, N>*>(to + i) = values;
}

// Kernels of a branch that is not taken do nothing: its guard points at a 0. Outside branches it points nowhere.
struct Guard {
    const u8* flag;
    METHOD bool closed() const { return flag != nullptr && *flag == 0; }
};

METHOD index smaller(index x, index y) { return x < y ? x : y; }
METHOD index ceil_div(index x, index y) { return (x + y - 1) / y; }

// True for an index of any type from 0 to below `size`: as unsigned, negative ones are larger than all.
template <class I>
METHOD bool is_within(I i, index size) { return (u64)(i64)i < size; }

// The way of ops along one axis through a tensor: `[outer, LENGTH, INNER]`, a line for each outer and inner coordinate.
template <index LENGTH_, index INNER_>
struct Line {
    static constexpr index LENGTH = LENGTH_, INNER = INNER_;
    static METHOD index place(index line, index i) {
        return (line / INNER * LENGTH + i) * INNER + line % INNER;
    }
};
