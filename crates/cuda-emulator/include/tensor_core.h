// Tensor cores: warp and warpgroup products of matrix fragments, and ldmatrix. The places of the elements in the
// lanes' registers are those of the PTX manual, sections "Matrix Fragments for mma.m16n8k16" and the like.
//
// Sums run in f32 from the lowest k up; hardware adds in an order of its own.
#pragma once

static inline float emulator_bf16(unsigned bits) { return __uint_as_float(bits << 16); }

static inline float emulator_f16(unsigned bits) {
    const unsigned sign = (bits & 0x8000u) << 16, exponent = bits >> 10 & 31u, mantissa = bits & 0x3ffu;
    if (exponent == 0) {
        const float small = static_cast<float>(mantissa) * 5.9604644775390625e-8f; // 2^-24
        return sign ? -small : small;
    }
    const unsigned widened = exponent == 31 ? 255u : exponent + 112u;
    return __uint_as_float(sign | widened << 23 | mantissa << 13);
}

// Hardware reads the upper 19 bits of a tf32 operand.
static inline float emulator_tf32(unsigned bits) { return __uint_as_float(bits & 0xffffe000u); }

// cvt.rna.tf32.f32: nearest, ties away from zero.
static inline unsigned emulator_round_to_tf32(float x) {
    const unsigned bits = __float_as_uint(x);
    const bool finite = (bits & 0x7f800000u) != 0x7f800000u;
    return finite ? (bits + 0x1000u) & 0xffffe000u : bits & 0xffffe000u;
}

// What a lane brings to a product of warps.
struct EmulatorFragments {
    unsigned a[4];
    unsigned b[2];
};

// D = A B + D for 16-bit elements: A is 16 x 16, B is 16 x 8, both along k.
template <class ToFloat>
static inline void emulator_mma_k16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], ToFloat to_float) {
    const EmulatorFragments mine = {{a[0], a[1], a[2], a[3]}, {b[0], b[1]}};
    const emulator::Slot *slots = emulator_exchange(emulator::ALL_LANES, &mine, sizeof mine);
    const unsigned group = emulator_lane() / 4, pair = emulator_lane() % 4;
    for (unsigned i = 0; i < 4; ++i) {
        const unsigned lower = i / 2, column = pair * 2 + i % 2; // row group + 8 lower
        for (unsigned k = 0; k < 16; ++k) {
            const unsigned lane = k % 8 / 2, half = k / 8, shift = 16 * (k % 2);
            EmulatorFragments row_holder, column_holder;
            __builtin_memcpy(&row_holder, &slots[group * 4 + lane], sizeof row_holder);
            __builtin_memcpy(&column_holder, &slots[column * 4 + lane], sizeof column_holder);
            const float left = to_float(row_holder.a[lower + 2 * half] >> shift & 0xffffu);
            const float right = to_float(column_holder.b[half] >> shift & 0xffffu);
            d[i] += left * right;
        }
    }
}

static inline void emulator_mma_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    emulator_mma_k16(d, a, b, emulator_bf16);
}
static inline void emulator_mma_f16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    emulator_mma_k16(d, a, b, emulator_f16);
}

// D = A B + D for tf32: A is 16 x 8, B is 8 x 8.
static inline void emulator_mma_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    const EmulatorFragments mine = {{a[0], a[1], a[2], a[3]}, {b[0], b[1]}};
    const emulator::Slot *slots = emulator_exchange(emulator::ALL_LANES, &mine, sizeof mine);
    const unsigned group = emulator_lane() / 4, pair = emulator_lane() % 4;
    for (unsigned i = 0; i < 4; ++i) {
        const unsigned lower = i / 2, column = pair * 2 + i % 2;
        for (unsigned k = 0; k < 8; ++k) {
            EmulatorFragments row_holder, column_holder;
            __builtin_memcpy(&row_holder, &slots[group * 4 + k % 4], sizeof row_holder);
            __builtin_memcpy(&column_holder, &slots[column * 4 + k % 4], sizeof column_holder);
            d[i] += emulator_tf32(row_holder.a[lower + 2 * (k / 4)]) * emulator_tf32(column_holder.b[k / 4]);
        }
    }
}

