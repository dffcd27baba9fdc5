// What all calls of the stand-in driver share: the lock, the count of calls, the error that sticks, the memory.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cuda_types.h"
#include "scheduler.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

// First line of every exported function: counts the call, takes the driver's lock, and returns what went wrong
// before.
#define ENTER \
    const Call call(__func__); \
    if (call.error != CUDA_SUCCESS) { \
        return call.error; \
    }

// Second line of those that may not be called while a stream records a graph, unless its capture is relaxed.
#define NOT_WHILE_CAPTURING \
    if (refuse_while_capturing()) { \
        return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED; \
    }

class Call {
  public:
    explicit Call(const char *name);
    CUresult error;

  private:
    std::lock_guard<std::recursive_mutex> lock;
};

// A failed kernel leaves the context unusable: every later call reports it, as after a fault on a GPU.
CUresult stick(CUresult error);

// One step of a stream: done at once, or when somebody waits for it if CORNU_EMULATOR_LATE is 1; recorded where the
// stream is being captured.
typedef std::function<CUresult()> Operation;

struct Graph {
    std::vector<Operation> operations;
    Stream *origin = nullptr;
    int mode = 0; // CUstreamCaptureMode: global, of this thread, relaxed
    std::thread::id thread;
    bool invalidated = false;
};

struct Stream {
    std::shared_ptr<Graph> capture;
    bool blocking = true; // in turn with the default stream
    std::deque<Operation> queue;
    unsigned long submitted = 0, done = 0; // operations, since there is the stream
};

// The stream of a handle: null, 1 and 2 are the default ones. Null where there is no such stream.
Stream *find_stream(Stream *handle);
CUresult submit(Stream *handle, Operation operation);
// Whether what is submitted now will happen later.
bool is_deferred(Stream *handle);
// Does what a stream has queued, what all have, and what those have that the default stream takes turns with.
CUresult finish(Stream *handle);
CUresult finish_all();
CUresult finish_blocking();
// Makes the captures invalid that forbid the call under way, and says whether there are any.
bool refuse_while_capturing();

// Whether `bytes` bytes at `address` lie in one live allocation of device or pinned memory.
bool is_device_memory(CUdeviceptr address, size_t bytes);
// A module's variable, which copies may reach too, until the module is unloaded.
void register_global(CUdeviceptr address, size_t bytes);
void forget_global(CUdeviceptr address);

struct Function {
    const emulator::Kernel *kernel;
    std::string name;
    const std::vector<emulator::Range> *shared_variables;
    int dynamic_shared_limit = 48 << 10;
};

// The largest dynamic shared memory that a kernel may ask for, and the device's compute capability times ten.
int shared_memory_opt_in();
int architecture();
