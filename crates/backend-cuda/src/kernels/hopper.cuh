// Products of halves on the tensor cores of Hopper (sm_90a), with sums in f32.
//
// Described as in tiles.cuh, but that operands are plain matrices, which the tensor memory accelerator copies: it is
// asked for boxes by their coordinates, and writes them into shared memory in the order that the tensor cores read.
// Lines and what lies along k beyond a matrix come as zeros, and cost nothing.
//
// A block is three warpgroups, and takes one tile after another. One thread of the last asks for boxes, as many steps
// of 64 along k ahead as the ring has stages, and goes on to the next tile while the others still finish theirs. These
// two multiply straight from shared memory, so they need registers for their sums alone, which they take from the
// warpgroup that asks. Either each of them takes every other tile: one multiplies while the other finishes its
// results. Or, where tiles are so wide that their sums need the registers of both, each takes half of the rows.
//
// Of each stage two barriers tell one side of the other: `full`, that its boxes have come, and `empty`, that all
// warps that need it have multiplied them.

namespace tiles {

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

// A tile, the ring, and whether both warpgroups multiply the same tile. A multiprocessor has 168 registers for each
// thread of the block; they are dealt anew.
template <int COLUMNS_, int STAGES_, bool TOGETHER_>
struct WarpgroupTile {
    static constexpr int ROWS = 128, COLUMNS = COLUMNS_, DEPTH = 64, STAGES = STAGES_;
    static constexpr bool TOGETHER = TOGETHER_;
    // Instructions that multiply the rows of a warpgroup: each takes 64.
    static constexpr int BLOCKS = TOGETHER ? 1 : 2;
    static constexpr int REGISTERS_TO_ASK = 40, REGISTERS_TO_MULTIPLY = 232;
    static constexpr int BYTES_OF_STAGE = (ROWS + COLUMNS) * DEPTH * 2;
    // What of the sums of a warp lies in shared memory at a time as they are finished. Eight more columns than there
    // are, so that rows are written to other banks.
    static constexpr int STAGED_COLUMNS = 128, PITCH = STAGED_COLUMNS + 8, STAGED_BYTES = 16 * PITCH * 4;
};

// An operand's part of a stage: LINES lines of 64 halves. Along k a line is 128 bytes; else these are 64 lines, and
// boxes of 64 lines follow each other.
template <bool ALONG_K, int LINES>
struct Boxes {
    static constexpr bool IS_ALONG_K = ALONG_K;
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
    index stage = 0;
    unsigned parity = 0;
    METHOD void next() { skip(1); }
    METHOD void skip(index steps) {
        stage += steps;
        parity ^= stage / STAGES & 1;
        stage %= STAGES;
    }
};

// The ring in shared memory: stages, their barriers, and behind them where warps stage the sums that they finish.
template <class Tile>
struct Ring {
    char* stages;
    METHOD char* stage(index number) const { return stages + number * Tile::BYTES_OF_STAGE; }
    METHOD f32* staged(index warp) const {
        return reinterpret_cast<f32*>(stage(Tile::STAGES) + warp * Tile::STAGED_BYTES);
    }
    METHOD u64* full(index stage) const { return reinterpret_cast<u64*>(staged(MULTIPLIERS / 32)) + stage; }
    METHOD u64* empty(index stage) const { return full(Tile::STAGES) + stage; }
    static constexpr index MULTIPLIERS = 256;

