// Convolutions, channels last, along any number of axes: the operands that make each of the three ops a product for the
// tiles of tiles.cuh and tensor.cuh, so that nothing is gathered beforehand; and direct forms for groups of so few
// channels that tiles would be mostly empty, as in depthwise convolutions.
//
// A convolution is described by a printed struct, C below:
//     AXES                                     axes that the kernel slides along
//     GROUPS, CHANNELS, FILTERS                groups, and channels and filters of each
//     input(axis), taps(axis), places(axis)    sizes along an axis
//     stride(axis), low(axis), dilation(axis)  how the kernel moves: at place o, tap t meets o stride + t dilation - low
//     INPUTS, TAPS, PLACES                     products of the sizes
//
//                      rows              columns    summed over         left                   right
//     forward          example, place    filter     tap, channel        what taps meet         the kernel
//     input gradient   example, element  channel    tap, filter         what met the element   the kernel, turned
//     kernel gradient  tap, channel      filter     example, place      what taps meet         the result's gradient
//
// Groups are a batch of products.

using namespace tiles;

enum Space { INPUT, TAP, PLACE };

template <class C, Space SPACE>
METHOD constexpr index size_along(int axis) {
    return SPACE == INPUT ? C::input(axis) : SPACE == TAP ? C::taps(axis) : C::places(axis);
}

// A number for each axis. There is one more, so that there is one.
template <class C>
struct Along {
    i32 at[C::AXES + 1];
};

// The coordinates of an element, a tap or a place.
template <class C, Space SPACE>
METHOD Along<C> coordinates(index number) {
    Along<C> along;
    #pragma unroll
    for (int axis = C::AXES - 1; axis >= 0; --axis) {
        const index size = size_along<C, SPACE>(axis) == 0 ? 1 : size_along<C, SPACE>(axis);
        along.at[axis] = (i32)(axis == 0 ? number : number % size);
        number /= size;
    }
    return along;
}

// How far a place, and a tap, move what is met.
template <class C>
METHOD Along<C> moved_by_place(index place) {
    Along<C> along = coordinates<C, PLACE>(place);
    #pragma unroll
    for (int axis = 0; axis < C::AXES; ++axis) along.at[axis] *= (i32)C::stride(axis);
    return along;
}
template <class C>
METHOD Along<C> moved_by_tap(index tap) {
    Along<C> along = coordinates<C, TAP>(tap);
    #pragma unroll
    for (int axis = 0; axis < C::AXES; ++axis) {
        along.at[axis] = along.at[axis] * (i32)C::dilation(axis) - (i32)C::low(axis);
    }
    return along;
}

constexpr index NOWHERE = 0xffffffffu;

// The element that is met; nowhere where that is padding.
template <class C>
METHOD index met(index example, const Along<C>& by_place, const Along<C>& by_tap) {
    index element = example;
    bool inside = true;
    #pragma unroll
    for (int axis = 0; axis < C::AXES; ++axis) {
        const index along = (index)(by_place.at[axis] + by_tap.at[axis]);
        inside = inside && along < C::input(axis);
        element = element * C::input(axis) + along;
    }
    return inside ? element : NOWHERE;
}

// The place at which a tap meets an element; nowhere if there is none. `reached` is the element's coordinates.
template <class C>
METHOD index meeting(index example, const Along<C>& reached, const Along<C>& by_tap) {
    index place = example;
    bool inside = true;
    #pragma unroll
    for (int axis = 0; axis < C::AXES; ++axis) {
        const i32 distance = reached.at[axis] - by_tap.at[axis];
        const index along = (index)distance / C::stride(axis);
        inside = inside && distance >= 0 && along * C::stride(axis) == (index)distance && along < C::places(axis);
        place = place * C::places(axis) + along;
    }
    return inside ? place : NOWHERE;
}

// ---- Operands -----------------------------------------------------------------------------------------------------

// Forward, left: a line for each place of each example, with the channels that each tap meets.
template <class C, class T, int VECTOR_>
struct Patches {
    typedef T Element;
    static constexpr bool ALONG_K = true;
    static constexpr int VECTOR = VECTOR_;
    const T* first;
    METHOD Patches(const T* from, index group) : first(from + group * C::CHANNELS) {}

    struct Line {
        index example;
        Along<C> by_place;
    };
    METHOD Line line(index number) const {
        return Line{number / C::PLACES, moved_by_place<C>(number % C::PLACES)};
    }
    METHOD const T* find(const Line& line, index k) const {
        const index tap = k / C::CHANNELS;
        const index element = met(line.example, line.by_place, moved_by_tap<C>(tap));
        const bool inside = line.example < C::BATCH && tap < C::TAPS && element != NOWHERE;
        return inside ? first + (element * (C::GROUPS * C::CHANNELS) + k % C::CHANNELS) : nullptr;
    }
};

