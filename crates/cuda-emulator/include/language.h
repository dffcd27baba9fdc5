// The keywords and built-in variables of CUDA C.
#pragma once

typedef __SIZE_TYPE__ size_t;
typedef __PTRDIFF_TYPE__ ptrdiff_t;

#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __grid_constant__
#define __cluster_dims__(...)
#define __maxnreg__(...)
// Global names are found by cuModuleGetGlobal.
#define __constant__ __attribute__((visibility("default")))
#define __managed__ __attribute__((visibility("default")))
// One block runs at a time, so what its threads share may be static.
#define __shared__ static

// The search for kernels reads these two in the preprocessed source; the compiler must not.
#ifndef EMULATOR_FIND_KERNELS
#define __global__
#define __launch_bounds__(...)
#endif

#define threadIdx (emulator_thread->index)
#define blockIdx (emulator_block->index)
#define blockDim (emulator_block->threads)
#define gridDim (emulator_block->grid)
#define warpSize 32

// Dynamic shared memory. On a GPU this is `extern __shared__ T name[]`, which is no C++.
#define DYN_SHARED(T, name) T *const name = reinterpret_cast<T *>(emulator_block->shared)

extern "C" {
int printf(const char *, ...);
void *memcpy(void *, const void *, size_t) noexcept;
void *memset(void *, int, size_t) noexcept;
}

static inline void __trap() { emulator_fail("__trap() was called"); }
static inline long long clock64() { return static_cast<long long>(__builtin_ia32_rdtsc()); }

#define assert(condition) ((condition) ? (void)0 : emulator_fail("assertion failed: " #condition))
