// Products of matrices by tiles, for all that is one: `dot`, and the three ops of convolutions.
//
// A product is described by a printed struct, S below:
//     typedef f32 Element;                     what operands and results are
//     M, N, K                                  rows and columns of a result, and the length of each sum
//     BATCH                                    number of products; of a convolution, its groups
//     BATCH_STEP, ROW_STEP                     places of the result from product to product, and from row to row
//     PARTS, PART                              each sum is cut into so many parts of so many summands
//     RESULTS                                  number of results in all
//
// What is multiplied is described by an Operand, so that the same tiles serve matrices and what taps meet. Operands
// are seen as lines (rows of the left, columns of the right) of K elements each:
//     Element, ALONG_K, VECTOR                 VECTOR neighbours lie side by side, along k or along the lines
//     Operand(const Element*, index batch)
//     Line line(index)                         what there is to know of a line before elements of it are asked for
//     const Element* find(Line, index k)       where VECTOR neighbours lie; nowhere if there are none: zeros
// VECTOR divides the number of neighbours, so all of them are there or none.
//
// Where blocks would be too few, sums are cut into parts: each block keeps the sums of its part, and a second kernel
// adds them up in their order. So results do not depend on which block is done first.

namespace tiles {

// ---- Sums ---------------------------------------------------------------------------------------------------------

// Halves are summed as f32, whole numbers as the unsigned ones that they wrap as.
template <class T>
using SumOf = typename Wrapped<T>::type;

template <class T>
METHOD SumOf<T> summand(T x) { return (SumOf<T>)x; }
METHOD f32 summand(bf16 x) { return widen(x); }
METHOD f32 summand(f16 x) { return widen(x); }

template <class T>
struct Rounded {
    static METHOD T of(SumOf<T> sum) { return (T)sum; }
};
template <>
struct Rounded<bf16> : Narrow<bf16> {};
template <>
struct Rounded<f16> : Narrow<f16> {};

// Where sums go once they are complete: rounded to an element, and through the tail.
template <class T, class Tail>
struct Finished {
    static constexpr int LANES = Tail::LANES;
    const Tail& tail;
    template <int N>
    METHOD void run(Lanes<N> lanes, index i, index, const Pack<SumOf<T>, N>& sums) const {
        Pack<T, N> root;
        #pragma unroll
        for (int v = 0; v < N; ++v) root[v] = Rounded<T>::of(sums[v]);
        tail.run(lanes, i, root);
    }
};

// Where sums of a part go: they are kept, part after part.
template <class T, index RESULTS, int LANES_>
struct Kept {
    static constexpr int LANES = LANES_;
    SumOf<T>* to;
    template <int N>
    METHOD void run(Lanes<N>, index i, index part, const Pack<SumOf<T>, N>& sums) const {
        store(to, part * RESULTS + i, sums);
    }
};

// Adds up the parts of each result, in their order.
template <class S, class Finish>
DEVICE void combine(const SumOf<typename S::Element>* parts, const Finish& finish) {
    typedef SumOf<typename S::Element> Sum;
    constexpr int LANES = Finish::LANES;
    const index threads = gridDim.x * blockDim.x;
    for (index group = blockIdx.x * blockDim.x + threadIdx.x; group < S::RESULTS / LANES; group += threads) {
        Pack<Sum, LANES> sums = load<LANES>(parts, group * LANES);
        #pragma unroll 4
        for (index part = 1; part < S::PARTS; ++part) {
            const Pack<Sum, LANES> more = load<LANES>(parts, part * S::RESULTS + group * LANES);
            #pragma unroll
            for (int v = 0; v < LANES; ++v) sums[v] += more[v];
        }
        finish.run(Lanes<LANES>(), group * LANES, 0, sums);
    }
}

// ---- Matrices -----------------------------------------------------------------------------------------------------

// A matrix of LINES lines of DEPTH elements each: `[line][k]` if ALONG_K, else `[k][line]`, where neighbours of the
// slower axis lie STEP apart. The next product's lies BATCH_STEP further.
template <class T, bool ALONG_K_, int VECTOR_, index LINES, index DEPTH, index STEP, index BATCH_STEP>
struct Matrix {
    typedef T Element;
    static constexpr bool ALONG_K = ALONG_K_;
    static constexpr int VECTOR = VECTOR_;
    const T* first;
    METHOD Matrix(const T* from, index batch) : first(from + batch * BATCH_STEP) {}

