// Stacks for fibers and the switch between them. A fiber has a stack only while it is under way: one that never waits
// hands its stack to the next, so that threads of simple kernels share one that stays in the cache.
#include "fibers.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
extern "C" void __asan_unpoison_memory_region(void const volatile *, size_t);
#endif

// Saves the registers that a call must keep on the stack, leaves the stack pointer in `*save`, and goes on with `to`.
extern "C" void emulator_switch(void **save, void *to);
asm(R"(
.text
.type emulator_switch, @function
emulator_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size emulator_switch, .-emulator_switch
)");

namespace emulator {

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr size_t STACK_BYTES = 512 << 10; // red zones make frames larger
#else
constexpr size_t STACK_BYTES = 128 << 10;
#endif
constexpr size_t GUARD_BYTES = 4096;
constexpr size_t SAVED_REGISTERS = 6;

std::vector<char *> free_stacks;
void *scheduler_stack_pointer;

char *make_stack() {
    void *memory =
        mmap(nullptr, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, GUARD_BYTES, PROT_NONE) != 0) {
        perror("cornu's CUDA emulator has no memory for the stack of a thread");
        abort();
    }
    return static_cast<char *>(memory);
}

char *take_stack() {
    if (free_stacks.empty()) {
        return make_stack();
    }
    char *stack = free_stacks.back();
    free_stacks.pop_back();
    return stack;
}

// A new fiber's stack looks as if emulator_switch had left it: saved registers, then where to return to. Stacks begin
// at places that differ by a few cache lines, or all would compete for the same sets of the cache.
void *first_frame(char *stack, void (*body)()) {
    const size_t stagger = reinterpret_cast<uintptr_t>(stack) / STACK_BYTES % 61 * 64;
    void **top = reinterpret_cast<void **>(stack + STACK_BYTES - 64 - stagger);
    *--top = nullptr;
    *--top = reinterpret_cast<void *>(body);
    for (size_t i = 0; i < SAVED_REGISTERS; ++i) {
        *--top = nullptr;
    }
    return top;
}

} // namespace

void resume(Fiber &fiber, void (*body)()) {
    if (fiber.stack == nullptr) {
        fiber.stack = take_stack();
        fiber.stack_pointer = first_frame(fiber.stack, body);
    }
    emulator_switch(&scheduler_stack_pointer, fiber.stack_pointer);
    if (fiber.waiting == Waiting::Exited) {
        free_stacks.push_back(fiber.stack);
        fiber.stack = nullptr;
    }
}

void suspend(Fiber &fiber) { emulator_switch(&fiber.stack_pointer, scheduler_stack_pointer); }

void finish(Fiber &fiber) {
    fiber.waiting = Waiting::Exited;
    suspend(fiber);
}

void abandon(std::vector<Fiber> &fibers) {
    // The one that failed is marked as exited and has given its stack back already.
#if defined(__SANITIZE_ADDRESS__)
    for (char *stack : free_stacks) {
        __asan_unpoison_memory_region(stack + GUARD_BYTES, STACK_BYTES - GUARD_BYTES);
    }
#endif
    for (Fiber &fiber : fibers) {
        if (fiber.stack != nullptr) {
#if defined(__SANITIZE_ADDRESS__)
            __asan_unpoison_memory_region(fiber.stack + GUARD_BYTES, STACK_BYTES - GUARD_BYTES);
#endif
            free_stacks.push_back(fiber.stack);
            fiber.stack = nullptr;
        }
    }
}

} // namespace emulator
