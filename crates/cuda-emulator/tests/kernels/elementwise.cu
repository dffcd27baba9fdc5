// Kernels of one element a thread, and what the driver's own tests need.

extern "C" __global__ void scale(float *out, const float *in, float factor, int count) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) {
        out[i] = in[i] * factor;
    }
}

#define UNARY(name, expression) \
    extern "C" __global__ void __launch_bounds__(256) name(float *out, const float *in, int count) { \
        for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) { \
            const float x = in[i]; \
            out[i] = expression; \
        } \
    }

UNARY(exponential, expf(x))
UNARY(logistic, 1.0f / (1.0f + __expf(-x)))
UNARY(reciprocal_root, rsqrtf(x))

__constant__ float table[4];

extern "C" __global__ void from_table(float *out, int count) {
    const int i = threadIdx.x;
    if (i < count) {
        out[i] = table[i % 4];
    }
}

// The device that the program is for.
extern "C" __global__ void architecture(int *out) { *out = __CUDA_ARCH__; }
