// Operations that CUDA C has no words for, each once: PTX for a GPU, and for the tests the emulator's C++ of the same
// meaning. Sections named are those of the "PTX ISA" manual. Nothing here needs another header.
//
// Addresses are plain pointers. Operands of `wgmma` and destinations of tensor copies lie in dynamic shared memory,
// aligned to 1024 bytes.
#ifndef CORNU_PTX_CUH
#define CORNU_PTX_CUH

#define PTX __device__ __forceinline__

// A place in shared memory as PTX takes it: an address of 32 bits.
#ifndef CORNU_EMULATOR
PTX unsigned shared_address(const void *place) { return static_cast<unsigned>(__cvta_generic_to_shared(place)); }
#else
PTX unsigned shared_address(const void *place) { return emulator_shared_address(place); }
#endif

// ----------------------------------------------------------------------------------------------------
// Matrix products of a warp, sm_80 and later

// mma.sync.m16n8k16, bf16: "Warp-level Matrix Instructions: mma". d (16 x 8) += a (16 x 16) b (16 x 8).
PTX void mma_m16n8k16_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
#ifndef CORNU_EMULATOR
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    emulator_mma_bf16(d, a, b);
#endif
}

// mma.sync.m16n8k16, f16: the same places of the elements.
PTX void mma_m16n8k16_f16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
#ifndef CORNU_EMULATOR
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    emulator_mma_f16(d, a, b);
#endif
}

// mma.sync.m16n8k8, tf32: d (16 x 8) += a (16 x 8) b (8 x 8). Operands come from `round_to_tf32`.
PTX void mma_m16n8k8_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
#ifndef CORNU_EMULATOR
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    emulator_mma_tf32(d, a, b);
#endif
}

// cvt.rna.tf32.f32: "Data Movement and Conversion Instructions: cvt".
PTX unsigned round_to_tf32(float x) {
#ifndef CORNU_EMULATOR
    unsigned rounded;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(x));
    return rounded;
#else
    return emulator_round_to_tf32(x);
#endif
}

// ldmatrix: "Warp-level matrix load instruction: ldmatrix". Lane 8 i + r names row r, 16 bytes, of matrix i.
PTX void ldmatrix_x4(unsigned (&m)[4], const void *row) {
#ifndef CORNU_EMULATOR
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(m[0]), "=r"(m[1]), "=r"(m[2]), "=r"(m[3])
                 : "r"(shared_address(row))
                 : "memory");
#else
    emulator_ldmatrix<4, false>(m, row);
#endif
}

PTX void ldmatrix_x4_transposed(unsigned (&m)[4], const void *row) {
#ifndef CORNU_EMULATOR
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(m[0]), "=r"(m[1]), "=r"(m[2]), "=r"(m[3])
                 : "r"(shared_address(row))
                 : "memory");
#else
    emulator_ldmatrix<4, true>(m, row);
#endif
}

PTX void ldmatrix_x2(unsigned (&m)[2], const void *row) {
#ifndef CORNU_EMULATOR
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
                 : "=r"(m[0]), "=r"(m[1])
                 : "r"(shared_address(row))
                 : "memory");
#else
    emulator_ldmatrix<2, false>(m, row);
#endif
}

PTX void ldmatrix_x2_transposed(unsigned (&m)[2], const void *row) {
#ifndef CORNU_EMULATOR
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
                 : "=r"(m[0]), "=r"(m[1])
                 : "r"(shared_address(row))
                 : "memory");
#else
    emulator_ldmatrix<2, true>(m, row);
#endif
}

// ----------------------------------------------------------------------------------------------------
// Asynchronous copies of a thread, sm_80 and later

// cp.async: "Non-bulk copy". Copies the first `valid_bytes` of 16 and fills the rest with zero; past the L1 cache.
PTX void cp_async_16(void *shared, const void *global, int valid_bytes = 16) {
#ifndef CORNU_EMULATOR
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global),
                 "r"(valid_bytes)
                 : "memory");
#else
    emulator_copy_async(shared, global, 16, valid_bytes);
#endif
}

// The same for 4 or 8 bytes, through the L1 cache.
template <int BYTES> PTX void cp_async_small(void *shared, const void *global, int valid_bytes = BYTES) {
    static_assert(BYTES == 4 || BYTES == 8, "larger copies go by cp_async_16");
#ifndef CORNU_EMULATOR
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(shared_address(shared)), "l"(global),
                 "n"(BYTES), "r"(valid_bytes)
                 : "memory");
#else
    emulator_copy_async(shared, global, BYTES, valid_bytes);
#endif
}

// cp.async.commit_group: ends a group of copies.
PTX void cp_async_commit() {
#ifndef CORNU_EMULATOR
    asm volatile("cp.async.commit_group;" ::: "memory");
#else
    emulator_copy_commit();
#endif
}

// cp.async.wait_group: until at most GROUPS_LEFT of this thread's groups are under way.
template <int GROUPS_LEFT> PTX void cp_async_wait() {
#ifndef CORNU_EMULATOR
    asm volatile("cp.async.wait_group %0;" ::"n"(GROUPS_LEFT) : "memory");
#else
    emulator_copy_wait(GROUPS_LEFT);
#endif
}

