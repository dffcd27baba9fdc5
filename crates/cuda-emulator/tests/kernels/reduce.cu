// Sums and histograms: warp shuffles, barriers, atomics, shared memory.

static __device__ __forceinline__ float warp_sum(float value) {
    for (int offset = 16; offset > 0; offset /= 2) {
        value += __shfl_xor_sync(0xffffffffu, value, offset);
    }
    return value;
}

// One sum of all: within warps, then of the block, then by an atomic.
extern "C" __global__ void sum(float *out, const float *in, int count) {
    __shared__ float parts[32];
    float value = 0.0f;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
        value += in[i];
    }
    value = warp_sum(value);
    if (threadIdx.x % 32 == 0) {
        parts[threadIdx.x / 32] = value;
    }
#ifndef NO_BARRIER
    __syncthreads();
#endif
    if (threadIdx.x < 32) {
        value = threadIdx.x < blockDim.x / 32 ? parts[threadIdx.x] : 0.0f;
        value = warp_sum(value);
        if (threadIdx.x == 0) {
            atomicAdd(out, value);
        }
    }
}

extern "C" __global__ void histogram(unsigned *bins, const int *in, int bin_count, int count) {
    DYN_SHARED(unsigned, local);
    for (int bin = threadIdx.x; bin < bin_count; bin += blockDim.x) {
        local[bin] = 0;
    }
    __syncthreads();
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
        atomicAdd(&local[in[i]], 1u);
    }
    __syncthreads();
    for (int bin = threadIdx.x; bin < bin_count; bin += blockDim.x) {
        atomicAdd(&bins[bin], local[bin]);
    }
}

// Votes: out[0] how many hold, out[1] whether all do, out[2] whether any does, out[3] the ballot of warp 0.
extern "C" __global__ void votes(unsigned *out, const int *in, int limit) {
    const int holds = in[threadIdx.x] < limit;
    const unsigned count = __syncthreads_count(holds);
    const unsigned all = __syncthreads_and(holds), any = __syncthreads_or(holds);
    const unsigned ballot = __ballot_sync(0xffffffffu, holds);
    if (threadIdx.x == 0) {
        out[0] = count;
        out[1] = all;
        out[2] = any;
        out[3] = ballot;
    }
}
