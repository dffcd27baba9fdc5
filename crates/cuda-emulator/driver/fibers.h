// The CUDA threads of a block as fibers of one thread of the host.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime.h"

namespace emulator {

// Why a fiber does not run on by itself.
enum class Waiting { Nothing, Warp, Barrier, Mbarrier, Exited };

// A cp.async whose group has not been waited for.
struct PendingCopy {
    char *shared;
    const char *global;
    unsigned bytes;
    unsigned valid_bytes;
    unsigned group;
};

struct Fiber {
    Thread thread;
    void *stack_pointer = nullptr;
    char *stack = nullptr; // null before its first step and after its last
    Waiting waiting = Waiting::Nothing;
    unsigned detail = 0; // the barrier's number or the warp operation's mask
    unsigned copy_group = 0;
    std::vector<PendingCopy> copies;
};

// Runs `fiber` until it waits or exits. `body` is what a new one runs.
void resume(Fiber &fiber, void (*body)());
// Leaves the running fiber until somebody resumes it.
void suspend(Fiber &fiber);
// Leaves the running fiber for ever.
void finish(Fiber &fiber);
// Takes the stacks of fibers that will never run on.
void abandon(std::vector<Fiber> &fibers);

} // namespace emulator
