// Device memory is memory of the host, of the exact size asked for and filled with 0xff: NaN to floats, far out of
// bounds to indices. Copies and fills are held against what has been allocated.
#include <cstdlib>
#include <cstring>

#include "state.h"

namespace {

std::map<CUdeviceptr, size_t> allocations;

CUresult allocate(void **address, size_t bytes) {
    if (address == nullptr || bytes == 0) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (posix_memalign(address, 256, bytes) != 0) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    memset(*address, 0xff, bytes);
    allocations[reinterpret_cast<CUdeviceptr>(*address)] = bytes;
    return CUDA_SUCCESS;
}

CUresult release(CUdeviceptr address) {
    if (address == 0) {
        return CUDA_SUCCESS;
    }
    if (allocations.erase(address) == 0) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    free(reinterpret_cast<void *>(address));
    return CUDA_SUCCESS;
}

CUresult fill(CUdeviceptr address, unsigned value, size_t value_bytes, size_t count) {
    if (count == 0) {
        return CUDA_SUCCESS;
    }
    if (!is_device_memory(address, count * value_bytes) || address % value_bytes != 0) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    for (size_t i = 0; i < count; ++i) {
        memcpy(reinterpret_cast<char *>(address) + i * value_bytes, &value, value_bytes);
    }
    return CUDA_SUCCESS;
}

enum class Direction { ToDevice, ToHost, OnDevice };

CUresult copy(CUdeviceptr to, CUdeviceptr from, size_t bytes, Direction direction) {
    if (bytes == 0) {
        return CUDA_SUCCESS;
    }
    const bool to_fits = direction == Direction::ToHost ? to != 0 : is_device_memory(to, bytes);
    const bool from_fits = direction == Direction::ToDevice ? from != 0 : is_device_memory(from, bytes);
    if (!to_fits || !from_fits) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    memmove(reinterpret_cast<void *>(to), reinterpret_cast<const void *>(from), bytes);
    return CUDA_SUCCESS;
}

CUdeviceptr address_of(const void *place) { return reinterpret_cast<CUdeviceptr>(place); }

// A copy in a stream that is late. Memory that is not pinned is read before the call returns, or written.
CUresult copy_later(Stream *stream, CUdeviceptr to, CUdeviceptr from, size_t bytes, Direction direction) {
    if (direction == Direction::ToDevice && !is_device_memory(from, bytes)) {
        const char *source = reinterpret_cast<const char *>(from);
        const auto staged = std::make_shared<std::vector<char>>(source, source + bytes);
        return submit(stream, [=] { return copy(to, address_of(staged->data()), bytes, direction); });
    }
    const CUresult result = submit(stream, [=] { return copy(to, from, bytes, direction); });
    const bool waits = direction == Direction::ToHost && !is_device_memory(to, bytes);
    return result == CUDA_SUCCESS && waits ? finish(stream) : result;
}

CUresult copy_in(Stream *stream, CUdeviceptr to, CUdeviceptr from, size_t bytes, Direction direction) {
    if (bytes > 0 && (to == 0 || from == 0)) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (is_deferred(stream)) {
        return copy_later(stream, to, from, bytes, direction);
    }
    return submit(stream, [=] { return copy(to, from, bytes, direction); });
}

// A copy or fill that the default stream does while the host waits, after what it takes turns with.
template <class Work> CUresult at_once(Work work) {
    const CUresult before = finish_blocking();
    return before == CUDA_SUCCESS ? work() : before;
}

} // namespace

bool is_device_memory(CUdeviceptr address, size_t bytes) {
    auto next = allocations.upper_bound(address);
    if (next == allocations.begin()) {
        return false;
    }
    --next;
    return address + bytes >= address && address + bytes <= next->first + next->second;
}

void register_global(CUdeviceptr address, size_t bytes) { allocations[address] = bytes; }
void forget_global(CUdeviceptr address) { allocations.erase(address); }

EXPORT CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
    ENTER
    NOT_WHILE_CAPTURING
    return allocate(reinterpret_cast<void **>(address), bytes);
}

EXPORT CUresult cuMemFree_v2(CUdeviceptr address) {
    ENTER
    NOT_WHILE_CAPTURING
    const CUresult before = finish_all();
    return before == CUDA_SUCCESS ? release(address) : before;
}

// Without memory pools there are no asynchronous allocations; a backend that asks for them forgot to look.
EXPORT CUresult cuMemAllocAsync(CUdeviceptr *, size_t, Stream *) {
    ENTER
    return CUDA_ERROR_NOT_SUPPORTED;
}

EXPORT CUresult cuMemFreeAsync(CUdeviceptr, Stream *) {
    ENTER
    return CUDA_ERROR_NOT_SUPPORTED;
}

EXPORT CUresult cuMemHostAlloc(void **address, size_t bytes, unsigned) {
    ENTER
    return allocate(address, bytes);
}

EXPORT CUresult cuMemAllocHost_v2(void **address, size_t bytes) {
    ENTER
    return allocate(address, bytes);
}

EXPORT CUresult cuMemFreeHost(void *address) {
    ENTER
    const CUresult before = finish_all();
    return before == CUDA_SUCCESS ? release(address_of(address)) : before;
}

EXPORT CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *address, void *place, unsigned) {
    ENTER
    *address = address_of(place);
    return is_device_memory(*address, 1) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

EXPORT CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes) {
    ENTER
    NOT_WHILE_CAPTURING
    return at_once([=] { return copy(to, address_of(from), bytes, Direction::ToDevice); });
}

EXPORT CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) {
    ENTER
    NOT_WHILE_CAPTURING
    return at_once([=] { return copy(address_of(to), from, bytes, Direction::ToHost); });
}

EXPORT CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
    ENTER
    NOT_WHILE_CAPTURING
    return at_once([=] { return copy(to, from, bytes, Direction::OnDevice); });
}

EXPORT CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, Stream *stream) {
    ENTER
    return copy_in(stream, to, address_of(from), bytes, Direction::ToDevice);
}

EXPORT CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, Stream *stream) {
    ENTER
    return copy_in(stream, address_of(to), from, bytes, Direction::ToHost);
}

EXPORT CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, Stream *stream) {
    ENTER
    return copy_in(stream, to, from, bytes, Direction::OnDevice);
}

EXPORT CUresult cuMemsetD8_v2(CUdeviceptr address, unsigned char value, size_t count) {
    ENTER
    NOT_WHILE_CAPTURING
    return at_once([=] { return fill(address, value, 1, count); });
}

EXPORT CUresult cuMemsetD32_v2(CUdeviceptr address, unsigned value, size_t count) {
    ENTER
    NOT_WHILE_CAPTURING
    return at_once([=] { return fill(address, value, 4, count); });
}

EXPORT CUresult cuMemsetD8Async(CUdeviceptr address, unsigned char value, size_t count, Stream *stream) {
    ENTER
    return submit(stream, [=] { return fill(address, value, 1, count); });
}

EXPORT CUresult cuMemsetD32Async(CUdeviceptr address, unsigned value, size_t count, Stream *stream) {
    ENTER
    return submit(stream, [=] { return fill(address, value, 4, count); });
}
