// The one device and its context: an H100 by its numbers, unless CORNU_EMULATOR_ARCH says 7.5 or 8.0.
#include <cstdlib>
#include <cstring>

#include "state.h"

namespace {

bool initialized;
char the_context;
thread_local void *current_context;

struct Attribute {
    int number;
    int value;
};

// By CUdevice_attribute. What the architecture decides is in attribute_of.
const Attribute ATTRIBUTES[] = {
    {1, 1024},        // threads of a block
    {2, 1024},        // block x
    {3, 1024},        // block y
    {4, 64},          // block z
    {5, 2147483647},  // grid x
    {6, 65535},       // grid y
    {7, 65535},       // grid z
    {8, 48 << 10},    // shared memory of a block, without opting in
    {9, 64 << 10},    // constant memory
    {10, 32},         // warp
    {12, 65536},      // registers of a block
    {13, 1980000},    // clock, kHz
    {15, 1},          // copies and kernels at once
    {18, 0},          // integrated
    {19, 1},          // host memory can be mapped
    {20, 0},          // compute mode: default
    {31, 1},          // concurrent kernels
    {32, 1},          // ECC
    {33, 0},          // PCI bus
    {34, 0},          // PCI device
    {36, 2619000},    // memory clock, kHz
    {37, 5120},       // memory bus, bits
    {38, 50 << 20},   // L2 cache
    {39, 2048},       // threads of a multiprocessor
    {40, 3},          // copy engines
    {41, 1},          // unified addressing
    {50, 0},          // PCI domain
    {78, 1},          // stream priorities
    {79, 1},          // global memory is cached in L1
    {80, 1},          // local memory is cached in L1
    {82, 65536},      // registers of a multiprocessor
    {83, 0},          // managed memory
    {95, 0},          // cooperative launch
    {106, 32},        // blocks of a multiprocessor
    {111, 1024},      // shared memory of a block that the driver keeps
    {115, 0},         // memory pools
};

bool attribute_of(int number, int *value) {
    switch (number) {
    case 16: *value = architecture() == 90 ? 132 : architecture() == 80 ? 108 : 40; return true; // multiprocessors
    case 75: *value = architecture() / 10; return true;
    case 76: *value = architecture() % 10; return true;
    case 81: *value = shared_memory_opt_in() + (architecture() == 75 ? 0 : 1024); return true; // of a multiprocessor
    case 97: *value = shared_memory_opt_in(); return true;
    default: break;
    }
    for (const Attribute &attribute : ATTRIBUTES) {
        if (attribute.number == number) {
            *value = attribute.value;
            return true;
        }
    }
    return false;
}

} // namespace

int architecture() {
    const char *text = getenv("CORNU_EMULATOR_ARCH");
    if (text != nullptr && strcmp(text, "7.5") == 0) {
        return 75;
    }
    return text != nullptr && strcmp(text, "8.0") == 0 ? 80 : 90;
}

int shared_memory_opt_in() {
    switch (architecture()) {
    case 75: return 64 << 10;
    case 80: return 163 << 10;
    default: return 227 << 10;
    }
}

EXPORT CUresult cuInit(unsigned flags) {
    ENTER
    initialized = true;
    return flags == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

EXPORT CUresult cuDriverGetVersion(int *version) {
    ENTER
    *version = 13000;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetCount(int *count) {
    ENTER
    *count = 1;
    return initialized ? CUDA_SUCCESS : CUDA_ERROR_NOT_INITIALIZED;
}

EXPORT CUresult cuDeviceGet(CUdevice *device, int ordinal) {
    ENTER
    if (!initialized) {
        return CUDA_ERROR_NOT_INITIALIZED;
    }
    *device = 0;
    return ordinal == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}

EXPORT CUresult cuDeviceGetName(char *name, int bytes, CUdevice device) {
    ENTER
    if (device != 0 || bytes < 1) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    strncpy(name, "Cornu's CUDA emulator", static_cast<size_t>(bytes));
    name[bytes - 1] = '\0';
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice device) {
    ENTER
    if (device != 0) {
        return CUDA_ERROR_INVALID_DEVICE;
    }
    return attribute_of(attribute, value) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

EXPORT CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice) {
    ENTER
    *bytes = 8ul << 30;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuMemGetInfo_v2(size_t *free_bytes, size_t *total_bytes) {
    ENTER
    *free_bytes = *total_bytes = 8ul << 30;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice) {
    ENTER
    memcpy(uuid->bytes, "cornu's emulator", sizeof uuid->bytes);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice device) { return cuDeviceGetUuid_v2(uuid, device); }

EXPORT CUresult cuDevicePrimaryCtxRetain(void **context, CUdevice device) {
    ENTER
    *context = &the_context;
    return device == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}

EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice) {
    ENTER
    return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxSetCurrent(void *context) {
    ENTER
    current_context = context;
    return context == nullptr || context == &the_context ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
}

EXPORT CUresult cuCtxGetCurrent(void **context) {
    ENTER
    *context = current_context;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxGetDevice(CUdevice *device) {
    ENTER
    *device = 0;
    return current_context != nullptr ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
}

EXPORT CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest) {
    ENTER
    *least = 0;
    *greatest = -5;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxSynchronize() {
    ENTER
    NOT_WHILE_CAPTURING
    return finish_all();
}
