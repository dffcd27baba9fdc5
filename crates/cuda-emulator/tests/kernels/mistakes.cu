// Kernels with a mistake each, which the emulator has to find.

// Writes one element past the end.
extern "C" __global__ void write_past_end(float *out, int count) {
    const int i = threadIdx.x;
    if (i <= count) {
        out[i] = 1.0f; // the line that AddressSanitizer names
    }
}

// Counts in shared memory that nobody has set to zero.
template <int BINS> static __device__ void count_in(float *out, int count) {
    __shared__ int bins[BINS];
    atomicAdd(&bins[threadIdx.x % BINS], count);
    __syncthreads();
    out[threadIdx.x] = (float)bins[threadIdx.x % BINS];
}
extern "C" __global__ void shared_memory_not_set(float *out, int count) { count_in<16>(out, count); }

// Writes past the end of a shared array.
extern "C" __global__ void write_past_shared(float *out, int count) {
    __shared__ float local[32];
    local[threadIdx.x + (count > 0 ? 1 : 0)] = 1.0f;
    __syncthreads();
    out[threadIdx.x] = local[threadIdx.x];
}

// The upper half of the warp has left when the mask names all lanes.
extern "C" __global__ void shuffle_with_exited(float *out, int count) {
    if (threadIdx.x >= 16) {
        return;
    }
    out[threadIdx.x] = __shfl_xor_sync(0xffffffffu, (float)count, 1);
}

// The upper half of the warp takes another path than the mask says.
extern "C" __global__ void shuffle_in_branch(float *out, int count) {
    float value = (float)count;
    if (threadIdx.x < 16) {
        value = __shfl_xor_sync(0xffffffffu, value, 1);
    } else {
        __syncthreads();
    }
    out[threadIdx.x] = value;
}

// Only one warp reaches the barrier of two.
extern "C" __global__ void barrier_of_others(float *out, int count) {
    if (threadIdx.x < 32) {
        named_barrier_sync(1, 64);
    }
    out[threadIdx.x] = (float)count;
    if (threadIdx.x < 32) {
        __syncthreads();
    }
}
