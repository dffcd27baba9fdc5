// Fused maps: a printed program at each place of an iteration space.
//
// Each thread takes LANES neighbouring places at a time, so that memory is read and written 16 bytes at once, and
// walks the space with the stride of the whole grid. The places after the last full group go one at a time.

template <class Program>
DEVICE void map(const Program& program, index elements) {
    const index threads = gridDim.x * blockDim.x;
    const index groups = elements / Program::LANES;
    const index thread = blockIdx.x * blockDim.x + threadIdx.x;
    for (index group = thread; group < groups; group += threads) {
        program.run(Lanes<Program::LANES>(), group * Program::LANES);
    }
    for (index i = groups * Program::LANES + thread; i < elements; i += threads) program.run(Lanes<1>(), i);
}
