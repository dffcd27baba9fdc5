// Windows: their sums, their largest elements, where these stand, and sums spread over windows.
//
// Tensors are `[n, sizes…, channels]`. A thread takes LANES neighbouring channels of one place and walks the taps of
// its window, outermost axis first; so neighbouring threads read neighbouring channels, and what windows share stays in
// the caches. Sums are spread the same way, seen from the other side: each element collects from the places whose
// windows contain it. Nothing is added by two threads.

// One axis: the element that a tap meets at a place; or, backwards, the place whose tap meets an element.
template <index PLACES_, index TAPS, index SIZE_, index STRIDE, index DILATION, index LOW, bool BACKWARD>
struct WindowAxis {
    static constexpr index PLACES = PLACES_, SIZE = SIZE_;

    static METHOD bool meets(index place, index tap, index& source) {
        if constexpr (BACKWARD) {
            const index distance = place + LOW - tap * DILATION;
            source = distance / STRIDE;
            return place + LOW >= tap * DILATION && distance % STRIDE == 0 && source < SIZE;
        } else {
            const index position = place * STRIDE + tap * DILATION;
            source = position - LOW;
            return position >= LOW && source < SIZE;
        }
    }

    // Hands `inner` each source, in the order of taps.
    template <class Inner>
    static METHOD void each(index place, const Inner& inner) {
        for (index tap = 0; tap < TAPS; ++tap) {
            index source;
            if (meets(place, tap, source)) inner(source);
        }
    }
};

// All axes, outermost first: `each` hands `see` the number of every source that a place meets.
template <class... Axes>
struct WindowAxes {
    static constexpr index PLACES = 1, SIZE = 1;
    template <class See>
    static METHOD void each(index, index outer, const See& see) { see(outer); }
};
template <class First, class... Rest>
struct WindowAxes<First, Rest...> {
    typedef WindowAxes<Rest...> Inner;
    static constexpr index PLACES = First::PLACES * Inner::PLACES, SIZE = First::SIZE * Inner::SIZE;
    template <class See>
    static METHOD void each(index place, index outer, const See& see) {
        First::each(place / Inner::PLACES, [&](index source) {
            Inner::each(place % Inner::PLACES, outer * First::SIZE + source, see);
        });
    }
};

// Folds what each place meets, of RESULTS places and channels, and hands it to the tail.
template <class Fold, class Axes, index CHANNELS, int LANES, index RESULTS, class Tail>
DEVICE void window(const typename Fold::Element* __restrict__ from, const Tail& tail) {
    const index threads = gridDim.x * blockDim.x;
    const index thread = blockIdx.x * blockDim.x + threadIdx.x;
    for (index group = thread; group < RESULTS / LANES; group += threads) {
        const index result = group * LANES, channel = result % CHANNELS, row = result / CHANNELS;
        const index example = row / Axes::PLACES * Axes::SIZE;
        typename Fold::Total totals[LANES];
#pragma unroll
        for (int v = 0; v < LANES; ++v) totals[v] = Fold::nothing();
        Axes::each(row % Axes::PLACES, 0, [&](index source) {
            const Pack<typename Fold::Element, LANES> x = load<LANES>(from, (example + source) * CHANNELS + channel);
#pragma unroll
            for (int v = 0; v < LANES; ++v) totals[v] = Fold::join(totals[v], Fold::lift(x[v], source));
        });
        Pack<typename Fold::Result, LANES> roots;
#pragma unroll
        for (int v = 0; v < LANES; ++v) roots[v] = Fold::lower(totals[v]);
        tail.run(Lanes<LANES>(), result, roots);
    }
}

// Where the largest element of each window stands among all of its example; -1 for a window of padding alone.
template <class Axes, index CHANNELS, int LANES, index RESULTS, class T>
DEVICE void window_arg_max(const T* __restrict__ from, i32* __restrict__ to) {
    const index threads = gridDim.x * blockDim.x;
    const index thread = blockIdx.x * blockDim.x + threadIdx.x;
    for (index group = thread; group < RESULTS / LANES; group += threads) {
        const index result = group * LANES, channel = result % CHANNELS, row = result / CHANNELS;
        const index example = row / Axes::PLACES * Axes::SIZE;
        typename Held<T>::type best[LANES];
        Pack<i32, LANES> places;
#pragma unroll
        for (int v = 0; v < LANES; ++v) {
            best[v] = 0;
            places[v] = -1;
        }
        Axes::each(row % Axes::PLACES, 0, [&](index source) {
            const Pack<T, LANES> x = load<LANES>(from, (example + source) * CHANNELS + channel);
#pragma unroll
            for (int v = 0; v < LANES; ++v) {
                const typename Held<T>::type value = widen(x[v]);
                // The first element wins over nothing, and over what it is not smaller than: only a NaN.
                const bool wins = places[v] < 0 || !(best[v] != best[v] || best[v] >= value);
                best[v] = wins ? value : best[v];
                places[v] = wins ? (i32)(source * CHANNELS + channel + v) : places[v];
            }
        });
        store(to, result, places);
    }
}
