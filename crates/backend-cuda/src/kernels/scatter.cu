// Scatters: updates combined into rows picked by indices, in the order of the updates, whatever runs first.
//
// Nothing is locked and no sum depends on chance: indices are sorted first, stably, so that updates of one place lie
// side by side in their order. Few indices are sorted by counting, for each, those before it; many by their digits
// (Satish, Harris, Garland, "Designing efficient sorting algorithms for manycore GPUs", 2009). Then the sorted updates
// are cut into chunks, and a group of threads takes the updates of one chunk in, each its own columns. Runs of equal
// indices within a chunk go straight to their row; pieces of runs that cross into another chunk are kept, and joined
// in a second kernel. So an index that occurs very often (that of padding) does not hold up all others.
//
// Every kernel takes a printed Shape: the sizes [BATCHES, MIDDLE, PICKS or SIZE, INNER] (INNER counts packs of
// neighbours), COUNT indices in all, and CHUNK. A key is the place of an index among the picked axes of all batches;
// those out of range come last, under the key NONE.

// ---- Sorting ----------------------------------------------------------------------------------------------------

template <class Shape, class I>
METHOD index scatter_key(const I* indices, index number) {
    const I picked = indices[number];
    return is_within(picked, Shape::SIZE) ? number / Shape::PICKS * Shape::SIZE + (index)picked : Shape::NONE;
}

// Each block ranks 32 indices, one for each lane; its warps share the others out among them.
template <class Shape, class I>
DEVICE void scatter_rank(const I* indices, index* keys, index* order) {
    __shared__ index before[8][32];
    const index lane = threadIdx.x % 32, warp = threadIdx.x / 32, own = blockIdx.x * 32 + lane;
    const index key = own < Shape::COUNT ? scatter_key<Shape>(indices, own) : Shape::NONE;
    index count = 0;
    for (index other = warp; other < Shape::COUNT; other += 8) {
        const index its = scatter_key<Shape>(indices, other);
        count += its < key || (its == key && other < own);
    }
    before[warp][lane] = count;
    __syncthreads();
    if (warp != 0 || own >= Shape::COUNT) return;
    for (index other = 1; other < 8; ++other) count += before[other][lane];
    keys[count] = key;
    order[count] = own;
}

template <class Shape, class I>
DEVICE void scatter_keys(const I* indices, index* keys, index* order) {
    const index i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= Shape::COUNT) return;
    keys[i] = scatter_key<Shape>(indices, i);
    order[i] = i;
}

// One pass sorts by one digit of 8 bits. Blocks of 256 threads take tiles of 1024 keys; each of the 8 warps takes 128
// neighbours, 32 at a time.
constexpr index DIGITS = 256, SORT_TILE = 1024, SORT_ROUNDS = 4;

METHOD index digit_of(index key, int shift) { return key >> shift & (DIGITS - 1); }

// How often each digit occurs in each tile: counts[digit][tile].
template <class Shape, int SHIFT>
DEVICE void scatter_count(const index* keys, index* counts) {
    __shared__ index histogram[DIGITS];
    histogram[threadIdx.x] = 0;
    __syncthreads();
    for (index round = 0; round < SORT_ROUNDS; ++round) {
        const index i = blockIdx.x * SORT_TILE + round * DIGITS + threadIdx.x;
        if (i < Shape::COUNT) atomicAdd(&histogram[digit_of(keys[i], SHIFT)], 1u);
    }
    __syncthreads();
    counts[threadIdx.x * gridDim.x + blockIdx.x] = histogram[threadIdx.x];
}

// Replaces each of `length` counts by the sum of those before it, in one block of 1024 threads.
DEVICE void scatter_sum(index* counts, index length) {
    __shared__ index warps[32];
    const index lane = threadIdx.x % 32, warp = threadIdx.x / 32, share = ceil_div(length, 1024);
    const index first = smaller(threadIdx.x * share, length), end = smaller(first + share, length);
    index own = 0;
    for (index i = first; i < end; ++i) own += counts[i];
    index sum = own;
    for (int step = 1; step < 32; step *= 2) {
        const index other = __shfl_up_sync(0xffffffffu, sum, step);
        if (lane >= step) sum += other;
    }
    if (lane == 31) warps[warp] = sum;
    __syncthreads();
    index before = sum - own;
    for (index other = 0; other < warp; ++other) before += warps[other];
    for (index i = first; i < end; ++i) {
        const index count = counts[i];
        counts[i] = before;
        before += count;
    }
}

