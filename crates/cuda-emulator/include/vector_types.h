// Vectors of two to four numbers with CUDA's alignment, so that a misaligned access faults here too where it matters.
#pragma once

#define EMULATOR_VECTORS(T, name, align2, align4) \
    struct name##1 { \
        T x; \
    }; \
    struct alignas(align2) name##2 { \
        T x, y; \
    }; \
    struct alignas(align4) name##4 { \
        T x, y, z, w; \
    }; \
    static inline name##2 make_##name##2(T x, T y) { return {x, y}; } \
    static inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }

#define EMULATOR_TRIPLE(T, name) \
    struct name##3 { \
        T x, y, z; \
    };

#define EMULATOR_MAKE_TRIPLE(T, name) \
    static inline name##3 make_##name##3(T x, T y, T z) { return {x, y, z}; }

EMULATOR_VECTORS(signed char, char, 2, 4)
EMULATOR_VECTORS(unsigned char, uchar, 2, 4)
EMULATOR_VECTORS(short, short, 4, 8)
EMULATOR_VECTORS(unsigned short, ushort, 4, 8)
EMULATOR_VECTORS(int, int, 8, 16)
EMULATOR_VECTORS(unsigned, uint, 8, 16)
EMULATOR_VECTORS(long long, longlong, 16, 16)
EMULATOR_VECTORS(unsigned long long, ulonglong, 16, 16)
EMULATOR_VECTORS(float, float, 8, 16)
EMULATOR_VECTORS(double, double, 16, 16)

EMULATOR_TRIPLE(int, int)
EMULATOR_TRIPLE(float, float)
EMULATOR_TRIPLE(double, double)
EMULATOR_MAKE_TRIPLE(int, int)
EMULATOR_MAKE_TRIPLE(unsigned, uint)
EMULATOR_MAKE_TRIPLE(float, float)
EMULATOR_MAKE_TRIPLE(double, double)
