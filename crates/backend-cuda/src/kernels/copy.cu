// Copies: every op that only moves elements.
//
// Elements are moved as units, whatever their type: of their own width, or of up to 16 bytes where neighbours move
// together. Most copies are boxes of units with a stride for each axis on either side, and consecutive threads take
// consecutive units of the target; sizes and strides are constants of the printed kernel, so a coordinate costs a few
// multiplications. Where units that lie side by side in the source come to lie apart, that would read one unit of each
// 32 bytes: there, tiles go through shared memory, read along the source's axis and written along the target's.

// What has no element in the source.
constexpr index NOWHERE = 0xffffffffu;

// Whole tensors: LANES neighbours at a time, then the rest one by one.
template <int LANES, class T>
DEVICE void copy_whole(const T* from, T* to, index elements) {
    const index threads = gridDim.x * blockDim.x, thread = blockIdx.x * blockDim.x + threadIdx.x;
    const index groups = elements / LANES;
    for (index i = thread; i < groups; i += threads) store(to, i * LANES, load<LANES>(from, i * LANES));
    for (index i = groups * LANES + thread; i < elements; i += threads) to[i] = from[i];
}

// ---- Boxes ------------------------------------------------------------------------------------------------------

// The coordinate at which a block begins, moved inside: there is so much room before the last one.
METHOD index corner(i32 start, index room) { return start < 0 ? 0 : smaller((index)start, room); }

// Box says which unit of either side belongs to place `i`.
template <class Box, class Unit>
DEVICE void copy_box(const Unit* from, Unit* to, index units) {
    const index threads = gridDim.x * blockDim.x;
    for (index i = blockIdx.x * blockDim.x + threadIdx.x; i < units; i += threads) to[Box::to(i)] = from[Box::from(i)];
}

// Boxes of ROWS x COLUMNS units. Rows lie side by side in the source (and ROW_TO apart in the target), columns in the
// target (and COLUMN_FROM apart in the source). Box says where each begins.
template <class Box, index ROWS, index COLUMNS, index COLUMN_FROM, index ROW_TO, class Unit>
DEVICE void copy_transposed(const Unit* from, Unit* to, index boxes) {
    // 64 narrow units fill the 128 bytes that a warp moves at once. The padding turns each row of the tile by one
    // bank, so that a column of it is read without conflicts.
    constexpr index TILE = sizeof(Unit) < 4 ? 64 : 32;
    constexpr index PADDING = sizeof(Unit) < 4 ? 4 / sizeof(Unit) : 1;
    constexpr index ROW_TILES = (ROWS + TILE - 1) / TILE, COLUMN_TILES = (COLUMNS + TILE - 1) / TILE;
    __shared__ Unit tile[TILE][TILE + PADDING];
    const index lane = threadIdx.x % TILE, line = threadIdx.x / TILE, lines = blockDim.x / TILE;
    for (index work = blockIdx.x; work < boxes * ROW_TILES * COLUMN_TILES; work += gridDim.x) {
        const index box = work / (ROW_TILES * COLUMN_TILES);
        const index row = work / COLUMN_TILES % ROW_TILES * TILE, column = work % COLUMN_TILES * TILE;
        const Unit* source = from + Box::from(box);
        for (index i = line; i < TILE && column + i < COLUMNS; i += lines) {
            if (row + lane < ROWS) tile[i][lane] = source[row + lane + (column + i) * COLUMN_FROM];
        }
        __syncthreads();
        Unit* target = to + Box::to(box);
        for (index i = line; i < TILE && row + i < ROWS; i += lines) {
            if (column + lane < COLUMNS) target[(row + i) * ROW_TO + column + lane] = tile[lane][i];
        }
        __syncthreads();
    }
}

// ---- Padding ----------------------------------------------------------------------------------------------------

// The coordinate before padding: the axis begins at LOW, is SPAN long, and every STEP-th place of it is an element.
template <index LOW, index SPAN, index STEP>
METHOD index unpadded(index coordinate) {
    // Before LOW, the difference wraps to more than any span.
    const index inside = coordinate - LOW;
    return inside < SPAN && inside % STEP == 0 ? inside / STEP : NOWHERE;
}

// Every element of the result is written once: Padding names its element in the source, or NOWHERE.
template <class Padding, int LANES, class T>
DEVICE void pad(const T* from, const T* value, T* to, index groups) {
    const index threads = gridDim.x * blockDim.x;
    Pack<T, LANES> fill;
    #pragma unroll
    for (int v = 0; v < LANES; ++v) fill[v] = *value;
    for (index i = blockIdx.x * blockDim.x + threadIdx.x; i < groups; i += threads) {
        const index source = Padding::from(i);
        store(to, i * LANES, source == NOWHERE ? fill : load<LANES>(from, source * LANES));
    }
}
