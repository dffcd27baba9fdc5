// Static shared memory of an image.
#pragma once

#include <cstddef>
#include <vector>

namespace emulator {

struct Range {
    char *start;
    size_t bytes;
};

// All `__shared__` variables of `library`, which was loaded from the bytes of `image`. The image must be aligned to 8
// bytes.
std::vector<Range> shared_variables(const char *image, void *library);

} // namespace emulator
