// Runs the blocks of a launch, and what the operations of threads need of the block that runs.
#pragma once

#include <string>
#include <vector>

#include "fibers.h"
#include "shared_variables.h"

namespace emulator {

struct Launch {
    const Kernel *kernel;
    std::string name;
    dim3 grid;
    dim3 threads;
    unsigned shared_bytes;
    const std::vector<Range> *shared_variables;
};

// Runs all blocks, one after another. False when a thread failed or none could go on; the reason is on stderr.
bool run(const Launch &launch, void **arguments);

// The fiber that runs now, and all of its block.
Fiber &current();
std::vector<Fiber> &fibers();
// Threads of the block, or lanes of the current warp, that have not exited.
unsigned alive_threads();
unsigned alive_lanes();
// Lanes of the current warp that there were when the block began.
unsigned all_lanes();
// Something happened that may let a waiting thread go on.
void progress();
// Leaves the current thread until there is progress; the caller looks again at what it waits for.
void wait_for(Waiting reason, unsigned detail);

// What barriers.cpp and async_copies.cpp forget between blocks, and do when a thread exits.
void reset_barriers();
void leave_barriers();
void reset_copies();
void finish_copies();

} // namespace emulator
