// Addresses in shared memory as the tensor memory accelerator and the tensor cores take them, and its map of a
// tensor.
#pragma once

#include "runtime.h"

namespace emulator {

// No operand begins at address 0, so that a forgotten one is seen. A multiple of 1024, as swizzling asks.
constexpr unsigned SHARED_BASE = 1024;

// What cuTensorMapEncodeTiled writes into the 128 bytes of a CUtensorMap, and the copies read.
struct TensorMap {
    unsigned long long magic;
    char *address;
    unsigned long long size[3];   // elements, x first
    unsigned long long stride[3]; // bytes from one element to the next, x first
    unsigned box[3];              // elements
    unsigned element_bytes;
    unsigned swizzle; // CUtensorMapSwizzle: 0 for none, 3 for 128 bytes
};
constexpr unsigned long long TENSOR_MAP_MAGIC = 0x70616d726f736e74ull;
static_assert(sizeof(TensorMap) <= 128, "it has the place of a CUtensorMap");

// The place of a byte under CU_TENSOR_MAP_SWIZZLE_128B: bits 4 to 6 of its address, exclusive-or bits 7 to 9.
constexpr unsigned long swizzle_128b(unsigned long address) { return address ^ ((address >> 7 & 7) << 4); }

} // namespace emulator

// The 32-bit address of a place in dynamic shared memory. Static shared memory has none here.
static inline unsigned emulator_shared_address(const void *place) {
    const long offset = static_cast<const char *>(place) - emulator_block->shared;
    if (offset < 0 || offset > static_cast<long>(emulator_block->shared_bytes)) {
        emulator_fail("only dynamic shared memory has a 32-bit address in the emulator");
    }
    return static_cast<unsigned>(offset) + emulator::SHARED_BASE;
}

// The place that a 32-bit address means, `bytes` of which are about to be used.
static inline char *emulator_shared_place(unsigned long address, unsigned bytes) {
    const unsigned long offset = address - emulator::SHARED_BASE;
    if (address < emulator::SHARED_BASE || offset + bytes > emulator_block->shared_bytes) {
        emulator_fail("an address outside of the dynamic shared memory of the launch");
    }
    return emulator_block->shared + offset;
}
