// Which thread runs when. Every lane of a warp runs until it waits, then the next; warps and blocks come in an order
// that CORNU_EMULATOR_SEED chooses, and it is the same in every run. A block in which no thread can go on is
// reported.
#include "scheduler.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numeric>

extern "C" {
emulator::Thread *emulator_thread;
emulator::Block *emulator_block;
}

namespace emulator {

namespace {

struct Running {
    const Launch *launch = nullptr;
    void **arguments = nullptr;
    Block block = {};
    std::vector<Fiber> fibers;
    std::vector<unsigned> warps; // their numbers, in the order in which they run
    Fiber *current = nullptr;
    unsigned alive = 0;
    std::vector<unsigned> alive_lanes;
    unsigned long progress = 0;
    std::string mistake;
};
Running running;

unsigned long mix(unsigned long x) {
    x += 0x9e3779b97f4a7c15ul;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ul;
    x = (x ^ x >> 27) * 0x94d049bb133111ebul;
    return x ^ x >> 31;
}

// 0 is the natural order: blocks, warps and lanes upwards.
unsigned long seed() {
    const char *text = getenv("CORNU_EMULATOR_SEED");
    return text == nullptr ? 0 : strtoul(text, nullptr, 10);
}

void shuffle_warps(unsigned long random) {
    std::iota(running.warps.begin(), running.warps.end(), 0u);
    for (size_t left = running.warps.size(); random != 0 && left > 1; --left) {
        random = mix(random);
        std::swap(running.warps[left - 1], running.warps[random % left]);
    }
}

unsigned lanes_of(unsigned warp) {
    const unsigned threads = running.block.count - warp * WARP;
    return threads < WARP ? threads : WARP;
}

void thread_body() {
    const Kernel &kernel = *running.launch->kernel;
    kernel.call(kernel.function, running.arguments);
    Fiber &fiber = *running.current;
    finish_copies();
    running.alive -= 1;
    running.alive_lanes[fiber.thread.number / WARP] &= ~(1u << fiber.thread.number % WARP);
    leave_barriers();
    progress();
    finish(fiber);
}

void step(Fiber &fiber) {
    running.current = &fiber;
    emulator_thread = &fiber.thread;
    fiber.waiting = Waiting::Nothing;
    resume(fiber, thread_body);
}

// Runs the lanes of a warp in turn for as long as their waiting for each other gets anywhere.
void run_warp(unsigned warp, bool upwards) {
    const unsigned lanes = lanes_of(warp);
    for (bool again = true; again && running.mistake.empty();) {
        const unsigned long before = running.progress;
        bool among_themselves = false;
        for (unsigned i = 0; i < lanes && running.mistake.empty(); ++i) {
            Fiber &fiber = running.fibers[warp * WARP + (upwards ? i : lanes - 1 - i)];
            if (fiber.waiting != Waiting::Exited) {
                step(fiber);
                among_themselves |= fiber.waiting == Waiting::Warp;
            }
        }
        again = among_themselves && running.progress != before;
    }
}

const char *describe(Waiting waiting) {
    switch (waiting) {
    case Waiting::Nothing: return "ready to run";
    case Waiting::Warp: return "in a warp operation of mask";
    case Waiting::Barrier: return "at barrier";
    case Waiting::Mbarrier: return "waiting for an mbarrier";
    case Waiting::Exited: return "exited";
    }
    return "";
}

// The threads of the block by what they wait for, neighbours with the same state on one line.
void report(const char *what) {
    const uint3 &block = running.block.index;
    fprintf(stderr, "cornu's CUDA emulator: kernel `%s`, block (%u, %u, %u): %s\n", running.launch->name.c_str(),
            block.x, block.y, block.z, what);
    for (size_t first = 0, next; first < running.fibers.size(); first = next) {
        const Fiber &fiber = running.fibers[first];
        for (next = first + 1; next < running.fibers.size(); ++next) {
            const Fiber &other = running.fibers[next];
            if (other.waiting != fiber.waiting || other.detail != fiber.detail) {
                break;
            }
        }
        fprintf(stderr, "    threads %zu to %zu: %s", first, next - 1, describe(fiber.waiting));
        if (fiber.waiting == Waiting::Warp) {
            fprintf(stderr, " 0x%08x", fiber.detail);
        } else if (fiber.waiting == Waiting::Barrier) {
            fprintf(stderr, " %u", fiber.detail);
        }
        fputc('\n', stderr);
    }
}

bool run_block(uint3 index, unsigned long random) {
    Block &block = running.block;
    block.index = index;
    // What a block finds in its shared memory is NaN, or an index far out of bounds.
    memset(block.shared, 0xff, block.shared_bytes);
    for (const Range &variable : *running.launch->shared_variables) {
        memset(variable.start, 0xff, variable.bytes);
    }
    running.alive = block.count;
    for (unsigned i = 0; i < block.count; ++i) {
        Fiber &fiber = running.fibers[i];
        const unsigned plane = block.threads.x * block.threads.y;
        fiber.thread = {{i % block.threads.x, i / block.threads.x % block.threads.y, i / plane}, i};
        fiber.waiting = Waiting::Nothing;
        fiber.detail = 0;
    }
    for (unsigned warp = 0; warp < running.warps.size(); ++warp) {
        running.alive_lanes[warp] = lanes_of(warp) == WARP ? ALL_LANES : (1u << lanes_of(warp)) - 1;
    }
    reset_barriers();
    reset_copies();
    shuffle_warps(random);
    while (running.alive > 0) {
        const unsigned long before = running.progress;
        for (unsigned warp : running.warps) {
            run_warp(warp, (random & 1) == 0);
        }
        if (!running.mistake.empty()) {
            report(running.mistake.c_str());
            return false;
        }
        if (running.progress == before) {
            report("deadlock: no thread can go on; a barrier or warp operation was not reached by all that it names");
            return false;
        }
    }
    return true;
}

struct Free {
    void operator()(char *memory) const { free(memory); }
};

} // namespace

Fiber &current() { return *running.current; }
std::vector<Fiber> &fibers() { return running.fibers; }
unsigned alive_threads() { return running.alive; }
unsigned alive_lanes() { return running.alive_lanes[current().thread.number / WARP]; }
unsigned all_lanes() {
    const unsigned lanes = lanes_of(current().thread.number / WARP);
    return lanes == WARP ? ALL_LANES : (1u << lanes) - 1;
}
void progress() { running.progress += 1; }

void wait_for(Waiting reason, unsigned detail) {
    Fiber &fiber = current();
    fiber.waiting = reason;
    fiber.detail = detail;
    suspend(fiber);
}

bool run(const Launch &launch, void **arguments) {
    running.launch = &launch;
    running.arguments = arguments;
    running.mistake.clear();
    Block &block = running.block;
    block.threads = launch.threads;
    block.grid = launch.grid;
    block.count = launch.threads.x * launch.threads.y * launch.threads.z;
    block.shared_bytes = launch.shared_bytes;
    // aligned_alloc of the exact size, so that AddressSanitizer sees the end of it.
    void *memory = nullptr;
    if (posix_memalign(&memory, 1024, launch.shared_bytes) != 0) {
        return false;
    }
    const std::unique_ptr<char, Free> shared(static_cast<char *>(memory));
    block.shared = shared.get();
    emulator_block = &block;
    running.fibers.resize(block.count);
    running.warps.resize((block.count + WARP - 1) / WARP);
    running.alive_lanes.resize(running.warps.size());

    const unsigned long seed_of_run = seed(), total = 1ul * launch.grid.x * launch.grid.y * launch.grid.z;
    for (unsigned long i = 0; i < total; ++i) {
        const unsigned long random = seed_of_run == 0 ? 0 : mix(seed_of_run * total + i);
        const unsigned long number = seed_of_run % 2 == 0 ? i : total - 1 - i;
        const uint3 index = {static_cast<unsigned>(number % launch.grid.x),
                             static_cast<unsigned>(number / launch.grid.x % launch.grid.y),
                             static_cast<unsigned>(number / launch.grid.x / launch.grid.y)};
        if (!run_block(index, random)) {
            abandon(running.fibers);
            running.fibers.clear();
            return false;
        }
    }
    return true;
}

} // namespace emulator

extern "C" void emulator_fail(const char *mistake) {
    using namespace emulator;
    Fiber &fiber = current();
    const uint3 &index = fiber.thread.index;
    running.mistake = "thread (" + std::to_string(index.x) + ", " + std::to_string(index.y) + ", " +
                      std::to_string(index.z) + "): " + mistake;
    while (true) {
        suspend(fiber);
    }
}
