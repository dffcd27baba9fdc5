// Graphs: what a stream recorded, done again as often as the graph is launched.
#include <set>

#include "state.h"

namespace {

typedef std::shared_ptr<Graph> Handle;
typedef std::vector<Operation> Operations;
struct Executable {
    std::shared_ptr<const Operations> operations; // launches that are late outlive the executable
};
std::set<Executable *> executables;

CUresult replay(const Operations &operations) {
    for (const Operation &operation : operations) {
        const CUresult result = operation();
        if (result != CUDA_SUCCESS) {
            return result;
        }
    }
    return CUDA_SUCCESS;
}

} // namespace

EXPORT CUresult cuGraphInstantiateWithFlags(Executable **executable, Handle *graph, unsigned long long) {
    ENTER
    if (graph == nullptr) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    *executable = new Executable{std::make_shared<Operations>((*graph)->operations)};
    executables.insert(*executable);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphUpload(Executable *executable, Stream *) {
    ENTER
    return executables.count(executable) != 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

EXPORT CUresult cuGraphLaunch(Executable *executable, Stream *stream) {
    ENTER
    const Stream *found = find_stream(stream);
    if (executables.count(executable) == 0 || found == nullptr) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (found->capture != nullptr) {
        return CUDA_ERROR_NOT_SUPPORTED; // a graph within a graph
    }
    const std::shared_ptr<const Operations> operations = executable->operations;
    return submit(stream, [=] { return replay(*operations); });
}

// Only how many nodes there are: there are no nodes to hand out.
EXPORT CUresult cuGraphGetNodes(Handle *graph, void **nodes, size_t *count) {
    ENTER
    if (graph == nullptr || nodes != nullptr) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    *count = (*graph)->operations.size();
    return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphDestroy(Handle *graph) {
    ENTER
    delete graph;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphExecDestroy(Executable *executable) {
    ENTER
    if (executables.erase(executable) == 0) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    delete executable;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphConditionalHandleCreate(unsigned long long *, Handle *, void *, unsigned, unsigned) {
    ENTER
    return CUDA_ERROR_NOT_SUPPORTED;
}

EXPORT CUresult cuGraphAddNode(void **, Handle *, const void *, size_t, void *) {
    ENTER
    return CUDA_ERROR_NOT_SUPPORTED;
}

EXPORT CUresult cuGraphAddNode_v2(void **, Handle *, const void *, const void *, size_t, void *) {
    ENTER
    return CUDA_ERROR_NOT_SUPPORTED;
}