// Moves each key behind those of smaller digits, of tiles before its own, and before it in its tile.
template <class Shape, int SHIFT>
DEVICE void scatter_move(
    const index* keys, const index* order, const index* counts, index* keys_to, index* order_to) {
    __shared__ index seen[8][DIGITS];
    const index lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    for (index other = 0; other < 8; ++other) seen[other][threadIdx.x] = 0;
    __syncthreads();
    const index first = blockIdx.x * SORT_TILE + warp * (SORT_ROUNDS * 32) + lane;
    index key[SORT_ROUNDS], rank[SORT_ROUNDS];
    #pragma unroll
    for (index round = 0; round < SORT_ROUNDS; ++round) {
        const bool is_key = first + round * 32 < Shape::COUNT;
        key[round] = is_key ? keys[first + round * 32] : 0;
        const index digit = digit_of(key[round], SHIFT);
        // The lanes that hold the same digit.
        u32 peers = __ballot_sync(0xffffffffu, is_key);
        #pragma unroll
        for (int bit = 0; bit < 8; ++bit) {
            const u32 set = __ballot_sync(0xffffffffu, digit >> bit & 1u);
            peers &= digit >> bit & 1u ? set : ~set;
        }
        const index before = __popc(peers & ((1u << lane) - 1u));
        rank[round] = seen[warp][digit] + before;
        __syncwarp();
        if (is_key && before == 0) seen[warp][digit] += __popc(peers);
        __syncwarp();
    }
    __syncthreads();
    // Where the keys of each warp with digit `threadIdx.x` begin.
    index start = counts[threadIdx.x * gridDim.x + blockIdx.x];
    for (index other = 0; other < 8; ++other) {
        const index count = seen[other][threadIdx.x];
        seen[other][threadIdx.x] = start;
        start += count;
    }
    __syncthreads();
    #pragma unroll
    for (index round = 0; round < SORT_ROUNDS; ++round) {
        const index from = first + round * 32;
        if (from >= Shape::COUNT) continue;
        const index to = seen[warp][digit_of(key[round], SHIFT)] + rank[round];
        keys_to[to] = key[round];
        order_to[to] = order[from];
    }
}

// ---- Combining --------------------------------------------------------------------------------------------------

struct ScatterSet {
    template <class T>
    static METHOD T of(T, T update) { return update; }
};
struct ScatterAdd {
    template <class T>
    static METHOD T of(T x, T update) { return op::add_(x, update); }
};
struct ScatterMax {
    template <class T>
    static METHOD T of(T x, T update) { return op::max_(x, update); }
};
struct ScatterMin {
    template <class T>
    static METHOD T of(T x, T update) { return op::min_(x, update); }
};

// Where column `column` of an update or of a row begins, in packs.
template <class Shape>
METHOD index update_at(index number, index column) {
    const index row = number / Shape::PICKS * Shape::MIDDLE + column / Shape::INNER;
    return (row * Shape::PICKS + number % Shape::PICKS) * Shape::INNER + column % Shape::INNER;
}
template <class Shape>
METHOD index row_at(index key, index column) {
    const index row = key / Shape::SIZE * Shape::MIDDLE + column / Shape::INNER;
    return (row * Shape::SIZE + key % Shape::SIZE) * Shape::INNER + column % Shape::INNER;
}

// Neighbours as they are combined: halves in f32.
template <class T, int LANES>
struct Combined {
    typedef typename Held<T>::type H;
    Pack<H, LANES> values;
    bool is_empty;

    template <class Kind, class X>
    METHOD void take(const Pack<X, LANES>& update) {
        #pragma unroll
        for (int v = 0; v < LANES; ++v) {
            const H value = cast<H>(update[v]);
            values[v] = is_empty ? value : Kind::template of<H>(values[v], value);
        }
        is_empty = false;
    }

    // Combines all of it with what lies in a row.
    template <class Kind>
    METHOD void meet(T* to, index pack) const {
        Pack<T, LANES> row = load<LANES>(to, pack * LANES);
        #pragma unroll
        for (int v = 0; v < LANES; ++v) row[v] = cast<T>(Kind::template of<H>(cast<H>(row[v]), values[v]));
        store(to, pack * LANES, row);
    }
};

