// Gathers: rows picked by indices.
//
// The result is walked as [row, pick, inner]: consecutive threads take consecutive units of it, so that a row is read
// and written whole, up to 16 bytes at a time. All threads of a row read the same index, which costs one access.

template <index MIDDLE, index PICKS, index SIZE, index INNER, class I, class Unit>
DEVICE void gather(const Unit* from, const I* indices, Unit* to, index units) {
    const index threads = gridDim.x * blockDim.x;
    for (index i = blockIdx.x * blockDim.x + threadIdx.x; i < units; i += threads) {
        const index place = i / INNER, row = place / PICKS;
        const I picked = indices[row / MIDDLE * PICKS + place % PICKS];
        // An index out of range reads zeros.
        to[i] = is_within(picked, SIZE) ? from[(row * SIZE + (index)picked) * INNER + i % INNER] : Unit();
    }
}
