// Finds the kernels of a preprocessed program.
#pragma once

#include <string>

// `EMULATOR_IMAGE`, then `EMULATOR_KERNEL(name, bounds)` for each `extern "C" __global__ void name(...)` that has a
// body, a line each.
std::string kernel_table(const std::string &preprocessed);
