// Copies: every op that only moves elements.

// Elements side by side, 16 bytes at a time where both sides begin at such a place.
template <class T>
DEVICE void copy_whole(const T* from, T* to, index elements) {
    const index threads = gridDim.x * blockDim.x;
    for (index i = blockIdx.x * blockDim.x + threadIdx.x; i < elements; i += threads) to[i] = from[i];
}
