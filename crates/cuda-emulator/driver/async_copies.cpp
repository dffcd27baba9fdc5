// Copies that the hardware makes on its own time: cp.async and those of the tensor memory accelerator. They happen as
// late as a correct kernel can notice, at the wait for them, so that a kernel that forgets to wait reads old bytes.
#include <cstring>

#include "async_copy.h"
#include "scheduler.h"

namespace emulator {

namespace {

// An mbarrier as it lies in the kernel's shared memory.
struct Mbarrier {
    unsigned short count;   // arrivals of a phase
    unsigned short pending; // arrivals left of this phase in the low 15 bits, the phase's parity above
    int bytes;              // expected and not yet copied
};
static_assert(sizeof(Mbarrier) == 8, "an mbarrier has 64 bits");

constexpr unsigned short PARITY = 0x8000;

struct TensorCopy {
    char *shared;
    TensorMap map;
    Mbarrier *barrier;
    int first[3];
};
std::vector<TensorCopy> tensor_copies;

void copy(const PendingCopy &copy) {
    memcpy(copy.shared, copy.global, copy.valid_bytes);
    memset(copy.shared + copy.valid_bytes, 0, copy.bytes - copy.valid_bytes);
}

void copy_groups_before(Fiber &fiber, unsigned group) {
    size_t done = 0;
    while (done < fiber.copies.size() && fiber.copies[done].group < group) {
        copy(fiber.copies[done]);
        done += 1;
    }
    fiber.copies.erase(fiber.copies.begin(), fiber.copies.begin() + static_cast<long>(done));
}

void end_phase_if_complete(Mbarrier &barrier) {
    if ((barrier.pending & ~PARITY) == 0 && barrier.bytes == 0) {
        const unsigned short parity = (barrier.pending ^ PARITY) & PARITY;
        barrier.pending = static_cast<unsigned short>(parity | barrier.count);
        progress();
    }
}

// Copies the box element by element, x fastest; what lies outside of the tensor is zero.
void copy(const TensorCopy &copy) {
    const TensorMap &map = copy.map;
    const unsigned count = map.box[0] * map.box[1] * map.box[2];
    const unsigned long start = static_cast<unsigned long>(copy.shared - emulator_block->shared) + SHARED_BASE;
    for (unsigned element = 0; element < count; ++element) {
        const unsigned inside_box[3] = {element % map.box[0], element / map.box[0] % map.box[1],
                                        element / map.box[0] / map.box[1]};
        bool inside = true;
        long offset = 0;
        for (unsigned axis = 0; axis < 3; ++axis) {
            const long place = static_cast<long>(copy.first[axis]) + inside_box[axis];
            inside = inside && place >= 0 && place < static_cast<long>(map.size[axis]);
            offset += place * static_cast<long>(map.stride[axis]);
        }
        const unsigned long address = start + 1ul * element * map.element_bytes;
        char *to = emulator_block->shared + ((map.swizzle == 3 ? swizzle_128b(address) : address) - SHARED_BASE);
        if (inside) {
            memcpy(to, map.address + offset, map.element_bytes);
        } else {
            memset(to, 0, map.element_bytes);
        }
    }
    copy.barrier->bytes -= static_cast<int>(count * map.element_bytes);
    end_phase_if_complete(*copy.barrier);
}

void copy_tensors_of(const Mbarrier *barrier) {
    for (size_t i = 0; i < tensor_copies.size();) {
        if (tensor_copies[i].barrier == barrier) {
            const TensorCopy next = tensor_copies[i];
            tensor_copies.erase(tensor_copies.begin() + static_cast<long>(i));
            copy(next);
        } else {
            i += 1;
        }
    }
}

} // namespace

void reset_copies() {
    tensor_copies.clear();
    for (Fiber &fiber : fibers()) {
        fiber.copies.clear();
        fiber.copy_group = 0;
    }
}

void finish_copies() { copy_groups_before(current(), current().copy_group + 1); }

} // namespace emulator

using namespace emulator;

extern "C" void emulator_copy_async(void *shared, const void *global, unsigned bytes, unsigned valid_bytes) {
    const unsigned long places = reinterpret_cast<unsigned long>(shared) | reinterpret_cast<unsigned long>(global);
    if ((bytes != 4 && bytes != 8 && bytes != 16) || valid_bytes > bytes || places % bytes != 0) {
        emulator_fail("cp.async: 4, 8 or 16 bytes, from and to places aligned to as many");
    }
    Fiber &fiber = current();
    fiber.copies.push_back(
        {static_cast<char *>(shared), static_cast<const char *>(global), bytes, valid_bytes, fiber.copy_group});
}

extern "C" void emulator_copy_commit() { current().copy_group += 1; }

extern "C" void emulator_copy_wait(unsigned groups_left) {
    Fiber &fiber = current();
    if (fiber.copy_group > groups_left) {
        copy_groups_before(fiber, fiber.copy_group - groups_left);
    }
}

extern "C" void emulator_mbarrier_init(unsigned long long *place, unsigned count) {
    const Mbarrier barrier = {static_cast<unsigned short>(count), static_cast<unsigned short>(count), 0};
    memcpy(place, &barrier, sizeof barrier);
}

extern "C" void emulator_mbarrier_arrive(unsigned long long *place, unsigned expected_bytes) {
    Mbarrier &barrier = *reinterpret_cast<Mbarrier *>(place);
    if ((barrier.pending & ~PARITY) == 0) {
        emulator_fail("more threads arrived at an mbarrier than its phase waits for");
    }
    barrier.bytes += static_cast<int>(expected_bytes);
    barrier.pending -= 1;
    end_phase_if_complete(barrier);
}

extern "C" void emulator_mbarrier_wait(unsigned long long *place, unsigned parity) {
    Mbarrier &barrier = *reinterpret_cast<Mbarrier *>(place);
    while (static_cast<unsigned>(barrier.pending >> 15) == parity) {
        copy_tensors_of(&barrier);
        if (static_cast<unsigned>(barrier.pending >> 15) == parity) {
            wait_for(Waiting::Mbarrier, 0);
        }
    }
}

extern "C" void emulator_tensor_copy(void *shared, const void *map, unsigned long long *barrier, int x, int y,
                                     int z) {
    TensorCopy copy = {static_cast<char *>(shared), {}, reinterpret_cast<Mbarrier *>(barrier), {x, y, z}};
    memcpy(&copy.map, map, sizeof copy.map);
    if (copy.map.magic != TENSOR_MAP_MAGIC) {
        emulator_fail("cp.async.bulk.tensor: no map made by cuTensorMapEncodeTiled");
    }
    const unsigned alignment = copy.map.swizzle == 3 ? 1024 : 128;
    const unsigned address = emulator_shared_address(shared);
    emulator_shared_place(address, copy.map.box[0] * copy.map.box[1] * copy.map.box[2] * copy.map.element_bytes);
    if (address % alignment != 0) {
        emulator_fail("cp.async.bulk.tensor: the destination must be aligned to 128 bytes, swizzled to 1024");
    }
    tensor_copies.push_back(copy);
}
