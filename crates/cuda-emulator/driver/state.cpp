// The lock, the counts, the error that sticks, and the functions by which a test asks for them.
#include "state.h"

#include <cstdio>

namespace {

std::recursive_mutex driver_lock;
std::map<std::string, unsigned long> counts;
CUresult sticking = CUDA_SUCCESS;

} // namespace

Call::Call(const char *name) : error(CUDA_SUCCESS), lock(driver_lock) {
    counts[name] += 1;
    error = sticking;
}

CUresult stick(CUresult error) {
    if (error == CUDA_ERROR_LAUNCH_FAILED) {
        sticking = error;
    }
    return error;
}

// How often the function `name` has been called since the last reset.
EXPORT unsigned long cornu_emulator_count(const char *name) {
    const std::lock_guard<std::recursive_mutex> lock(driver_lock);
    const auto count = counts.find(name);
    return count == counts.end() ? 0 : count->second;
}

EXPORT void cornu_emulator_reset_counts() {
    const std::lock_guard<std::recursive_mutex> lock(driver_lock);
    counts.clear();
}

// Makes the device usable again after a failed kernel, which on a GPU only a new process does.
EXPORT void cornu_emulator_recover() {
    const std::lock_guard<std::recursive_mutex> lock(driver_lock);
    sticking = CUDA_SUCCESS;
}

namespace {

struct Words {
    CUresult error;
    const char *name;
    const char *text;
};

const Words WORDS[] = {
    {CUDA_SUCCESS, "CUDA_SUCCESS", "no error"},
    {CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {CUDA_ERROR_NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {CUDA_ERROR_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {CUDA_ERROR_INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {CUDA_ERROR_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {CUDA_ERROR_NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image for the device"},
    {CUDA_ERROR_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {CUDA_ERROR_NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {CUDA_ERROR_NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready"},
    {CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources for launch"},
    {CUDA_ERROR_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {CUDA_ERROR_NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
     "operation not permitted when stream is capturing"},
    {CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
     "operation failed due to a previous error during capture"},
    {CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED",
     "capture was not ended in the same stream as it began"},
    {CUDA_ERROR_STREAM_CAPTURE_UNJOINED, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED",
     "capturing stream has unjoined work"},
    {CUDA_ERROR_STREAM_CAPTURE_ISOLATION, "CUDA_ERROR_STREAM_CAPTURE_ISOLATION",
     "dependency created on uncaptured work in another stream"},
};

const Words *words_of(CUresult error) {
    for (const Words &words : WORDS) {
        if (words.error == error) {
            return &words;
        }
    }
    return nullptr;
}

} // namespace

EXPORT CUresult cuGetErrorName(CUresult error, const char **name) {
    const Words *words = words_of(error);
    *name = words == nullptr ? nullptr : words->name;
    return words == nullptr ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

EXPORT CUresult cuGetErrorString(CUresult error, const char **text) {
    const Words *words = words_of(error);
    *text = words == nullptr ? nullptr : words->text;
    return words == nullptr ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}