    struct Line {
        index begin;
        bool inside;
    };
    METHOD Line line(index number) const { return Line{ALONG_K ? number * STEP : number, number < LINES}; }
    METHOD const T* find(const Line& line, index k) const {
        return line.inside && k < DEPTH ? first + (line.begin + (ALONG_K ? k : k * STEP)) : nullptr;
    }
};

// ---- Blocks -------------------------------------------------------------------------------------------------------

// The tile of a block. Blocks that run at the same time take a compact patch of tiles, eight high, so that what they
// read of both operands is in the second-level cache.
template <class S, int ROWS, int COLUMNS>
struct Where {
    static constexpr index DOWN = (S::M + ROWS - 1) / ROWS, ACROSS = (S::N + COLUMNS - 1) / COLUMNS;
    static constexpr index HEIGHT = 8;
    index batch, part, row, column;

    static METHOD Where of(index block) {
        const index product = block / (DOWN * ACROSS), tile = block % (DOWN * ACROSS);
        const index band = tile / (HEIGHT * ACROSS), inside = tile % (HEIGHT * ACROSS);
        const index height = smaller(HEIGHT, DOWN - band * HEIGHT);
        Where at;
        at.batch = product / S::PARTS;
        at.part = product % S::PARTS;
        at.row = (band * HEIGHT + inside % height) * ROWS;
        at.column = inside / height * COLUMNS;
        return at;
    }
    METHOD index first() const { return part * S::PART; }
    METHOD index last() const { return smaller(S::K, part * S::PART + S::PART); }
};

// Finishes rows of sums that lie in shared memory, LANES neighbours at a time, by so many threads.
template <class S, int ROWS, int COLUMNS, int PITCH, int THREADS, class Finish>
DEVICE void finish_rows(
    const SumOf<typename S::Element>* sums, index row, index column, index batch, index part, index thread,
    const Finish& finish
) {
    constexpr int LANES = Finish::LANES, ACROSS = COLUMNS / LANES;
    #pragma unroll 1
    for (index group = thread; group < ROWS * ACROSS; group += THREADS) {
        const index down = group / ACROSS, along = group % ACROSS * LANES;
        if (row + down < S::M && column + along < S::N) {
            const index i = batch * S::BATCH_STEP + (row + down) * S::ROW_STEP + column + along;
            finish.run(Lanes<LANES>(), i, part, load<LANES>(sums, down * PITCH + along));
        }
    }
}

// ---- Tiles on the CUDA cores ----------------------------------------------------------------------------------------

// What a thread fetches of the tiles of one operand: VECTOR neighbours at a time, held in registers on their way.
template <class Operand, int LINES, int DEPTH, int THREADS>
struct Fetch {
    typedef typename Operand::Element Element;
    typedef SumOf<Element> Sum;
    static constexpr int VECTOR = Operand::VECTOR;
    static constexpr int SIDE = (Operand::ALONG_K ? DEPTH : LINES) / VECTOR;
    static constexpr int VECTORS = LINES * DEPTH / VECTOR;
    static constexpr int EACH = (VECTORS + THREADS - 1) / THREADS;
    // Four more than lines, so that neighbours along k are written to other banks.
    static constexpr int PITCH = LINES + 4;

    typename Operand::Line lines[EACH];
    Pack<Element, VECTOR> held[EACH];

