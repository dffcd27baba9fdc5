// Atomics. All CUDA threads share one thread of the host and change places only where they wait, so that plain reads
// and writes are atomic. There is an overload for each type that CUDA has, and for no other.
#pragma once

template <class T, class Change> static inline T emulator_change(T *address, Change change) {
    const T before = *address;
    *address = change(before);
    return before;
}

#define EMULATOR_ATOMIC(name, T, result) \
    static inline T name(T *address, T value) { \
        return emulator_change(address, [=]([[maybe_unused]] T before) -> T { return result; }); \
    }

#define EMULATOR_ATOMIC_INTEGER(T) \
    EMULATOR_ATOMIC(atomicAdd, T, before + value) \
    EMULATOR_ATOMIC(atomicExch, T, value) \
    EMULATOR_ATOMIC(atomicMin, T, value < before ? value : before) \
    EMULATOR_ATOMIC(atomicMax, T, before < value ? value : before) \
    EMULATOR_ATOMIC(atomicAnd, T, before &value) \
    EMULATOR_ATOMIC(atomicOr, T, before | value) \
    EMULATOR_ATOMIC(atomicXor, T, before ^ value) \
    static inline T atomicCAS(T *address, T compare, T value) { \
        return emulator_change(address, [=](T before) -> T { return before == compare ? value : before; }); \
    }

EMULATOR_ATOMIC_INTEGER(int)
EMULATOR_ATOMIC_INTEGER(unsigned)
EMULATOR_ATOMIC_INTEGER(unsigned long long)
EMULATOR_ATOMIC(atomicSub, int, before - value)
EMULATOR_ATOMIC(atomicSub, unsigned, before - value)
EMULATOR_ATOMIC(atomicMin, long long, value < before ? value : before)
EMULATOR_ATOMIC(atomicMax, long long, before < value ? value : before)
EMULATOR_ATOMIC(atomicInc, unsigned, before >= value ? 0u : before + 1u)
EMULATOR_ATOMIC(atomicAdd, float, before + value)
EMULATOR_ATOMIC(atomicExch, float, value)
#if __CUDA_ARCH__ >= 600
EMULATOR_ATOMIC(atomicAdd, double, before + value)
#endif
