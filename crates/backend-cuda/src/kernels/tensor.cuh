// Products of matrices of halves by tiles on the tensor cores (sm_80 and later), with sums in f32.
//
// Described as in tiles.cuh. A block of 8 or 4 warps multiplies a tile of rows by a tile of columns, 32 deep; tiles of
// three steps are in shared memory, so that two are on their way while one is multiplied. They are copied there
// without passing through registers (cp.async), 16 bytes at a time where the operand's VECTOR admits.
//
// In shared memory a tile lies as its operand does: [line][k], or [k][line] and is turned as it is read. ldmatrix
// reads 16 bytes of each of eight rows at once, so chunks of 16 bytes change places by their row: all eight come from
// different banks. Older devices do the same by product_by_tiles.

namespace tiles {

// Places of elements in the tile of an operand.
template <bool ALONG_K, int LINES, int DEPTH>
struct Swizzled {
    static constexpr int WIDTH = ALONG_K ? DEPTH : LINES;
    // Eight chunks are as wide as all banks. Where a row has but four, two rows are.
    static METHOD index place(index line, index k) {
        const index row = ALONG_K ? line : k, along = ALONG_K ? k : line;
        const index turned = WIDTH == 32 ? along / 8 ^ (row / 2 & 3) : along / 8 ^ (row & 7);
        return row * WIDTH + turned * 8 + along % 8;
    }
};

// What a thread copies of the tiles of one operand.
template <class Operand, int LINES, int DEPTH, int THREADS>
struct Copies {
    typedef typename Operand::Element Element;
    typedef Swizzled<Operand::ALONG_K, LINES, DEPTH> Places;
    typedef Fetch<Operand, LINES, DEPTH, THREADS> Taken;
    static constexpr int VECTOR = Operand::VECTOR, BYTES = VECTOR * 2;
    typename Operand::Line lines[Taken::EACH];

    METHOD void begin(const Operand& operand, index first_line) {
        #pragma unroll
        for (int turn = 0; turn < Taken::EACH; ++turn) {
            lines[turn] = operand.line(first_line + Taken::line_of(turn));
        }
    }

