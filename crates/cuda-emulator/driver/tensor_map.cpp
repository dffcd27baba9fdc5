// cuTensorMapEncodeTiled for two or three dimensions, without swizzle or with that of 128 bytes, held against the
// manual's rules.
#include <cstring>

#include "async_copy.h"
#include "state.h"

namespace {

// By CUtensorMapDataType.
constexpr unsigned ELEMENT_BYTES[] = {1, 2, 4, 4, 8, 8, 2, 4, 8, 2, 4, 4, 4};
constexpr unsigned TYPES = sizeof ELEMENT_BYTES / sizeof ELEMENT_BYTES[0];

} // namespace

EXPORT CUresult cuTensorMapEncodeTiled(void *map, int type, unsigned rank, void *address, const uint64_t *sizes,
                                       const uint64_t *strides, const uint32_t *box, const uint32_t *element_strides,
                                       int interleave, int swizzle, int, int out_of_bounds_fill) {
    ENTER
    if (map == nullptr || type < 0 || static_cast<unsigned>(type) >= TYPES) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    if ((rank != 2 && rank != 3) || interleave != 0 || (swizzle != 0 && swizzle != 3) || out_of_bounds_fill != 0) {
        return CUDA_ERROR_NOT_SUPPORTED;
    }
    const unsigned element_bytes = ELEMENT_BYTES[type], row_bytes = box[0] * element_bytes;
    emulator::TensorMap encoded = {};
    size_t bytes = element_bytes;
    bool fits = reinterpret_cast<uintptr_t>(address) % 16 == 0 && row_bytes % 16 == 0;
    for (unsigned axis = 0; axis < 3; ++axis) {
        const bool is_there = axis < rank;
        encoded.size[axis] = is_there ? sizes[axis] : 1;
        encoded.stride[axis] = axis == 0 ? element_bytes : is_there ? strides[axis - 1] : 0;
        encoded.box[axis] = is_there ? box[axis] : 1;
        if (is_there && element_strides[axis] != 1) {
            return CUDA_ERROR_NOT_SUPPORTED;
        }
        fits = fits && encoded.size[axis] > 0 && encoded.size[axis] <= 1ul << 32;
        fits = fits && encoded.box[axis] > 0 && encoded.box[axis] <= 256;
        if (axis > 0 && is_there) {
            const size_t below = encoded.size[axis - 1] * encoded.stride[axis - 1];
            fits = fits && encoded.stride[axis] % 16 == 0 && encoded.stride[axis] < 1ul << 40;
            fits = fits && encoded.stride[axis] >= below;
        }
        bytes += (encoded.size[axis] - 1) * encoded.stride[axis];
    }
    if (!fits || (swizzle == 3 && row_bytes > 128)) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (!is_device_memory(reinterpret_cast<CUdeviceptr>(address), bytes)) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    encoded.magic = emulator::TENSOR_MAP_MAGIC;
    encoded.address = static_cast<char *>(address);
    encoded.element_bytes = element_bytes;
    encoded.swizzle = static_cast<unsigned>(swizzle);
    memset(map, 0, 128);
    memcpy(map, &encoded, sizeof encoded);
    return CUDA_SUCCESS;
}
