// Sorting: where the elements of each line stand in sorted order.
//
// Each element becomes an unsigned key that orders as it does, NaN above all; turned around for a descending order. A
// key and the place it stands at are what is sorted: no two are equal, so any way of sorting keeps equal elements in
// their order.
//
// A line that fits into shared memory is sorted there by one block, as a bitonic network. Of longer lines blocks sort
// runs, and pass by pass two runs become one, until the line is one run. In a merge each thread makes a few neighbours
// of the result, and finds by bisection how many elements of either run come before its own.

// ---- Keys -------------------------------------------------------------------------------------------------------

METHOD u32 ascending_key(f32 x) {
    if (x != x) return 0xffffffffu;
    const u32 bits = x == 0.0f ? 0u : __float_as_uint(x);
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}
METHOD u64 ascending_key(f64 x) {
    if (x != x) return 0xffffffffffffffffull;
    const u64 bits = x == 0.0 ? 0ull : (u64)__double_as_longlong(x);
    return bits >> 63 ? ~bits : bits | 0x8000000000000000ull;
}
METHOD u32 ascending_key(bf16 x) { return ascending_key(widen(x)); }
METHOD u32 ascending_key(f16 x) { return ascending_key(widen(x)); }
METHOD u32 ascending_key(i32 x) { return (u32)x ^ 0x80000000u; }
METHOD u64 ascending_key(i64 x) { return (u64)x ^ 0x8000000000000000ull; }
METHOD u32 ascending_key(u8 x) { return x; }
METHOD u32 ascending_key(u32 x) { return x; }
METHOD u32 ascending_key(bool x) { return x; }

template <bool DESCENDING, class Key, class T>
METHOD Key sort_key(T x) { return DESCENDING ? ~ascending_key(x) : ascending_key(x); }

template <class Key>
struct Ranked {
    Key key;
    index place;
    METHOD bool before(const Ranked& other) const {
        return key < other.key || (key == other.key && place < other.place);
    }
};

// ---- In shared memory -------------------------------------------------------------------------------------------

// ROOM keys and their places, a power of two of them.
template <class Key, index ROOM>
struct SortRoom {
    Key keys[ROOM];
    index places[ROOM];
    METHOD Ranked<Key> at(index i) const { return Ranked<Key>{keys[i], places[i]}; }
    METHOD void put(index i, const Ranked<Key>& ranked) {
        keys[i] = ranked.key;
        places[i] = ranked.place;
    }
};

// Sorts what is in the room: a bitonic network, of which each thread of a block takes some pairs at a time.
template <class Key, index ROOM, int THREADS>
METHOD void sort_room(SortRoom<Key, ROOM>& room) {
    for (index size = 2; size <= ROOM; size *= 2) {
        for (index distance = size / 2; distance > 0; distance /= 2) {
            __syncthreads();
            for (index pair = threadIdx.x; pair < ROOM / 2; pair += THREADS) {
                const index low = 2 * pair - (pair & (distance - 1)), high = low + distance;
                const Ranked<Key> a = room.at(low), b = room.at(high);
                const bool is_rising = (low & size) == 0;
                if (b.before(a) == is_rising) {
                    room.put(low, b);
                    room.put(high, a);
                }
            }
        }
    }
    __syncthreads();
}

// Fills the room with a run of a line. What is left of it comes after all elements.
template <bool DESCENDING, class Line, class Key, index ROOM, int THREADS, class T>
METHOD void fill_room(SortRoom<Key, ROOM>& room, const T* from, index line, index first) {
    for (index i = threadIdx.x; i < ROOM; i += THREADS) {
        const index place = first + i;
        const Ranked<Key> last = {(Key)~(Key)0, 0xffffffffu};
        room.put(i, place >= Line::LENGTH ? last : Ranked<Key>{
            sort_key<DESCENDING, Key>(from[Line::place(line, place)]), place});
    }
}

// One block for each line: the places of its first elements.
template <class Key, class Line, class Result, index LINES, index ROOM, int THREADS, bool DESCENDING, class T>
DEVICE void sort_lines(const T* from, i32* to) {
    __shared__ SortRoom<Key, ROOM> room;
    for (index line = blockIdx.x; line < LINES; line += gridDim.x) {
        fill_room<DESCENDING, Line, Key, ROOM, THREADS>(room, from, line, 0);
        sort_room<Key, ROOM, THREADS>(room);
        for (index i = threadIdx.x; i < Result::LENGTH; i += THREADS) to[Result::place(line, i)] = room.places[i];
        __syncthreads();
    }
}

