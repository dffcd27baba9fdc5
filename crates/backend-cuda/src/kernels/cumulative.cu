// Running totals along lines.
//
// Where there are many lines side by side, each thread walks one. Otherwise a block takes a line, tile by tile: each
// thread folds a few neighbours, the threads find out what stands before them, and the block carries the total of all
// tiles so far. Of few long lines each is cut into parts, whose totals a kernel before has written down; so every part
// knows what it begins with. The cuts depend on sizes alone.

// Neighbours of a line that one thread takes from each tile.
static constexpr index TILE_ITEMS = 4;

// The element that is number `i` on the way.
template <class Line, bool REVERSE>
METHOD index on_the_way(index line, index i) {
    return Line::place(line, REVERSE ? Line::LENGTH - 1 - i : i);
}

// One thread for each line.
template <class Fold, class Line, index LINES, bool REVERSE, class T>
DEVICE void cumulate_side_by_side(const T* __restrict__ from, T* __restrict__ to) {
    const index threads = gridDim.x * blockDim.x;
    for (index line = blockIdx.x * blockDim.x + threadIdx.x; line < LINES; line += threads) {
        typename Fold::Total total = Fold::nothing();
#pragma unroll 4
        for (index i = 0; i < Line::LENGTH; ++i) {
            const index place = on_the_way<Line, REVERSE>(line, i);
            total = Fold::join(total, Fold::lift(from[place], i));
            to[place] = Fold::lower(total);
        }
    }
}

// One block for each part of each line: its total.
template <class Fold, class Line, index PARTS, int THREADS, bool REVERSE, class T>
DEVICE void cumulate_parts(const T* __restrict__ from, typename Fold::Total* totals) {
    constexpr index PART = (Line::LENGTH + PARTS - 1) / PARTS;
    const index line = blockIdx.x / PARTS, begin = blockIdx.x % PARTS * PART;
    const index end = smaller(begin + PART, Line::LENGTH);
    typename Fold::Total total = Fold::nothing();
#pragma unroll 4
    for (index i = begin + threadIdx.x; i < end; i += THREADS) {
        total = Fold::join(total, Fold::lift(from[on_the_way<Line, REVERSE>(line, i)], i));
    }
    total = fold::across_block<Fold, THREADS>(total);
    if (threadIdx.x == 0) totals[blockIdx.x] = total;
}

// One block for each part of each line: its running totals.
template <class Fold, class Line, index PARTS, int THREADS, bool REVERSE, class T>
DEVICE void cumulate(const T* __restrict__ from, T* __restrict__ to, const typename Fold::Total* totals) {
    typedef typename Fold::Total Total;
    constexpr index PART = (Line::LENGTH + PARTS - 1) / PARTS;
    const index line = blockIdx.x / PARTS, part = blockIdx.x % PARTS, begin = part * PART;
    const index end = smaller(begin + PART, Line::LENGTH);
    Total before = Fold::nothing();
    if constexpr (PARTS > 1) {
        for (index other = threadIdx.x; other < part; other += THREADS) {
            before = Fold::join(before, totals[line * PARTS + other]);
        }
        before = fold::across_block<Fold, THREADS>(before);
    }
    for (index tile = begin; tile < end; tile += THREADS * TILE_ITEMS) {
        const index first = tile + threadIdx.x * TILE_ITEMS;
        Total running[TILE_ITEMS], own = Fold::nothing(), whole;
#pragma unroll
        for (index item = 0; item < TILE_ITEMS; ++item) {
            const index i = first + item;
            if (i < end) own = Fold::join(own, Fold::lift(from[on_the_way<Line, REVERSE>(line, i)], i));
            running[item] = own;
        }
        const Total in_tile = fold::before_in_block<Fold, THREADS>(own, whole);
        const Total until_here = Fold::join(before, in_tile);
#pragma unroll
        for (index item = 0; item < TILE_ITEMS; ++item) {
            const index i = first + item;
            if (i < end) to[on_the_way<Line, REVERSE>(line, i)] = Fold::lower(Fold::join(until_here, running[item]));
        }
        before = Fold::join(before, whole);
    }
}
