// Products of halves on the tensor cores of Hopper (sm_90a), with sums in f32.
//
// Described as in tiles.cuh, but that operands are plain matrices, which the tensor memory accelerator copies: it is
// asked for boxes by their coordinates, and writes them into shared memory in the order that the tensor cores read.
// Lines and what lies along k beyond a matrix come as zeros, and cost nothing.
//
// A block is three warpgroups. One thread of the last asks for boxes, as many steps of 64 along k ahead as the ring has
// stages. The other two multiply 64 rows of the tile each, straight from shared memory, so they need registers for
// their sums alone, which they take from the warpgroup that asks. Of each stage two barriers tell one side of the
// other: `full`, that its boxes have come, and `empty`, that all warps have multiplied them.

namespace tiles {

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

// The tile of a block, and its ring. A multiprocessor has 168 registers for each of its threads; they are dealt anew.
template <int COLUMNS_, int STAGES_>
struct WarpgroupTile {
    static constexpr int ROWS = 128, COLUMNS = COLUMNS_, DEPTH = 64, STAGES = STAGES_;
    static constexpr int REGISTERS_TO_ASK = 40, REGISTERS_TO_MULTIPLY = 232;
    static constexpr index MULTIPLIERS = 256;
};

// An operand's part of a stage: LINES lines of 64 halves. Along k a line is 128 bytes; else these are 64 lines, and
// boxes of 64 lines follow each other.
template <bool ALONG_K, int LINES>
struct Boxes {
    static constexpr int BYTES = LINES * 128, BOX = 64 * 128;

    static METHOD void ask(char* to, const TensorMap& map, u64* full, index line, index k, index batch) {
        if constexpr (ALONG_K) {
            tensor_copy_3d(to, &map, full, k, line, batch);
        } else {
            #pragma unroll
            for (int box = 0; box < LINES / 64; ++box) {
                tensor_copy_3d(to + box * BOX, &map, full, line + box * 64, k, batch);
            }
        }
    }