    METHOD void begin() const {
        #pragma unroll
        for (int number = 0; number < Tile::STAGES; ++number) {
            mbarrier_init(full(number), 1);
            mbarrier_init(empty(number), Tile::TOGETHER ? 8 : 4);
        }
        fence_mbarrier_init();
    }
};

// Where warpgroups take tiles in turn, one may look at the barriers of its stages only when the other has seen all of
// the stages before: a parity tells one time around from the next, but not from the one after that.
template <class Tile>
struct Order {
    static METHOD void pass_to(index warpgroup) {
        if (!Tile::TOGETHER) named_barrier_arrive(1 + warpgroup, Ring<Tile>::MULTIPLIERS);
    }
    static METHOD void wait(index warpgroup) {
        if (!Tile::TOGETHER) named_barrier_sync(1 + warpgroup, Ring<Tile>::MULTIPLIERS);
    }
};

// The tiles of a block, and all steps of each.
template <class S, class Tile>
struct Tiles {
    typedef Where<S, Tile::ROWS, Tile::COLUMNS> At;
    static constexpr index BATCH = S::RESULTS / (S::M * S::N), COUNT = BATCH * S::PARTS * At::DOWN * At::ACROSS;
    static METHOD index steps(const At& at) { return ceil_div(at.last() - at.first(), Tile::DEPTH); }
};

// The thread that asks.
template <class S, class Tile, class Left, class Right>
METHOD void ask_for_tiles(const TensorMap& left, const TensorMap& right, const Ring<Tile>& ring) {
    typedef Tiles<S, Tile> All;
    prefetch_tensor_map(&left);
    prefetch_tensor_map(&right);
    Turn<Tile::STAGES> turn;
    #pragma unroll 1
    for (index tile = blockIdx.x; tile < All::COUNT; tile += gridDim.x) {
        const typename All::At at = All::At::of(tile);
        #pragma unroll 1
        for (index k = at.first(); k < at.last(); k += Tile::DEPTH, turn.next()) {
            // The first time around nothing is waited for.
            mbarrier_wait(ring.empty(turn.stage), turn.parity ^ 1);
            u64* const full = ring.full(turn.stage);
            char* const stage = ring.stage(turn.stage);
            mbarrier_arrive_expect(full, Tile::BYTES_OF_STAGE);
            Left::ask(stage, left, full, at.row, k, at.batch);
            Right::ask(stage + Left::BYTES, right, full, at.column, k, at.batch);
        }
    }
}

// Sums a tile, or its part of one, from row `row` of the tile on. `passed_to` is the warpgroup of the next tile, if
// there is one.
template <class S, class Tile, class Left, class Right>
METHOD void multiply_tile(
    f32 (&sums)[Tile::BLOCKS][Tile::COLUMNS / 2], const Ring<Tile>& ring, Turn<Tile::STAGES>& turn, index steps,
    index row, index passed_to, bool is_last
) {
    const bool is_first_lane = threadIdx.x % 32 == 0;
    #pragma unroll
    for (int block = 0; block < Tile::BLOCKS; ++block) {
        #pragma unroll
        for (int i = 0; i < Tile::COLUMNS / 2; ++i) sums[block][i] = 0;
    }
    index before = 0;
    #pragma unroll 1
    for (index number = 0; number < steps; ++number, turn.next()) {
        const char* const stage = ring.stage(turn.stage);
        mbarrier_wait(ring.full(turn.stage), turn.parity);
        wgmma_fence();
        #pragma unroll
        for (int step = 0; step < Tile::DEPTH; step += 16) {
            #pragma unroll
            for (int block = 0; block < Tile::BLOCKS; ++block) {
                multiply_lines<Left::IS_ALONG_K, Right::IS_ALONG_K>(
                    sums[block], Left::descriptor(stage, row + block * 64, step),
                    Right::descriptor(stage + Left::BYTES, 0, step), typename S::Element()
                );
            }
        }
        wgmma_commit();
        // While these are multiplied, those of the stage before are done.
        wgmma_wait<1>();
        if (is_first_lane && number > 0) mbarrier_arrive(ring.empty(before));
        before = turn.stage;
    }
    if (!is_last) Order<Tile>::pass_to(passed_to);
    wgmma_wait<0>();
    if (is_first_lane) mbarrier_arrive(ring.empty(before));
}

// Finishes them. Of every eight columns a thread has two neighbours of two rows, eight apart: they go through shared
// memory, so that neighbouring threads finish neighbouring results. A warp has 16 of the 64 rows of an instruction.
template <class S, class Tile, class Finish>
METHOD void finish_tile(
    const f32 (&sums)[Tile::BLOCKS][Tile::COLUMNS / 2], f32* staged, const typename Tiles<S, Tile>::At& at, index row,
    const Finish& finish
) {
    constexpr int WIDTH = Tile::STAGED_COLUMNS, PITCH = Tile::PITCH;
    const index lane = threadIdx.x % 32, first = at.row + row + threadIdx.x % 128 / 32 * 16;
    #pragma unroll
    for (int block = 0; block < Tile::BLOCKS; ++block) {
        #pragma unroll
        for (int column = 0; column < Tile::COLUMNS; column += WIDTH) {
            #pragma unroll
            for (int eight = 0; eight < WIDTH; eight += 8) {
                const index place = lane / 4 * PITCH + eight + lane % 4 * 2, i = (column + eight) / 2;
                store(staged, place, Pack<f32, 2>{{sums[block][i], sums[block][i + 1]}});
                store(staged, place + 8 * PITCH, Pack<f32, 2>{{sums[block][i + 2], sums[block][i + 3]}});
            }
            __syncwarp();
            finish_rows<S, 16, WIDTH, PITCH, 32>(
                staged, first + block * 64, at.column + column, at.batch, at.part, lane, finish
            );
            __syncwarp();
        }
    }
}

template <class S, class Tile, bool LEFT_ALONG_K, bool RIGHT_ALONG_K, class Finish>
DEVICE void product_by_warpgroups(const TensorMap& left, const TensorMap& right, const Finish& finish) {
    typedef Boxes<LEFT_ALONG_K, Tile::ROWS> Left;
    typedef Boxes<RIGHT_ALONG_K, Tile::COLUMNS> Right;
    typedef Tiles<S, Tile> All;
    DYN_SHARED(char, shared);
    const Ring<Tile> ring = {shared + (0u - shared_address(shared)) % 1024};
    if (threadIdx.x == 0) ring.begin();
    __syncthreads();

    const index warpgroup = threadIdx.x / 128;
    if (warpgroup == 2) {
        registers_decrease<Tile::REGISTERS_TO_ASK>();
        if (threadIdx.x == Ring<Tile>::MULTIPLIERS) ask_for_tiles<S, Tile, Left, Right>(left, right, ring);
        return;
    }
    registers_increase<Tile::REGISTERS_TO_MULTIPLY>();
    const index row = Tile::TOGETHER ? warpgroup * 64 : 0;
    index whose = 0;
    if (warpgroup == 1) Order<Tile>::pass_to(whose);
    Turn<Tile::STAGES> turn;
    #pragma unroll 1
    for (index tile = blockIdx.x; tile < All::COUNT; tile += gridDim.x, whose ^= 1) {
        const typename All::At at = All::At::of(tile);
        const index steps = All::steps(at);
        if (!Tile::TOGETHER && whose != warpgroup) {
            turn.skip(steps);
            continue;
        }
        f32 sums[Tile::BLOCKS][Tile::COLUMNS / 2];
        const bool is_last = tile + gridDim.x >= All::COUNT;
        Order<Tile>::wait(warpgroup);
        multiply_tile<S, Tile, Left, Right>(sums, ring, turn, steps, row, whose ^ 1, is_last);
        finish_tile<S, Tile>(sums, ring.staged(threadIdx.x / 32), at, row, finish);
    }
}

#endif  // __CUDA_ARCH_FEAT_SM90_ALL

}  // namespace tiles
