// C (m x n) = A (m x k) B^T (n x k) on tensor cores, a warp for each tile of 16 x 8. Sizes are multiples of the
// tile's.

// bf16: rows of A and B come to shared memory by cp.async, and from there by ldmatrix.
extern "C" __global__ void gemm_bf16(float *c, const unsigned short *a, const unsigned short *b, int m, int n,
                                     int k) {
    __shared__ __align__(16) unsigned short left[2][16][16];
    __shared__ __align__(16) unsigned short right[2][8][16];
    const int lane = threadIdx.x, m0 = blockIdx.y * 16, n0 = blockIdx.x * 8, steps = k / 16;
    auto fetch = [&](int step) {
        const int row = lane / 2, column = lane % 2 * 8, stage = step % 2;
        cp_async_16(&left[stage][row][column], &a[(m0 + row) * k + step * 16 + column]);
        if (lane < 16) {
            cp_async_16(&right[stage][row][column], &b[(n0 + row) * k + step * 16 + column]);
        }
        cp_async_commit();
    };
    float d[4] = {};
    fetch(0);
    for (int step = 0; step < steps; ++step) {
        if (step + 1 < steps) {
            fetch(step + 1);
#ifndef NO_WAIT
            cp_async_wait<1>();
#endif
        } else {
            cp_async_wait<0>();
        }
        __syncthreads();
        unsigned fragment_a[4], fragment_b[2];
        ldmatrix_x4(fragment_a, &left[step % 2][lane % 16][lane / 16 * 8]);
        ldmatrix_x2(fragment_b, &right[step % 2][lane % 8][lane / 8 % 2 * 8]);
        mma_m16n8k16_bf16(d, fragment_a, fragment_b);
        __syncthreads();
    }
    for (int i = 0; i < 4; ++i) {
        c[(m0 + lane / 4 + i / 2 * 8) * n + n0 + lane % 4 * 2 + i % 2] = d[i];
    }
}

// tf32, read from global memory. B here is k x n, and comes through registers.
extern "C" __global__ void gemm_tf32(float *c, const float *a, const float *b, int m, int n, int k) {
    const int group = threadIdx.x / 4, pair = threadIdx.x % 4, m0 = blockIdx.y * 16, n0 = blockIdx.x * 8;
    float d[4] = {};
    for (int k0 = 0; k0 < k; k0 += 8) {
        unsigned fragment_a[4], fragment_b[2];
        for (int i = 0; i < 4; ++i) {
            fragment_a[i] = round_to_tf32(a[(m0 + group + i % 2 * 8) * k + k0 + pair + i / 2 * 4]);
        }
        for (int i = 0; i < 2; ++i) {
            fragment_b[i] = round_to_tf32(b[(k0 + pair + i * 4) * n + n0 + group]);
        }
        mma_m16n8k8_tf32(d, fragment_a, fragment_b);
    }
    for (int i = 0; i < 4; ++i) {
        c[(m0 + group + i / 2 * 8) * n + n0 + pair * 2 + i % 2] = d[i];
    }
}

// f16 with B as k x n: ldmatrix turns it on the way.
extern "C" __global__ void gemm_f16(float *c, const unsigned short *a, const unsigned short *b, int m, int n, int k) {
    __shared__ __align__(16) unsigned short left[16][16];
    __shared__ __align__(16) unsigned short right[16][8];
    const int lane = threadIdx.x, m0 = blockIdx.y * 16, n0 = blockIdx.x * 8;
    float d[4] = {};
    for (int k0 = 0; k0 < k; k0 += 16) {
        for (int i = lane; i < 256; i += 32) {
            left[i / 16][i % 16] = a[(m0 + i / 16) * k + k0 + i % 16];
        }
        for (int i = lane; i < 128; i += 32) {
            right[i / 8][i % 8] = b[(k0 + i / 8) * n + n0 + i % 8];
        }
        __syncthreads();
        unsigned fragment_a[4], fragment_b[2];
        ldmatrix_x4(fragment_a, &left[lane % 16][lane / 16 * 8]);
        ldmatrix_x2_transposed(fragment_b, &right[lane % 16][0]);
        mma_m16n8k16_f16(d, fragment_a, fragment_b);
        __syncthreads();
    }
    for (int i = 0; i < 4; ++i) {
        c[(m0 + lane / 4 + i / 2 * 8) * n + n0 + lane % 4 * 2 + i % 2] = d[i];
    }
}
