// How an image shows its kernels to the driver: EMULATOR_KERNEL(name, bound) follows the source for each of them.
#pragma once

namespace emulator {

template <class T> struct Plain {
    typedef T type;
};
template <class T> struct Plain<const T> {
    typedef T type;
};

template <unsigned... I> struct Places {};
template <unsigned N, unsigned... I> struct CountTo : CountTo<N - 1, N - 1, I...> {};
template <unsigned... I> struct CountTo<0, I...> {
    typedef Places<I...> type;
};

// A kernel's parameters, read from the array of pointers that cuLaunchKernel takes.
template <class... Parameters> struct Signature {
    static constexpr unsigned count = sizeof...(Parameters);
    static constexpr unsigned bytes[count + 1] = {sizeof(Parameters)..., 0};

    template <unsigned... I> static void call_at(void *function, void **arguments, Places<I...>) {
        reinterpret_cast<void (*)(Parameters...)>(function)(
            *static_cast<typename Plain<Parameters>::type *>(arguments[I])...);
    }
    static void call(void *function, void **arguments) {
        call_at(function, arguments, typename CountTo<count>::type());
    }
};

template <class... Parameters> constexpr Kernel describe(void (*function)(Parameters...), unsigned launch_bound) {
    typedef Signature<Parameters...> S;
    return Kernel{&S::call, reinterpret_cast<void *>(function), S::bytes, S::count, launch_bound};
}

constexpr unsigned first_of(unsigned first = 0, unsigned = 0, unsigned = 0) { return first; }

} // namespace emulator

// Stands once in an image. EMULATOR_BUILD and EMULATOR_PORTABLE come from the command line.
#define EMULATOR_IMAGE \
    extern "C" __attribute__((visibility("default"))) const emulator::Image emulator_image = { \
        EMULATOR_BUILD, __CUDA_ARCH__ / 10, EMULATOR_PORTABLE};

// The bound is what stands in `__launch_bounds__(...)`, nothing without it.
#define EMULATOR_KERNEL(name, ...) \
    extern "C" __attribute__((visibility("default"))) const emulator::Kernel emulator_kernel_##name = \
        emulator::describe(&name, emulator::first_of(__VA_ARGS__));