    static METHOD bool takes(int turn) { return VECTORS % THREADS == 0 || threadIdx.x + turn * THREADS < VECTORS; }
    static METHOD index line_of(int turn) {
        const index vector = threadIdx.x + turn * THREADS;
        return Operand::ALONG_K ? vector / SIDE : vector % SIDE * VECTOR;
    }
    static METHOD index k_of(int turn) {
        const index vector = threadIdx.x + turn * THREADS;
        return Operand::ALONG_K ? vector % SIDE * VECTOR : vector / SIDE;
    }

    METHOD void begin(const Operand& operand, index first_line) {
        #pragma unroll
        for (int turn = 0; turn < EACH; ++turn) lines[turn] = operand.line(first_line + line_of(turn));
    }

    METHOD void fetch(const Operand& operand, index k) {
        #pragma unroll
        for (int turn = 0; turn < EACH; ++turn) {
            const Element* place = takes(turn) ? operand.find(lines[turn], k + k_of(turn)) : nullptr;
            held[turn] = place ? load<VECTOR>(place, 0) : Pack<Element, VECTOR>{};
        }
    }

    // Puts what was fetched into a tile [DEPTH][PITCH].
    METHOD void put(Sum* tile) const {
        #pragma unroll
        for (int turn = 0; turn < EACH; ++turn) {
            if (!takes(turn)) continue;
            Pack<Sum, VECTOR> wide;
            #pragma unroll
            for (int v = 0; v < VECTOR; ++v) wide[v] = summand(held[turn][v]);
            const index place = k_of(turn) * PITCH + line_of(turn);
            if (Operand::ALONG_K) {
                #pragma unroll
                for (int v = 0; v < VECTOR; ++v) tile[place + v * PITCH] = wide[v];
            } else {
                store(tile, place, wide);
            }
        }
    }
};

// The tile of a block and its threads: each sums EACH_ROWS x EACH_COLUMNS results, fours that lie apart, so that the
// fours of neighbouring threads are neighbours.
template <int ROWS_, int COLUMNS_, int DEPTH_, int EACH_ROWS_, int EACH_COLUMNS_>
struct Tile {
    static constexpr int ROWS = ROWS_, COLUMNS = COLUMNS_, DEPTH = DEPTH_;
    static constexpr int EACH_ROWS = EACH_ROWS_, EACH_COLUMNS = EACH_COLUMNS_;
    static constexpr int DOWN = ROWS / EACH_ROWS, ACROSS = COLUMNS / EACH_COLUMNS, THREADS = DOWN * ACROSS;
    // Sums that lie in shared memory at a time as they are finished: one of the fours of all threads.
    static constexpr int STAGED_ROWS = DOWN * 4;
    // Elements of shared memory: tiles of both operands, twice; later the sums.
    static constexpr int TILES = 2 * DEPTH * (ROWS + 4 + COLUMNS + 4);
    static constexpr int STAGED = STAGED_ROWS * COLUMNS;
    static constexpr int SHARED = TILES > STAGED ? TILES : STAGED;
};

// Shared memory holds two tiles of each operand: while one pair is multiplied, the next is on its way through
// registers into the other. A warp's threads lie in a rectangle of 4 by 8, so that a warp reads few distinct numbers.
template <class S, class Tile, class Left, class Right, class Finish>
DEVICE void product_by_tiles(
    const typename S::Element* left, const typename S::Element* right, const Finish& finish,
    SumOf<typename S::Element>* shared
) {
    typedef SumOf<typename S::Element> Sum;
    constexpr int ROWS = Tile::ROWS, COLUMNS = Tile::COLUMNS, DEPTH = Tile::DEPTH;
    constexpr int FOURS_DOWN = Tile::EACH_ROWS / 4, FOURS_ACROSS = Tile::EACH_COLUMNS / 4;
    const Where<S, ROWS, COLUMNS> at = Where<S, ROWS, COLUMNS>::of(blockIdx.x);
    const Left a(left, at.batch);
    const Right b(right, at.batch);
    Fetch<Left, ROWS, DEPTH, Tile::THREADS> rows;
    Fetch<Right, COLUMNS, DEPTH, Tile::THREADS> columns;
    constexpr int LEFT_TILE = DEPTH * rows.PITCH, RIGHT_TILE = DEPTH * columns.PITCH;
    Sum* const left_tiles = shared;
    Sum* const right_tiles = shared + 2 * LEFT_TILE;

    const index warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const index down = (warp / (Tile::ACROSS / 8) * 4 + lane / 8) * 4;
    const index across = (warp % (Tile::ACROSS / 8) * 8 + lane % 8) * 4;

    Sum sums[Tile::EACH_ROWS][Tile::EACH_COLUMNS];
    #pragma unroll
    for (int i = 0; i < Tile::EACH_ROWS; ++i) {
        #pragma unroll
        for (int j = 0; j < Tile::EACH_COLUMNS; ++j) sums[i][j] = 0;
    }

    rows.begin(a, at.row);
    columns.begin(b, at.column);
    const index last = at.last();
    rows.fetch(a, at.first());
    columns.fetch(b, at.first());
    int current = 0;
    #pragma unroll 1
    for (index k = at.first(); k < last; k += DEPTH) {
        Sum* const left_tile = left_tiles + current * LEFT_TILE;
        Sum* const right_tile = right_tiles + current * RIGHT_TILE;
        rows.put(left_tile);
        columns.put(right_tile);
        __syncthreads();
        if (k + DEPTH < last) {
            rows.fetch(a, k + DEPTH);
            columns.fetch(b, k + DEPTH);
        }
        #pragma unroll
        for (int step = 0; step < DEPTH; ++step) {
            Pack<Sum, 4> x[FOURS_DOWN], y[FOURS_ACROSS];
            #pragma unroll
            for (int i = 0; i < FOURS_DOWN; ++i) {
                x[i] = load<4>(left_tile, step * rows.PITCH + i * Tile::STAGED_ROWS + down);
            }
            #pragma unroll
            for (int j = 0; j < FOURS_ACROSS; ++j) {
                y[j] = load<4>(right_tile, step * columns.PITCH + j * Tile::ACROSS * 4 + across);
            }
            #pragma unroll
            for (int i = 0; i < Tile::EACH_ROWS; ++i) {
                #pragma unroll
                for (int j = 0; j < Tile::EACH_COLUMNS; ++j) sums[i][j] += x[i / 4][i % 4] * y[j / 4][j % 4];
            }
        }
        current ^= 1;
    }

    #pragma unroll
    for (int four = 0; four < FOURS_DOWN; ++four) {
        __syncthreads();
        #pragma unroll
        for (int i = 0; i < 4; ++i) {
            #pragma unroll
            for (int j = 0; j < FOURS_ACROSS; ++j) {
                Pack<Sum, 4> pack;
                #pragma unroll
                for (int v = 0; v < 4; ++v) pack[v] = sums[four * 4 + i][j * 4 + v];
                store(shared, (down + i) * COLUMNS + j * Tile::ACROSS * 4 + across, pack);
            }
        }
        __syncthreads();
        finish_rows<S, Tile::STAGED_ROWS, COLUMNS, COLUMNS, Tile::THREADS>(
            shared, at.row + four * Tile::STAGED_ROWS, at.column, at.batch, at.part, threadIdx.x, finish
        );
    }
}

// The same with shared memory of its own.
template <class S, class Tile, class Left, class Right, class Finish>
DEVICE void product_by_cuda_cores(
    const typename S::Element* left, const typename S::Element* right, const Finish& finish
) {
    __shared__ Pack<SumOf<typename S::Element>, 4> shared[Tile::SHARED / 4];
    product_by_tiles<S, Tile, Left, Right>(left, right, finish, &shared[0][0]);
}

}  // namespace tiles
