// Reductions: a printed head gives the elements, a fold makes one of many, a printed tail takes the results.
//
// A printed shape says where elements stand in the head's space: result `r` is made of DEPTH elements, number `d` of
// which is at `first(r) + step(d)`, whatever axes are kept. Work is laid out so that neighbouring threads read
// neighbouring elements:
//
// - Rows, where the innermost axis is reduced: WIDTH neighbouring threads share one result. Up to 32 of them are part
//   of a warp, and a block takes several results; more are the whole block.
// - Columns, where the innermost axis is kept: WIDTH threads stand side by side along the results, LANES of which each
//   takes, and those below them take every so-manieth element of the same results. They meet in shared memory.
//
// Where there are too few results for all multiprocessors, the depth is cut into PARTS, one for each blockIdx.y, whose
// totals a second kernel joins. All cuts depend on sizes alone: the same numbers give the same sum, always.

// The last step of a result: its tail.
template <class Fold, class Tail>
struct Finished {
    const Tail& tail;
    template <int N>
    METHOD void run(Lanes<N> lanes, index result, const Pack<typename Fold::Total, N>& totals) const {
        Pack<typename Fold::Result, N> roots;
#pragma unroll
        for (int v = 0; v < N; ++v) roots[v] = Fold::lower(totals[v]);
        tail.run(lanes, result, roots);
    }
};

// What is kept of a part: its totals. Those of one result stand side by side.
template <class Fold, index PARTS>
struct Kept {
    typename Fold::Total* totals;
    template <int N>
    METHOD void run(Lanes<N>, index result, const Pack<typename Fold::Total, N>& part) const {
#pragma unroll
        for (int v = 0; v < N; ++v) totals[(result + v) * PARTS + blockIdx.y] = part[v];
    }
};

// The head that reads the totals of parts.
template <class Fold>
struct Parts {
    static constexpr int LANES = 1;
    const typename Fold::Total* totals;
    METHOD Pack<typename Fold::Total, 1> get(Lanes<1>, index i) const {
        return Pack<typename Fold::Total, 1>{{totals[i]}};
    }
};

// Folds LANES neighbours at each of `begin, begin + stride, …` up to `end`, every lane on its own: so there are
// several independent chains, and short ones. NEXT is 1 where lanes are neighbours along the depth.
template <class Fold, class Shape, index NEXT, class Head>
METHOD Pack<typename Fold::Total, Head::LANES> fold_lanes(
    const Head& head, index first, index begin, index end, index stride) {
    Pack<typename Fold::Total, Head::LANES> totals;
#pragma unroll
    for (int v = 0; v < Head::LANES; ++v) totals[v] = Fold::nothing();
#pragma unroll Shape::UNROLL
    for (index number = begin; number < end; number += stride) {
        const Pack<typename Fold::Element, Head::LANES> x =
            head.get(Lanes<Head::LANES>(), first + Shape::step(number));
#pragma unroll
        for (int v = 0; v < Head::LANES; ++v) {
            totals[v] = Fold::join(totals[v], Fold::lift(x[v], number + v * NEXT));
        }
    }
    return totals;
}

// The results that a block takes at a time, from number `row` on: one for each WIDTH threads.
template <class Fold, class Shape, class Head, class Finish>
METHOD void reduce_row(index row, const Head& head, const Finish& finish) {
    typedef typename Fold::Total Total;
    const index thread = threadIdx.x % Shape::WIDTH, result = row + threadIdx.x / Shape::WIDTH;
    const index begin = blockIdx.y * Shape::PART, end = smaller(begin + Shape::PART, Shape::DEPTH);
    Total total = Fold::nothing();
    if (result < Shape::RESULTS) {
        const Pack<Total, Head::LANES> totals = fold_lanes<Fold, Shape, 1>(
            head, Shape::first(result), begin + thread * Head::LANES, end, Shape::WIDTH * Head::LANES);
        total = totals[0];
#pragma unroll
        for (int v = 1; v < Head::LANES; ++v) total = Fold::join(total, totals[v]);
    }
    if constexpr (Shape::WIDTH > 32) {
        total = fold::across_block<Fold, Shape::WIDTH>(total);
    } else {
        total = fold::across_warp<Fold, Shape::WIDTH>(total);
    }
    if (thread == 0 && result < Shape::RESULTS) finish.run(Lanes<1>(), result, Pack<Total, 1>{{total}});
}

