// Where threads of a block meet: barriers of the block, and exchanges between the lanes of a warp.
#include <cstring>
#include <deque>

#include "scheduler.h"

namespace emulator {

namespace {

struct Barrier {
    unsigned arrived = 0;
    unsigned holds = 0; // of the predicates of those that arrived
    unsigned generation = 0;
    // What the generation before gave: nobody can finish this one before all have read it.
    unsigned last_arrived = 0;
    unsigned last_holds = 0;
};

constexpr unsigned MAX_WARPS = 32;
// Sixteen of the block that PTX names, and one for each warpgroup.
constexpr unsigned BARRIERS = 16 + 8;
Barrier barriers[BARRIERS];

// The lanes of one mask. Two generations of slots, since fast lanes may be in the next exchange already.
struct Meeting {
    unsigned mask;
    unsigned bytes = 0;
    unsigned arrived = 0;
    unsigned generation = 0;
    Slot slots[2][WARP];
    explicit Meeting(unsigned mask) : mask(mask) { memset(slots, 0xff, sizeof slots); }
};
std::deque<Meeting> meetings_of_warp[MAX_WARPS];

void open_if_complete(Barrier &barrier, unsigned threads) {
    if (barrier.arrived == 0 || barrier.arrived < threads) {
        return;
    }
    barrier.last_arrived = barrier.arrived;
    barrier.last_holds = barrier.holds;
    barrier.arrived = barrier.holds = 0;
    barrier.generation += 1;
    progress();
}

Barrier &arrive(unsigned id, unsigned threads, int predicate) {
    if (id >= BARRIERS) {
        emulator_fail("a named barrier beyond the sixteenth");
    }
    Barrier &barrier = barriers[id];
    barrier.arrived += 1;
    barrier.holds += predicate != 0;
    if (threads != 0 && barrier.arrived > threads) {
        emulator_fail("more threads arrived at a barrier than it waits for");
    }
    return barrier;
}

unsigned bits(unsigned mask) { return static_cast<unsigned>(__builtin_popcount(mask)); }

void check_mask(unsigned mask, bool exited_may_be_named) {
    const unsigned lane = current().thread.number % WARP;
    if ((mask >> lane & 1u) == 0) {
        emulator_fail("a warp operation whose mask does not name the calling lane");
    }
    if (!exited_may_be_named && (mask & all_lanes() & ~alive_lanes()) != 0) {
        emulator_fail("a warp operation whose mask names a lane that has exited");
    }
}

Meeting &meeting_of(unsigned mask) {
    std::deque<Meeting> &meetings = meetings_of_warp[current().thread.number / WARP];
    for (Meeting &meeting : meetings) {
        if (meeting.mask == mask) {
            return meeting;
        }
    }
    return meetings.emplace_back(mask);
}

// Arrives, and waits until all lanes of the mask that live have. The generation that was met in.
unsigned meet(Meeting &meeting) {
    const unsigned generation = meeting.generation;
    meeting.arrived += 1;
    if (meeting.arrived >= bits(meeting.mask & alive_lanes())) {
        meeting.arrived = 0;
        meeting.generation += 1;
        progress();
    }
    while (meeting.generation == generation) {
        wait_for(Waiting::Warp, meeting.mask);
    }
    return generation;
}

} // namespace

void reset_barriers() {
    for (Barrier &barrier : barriers) {
        barrier = Barrier();
    }
    for (std::deque<Meeting> &meetings : meetings_of_warp) {
        meetings.clear();
    }
}

// A thread that exits is no longer waited for: not at barrier 0, nor by its warp at __syncwarp.
void leave_barriers() {
    open_if_complete(barriers[0], alive_threads());
    for (Meeting &meeting : meetings_of_warp[current().thread.number / WARP]) {
        if (meeting.arrived > 0 && meeting.arrived >= bits(meeting.mask & alive_lanes())) {
            if (meeting.bytes != 0) {
                emulator_fail("a lane exited that a warp operation under way names");
            }
            meeting.arrived = 0;
            meeting.generation += 1;
            progress();
        }
    }
}

} // namespace emulator

using namespace emulator;

extern "C" unsigned emulator_barrier(unsigned id, unsigned threads, int predicate, unsigned *arrived) {
    Barrier &barrier = arrive(id, threads, predicate);
    const unsigned generation = barrier.generation;
    open_if_complete(barrier, threads != 0 ? threads : alive_threads());
    while (barrier.generation == generation) {
        wait_for(Waiting::Barrier, id);
    }
    if (arrived != nullptr) {
        *arrived = barrier.last_arrived;
    }
    return barrier.last_holds;
}

extern "C" void emulator_barrier_arrive(unsigned id, unsigned threads) {
    open_if_complete(arrive(id, threads, 0), threads);
}

extern "C" const Slot *emulator_exchange(unsigned mask, const void *value, unsigned bytes) {
    check_mask(mask, false);
    Meeting &meeting = meeting_of(mask);
    if (meeting.arrived > 0 && meeting.bytes != bytes) {
        emulator_fail("lanes of one warp operation are in different operations");
    }
    meeting.bytes = bytes;
    memcpy(&meeting.slots[meeting.generation % 2][current().thread.number % WARP], value, bytes);
    return meeting.slots[meet(meeting) % 2];
}

extern "C" void emulator_warp_barrier(unsigned mask) {
    check_mask(mask, true);
    Meeting &meeting = meeting_of(mask);
    if (meeting.arrived > 0 && meeting.bytes != 0) {
        emulator_fail("lanes of one warp operation are in different operations");
    }
    meeting.bytes = 0;
    meet(meeting);
}