// Kernel gradient, left: a line for each tap and channel, with what it meets at each place of each example.
template <class C, class T, int VECTOR_>
struct TurnedPatches {
    typedef T Element;
    static constexpr bool ALONG_K = false;
    static constexpr int VECTOR = VECTOR_;
    const T* first;
    METHOD TurnedPatches(const T* from, index group) : first(from + group * C::CHANNELS) {}

    struct Line {
        index channel;
        bool inside;
        Along<C> by_tap;
    };
    METHOD Line line(index number) const {
        const index tap = number / C::CHANNELS;
        return Line{number % C::CHANNELS, tap < C::TAPS, moved_by_tap<C>(tap)};
    }
    METHOD const T* find(const Line& line, index k) const {
        const index example = k / C::PLACES;
        const index element = met(example, moved_by_place<C>(k % C::PLACES), line.by_tap);
        const bool inside = line.inside && example < C::BATCH && element != NOWHERE;
        return inside ? first + (element * (C::GROUPS * C::CHANNELS) + line.channel) : nullptr;
    }
};

// Input gradient, left: a line for each element of each example, with the filters of the place where each tap met it.
template <class C, class T, int VECTOR_>
struct Meetings {
    typedef T Element;
    static constexpr bool ALONG_K = true;
    static constexpr int VECTOR = VECTOR_;
    const T* first;
    METHOD Meetings(const T* from, index group) : first(from + group * C::FILTERS) {}

    struct Line {
        index example;
        Along<C> reached;
    };
    METHOD Line line(index number) const {
        return Line{number / C::INPUTS, coordinates<C, INPUT>(number % C::INPUTS)};
    }
    METHOD const T* find(const Line& line, index k) const {
        const index tap = k / C::FILTERS;
        const index place = meeting(line.example, line.reached, moved_by_tap<C>(tap));
        const bool inside = line.example < C::BATCH && tap < C::TAPS && place != NOWHERE;
        return inside ? first + (place * (C::GROUPS * C::FILTERS) + k % C::FILTERS) : nullptr;
    }
};

// Input gradient, right: a line for each channel, with the kernel's filters at each tap.
template <class C, class T, int VECTOR_>
struct TurnedKernel {
    typedef T Element;
    static constexpr bool ALONG_K = true;
    static constexpr int VECTOR = VECTOR_;
    const T* first;
    METHOD TurnedKernel(const T* from, index group) : first(from + group * C::FILTERS) {}

    typedef index Line;
    METHOD Line line(index number) const { return number; }
    METHOD const T* find(Line channel, index k) const {
        const index tap = k / C::FILTERS, filter = k % C::FILTERS;
        const bool inside = channel < C::CHANNELS && tap < C::TAPS;
        const index row = tap * C::CHANNELS + channel;
        return inside ? first + (row * (C::GROUPS * C::FILTERS) + filter) : nullptr;
    }
};

// ---- Direct forms -------------------------------------------------------------------------------------------------

// So many taps are worth code of their own each.
template <class C>
struct Taps {
    static constexpr int UNROLLED = C::TAPS <= 27 ? C::TAPS : 1;
    static constexpr index CHANNELS = C::GROUPS * C::CHANNELS, FILTERS = C::GROUPS * C::FILTERS;
    // Depthwise: channels and filters are the same, and neighbours are read together.
    static constexpr bool PAIRED = C::CHANNELS == 1 && C::FILTERS == 1;
};

// The result: each thread sums LANES neighbouring filters at one place.
template <class S, class C, class Finish>
DEVICE void conv_direct(
    const typename S::Element* input, const typename S::Element* kernel, const Finish& finish
) {
    typedef typename S::Element T;
    typedef SumOf<T> Sum;
    constexpr int LANES = Finish::LANES, UNROLLED = Taps<C>::UNROLLED;
    const index threads = gridDim.x * blockDim.x;
    for (index group = blockIdx.x * blockDim.x + threadIdx.x; group < S::RESULTS / LANES; group += threads) {
        const index i = group * LANES, filter = i % Taps<C>::FILTERS, row = i / Taps<C>::FILTERS;
        const Along<C> by_place = moved_by_place<C>(row % C::PLACES);
        Pack<Sum, LANES> sums = {};
        #pragma unroll UNROLLED
        for (index tap = 0; tap < C::TAPS; ++tap) {
            const index element = met(row / C::PLACES, by_place, moved_by_tap<C>(tap));
            if (element == NOWHERE) continue;
            const T* const channels = input + element * Taps<C>::CHANNELS;
            for (index c = 0; c < C::CHANNELS; ++c) {
                const Pack<T, LANES> y = load<LANES>(kernel, (tap * C::CHANNELS + c) * Taps<C>::FILTERS + filter);
                Pack<T, LANES> x;
                if constexpr (Taps<C>::PAIRED) {
                    x = load<LANES>(channels, filter);
                } else {
                    #pragma unroll
                    for (int v = 0; v < LANES; ++v) x[v] = channels[(filter + v) / C::FILTERS * C::CHANNELS + c];
                }
                #pragma unroll
                for (int v = 0; v < LANES; ++v) sums[v] += summand(x[v]) * summand(y[v]);
            }
        }
        finish.run(Lanes<LANES>(), i, 0, sums);
    }
}

