// Modules: an image is a shared object of this machine, as the stand-in NVRTC makes it. What the real one makes for a
// GPU is refused, as a driver refuses the image of another machine.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <unistd.h>

#include "own_folder.h"
#include "state.h"

namespace {

struct Module {
    void *library = nullptr;
    std::string path;
    std::map<std::string, std::unique_ptr<Function>> functions;
    std::vector<CUdeviceptr> globals;
    std::vector<emulator::Range> shared_variables;
    ~Module() {
        for (CUdeviceptr address : globals) {
            forget_global(address);
        }
        if (library != nullptr) {
            dlclose(library);
        }
        unlink(path.c_str());
    }
};
std::map<Module *, std::unique_ptr<Module>> modules;

// The loader knows a library by its path, so each one gets a path of its own.
std::string new_path() {
    static unsigned number;
    return own_folder() + "/images/loaded-" + std::to_string(getpid()) + "-" + std::to_string(number++) + ".so";
}

bool write_file(const std::string &path, const char *bytes, size_t count) {
    FILE *file = fopen(path.c_str(), "wb");
    if (file == nullptr) {
        return false;
    }
    const bool written = fwrite(bytes, 1, count, file) == count;
    return fclose(file) == 0 && written;
}

// An image of another build of the emulator may come from a cache: it is of no use, nor is one for another device.
bool fits(const emulator::Image *image) {
    if (image == nullptr || image->build != own_folder()) {
        return false;
    }
    const unsigned device = static_cast<unsigned>(architecture());
    const bool same_family = image->portable || image->architecture / 10 == device / 10;
    return same_family && image->architecture <= device;
}

CUresult load(Module **module, const char *image) {
    Elf64_Ehdr header;
    if (image == nullptr || memcmp(image, ELFMAG, SELFMAG) != 0) {
        return CUDA_ERROR_INVALID_IMAGE;
    }
    memcpy(&header, image, sizeof header);
    if (header.e_machine != EM_X86_64) {
        return CUDA_ERROR_NO_BINARY_FOR_GPU;
    }
    auto loaded = std::make_unique<Module>();
    loaded->path = new_path();
    // The table of sections is the last part of what the linker writes.
    const size_t bytes = header.e_shoff + 1ul * header.e_shnum * header.e_shentsize;
    if (!write_file(loaded->path, image, bytes)) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    loaded->library = dlopen(loaded->path.c_str(), RTLD_NOW | RTLD_LOCAL);
#if !defined(__SANITIZE_ADDRESS__)
    unlink(loaded->path.c_str()); // the sanitizer reads the lines of the source from the file
#endif
    if (loaded->library == nullptr) {
        fprintf(stderr, "cornu's CUDA emulator: a kernel uses what the emulator does not have: %s\n", dlerror());
        return CUDA_ERROR_INVALID_IMAGE;
    }
    if (!fits(static_cast<const emulator::Image *>(dlsym(loaded->library, "emulator_image")))) {
        return CUDA_ERROR_NO_BINARY_FOR_GPU;
    }
    const std::string aligned(image, bytes);
    loaded->shared_variables = emulator::shared_variables(aligned.data(), loaded->library);
    *module = loaded.get();
    modules[*module] = std::move(loaded);
    return CUDA_SUCCESS;
}

} // namespace

EXPORT CUresult cuModuleLoadData(Module **module, const void *image) {
    ENTER
    return load(module, static_cast<const char *>(image));
}

EXPORT CUresult cuModuleLoadDataEx(Module **module, const void *image, unsigned, int *, void **) {
    ENTER
    return load(module, static_cast<const char *>(image));
}

EXPORT CUresult cuModuleUnload(Module *module) {
    ENTER
    finish_all(); // kernels of the module may be queued
    return modules.erase(module) == 1 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

EXPORT CUresult cuModuleGetFunction(Function **function, Module *module, const char *name) {
    ENTER
    if (modules.count(module) == 0) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    const void *kernel = dlsym(module->library, (std::string("emulator_kernel_") + name).c_str());
    if (kernel == nullptr) {
        return CUDA_ERROR_NOT_FOUND;
    }
    std::unique_ptr<Function> &found = module->functions[name];
    if (found == nullptr) {
        const auto *described = static_cast<const emulator::Kernel *>(kernel);
        found = std::make_unique<Function>(Function{described, name, &module->shared_variables});
    }
    *function = found.get();
    return CUDA_SUCCESS;
}

EXPORT CUresult cuModuleGetGlobal_v2(CUdeviceptr *address, size_t *bytes, Module *module, const char *name) {
    ENTER
    if (modules.count(module) == 0) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    void *place = dlsym(module->library, name);
    Dl_info info;
    const ElfW(Sym) *symbol = nullptr;
    if (place == nullptr || dladdr1(place, &info, (void **)&symbol, RTLD_DL_SYMENT) == 0 || symbol == nullptr) {
        return CUDA_ERROR_NOT_FOUND;
    }
    register_global(reinterpret_cast<CUdeviceptr>(place), symbol->st_size);
    module->globals.push_back(reinterpret_cast<CUdeviceptr>(place));
    if (address != nullptr) {
        *address = reinterpret_cast<CUdeviceptr>(place);
    }
    if (bytes != nullptr) {
        *bytes = symbol->st_size;
    }
    return CUDA_SUCCESS;
}

EXPORT CUresult cuFuncGetAttribute(int *value, int attribute, const Function *function) {
    ENTER
    const unsigned bound = function->kernel->launch_bound;
    switch (attribute) {
    case 0: *value = bound == 0 ? 1024 : static_cast<int>(bound); return CUDA_SUCCESS; // threads of a block
    case 1: *value = 0; return CUDA_SUCCESS;                                          // static shared memory: unknown
    case 2: *value = 0; return CUDA_SUCCESS;                                          // constant memory: unknown
    case 3: *value = 0; return CUDA_SUCCESS;                                          // local memory: none spilt
    case 4: *value = 32; return CUDA_SUCCESS;                                         // registers: a guess
    case 5:
    case 6: *value = architecture(); return CUDA_SUCCESS; // PTX and binary version
    case 8: *value = function->dynamic_shared_limit; return CUDA_SUCCESS;
    default: return CUDA_ERROR_INVALID_VALUE;
    }
}

EXPORT CUresult cuFuncSetAttribute(Function *function, int attribute, int value) {
    ENTER
    if (attribute == 9) { // how shared memory and L1 divide: a hint
        return value >= -1 && value <= 100 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
    }
    if (attribute != 8 || value < 0 || value > shared_memory_opt_in()) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    function->dynamic_shared_limit = value;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuFuncSetCacheConfig(Function *, int) {
    ENTER
    return CUDA_SUCCESS;
}

EXPORT CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, const Function *, int threads,
                                                                    size_t shared_bytes, unsigned) {
    ENTER
    if (threads <= 0 || threads > 1024) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    const int warps = (threads + 31) / 32, by_threads = 64 / warps;
    const int by_shared = (shared_memory_opt_in() + 1024) / static_cast<int>(shared_bytes + 1024);
    *blocks = by_threads < by_shared ? (by_threads < 32 ? by_threads : 32) : (by_shared < 32 ? by_shared : 32);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const Function *function, int threads,
                                                           size_t shared_bytes) {
    return cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, function, threads, shared_bytes, 0);
}
