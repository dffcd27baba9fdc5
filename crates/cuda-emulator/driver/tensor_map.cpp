// cuTensorMapEncodeTiled for two dimensions, without swizzle or with that of 128 bytes, held against the manual's
// rules.
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
    if (rank != 2 || interleave != 0 || (swizzle != 0 && swizzle != 3) || out_of_bounds_fill != 0 ||
        element_strides[0] != 1 || element_strides[1] != 1) {
        return CUDA_ERROR_NOT_SUPPORTED;
    }
    const unsigned element_bytes = ELEMENT_BYTES[type], row_bytes = box[0] * element_bytes;
    const bool aligned = (reinterpret_cast<uintptr_t>(address) | strides[0] | row_bytes) % 16 == 0;
    const bool box_fits = box[0] > 0 && box[1] > 0 && box[0] <= 256 && box[1] <= 256;
    const bool sizes_fit = sizes[0] > 0 && sizes[1] > 0 && sizes[0] <= 1ul << 32 && sizes[1] <= 1ul << 32;
    if (!aligned || !box_fits || !sizes_fit || (swizzle == 3 && row_bytes > 128) ||
        strides[0] < sizes[0] * element_bytes || strides[0] >= 1ul << 40) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    const size_t bytes = (sizes[1] - 1) * strides[0] + sizes[0] * element_bytes;
    if (!is_device_memory(reinterpret_cast<CUdeviceptr>(address), bytes)) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    emulator::TensorMap encoded = {};
    encoded.magic = emulator::TENSOR_MAP_MAGIC;
    encoded.address = static_cast<char *>(address);
    encoded.size[0] = sizes[0];
    encoded.size[1] = sizes[1];
    encoded.row_stride = strides[0];
    encoded.box[0] = box[0];
    encoded.box[1] = box[1];
    encoded.element_bytes = element_bytes;
    encoded.swizzle = static_cast<unsigned>(swizzle);
    memset(map, 0, 128);
    memcpy(map, &encoded, sizeof encoded);
    return CUDA_SUCCESS;
}
