// Products with a vector, which are bound by reading the matrix once. All other products go by the tiles of tiles.cuh
// and tensor.cuh.

using namespace tiles;

// One of the operands is a vector and both lie along k: a warp sums one result. Its lanes read neighbours; several
// reads are under way at a time. Grid: eight results, or parts of one, for each block of 256 threads.
template <class S, class Left, class Right, class Finish>
DEVICE void product_along(
    const typename S::Element* left, const typename S::Element* right, const Finish& finish
) {
    typedef typename S::Element T;
    typedef SumOf<T> Sum;
    constexpr int VECTOR = Left::VECTOR;
    const index warp = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
    if (warp >= S::RESULTS * S::PARTS) return;
    const index result = warp % S::RESULTS, part = warp / S::RESULTS;
    const index batch = result / (S::M * S::N), row = result / S::N % S::M, column = result % S::N;
    const Left a(left, batch);
    const Right b(right, batch);
    const typename Left::Line across = a.line(row);
    const typename Right::Line down = b.line(column);
    const index last = smaller(S::K, part * S::PART + S::PART);
    Sum sum = 0;
    #pragma unroll 4
    for (index k = part * S::PART + lane * VECTOR; k < last; k += 32 * VECTOR) {
        const Pack<T, VECTOR> x = load<VECTOR>(a.find(across, k), 0), y = load<VECTOR>(b.find(down, k), 0);
        #pragma unroll
        for (int v = 0; v < VECTOR; ++v) sum += summand(x[v]) * summand(y[v]);
    }
    #pragma unroll
    for (int reach = 16; reach > 0; reach /= 2) sum += __shfl_down_sync(0xffffffffu, sum, reach);
    if (lane == 0) finish.run(Lanes<1>(), result, part, Pack<Sum, 1>{{sum}});
}

// A vector by a matrix that lies along the lines: each thread sums VECTOR neighbouring results over an eighth of the
// part, and the eight warps of a block come together at its end. Grid: blocks along the lines; times parts, products.
template <class S, class Vector, class Lines, class Finish>
DEVICE void product_across(
    const typename S::Element* vector, const typename S::Element* matrix, const Finish& finish
) {
    typedef typename S::Element T;
    typedef SumOf<T> Sum;
    constexpr int VECTOR = Lines::VECTOR, WIDTH = 32 * VECTOR, WARPS = 8;
    constexpr index LINES = S::M * S::N, BLOCKS = (LINES + WIDTH - 1) / WIDTH;
    __shared__ Pack<Sum, VECTOR> shared[WARPS * 32];
    const index warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const index first = blockIdx.x % BLOCKS * WIDTH;
    const index part = blockIdx.x / BLOCKS % S::PARTS, batch = blockIdx.x / BLOCKS / S::PARTS;
    const Vector x(vector, batch);
    const Lines a(matrix, batch);
    const typename Vector::Line whole = x.line(0);
    const typename Lines::Line line = a.line(first + lane * VECTOR);
    const index last = smaller(S::K, part * S::PART + S::PART);
    Pack<Sum, VECTOR> sums = {};
    #pragma unroll 4
    for (index k = part * S::PART + warp; k < last; k += WARPS) {
        const T* place = a.find(line, k);
        const Pack<T, VECTOR> y = place ? load<VECTOR>(place, 0) : Pack<T, VECTOR>{};
        const Sum factor = summand(*x.find(whole, k));
        #pragma unroll
        for (int v = 0; v < VECTOR; ++v) sums[v] += factor * summand(y[v]);
    }
    shared[threadIdx.x] = sums;
    __syncthreads();
    const Sum* const all = &shared[0][0];
    for (index i = threadIdx.x; i < WIDTH && first + i < LINES; i += WARPS * 32) {
        Sum sum = all[i];
        #pragma unroll
        for (int other = 1; other < WARPS; ++other) sum += all[other * WIDTH + i];
        finish.run(Lanes<1>(), batch * S::BATCH_STEP + first + i, part, Pack<Sum, 1>{{sum}});
    }
}