    METHOD void copy(const Operand& operand, index k, Element* tile) const {
        #pragma unroll
        for (int turn = 0; turn < Taken::EACH; ++turn) {
            if (!Taken::takes(turn)) continue;
            const Element* from = operand.find(lines[turn], k + Taken::k_of(turn));
            Element* const to = tile + Places::place(Taken::line_of(turn), Taken::k_of(turn));
            if constexpr (BYTES == 16) {
                cp_async_16(to, from ? from : operand.first, from ? 16 : 0);
            } else if constexpr (BYTES > 2) {
                cp_async_small<BYTES>(to, from ? from : operand.first, from ? BYTES : 0);
            } else {
                *to = from ? *from : Element{0};
            }
        }
    }
};

// Fragments for mma.m16n8k16: of the left 16 lines by 16 along k in four registers; of the right the same, which are
// the two registers of each of two products.
template <bool ALONG_K, int LINES, int DEPTH, bool LEFT, class T>
METHOD void fragments(unsigned (&to)[4], const T* tile, index line, index k) {
    // Lane 8 i + r names row r of matrix i. The left takes first the other lines, then the other half of k; the right
    // first the other half of k.
    const index lane = threadIdx.x % 32, first = lane / 8 % 2 * 8, second = lane / 16 * 8, r = lane % 8;
    const index lines = LEFT ? first : second, along = LEFT ? second : first;
    if (ALONG_K) {
        ldmatrix_x4(to, tile + Swizzled<true, LINES, DEPTH>::place(line + lines + r, k + along));
    } else {
        ldmatrix_x4_transposed(to, tile + Swizzled<false, LINES, DEPTH>::place(line + lines, k + along + r));
    }
}

METHOD void multiply(f32 (&sums)[4], const unsigned (&left)[4], const unsigned (&right)[2], bf16) {
    mma_m16n8k16_bf16(sums, left, right);
}
METHOD void multiply(f32 (&sums)[4], const unsigned (&left)[4], const unsigned (&right)[2], f16) {
    mma_m16n8k16_f16(sums, left, right);
}

// The tile of a block, and of a warp. `Plain` is the form of older devices, of as many threads.
template <int ROWS_, int COLUMNS_, int WARP_ROWS_, int WARP_COLUMNS_, class Plain_>
struct TensorTile {
    typedef Plain_ Plain;
    static constexpr int ROWS = ROWS_, COLUMNS = COLUMNS_, DEPTH = 32, STAGES = 3;
    static constexpr int WARP_ROWS = WARP_ROWS_, WARP_COLUMNS = WARP_COLUMNS_;
    static constexpr int ACROSS = COLUMNS / WARP_COLUMNS, WARPS = ROWS / WARP_ROWS * ACROSS, THREADS = WARPS * 32;
    static_assert(THREADS == Plain::THREADS, "one launch serves both");
};

// The main loop of product_by_tensor_cores, and its end: each warp finishes its sums 32 rows at a time.
template <class S, class Tile, class Left, class Right, class Finish>
DEVICE void product_by_warps(
    const typename S::Element* left, const typename S::Element* right, const Finish& finish, char* shared
) {
    typedef typename S::Element T;
    constexpr int ROWS = Tile::ROWS, COLUMNS = Tile::COLUMNS, DEPTH = Tile::DEPTH, STAGES = Tile::STAGES;
    constexpr int LEFT_TILE = ROWS * DEPTH, RIGHT_TILE = COLUMNS * DEPTH;
    constexpr int DOWN = Tile::WARP_ROWS / 16, ACROSS = Tile::WARP_COLUMNS / 8;
    const Where<S, ROWS, COLUMNS> at = Where<S, ROWS, COLUMNS>::of(blockIdx.x);
    const Left a(left, at.batch);
    const Right b(right, at.batch);
    T* const left_tiles = reinterpret_cast<T*>(shared);
    T* const right_tiles = left_tiles + STAGES * LEFT_TILE;
    const index warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const index row = warp / Tile::ACROSS * Tile::WARP_ROWS, column = warp % Tile::ACROSS * Tile::WARP_COLUMNS;

    f32 sums[DOWN][ACROSS][4];
    #pragma unroll
    for (int i = 0; i < DOWN; ++i) {
        #pragma unroll
        for (int j = 0; j < ACROSS; ++j) {
            #pragma unroll
            for (int v = 0; v < 4; ++v) sums[i][j][v] = 0;
        }
    }

    Copies<Left, ROWS, DEPTH, Tile::THREADS> rows;
    Copies<Right, COLUMNS, DEPTH, Tile::THREADS> columns;
    rows.begin(a, at.row);
    columns.begin(b, at.column);
    const index first = at.first(), last = at.last();
    #pragma unroll
    for (int stage = 0; stage < STAGES - 1; ++stage) {
        if (first + stage * DEPTH < last) {
            rows.copy(a, first + stage * DEPTH, left_tiles + stage * LEFT_TILE);
            columns.copy(b, first + stage * DEPTH, right_tiles + stage * RIGHT_TILE);
        }
        cp_async_commit();
    }
    int stage = 0;
    #pragma unroll 1
    for (index k = first; k < last; k += DEPTH) {
        cp_async_wait<STAGES - 2>();
        __syncthreads();
        const index ahead = k + (STAGES - 1) * DEPTH;
        const int free = stage == 0 ? STAGES - 1 : stage - 1;
        if (ahead < last) {
            rows.copy(a, ahead, left_tiles + free * LEFT_TILE);
            columns.copy(b, ahead, right_tiles + free * RIGHT_TILE);
        }
        cp_async_commit();
        const T* const left_tile = left_tiles + stage * LEFT_TILE;
        const T* const right_tile = right_tiles + stage * RIGHT_TILE;
        #pragma unroll
        for (int step = 0; step < DEPTH; step += 16) {
            unsigned x[DOWN][4], y[ACROSS / 2][4];
            #pragma unroll
            for (int i = 0; i < DOWN; ++i) {
                fragments<Left::ALONG_K, ROWS, DEPTH, true>(x[i], left_tile, row + i * 16, step);
            }
            #pragma unroll
            for (int j = 0; j < ACROSS / 2; ++j) {
                fragments<Right::ALONG_K, COLUMNS, DEPTH, false>(y[j], right_tile, column + j * 16, step);
            }
            #pragma unroll
            for (int i = 0; i < DOWN; ++i) {
                #pragma unroll
                for (int j = 0; j < ACROSS; ++j) {
                    const unsigned pair[2] = {y[j / 2][j % 2 * 2], y[j / 2][j % 2 * 2 + 1]};
                    multiply(sums[i][j], x[i], pair, T());
                }
            }
        }
        stage = stage == STAGES - 1 ? 0 : stage + 1;
    }
    cp_async_wait<0>();
    __syncthreads();

    // Eight more columns than there are, so that the rows of a fragment are written to other banks.
    constexpr int PITCH = Tile::WARP_COLUMNS + 8, STAGED = DOWN < 2 ? DOWN : 2;
    f32* const staged = reinterpret_cast<f32*>(shared) + warp * (STAGED * 16 * PITCH);
    #pragma unroll
    for (int begin = 0; begin < DOWN; begin += STAGED) {
        #pragma unroll
        for (int i = 0; i < STAGED; ++i) {
            #pragma unroll
            for (int j = 0; j < ACROSS; ++j) {
                const f32 (&four)[4] = sums[begin + i][j];
                const index place = (i * 16 + lane / 4) * PITCH + j * 8 + lane % 4 * 2;
                store(staged, place, Pack<f32, 2>{{four[0], four[1]}});
                store(staged, place + 8 * PITCH, Pack<f32, 2>{{four[2], four[3]}});
            }
        }
        __syncwarp();
        finish_rows<S, STAGED * 16, Tile::WARP_COLUMNS, PITCH, 32>(
            staged, at.row + row + begin * 16, at.column + column, at.batch, at.part, lane, finish
        );
        __syncwarp();
    }
}

// A product of halves: by the tensor cores where the device has those of sm_80, else by the CUDA cores.
template <class S, class Tile, class Left, class Right, class Finish>
DEVICE void product_by_tensor_cores(
    const typename S::Element* left, const typename S::Element* right, const Finish& finish
) {
    DYN_SHARED(char, shared);
#if __CUDA_ARCH__ >= 800
    product_by_warps<S, Tile, Left, Right>(left, right, finish, shared);
#else
    product_by_tiles<S, typename Tile::Plain, Left, Right>(left, right, finish, reinterpret_cast<f32*>(shared));
#endif
}

}  // namespace tiles