// The gradient for the input: each thread sums LANES neighbouring channels of one element.
template <class S, class C, class Finish>
DEVICE void conv_input_grad_direct(
    const typename S::Element* result, const typename S::Element* kernel, const Finish& finish
) {
    typedef typename S::Element T;
    typedef SumOf<T> Sum;
    constexpr int LANES = Finish::LANES, UNROLLED = Taps<C>::UNROLLED;
    const index threads = gridDim.x * blockDim.x;
    for (index group = blockIdx.x * blockDim.x + threadIdx.x; group < S::RESULTS / LANES; group += threads) {
        const index i = group * LANES, channel = i % Taps<C>::CHANNELS, row = i / Taps<C>::CHANNELS;
        const Along<C> reached = coordinates<C, INPUT>(row % C::INPUTS);
        Pack<Sum, LANES> sums = {};
        #pragma unroll UNROLLED
        for (index tap = 0; tap < C::TAPS; ++tap) {
            const index place = meeting(row / C::INPUTS, reached, moved_by_tap<C>(tap));
            if (place == NOWHERE) continue;
            const T* const filters = result + place * Taps<C>::FILTERS;
            const T* const tapped = kernel + tap * C::CHANNELS * Taps<C>::FILTERS;
            if constexpr (Taps<C>::PAIRED) {
                const Pack<T, LANES> x = load<LANES>(filters, channel), y = load<LANES>(tapped, channel);
                #pragma unroll
                for (int v = 0; v < LANES; ++v) sums[v] += summand(x[v]) * summand(y[v]);
            } else {
                #pragma unroll
                for (int v = 0; v < LANES; ++v) {
                    const index of_group = (channel + v) / C::CHANNELS * C::FILTERS, c = (channel + v) % C::CHANNELS;
                    for (index f = of_group; f < of_group + C::FILTERS; ++f) {
                        sums[v] += summand(filters[f]) * summand(tapped[c * Taps<C>::FILTERS + f]);
                    }
                }
            }
        }
        finish.run(Lanes<LANES>(), i, 0, sums);
    }
}

// The gradient for the kernel: each thread sums one filter of one tap and channel over an eighth of a part of the
// places; the eight warps of a block come together at its end. Grid: blocks of 32 filters; times taps and channels,
// times parts.
template <class S, class C, class Finish>
DEVICE void conv_kernel_grad_direct(
    const typename S::Element* input, const typename S::Element* result, const Finish& finish
) {
    typedef typename S::Element T;
    typedef SumOf<T> Sum;
    constexpr int WARPS = 8;
    constexpr index FILTERS = Taps<C>::FILTERS, BLOCKS = (FILTERS + 31) / 32;
    __shared__ Sum shared[WARPS * 32];
    const index warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const index filter = blockIdx.x % BLOCKS * 32 + lane;
    const index row = blockIdx.x / BLOCKS % S::M, part = blockIdx.x / BLOCKS / S::M;
    const Along<C> by_tap = moved_by_tap<C>(row / C::CHANNELS);
    const index channel = filter / C::FILTERS * C::CHANNELS + row % C::CHANNELS;
    const index last = smaller(S::K, part * S::PART + S::PART);
    Sum sum = 0;
    if (filter < FILTERS) {
        #pragma unroll 4
        for (index k = part * S::PART + warp; k < last; k += WARPS) {
            const index element = met(k / C::PLACES, moved_by_place<C>(k % C::PLACES), by_tap);
            if (element == NOWHERE) continue;
            sum += summand(input[element * Taps<C>::CHANNELS + channel]) * summand(result[k * FILTERS + filter]);
        }
    }
    shared[threadIdx.x] = sum;
    __syncthreads();
    if (warp > 0 || filter >= FILTERS) return;
    #pragma unroll
    for (int other = 1; other < WARPS; ++other) sum += shared[other * 32 + lane];
    finish.run(Lanes<1>(), row * FILTERS + filter, part, Pack<Sum, 1>{{sum}});
}
