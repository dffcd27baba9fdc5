// C (m x n) = A (m x k) B (k x n) through tiles in shared memory.
#define TILE 16

extern "C" __global__ void matmul(float *c, const float *a, const float *b, int m, int n, int k) {
    __shared__ float left[TILE][TILE];
    __shared__ float right[TILE][TILE + 1];
    const int x = threadIdx.x, y = threadIdx.y;
    const int row = blockIdx.y * TILE + y, column = blockIdx.x * TILE + x;
    float sum = 0.0f;
    for (int k0 = 0; k0 < k; k0 += TILE) {
        left[y][x] = row < m && k0 + x < k ? a[row * k + k0 + x] : 0.0f;
        right[y][x] = column < n && k0 + y < k ? b[(k0 + y) * n + column] : 0.0f;
#ifndef NO_BARRIER_BEFORE
        __syncthreads();
#endif
        for (int i = 0; i < TILE; ++i) {
            sum = fmaf(left[y][i], right[i][x], sum);
        }
#ifndef NO_BARRIER_AFTER
        __syncthreads();
#endif
    }
    if (row < m && column < n) {
        c[row * n + column] = sum;
    }
}