// ----------------------------------------------------------------------------------------------------
// Barriers

// bar.sync with a number: "Parallel Synchronization and Communication Instructions: barrier". 0 is __syncthreads.
PTX void named_barrier_sync(unsigned id, unsigned threads) {
#ifndef CORNU_EMULATOR
    asm volatile("barrier.sync.aligned %0, %1;" ::"r"(id), "r"(threads) : "memory");
#else
    emulator_barrier(id, threads, 0, nullptr);
#endif
}

PTX void named_barrier_arrive(unsigned id, unsigned threads) {
#ifndef CORNU_EMULATOR
    asm volatile("barrier.arrive.aligned %0, %1;" ::"r"(id), "r"(threads) : "memory");
#else
    emulator_barrier_arrive(id, threads);
#endif
}

#if __CUDA_ARCH__ >= 900

// mbarrier.init: "mbarrier". `count` arrivals end a phase.
PTX void mbarrier_init(unsigned long long *barrier, unsigned count) {
#ifndef CORNU_EMULATOR
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)), "r"(count) : "memory");
#else
    emulator_mbarrier_init(barrier, count);
#endif
}

// fence.mbarrier_init and fence.proxy.async: "membar / fence". After the initialisation, and between ordinary writes
// to shared memory and what the tensor cores or the copies read of it.
PTX void fence_mbarrier_init() {
#ifndef CORNU_EMULATOR
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
#endif
}

PTX void fence_async_proxy() {
#ifndef CORNU_EMULATOR
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}

// mbarrier.arrive.
PTX void mbarrier_arrive(unsigned long long *barrier) {
#ifndef CORNU_EMULATOR
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(barrier)) : "memory");
#else
    emulator_mbarrier_arrive(barrier, 0);
#endif
}

// mbarrier.arrive.expect_tx: the phase also waits for `bytes` bytes of copies.
PTX void mbarrier_arrive_expect(unsigned long long *barrier, unsigned bytes) {
#ifndef CORNU_EMULATOR
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)), "r"(bytes)
                 : "memory");
#else
    emulator_mbarrier_arrive(barrier, bytes);
#endif
}

// mbarrier.try_wait.parity: until the phase of parity `parity` is over.
PTX void mbarrier_wait(unsigned long long *barrier, unsigned parity) {
#ifndef CORNU_EMULATOR
    asm volatile("{\n"
                 ".reg .pred done;\n"
                 "again:\n"
                 "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
                 "@!done bra again;\n"
                 "}" ::"r"(shared_address(barrier)),
                 "r"(parity)
                 : "memory");
#else
    emulator_mbarrier_wait(barrier, parity);
#endif
}

// ----------------------------------------------------------------------------------------------------
// The tensor memory accelerator, sm_90 and later

// What cuTensorMapEncodeTiled makes; a kernel's parameter, `const __grid_constant__ TensorMap`.
struct alignas(64) TensorMap {
    char opaque[128];
};

// cp.async.bulk.tensor.2d: "Tensor copy". Copies the box whose first element is (x, y); zero outside of the tensor.
PTX void tensor_copy_2d(void *shared, const TensorMap *map, unsigned long long *barrier, int x, int y) {
#ifndef CORNU_EMULATOR
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], "
                 "[%1, {%2, %3}], [%4];" ::"r"(shared_address(shared)),
                 "l"(map), "r"(x), "r"(y), "r"(shared_address(barrier))
                 : "memory");
#else
    emulator_tensor_copy(shared, map, barrier, x, y, 0);
#endif
}

// The same of three axes.
PTX void tensor_copy_3d(void *shared, const TensorMap *map, unsigned long long *barrier, int x, int y, int z) {
#ifndef CORNU_EMULATOR
    asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], "
                 "[%1, {%2, %3, %4}], [%5];" ::"r"(shared_address(shared)),
                 "l"(map), "r"(x), "r"(y), "r"(z), "r"(shared_address(barrier))
                 : "memory");
#else
    emulator_tensor_copy(shared, map, barrier, x, y, z);
#endif
}

// prefetch.tensormap: "Data Movement and Conversion Instructions: prefetch".
PTX void prefetch_tensor_map(const TensorMap *map) {
#ifndef CORNU_EMULATOR
    asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory");
#else
    (void)map;
#endif
}

#endif // __CUDA_ARCH__ >= 900

// ----------------------------------------------------------------------------------------------------
// Matrix products of a warpgroup, sm_90a alone

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

// setmaxnreg: "Miscellaneous Instructions". All warps of a warpgroup give registers back, or take them.
template <int REGISTERS> PTX void registers_decrease() {
#ifndef CORNU_EMULATOR
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(REGISTERS));
#endif
}

template <int REGISTERS> PTX void registers_increase() {
#ifndef CORNU_EMULATOR
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(REGISTERS));
#endif
}

