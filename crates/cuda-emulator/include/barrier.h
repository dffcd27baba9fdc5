// Barriers of a block and fences. Fences do nothing: what a thread writes is seen by all at once.
#pragma once

static inline void __syncthreads() { emulator_barrier(0, 0, 0, nullptr); }
static inline int __syncthreads_count(int predicate) {
    return static_cast<int>(emulator_barrier(0, 0, predicate, nullptr));
}
static inline int __syncthreads_or(int predicate) { return emulator_barrier(0, 0, predicate, nullptr) != 0; }
static inline int __syncthreads_and(int predicate) {
    unsigned arrived = 0;
    const unsigned holds = emulator_barrier(0, 0, predicate, &arrived);
    return holds == arrived;
}

static inline void __threadfence() {}
static inline void __threadfence_block() {}
static inline void __threadfence_system() {}