// How many updates are on their way from memory at once.
constexpr index AHEAD = 4;

// Takes in the updates of one chunk. `parts` has two places for each chunk: for the end of a run that began before it,
// and for the beginning of one that goes on behind it.
template <class Shape, class Kind, int LANES, class T, class H>
DEVICE void scatter_chunks(const index* keys, const index* order, const T* updates, T* to, H* parts) {
    constexpr index COLUMNS = Shape::MIDDLE * Shape::INNER;
    const index thread = blockIdx.x * blockDim.x + threadIdx.x, chunk = thread / COLUMNS, column = thread % COLUMNS;
    const index first = chunk * Shape::CHUNK, end = smaller(first + Shape::CHUNK, Shape::COUNT);
    if (first >= Shape::COUNT) return;
    index key = keys[first];
    bool began_before = first > 0 && keys[first - 1] == key;
    Combined<T, LANES> run;
    run.is_empty = true;
    const auto part = [&](index number) { return ((chunk * 2 + number) * COLUMNS + column) * LANES; };
    for (index at = first; at < end; at += AHEAD) {
        index its_key[AHEAD];
        Pack<T, LANES> update[AHEAD];
        #pragma unroll
        for (index i = 0; i < AHEAD; ++i) {
            // Past the end the last one is read again, and not taken.
            const index sorted = smaller(at + i, end - 1);
            its_key[i] = keys[sorted];
            update[i] = load<LANES>(updates, update_at<Shape>(order[sorted], column) * LANES);
        }
        #pragma unroll
        for (index i = 0; i < AHEAD; ++i) {
            if (at + i >= end) break;
            if (its_key[i] != key) {
                if (began_before) {
                    store(parts, part(0), run.values);
                } else {
                    run.template meet<Kind>(to, row_at<Shape>(key, column));
                }
                began_before = false;
                run.is_empty = true;
                key = its_key[i];
            }
            run.template take<Kind>(update[i]);
        }
    }
    if (key == Shape::NONE) return;
    if (began_before) {
        store(parts, part(0), run.values);
    } else if (end < Shape::COUNT && keys[end] == key) {
        store(parts, part(1), run.values);
    } else {
        run.template meet<Kind>(to, row_at<Shape>(key, column));
    }
}

// Joins the run that begins in one chunk and goes on in those behind it, if there is one.
template <class Shape, class Kind, int LANES, class T, class H>
DEVICE void scatter_join(const index* keys, const H* parts, T* to) {
    constexpr index COLUMNS = Shape::MIDDLE * Shape::INNER;
    constexpr index CHUNKS = (Shape::COUNT + Shape::CHUNK - 1) / Shape::CHUNK;
    const index thread = blockIdx.x * blockDim.x + threadIdx.x, chunk = thread / COLUMNS, column = thread % COLUMNS;
    if (chunk + 1 >= CHUNKS) return;
    const index first = chunk * Shape::CHUNK, key = keys[first + Shape::CHUNK - 1];
    const bool goes_on = key != Shape::NONE && keys[first + Shape::CHUNK] == key;
    if (!goes_on || (first > 0 && keys[first - 1] == key)) return;
    const auto part = [&](index place) { return load<LANES>(parts, (place * COLUMNS + column) * LANES); };
    Combined<T, LANES> run;
    run.is_empty = true;
    run.template take<Kind>(part(chunk * 2 + 1));
    for (index next = chunk + 1; next < CHUNKS;) {
        bool is_part[AHEAD];
        Pack<H, LANES> ahead[AHEAD];
        #pragma unroll
        for (index i = 0; i < AHEAD; ++i) {
            const index other = smaller(next + i, CHUNKS - 1);
            is_part[i] = next + i < CHUNKS && keys[other * Shape::CHUNK] == key;
            ahead[i] = part(other * 2);
        }
        #pragma unroll
        for (index i = 0; i < AHEAD; ++i) {
            if (is_part[i]) run.template take<Kind>(ahead[i]);
        }
        next = is_part[AHEAD - 1] ? next + AHEAD : CHUNKS;
    }
    run.template meet<Kind>(to, row_at<Shape>(key, column));
}
