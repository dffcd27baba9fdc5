// C (m x n) = A (m x k) B^T (n x k) for sm_90a, tiles of 64 x 64: one warpgroup fetches by the tensor memory
// accelerator, the other multiplies with wgmma, over a ring of stages.
#define STAGES 3
#define TILE_BYTES (64 * 64 * 2)

extern "C" __global__ void __launch_bounds__(256, 1)
    gemm_hopper(float *c, const __grid_constant__ TensorMap a, const __grid_constant__ TensorMap b, int m, int n,
                int k) {
    DYN_SHARED(char, memory);
    char *const left = memory, *const right = memory + STAGES * TILE_BYTES;
    unsigned long long *const full = (unsigned long long *)(memory + 2 * STAGES * TILE_BYTES);
    unsigned long long *const empty = full + STAGES;
    const int m0 = blockIdx.y * 64, n0 = blockIdx.x * 64, steps = (k + 63) / 64;
    if (threadIdx.x == 0) {
        for (int stage = 0; stage < STAGES; ++stage) {
            mbarrier_init(full + stage, 1);
            mbarrier_init(empty + stage, 1);
        }
        fence_mbarrier_init();
    }
    __syncthreads();
    if (threadIdx.x >= 128) {
        registers_decrease<40>();
        for (int step = 0; threadIdx.x == 128 && step < steps; ++step) {
            const int stage = step % STAGES, parity = step / STAGES % 2;
#ifndef NO_WAIT_FOR_EMPTY
            mbarrier_wait(empty + stage, parity ^ 1);
#endif
            mbarrier_arrive_expect(full + stage, 2 * TILE_BYTES);
            tensor_copy_2d(left + stage * TILE_BYTES, &a, full + stage, step * 64, m0);
            tensor_copy_2d(right + stage * TILE_BYTES, &b, full + stage, step * 64, n0);
        }
        return;
    }
    registers_increase<232>();
    float d[32] = {};
    for (int step = 0; step < steps; ++step) {
        const int stage = step % STAGES, parity = step / STAGES % 2;
#ifndef NO_WAIT_FOR_FULL
        mbarrier_wait(full + stage, parity);
#endif
        wgmma_fence();
        for (int k16 = 0; k16 < 4; ++k16) {
            wgmma_m64n64k16_bf16(d, swizzled_descriptor(left + stage * TILE_BYTES + k16 * 32),
                                 swizzled_descriptor(right + stage * TILE_BYTES + k16 * 32));
        }
        wgmma_commit();
        wgmma_wait<0>();
        named_barrier_sync(1, 128);
        if (threadIdx.x == 0) {
            mbarrier_arrive(empty + stage);
        }
    }
    const int warp = threadIdx.x / 32, group = threadIdx.x % 32 / 4, pair = threadIdx.x % 4 * 2;
    for (int i = 0; i < 32; ++i) {
        const int row = m0 + 16 * warp + group + i / 2 % 2 * 8, column = n0 + i / 4 * 8 + pair + i % 2;
        if (row < m && column < n) {
            c[row * n + column] = d[i];
        }
    }
}
