// Random words: Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
//
// Words 4i to 4i + 3 are block i, a pure function of key, counter and i. Each thread makes a block, and stores it at
// once where memory is aligned.

struct PhiloxBlock {
    u32 words[4];
};

METHOD PhiloxBlock philox(index number, u32 c, u32 d, u32 key0, u32 key1) {
    u32 a = number, b = 0;
    #pragma unroll
    for (int round = 0; round < 10; ++round) {
        const u32 left_high = __umulhi(a, 0xd2511f53u), left_low = a * 0xd2511f53u;
        const u32 right_high = __umulhi(c, 0xcd9e8d57u), right_low = c * 0xcd9e8d57u;
        a = right_high ^ b ^ key0;
        b = right_low;
        c = left_high ^ d ^ key1;
        d = left_low;
        // The golden ratio and the root of 3: the key of each round differs from the last by these.
        key0 += 0x9e3779b9u;
        key1 += 0xbb67ae85u;
    }
    return PhiloxBlock{{a, b, c, d}};
}

template <bool ALIGNED>
DEVICE void random_bits(const u32* key, const u32* counter, u32* to, index elements) {
    const index threads = gridDim.x * blockDim.x;
    for (index i = blockIdx.x * blockDim.x + threadIdx.x; i < ceil_div(elements, 4); i += threads) {
        const PhiloxBlock block = philox(i, counter[0], counter[1], key[0], key[1]);
        const u32* words = block.words;
        if (ALIGNED && i * 4 + 4 <= elements) {
            store(to, i * 4, Pack<u32, 4>{{words[0], words[1], words[2], words[3]}});
        } else {
            #pragma unroll
            for (index word = 0; word < 4; ++word) {
                if (i * 4 + word < elements) to[i * 4 + word] = words[word];
            }
        }
    }
}