// "Matrix descriptor": an operand along k with the 128-byte swizzle; groups of eight rows lie 1024 bytes apart. A
// step of 16 elements along k moves the address by 32 bytes.
PTX unsigned long long swizzled_descriptor(const void *place) {
    const unsigned long long address = (shared_address(place) & 0x3ffff) >> 4;
    const unsigned long long rows_of_eight = 1024 >> 4, swizzle_128b = 1;
    return address | 1ull << 16 | rows_of_eight << 32 | swizzle_128b << 62;
}

// The same of an operand whose lines (rows of a, or of b) lie side by side, 64 of them in 128 bytes, and groups of
// eight along k 1024 bytes apart; the next 64 lines lie `step` bytes further. 16 along k are 2048 bytes.
PTX unsigned long long swizzled_descriptor_across(const void *place, unsigned step) {
    const unsigned long long address = (shared_address(place) & 0x3ffff) >> 4;
    const unsigned long long groups_of_eight = 1024 >> 4, swizzle_128b = 1;
    return address | static_cast<unsigned long long>(step >> 4) << 16 | groups_of_eight << 32 | swizzle_128b << 62;
}

// "Asynchronous Warpgroup Level Matrix Instructions: wgmma.fence, wgmma.commit_group, wgmma.wait_group".
PTX void wgmma_fence() {
#ifndef CORNU_EMULATOR
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#endif
}

PTX void wgmma_commit() {
#ifndef CORNU_EMULATOR
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#endif
}

template <int GROUPS_LEFT> PTX void wgmma_wait() {
#ifndef CORNU_EMULATOR
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(GROUPS_LEFT) : "memory");
#endif
}

// wgmma.mma_async m64nNk16: "wgmma.mma_async". d (64 x N) += a (64 x 16) b^T (N x 16), both from shared memory, each
// along k or across.
#ifdef CORNU_EMULATOR
#define PTX_WGMMA(name, type, N, places, operands, descriptors) \
    template <bool A_ALONG_K = true, bool B_ALONG_K = true> \
    PTX void name(float (&d)[N / 2], unsigned long long a, unsigned long long b) { \
        emulator_wgmma<N, A_ALONG_K, B_ALONG_K>(d, a, b, emulator_##type); \
    }
#else
#define PTX_WGMMA(name, type, N, places, operands, descriptors) \
    template <bool A_ALONG_K = true, bool B_ALONG_K = true> \
    PTX void name(float (&d)[N / 2], unsigned long long a, unsigned long long b) { \
        asm volatile("wgmma.mma_async.sync.aligned.m64n" #N "k16.f32." #type "." #type " {" places "}, " descriptors \
                     ";" \
                     : operands() \
                     : "l"(a), "l"(b), "n"(A_ALONG_K ? 0 : 1), "n"(B_ALONG_K ? 0 : 1)); \
    }
#endif

// Eight accumulators, then as many as a product has.
#define PTX_D8(i) \
    "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), \
        "+f"(d[i + 7])
#define PTX_D32(i) PTX_D8(i), PTX_D8(i + 8), PTX_D8(i + 16), PTX_D8(i + 24)
#define PTX_ACCUMULATORS_32() PTX_D32(0)
#define PTX_ACCUMULATORS_64() PTX_D32(0), PTX_D32(32)
#define PTX_ACCUMULATORS_128() PTX_D32(0), PTX_D32(32), PTX_D32(64), PTX_D32(96)

#define PTX_PLACES_32 \
    "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
    "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"

#define PTX_PLACES_64 \
    "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
    "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, " \
    "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
    "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"

#define PTX_PLACES_128 \
    "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
    "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, " \
    "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
    "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63, " \
    "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, " \
    "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, " \
    "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, " \
    "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"

// Behind them: both descriptors; add to d, negate neither, and which operands lie across.
#define PTX_DESCRIPTORS_32 "%32, %33, 1, 1, 1, %34, %35"
#define PTX_DESCRIPTORS_64 "%64, %65, 1, 1, 1, %66, %67"
#define PTX_DESCRIPTORS_128 "%128, %129, 1, 1, 1, %130, %131"

PTX_WGMMA(wgmma_m64n64k16_bf16, bf16, 64, PTX_PLACES_32, PTX_ACCUMULATORS_32, PTX_DESCRIPTORS_32)
PTX_WGMMA(wgmma_m64n64k16_f16, f16, 64, PTX_PLACES_32, PTX_ACCUMULATORS_32, PTX_DESCRIPTORS_32)
PTX_WGMMA(wgmma_m64n128k16_bf16, bf16, 128, PTX_PLACES_64, PTX_ACCUMULATORS_64, PTX_DESCRIPTORS_64)
PTX_WGMMA(wgmma_m64n128k16_f16, f16, 128, PTX_PLACES_64, PTX_ACCUMULATORS_64, PTX_DESCRIPTORS_64)
PTX_WGMMA(wgmma_m64n256k16_bf16, bf16, 256, PTX_PLACES_128, PTX_ACCUMULATORS_128, PTX_DESCRIPTORS_128)
PTX_WGMMA(wgmma_m64n256k16_f16, f16, 256, PTX_PLACES_128, PTX_ACCUMULATORS_128, PTX_DESCRIPTORS_128)

#endif // __CUDA_ARCH_FEAT_SM90_ALL

#endif // CORNU_PTX_CUH
