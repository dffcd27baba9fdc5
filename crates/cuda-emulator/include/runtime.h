// What a kernel's image and the stand-in driver know of each other. The driver defines everything declared here; an
// image leaves the names open and finds them in the driver when it is loaded.
#pragma once

struct uint3 {
    unsigned x, y, z;
};

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

namespace emulator {

constexpr unsigned WARP = 32;
constexpr unsigned ALL_LANES = 0xffffffffu;

// The CUDA thread that runs now.
struct Thread {
    uint3 index;
    unsigned number; // of all threads of the block, x fastest
};

// The block that runs now. Blocks run one after another, so there is one at a time.
struct Block {
    uint3 index;
    dim3 threads;
    dim3 grid;
    unsigned count; // of threads
    char *shared;   // dynamic shared memory, 1024-byte aligned
    unsigned long shared_bytes;
};

// One lane's part of a warp operation: 32 bytes hold the operands of the largest one (mma.sync).
struct Slot {
    unsigned long long words[4];
};

// A kernel as its image describes it; see EMULATOR_KERNEL.
struct Kernel {
    void (*call)(void *function, void **arguments);
    void *function;
    const unsigned *argument_bytes;
    unsigned arguments;
    unsigned launch_bound; // the most threads of a block, 0 where the kernel does not say
};

// What an image was compiled by and for; see EMULATOR_IMAGE.
struct Image {
    const char *build; // the folder of the compiler, which is named by all that goes into it
    unsigned architecture;
    bool portable; // as PTX is: for later architectures too
};

} // namespace emulator

#pragma GCC visibility push(default)
extern "C" {

extern emulator::Thread *emulator_thread;
extern emulator::Block *emulator_block;

// Reports a mistake of the kernel and ends the launch with CUDA_ERROR_LAUNCH_FAILED. Does not return.
void emulator_fail(const char *mistake);

// Waits at barrier `id` for `threads` threads (0: for all that have not exited). Returns how many of them gave a
// predicate that holds, and in `*arrived` how many there were.
unsigned emulator_barrier(unsigned id, unsigned threads, int predicate, unsigned *arrived);
// Arrives at barrier `id` without waiting.
void emulator_barrier_arrive(unsigned id, unsigned threads);

// Shows `bytes` bytes to the lanes of `mask` and waits until each has done so: all lanes' slots. A lane that is not
// in the mask has the bits of NaN. The slots stay until the calling lane's next operation with the same mask.
const emulator::Slot *emulator_exchange(unsigned mask, const void *value, unsigned bytes);
// Waits for those lanes of `mask` that have not exited.
void emulator_warp_barrier(unsigned mask);

// cp.async: the copy happens no earlier than the wait for its group, as late as hardware may be.
void emulator_copy_async(void *shared, const void *global, unsigned bytes, unsigned valid_bytes);
void emulator_copy_commit();
void emulator_copy_wait(unsigned groups_left);

// mbarrier objects of 64 bits in shared memory, and the copies of the tensor memory accelerator that signal them.
void emulator_mbarrier_init(unsigned long long *barrier, unsigned count);
void emulator_mbarrier_arrive(unsigned long long *barrier, unsigned expected_bytes);
void emulator_mbarrier_wait(unsigned long long *barrier, unsigned parity);
void emulator_tensor_copy(void *shared, const void *map, unsigned long long *barrier, int x, int y, int z);

} // extern "C"
#pragma GCC visibility pop