template <class Fold, class Shape, class Head, class Finish>
DEVICE void reduce_rows(const Head& head, const Finish& finish) {
    constexpr index ROWS = Shape::THREADS / Shape::WIDTH;
    for (index row = blockIdx.x * ROWS; row < Shape::RESULTS; row += gridDim.x * ROWS) {
        reduce_row<Fold, Shape>(row, head, finish);
    }
}

// ---- Chains -----------------------------------------------------------------------------------------------------
//
// Softmax, layer normalization and the like are reductions and maps of the same rows, one after another. A chain takes
// row by row through all of them: what one step writes of a row the next finds in the nearest cache, and memory moves
// each row once. Between two steps the threads of a row wait for each other.

// A printed program at each place of the rows that `reduce_row` takes.
template <class Shape, class Program>
METHOD void map_row(index row, const Program& program) {
    constexpr index LANES = Program::LANES;
    const index thread = threadIdx.x % Shape::WIDTH, result = row + threadIdx.x / Shape::WIDTH;
    if (result >= Shape::RESULTS) return;
#pragma unroll Shape::UNROLL
    for (index number = thread * LANES; number < Shape::DEPTH; number += Shape::WIDTH * LANES) {
        program.run(Lanes<Program::LANES>(), result * Shape::DEPTH + number);
    }
}

// Lets the threads of a row see what each other has written.
template <class Shape>
METHOD void meet() {
    if constexpr (Shape::WIDTH > 32) {
        __syncthreads();
    } else {
        __syncwarp();
    }
}

// ---- Columns ----------------------------------------------------------------------------------------------------

// The totals of the threads that stand below each other in a block, for those at the top.
template <class Fold, class Shape, int N>
METHOD void fold_down(Pack<typename Fold::Total, N>& totals) {
    __shared__ Pack<typename Fold::Total, N> below[Shape::THREADS];
    below[threadIdx.x] = totals;
#pragma unroll
    for (int half = Shape::THREADS / 2; half >= Shape::WIDTH; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) {
#pragma unroll
            for (int v = 0; v < N; ++v) totals[v] = Fold::join(totals[v], below[threadIdx.x + half][v]);
            below[threadIdx.x] = totals;
        }
    }
    __syncthreads();
}

template <class Fold, class Shape, class Head, class Finish>
DEVICE void reduce_columns(const Head& head, const Finish& finish) {
    constexpr int LANES = Head::LANES;
    constexpr index DOWN = Shape::THREADS / Shape::WIDTH;
    const index across = threadIdx.x % Shape::WIDTH, down = threadIdx.x / Shape::WIDTH;
    const index begin = blockIdx.y * Shape::PART, end = smaller(begin + Shape::PART, Shape::DEPTH);
    constexpr index WHOLE = Shape::WIDTH * LANES;
    for (index block = blockIdx.x * WHOLE; block < Shape::RESULTS; block += gridDim.x * WHOLE) {
        const index result = block + across * LANES;
        const bool is_one = result < Shape::RESULTS;
        Pack<typename Fold::Total, LANES> totals = fold_lanes<Fold, Shape, 0>(
            head, is_one ? Shape::first(result) : 0, begin + down, is_one ? end : 0, DOWN);
        if constexpr (DOWN > 1) fold_down<Fold, Shape, LANES>(totals);
        if (down == 0 && is_one) finish.run(Lanes<LANES>(), result, totals);
    }
}
