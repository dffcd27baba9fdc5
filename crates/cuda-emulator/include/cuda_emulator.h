// CUDA C as the host's C++ compiler sees it: included before the first line of every kernel file. There are no
// headers of the C or C++ library behind it, so that a small file compiles in some 50 ms.
//
// What differs from a GPU: blocks run one after another on one core; conversions of floats out of an integer's range
// follow the host; denormals stay.
#pragma once
#define CORNU_EMULATOR 1

#include "runtime.h"

#include "language.h"
#include "vector_types.h"

#include "device_math.h"
#include "bits.h"

#include "atomics.h"
#include "barrier.h"
#include "warp.h"

#include "async_copy.h"
#include "tensor_core.h"

#include "kernel.h"
