// Operations of a warp: shuffles, votes, reductions. Every one is an exchange of what the lanes hold.
#pragma once

static inline unsigned emulator_lane() { return emulator_thread->number % emulator::WARP; }

static inline void __syncwarp(unsigned mask = emulator::ALL_LANES) { emulator_warp_barrier(mask); }
static inline unsigned __activemask() { return 1u << emulator_lane(); }

template <class T> static inline T emulator_from_lane(unsigned mask, T value, unsigned source) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "shuffles move 32 or 64 bits");
    const emulator::Slot *slots = emulator_exchange(mask, &value, sizeof value);
    T result;
    __builtin_memcpy(&result, &slots[source], sizeof result);
    return result;
}

// `width` splits the warp into segments; a source outside of the lane's own segment is the lane itself.
template <class T> static inline T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
    const unsigned inside = static_cast<unsigned>(width - 1);
    return emulator_from_lane(mask, value, (emulator_lane() & ~inside) | (static_cast<unsigned>(source) & inside));
}
template <class T> static inline T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32) {
    const unsigned lane = emulator_lane(), place = lane & static_cast<unsigned>(width - 1);
    return emulator_from_lane(mask, value, place >= by ? lane - by : lane);
}
template <class T> static inline T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32) {
    const unsigned lane = emulator_lane(), place = lane & static_cast<unsigned>(width - 1);
    return emulator_from_lane(mask, value, place + by < static_cast<unsigned>(width) ? lane + by : lane);
}
template <class T> static inline T __shfl_xor_sync(unsigned mask, T value, int with, int width = 32) {
    const unsigned lane = emulator_lane(), source = lane ^ static_cast<unsigned>(with);
    const unsigned segment_end = (lane & ~static_cast<unsigned>(width - 1)) + static_cast<unsigned>(width);
    return emulator_from_lane(mask, value, source < segment_end ? source : lane);
}

static inline unsigned __ballot_sync(unsigned mask, int predicate) {
    const unsigned long long holds = predicate != 0;
    const emulator::Slot *slots = emulator_exchange(mask, &holds, sizeof holds);
    unsigned ballot = 0;
    for (unsigned lane = 0; lane < emulator::WARP; ++lane) {
        ballot |= static_cast<unsigned>(slots[lane].words[0] == 1) << lane;
    }
    return ballot;
}
static inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
static inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, !predicate) == 0; }

template <class T> static inline unsigned __match_any_sync(unsigned mask, T value) {
    const emulator::Slot *slots = emulator_exchange(mask, &value, sizeof value);
    unsigned same = 0;
    for (unsigned lane = 0; lane < emulator::WARP; ++lane) {
        const bool equal = __builtin_memcmp(&slots[lane], &value, sizeof value) == 0;
        same |= static_cast<unsigned>((mask >> lane & 1u) && equal) << lane;
    }
    return same;
}

#if __CUDA_ARCH__ >= 800
template <class T, class Combine> static inline T emulator_reduce(unsigned mask, T value, Combine combine) {
    const emulator::Slot *slots = emulator_exchange(mask, &value, sizeof value);
    bool first = true;
    T result = value;
    for (unsigned lane = 0; lane < emulator::WARP; ++lane) {
        if (mask >> lane & 1u) {
            T other;
            __builtin_memcpy(&other, &slots[lane], sizeof other);
            result = first ? other : combine(result, other);
            first = false;
        }
    }
    return result;
}

#define EMULATOR_REDUCE(name, T, expression) \
    static inline T name(unsigned mask, T value) { \
        return emulator_reduce(mask, value, [](T x, T y) -> T { return expression; }); \
    }

EMULATOR_REDUCE(__reduce_add_sync, int, x + y)
EMULATOR_REDUCE(__reduce_min_sync, int, y < x ? y : x)
EMULATOR_REDUCE(__reduce_max_sync, int, x < y ? y : x)
EMULATOR_REDUCE(__reduce_add_sync, unsigned, x + y)
EMULATOR_REDUCE(__reduce_min_sync, unsigned, y < x ? y : x)
EMULATOR_REDUCE(__reduce_max_sync, unsigned, x < y ? y : x)
EMULATOR_REDUCE(__reduce_and_sync, unsigned, x &y)
EMULATOR_REDUCE(__reduce_or_sync, unsigned, x | y)
EMULATOR_REDUCE(__reduce_xor_sync, unsigned, x ^ y)
#endif