// ldmatrix: lane 8 i + r gives row r (16 bytes) of matrix i; every lane receives one pair of elements of each matrix.
template <unsigned MATRICES, bool TRANSPOSED>
static inline void emulator_ldmatrix(unsigned (&registers)[MATRICES], const void *row) {
    const unsigned lane = emulator_lane();
    unsigned short mine[8] = {};
    if (lane < 8 * MATRICES) {
        if (reinterpret_cast<unsigned long>(row) % 16 != 0) {
            emulator_fail("ldmatrix: a row that is not aligned to 16 bytes");
        }
        __builtin_memcpy(mine, row, sizeof mine);
    }
    const emulator::Slot *slots = emulator_exchange(emulator::ALL_LANES, mine, sizeof mine);
    const unsigned group = lane / 4, pair = lane % 4 * 2;
    for (unsigned matrix = 0; matrix < MATRICES; ++matrix) {
        unsigned short low[8], high[8];
        __builtin_memcpy(low, &slots[8 * matrix + (TRANSPOSED ? pair : group)], sizeof low);
        __builtin_memcpy(high, &slots[8 * matrix + (TRANSPOSED ? pair + 1 : group)], sizeof high);
        const unsigned first = low[TRANSPOSED ? group : pair], second = high[TRANSPOSED ? group : pair + 1];
        registers[matrix] = first | second << 16;
    }
}

// An element of a wgmma operand with the 128-byte swizzle, found through its descriptor. Along k: 128 bytes of a row,
// groups of eight rows one stride apart. Across: 128 bytes are 64 rows, the next 64 the leading stride away, and
// groups of eight along k the other.
template <bool ALONG_K>
static inline unsigned emulator_wgmma_element(unsigned long long descriptor, unsigned row, unsigned k) {
    if (descriptor >> 62 != 1) {
        emulator_fail("wgmma: the emulator knows descriptors of the 128-byte swizzle alone");
    }
    const unsigned long start = (descriptor & 0x3fff) << 4, stride = (descriptor >> 32 & 0x3fff) << 4;
    const unsigned long leading = (descriptor >> 16 & 0x3fff) << 4;
    const unsigned long address = ALONG_K ? start + row / 8 * stride + row % 8 * 128 + k * 2
                                          : start + row / 64 * leading + k / 8 * stride + k % 8 * 128 + row % 64 * 2;
    unsigned short bits;
    __builtin_memcpy(&bits, emulator_shared_place(emulator::swizzle_128b(address), 2), sizeof bits);
    return bits;
}

// The four warps of a warpgroup meet at a barrier which named barriers cannot reach.
static inline void emulator_warpgroup_barrier() {
    emulator_barrier(16 + emulator_thread->number / 128, 128, 0, nullptr);
}

// D (64 x N) = A (64 x 16) B^T (N x 16) + D, f32 sums, 16-bit elements. Both operands lie in shared memory.
template <unsigned N, bool A_ALONG_K, bool B_ALONG_K, class ToFloat>
static inline void emulator_wgmma(float (&d)[N / 2], unsigned long long a, unsigned long long b, ToFloat to_float) {
    emulator_warpgroup_barrier();
    const unsigned warp = emulator_thread->number / 32 % 4;
    const unsigned group = emulator_lane() / 4, pair = emulator_lane() % 4 * 2;
    for (unsigned half = 0; half < 2; ++half) {
        float row[16];
        for (unsigned k = 0; k < 16; ++k) {
            row[k] = to_float(emulator_wgmma_element<A_ALONG_K>(a, 16 * warp + group + 8 * half, k));
        }
        for (unsigned i = 0; i < N / 4; ++i) {
            float &sum = d[i / 2 * 4 + half * 2 + i % 2];
            const unsigned column = i / 2 * 8 + pair + i % 2;
            for (unsigned k = 0; k < 16; ++k) {
                sum += row[k] * to_float(emulator_wgmma_element<B_ALONG_K>(b, column, k));
            }
        }
    }
    emulator_warpgroup_barrier();
}
