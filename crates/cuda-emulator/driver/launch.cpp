// Launches: held against the device's limits, then run by the scheduler, or recorded with a copy of the arguments.
#include <cstring>

#include "state.h"

namespace {

using emulator::Launch;

// The arguments' bytes, which the caller may overwrite as soon as the launch has been submitted.
class Arguments {
  public:
    Arguments(const emulator::Kernel &kernel, void **arguments) {
        size_t total = 0;
        for (unsigned i = 0; i < kernel.arguments; ++i) {
            offsets.push_back(total);
            total += (kernel.argument_bytes[i] + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        }
        bytes.resize(total / sizeof(Line));
        for (unsigned i = 0; i < kernel.arguments; ++i) {
            memcpy(reinterpret_cast<char *>(bytes.data()) + offsets[i], arguments[i], kernel.argument_bytes[i]);
        }
    }

    std::vector<void *> pointers() const {
        std::vector<void *> result;
        for (size_t offset : offsets) {
            result.push_back(const_cast<char *>(reinterpret_cast<const char *>(bytes.data())) + offset);
        }
        return result;
    }

  private:
    static constexpr size_t ALIGNMENT = 64; // of a CUtensorMap
    struct alignas(64) Line {
        char bytes[64];
    };
    std::vector<Line> bytes;
    std::vector<size_t> offsets;
};

CUresult check(const Function &function, const Launch &launch) {
    const dim3 &grid = launch.grid, &threads = launch.threads;
    const unsigned long count = 1ul * threads.x * threads.y * threads.z;
    if (count == 0 || count > 1024 || threads.z > 64) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 2147483647u || grid.y > 65535 || grid.z > 65535) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (launch.shared_bytes > static_cast<unsigned>(function.dynamic_shared_limit)) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    const unsigned bound = function.kernel->launch_bound;
    return bound != 0 && count > bound ? CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES : CUDA_SUCCESS;
}

CUresult launch(const Function *function, const Launch &launch, Stream *stream, void **arguments, void **extra) {
    if (function == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    if (extra != nullptr || (arguments == nullptr && function->kernel->arguments > 0)) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    for (unsigned i = 0; i < function->kernel->arguments; ++i) {
        if (arguments[i] == nullptr) {
            return CUDA_ERROR_INVALID_VALUE;
        }
    }
    const CUresult fits = check(*function, launch);
    if (fits != CUDA_SUCCESS) {
        return fits;
    }
    const Arguments copied(*function->kernel, arguments);
    return submit(stream, [=] {
        std::vector<void *> pointers = copied.pointers();
        return emulator::run(launch, pointers.data()) ? CUDA_SUCCESS : CUDA_ERROR_LAUNCH_FAILED;
    });
}

} // namespace

EXPORT CUresult cuLaunchKernel(Function *function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                               unsigned threads_x, unsigned threads_y, unsigned threads_z, unsigned shared_bytes,
                               Stream *stream, void **arguments, void **extra) {
    ENTER
    if (function == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    const Launch what = {function->kernel, function->name, dim3(grid_x, grid_y, grid_z),
                         dim3(threads_x, threads_y, threads_z), shared_bytes, function->shared_variables};
    return launch(function, what, stream, arguments, extra);
}

// Attributes are hints, but for clusters: their blocks would have to run at the same time.
EXPORT CUresult cuLaunchKernelEx(const CUlaunchConfig *config, Function *function, void **arguments, void **extra) {
    ENTER
    if (config == nullptr || function == nullptr) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    for (unsigned i = 0; i < config->numAttrs; ++i) {
        unsigned size[3];
        memcpy(size, config->attrs[i].value, sizeof size);
        if (config->attrs[i].id == 4 && size[0] * size[1] * size[2] > 1) {
            return CUDA_ERROR_NOT_SUPPORTED;
        }
    }
    const Launch what = {function->kernel, function->name,
                         dim3(config->gridDimX, config->gridDimY, config->gridDimZ),
                         dim3(config->blockDimX, config->blockDimY, config->blockDimZ), config->sharedMemBytes,
                         function->shared_variables};
    return launch(function, what, config->hStream, arguments, extra);
}