    // Lines from `line` on, which begins a box, and 16 along k from `k` on.
    static METHOD u64 descriptor(const char* from, index line, index k) {
        return ALONG_K ? swizzled_descriptor(from + line * 128 + k * 2)
                       : swizzled_descriptor_across(from + line / 64 * BOX + k * 128, BOX);
    }
};

template <bool LEFT, bool RIGHT>
METHOD void multiply_lines(f32 (&sums)[64], u64 left, u64 right, bf16) {
    wgmma_m64n128k16_bf16<LEFT, RIGHT>(sums, left, right);
}
template <bool LEFT, bool RIGHT>
METHOD void multiply_lines(f32 (&sums)[64], u64 left, u64 right, f16) {
    wgmma_m64n128k16_f16<LEFT, RIGHT>(sums, left, right);
}
template <bool LEFT, bool RIGHT>
METHOD void multiply_lines(f32 (&sums)[128], u64 left, u64 right, bf16) {
    wgmma_m64n256k16_bf16<LEFT, RIGHT>(sums, left, right);
}
template <bool LEFT, bool RIGHT>
METHOD void multiply_lines(f32 (&sums)[128], u64 left, u64 right, f16) {
    wgmma_m64n256k16_f16<LEFT, RIGHT>(sums, left, right);
}

// A place in the ring. Each time around, barriers are waited for with the other parity.
template <int STAGES>
struct Turn {
    int stage = 0;
    unsigned parity = 0;
    METHOD void next() {
        stage += 1;
        if (stage == STAGES) {
            stage = 0;
            parity ^= 1;
        }
    }
};

// Where the sums of a thread lie after the instruction: two neighbours in every eight columns of two rows eight apart.
// They go through shared memory, so that neighbouring threads finish neighbouring results. A warp has 16 rows.
template <class S, class Tile, class Finish>
METHOD void finish_sums(
    const f32 (&sums)[Tile::COLUMNS / 2], char* shared, const Where<S, Tile::ROWS, Tile::COLUMNS>& at,
    const Finish& finish
) {
    // Eight more columns than there are, so that rows are written to other banks.
    constexpr int PITCH = Tile::COLUMNS + 8;
    const index warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    f32* const staged = reinterpret_cast<f32*>(shared) + warp * (16 * PITCH);
    #pragma unroll
    for (int eight = 0; eight < Tile::COLUMNS / 8; ++eight) {
        const index place = lane / 4 * PITCH + eight * 8 + lane % 4 * 2;
        store(staged, place, Pack<f32, 2>{{sums[eight * 4], sums[eight * 4 + 1]}});
        store(staged, place + 8 * PITCH, Pack<f32, 2>{{sums[eight * 4 + 2], sums[eight * 4 + 3]}});
    }
    __syncwarp();
    finish_rows<S, 16, Tile::COLUMNS, PITCH, 32>(
        staged, at.row + warp * 16, at.column, at.batch, at.part, lane, finish
    );
}

template <class S, class Tile, bool LEFT_ALONG_K, bool RIGHT_ALONG_K, class Finish>
DEVICE void product_by_warpgroups(const TensorMap& left, const TensorMap& right, const Finish& finish) {
    typedef Boxes<LEFT_ALONG_K, Tile::ROWS> Left;
    typedef Boxes<RIGHT_ALONG_K, Tile::COLUMNS> Right;
    constexpr int DEPTH = Tile::DEPTH, STAGES = Tile::STAGES, BYTES = Left::BYTES + Right::BYTES;
    static_assert(STAGES * BYTES >= 8 * 16 * (Tile::COLUMNS + 8) * 4, "sums take the place of the ring in the end");
    const Where<S, Tile::ROWS, Tile::COLUMNS> at = Where<S, Tile::ROWS, Tile::COLUMNS>::of(blockIdx.x);
    const index first = at.first(), last = at.last();

    DYN_SHARED(char, shared);
    char* const ring = shared + (0u - shared_address(shared)) % 1024;
    u64* const full = reinterpret_cast<u64*>(ring + STAGES * BYTES);
    u64* const empty = full + STAGES;
    if (threadIdx.x == 0) {
        #pragma unroll
        for (int stage = 0; stage < STAGES; ++stage) {
            mbarrier_init(full + stage, 1);
            mbarrier_init(empty + stage, Tile::MULTIPLIERS / 32);
        }
        fence_mbarrier_init();
    }
    __syncthreads();

    Turn<STAGES> turn;
    if (threadIdx.x >= Tile::MULTIPLIERS) {
        registers_decrease<Tile::REGISTERS_TO_ASK>();
        if (threadIdx.x > Tile::MULTIPLIERS) return;
        prefetch_tensor_map(&left);
        prefetch_tensor_map(&right);
        #pragma unroll 1
        for (index k = first; k < last; k += DEPTH, turn.next()) {
            char* const stage = ring + turn.stage * BYTES;
            // The first time around nothing is waited for.
            mbarrier_wait(empty + turn.stage, turn.parity ^ 1);
            mbarrier_arrive_expect(full + turn.stage, BYTES);
            Left::ask(stage, left, full + turn.stage, at.row, k, at.batch);
            Right::ask(stage + Left::BYTES, right, full + turn.stage, at.column, k, at.batch);
        }
        return;
    }

    registers_increase<Tile::REGISTERS_TO_MULTIPLY>();
    const index row = threadIdx.x / 128 * 64;
    const bool is_first_lane = threadIdx.x % 32 == 0;
    f32 sums[Tile::COLUMNS / 2];
    #pragma unroll
    for (int i = 0; i < Tile::COLUMNS / 2; ++i) sums[i] = 0;
    int before = 0;
    #pragma unroll 1
    for (index k = first; k < last; k += DEPTH, turn.next()) {
        const char* const stage = ring + turn.stage * BYTES;
        mbarrier_wait(full + turn.stage, turn.parity);
        wgmma_fence();
        #pragma unroll
        for (int step = 0; step < DEPTH; step += 16) {
            multiply_lines<LEFT_ALONG_K, RIGHT_ALONG_K>(
                sums, Left::descriptor(stage, row, step), Right::descriptor(stage + Left::BYTES, 0, step),
                typename S::Element()
            );
        }
        wgmma_commit();
        // While these are multiplied, those of the stage before are done.
        wgmma_wait<1>();
        if (is_first_lane && k != first) mbarrier_arrive(empty + before);
        before = turn.stage;
    }
    wgmma_wait<0>();
    named_barrier_sync(1, Tile::MULTIPLIERS);
    finish_sums<S, Tile>(sums, ring, at, finish);
}

#endif  // __CUDA_ARCH_FEAT_SM90_ALL

}  // namespace tiles