// ---- In passes --------------------------------------------------------------------------------------------------

// Keys and places of whole lines in memory, one line after the other.
template <class Key>
struct Runs {
    Key* keys;
    index* places;
    METHOD Ranked<Key> at(index i) const { return Ranked<Key>{keys[i], places[i]}; }
};

// One block for each run of each line.
template <class Key, class Line, index LINES, index ROOM, int THREADS, bool DESCENDING, class T>
DEVICE void sort_runs(const T* from, const Runs<Key> to) {
    __shared__ SortRoom<Key, ROOM> room;
    constexpr index RUNS = (Line::LENGTH + ROOM - 1) / ROOM;
    for (index run = blockIdx.x; run < LINES * RUNS; run += gridDim.x) {
        const index line = run / RUNS, first = run % RUNS * ROOM;
        fill_room<DESCENDING, Line, Key, ROOM, THREADS>(room, from, line, first);
        sort_room<Key, ROOM, THREADS>(room);
        for (index i = threadIdx.x; i < ROOM && first + i < Line::LENGTH; i += THREADS) {
            to.keys[line * Line::LENGTH + first + i] = room.keys[i];
            to.places[line * Line::LENGTH + first + i] = room.places[i];
        }
        __syncthreads();
    }
}

// How many of the first `count` elements of two runs, merged, are of the first run.
template <class Key>
METHOD index of_first_run(const Runs<Key>& runs, index a, index a_length, index b, index b_length, index count) {
    index low = count > b_length ? count - b_length : 0, high = smaller(count, a_length);
    while (low < high) {
        const index middle = low + (high - low) / 2;
        if (runs.at(a + middle).before(runs.at(b + count - 1 - middle))) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

// Neighbours that one thread makes; every run is a multiple of them.
static constexpr index MERGE_ITEMS = 8;

// Merges neighbouring runs of `run` elements, and hands `put(line, i, ranked)` the first COUNT elements of each line.
template <class Key, class Line, index LINES, index COUNT, class Put>
METHOD void merge(const Runs<Key>& runs, i64 run, const Put& put) {
    constexpr index PIECES = (COUNT + MERGE_ITEMS - 1) / MERGE_ITEMS, LENGTH = Line::LENGTH;
    const index threads = gridDim.x * blockDim.x;
    for (index piece = blockIdx.x * blockDim.x + threadIdx.x; piece < LINES * PIECES; piece += threads) {
        const index line = piece / PIECES, first = piece % PIECES * MERGE_ITEMS;
        const index begin = (index)(first / (2 * run) * (2 * run));
        const index middle = (index)(begin + run < LENGTH ? begin + run : LENGTH);
        const index end = (index)(begin + 2 * run < LENGTH ? begin + 2 * run : LENGTH);
        const index a_end = line * LENGTH + middle, b_end = line * LENGTH + end;
        const index before = first - begin;
        const index of_a =
            of_first_run(runs, line * LENGTH + begin, middle - begin, a_end, end - middle, before);
        index a = line * LENGTH + begin + of_a, b = a_end + before - of_a;
        for (index i = first; i < smaller(first + MERGE_ITEMS, smaller(end, COUNT)); ++i) {
            const bool takes_a = b >= b_end || (a < a_end && runs.at(a).before(runs.at(b)));
            put(line, i, runs.at(takes_a ? a++ : b++));
        }
    }
}

// One pass, from runs to runs of twice the length.
template <class Key, class Line, index LINES>
DEVICE void merge_runs(const Runs<Key> from, const Runs<Key> to, i64 run) {
    merge<Key, Line, LINES, Line::LENGTH>(from, run, [&](index line, index i, const Ranked<Key>& ranked) {
        to.keys[line * Line::LENGTH + i] = ranked.key;
        to.places[line * Line::LENGTH + i] = ranked.place;
    });
}

// The last pass: the places of the first elements.
template <class Key, class Line, class Result, index LINES>
DEVICE void merge_lines(const Runs<Key> from, i32* to, i64 run) {
    merge<Key, Line, LINES, Result::LENGTH>(from, run, [&](index line, index i, const Ranked<Key>& ranked) {
        to[Result::place(line, i)] = (i32)ranked.place;
    });
}
