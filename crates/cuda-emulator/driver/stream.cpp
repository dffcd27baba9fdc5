// Streams and events. Work is done when it is submitted, unless the stream is being captured: then it is recorded.
#include <chrono>
#include <set>

#include "state.h"

namespace {

std::set<Stream *> streams;
Stream default_stream;

struct Event {
    bool recorded = false;
    std::chrono::steady_clock::time_point at;
    std::shared_ptr<Graph> capture; // of the stream it was recorded in
};
std::set<Event *> events;

bool is_default(const Stream *handle) { return reinterpret_cast<uintptr_t>(handle) <= 2; }

// Every stream that records into `graph` works on by itself from now on, and its events mean nothing more.
void end_capture(const std::shared_ptr<Graph> &graph) {
    for (Stream *stream : streams) {
        if (stream->capture == graph) {
            stream->capture = nullptr;
        }
    }
    for (Event *event : events) {
        if (event->capture == graph) {
            *event = Event();
        }
    }
}

CUresult create(Stream **stream, unsigned flags) {
    if (stream == nullptr || flags > 1) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    *stream = new Stream;
    streams.insert(*stream);
    return CUDA_SUCCESS;
}

// A call that has to wait for the stream, which a stream under capture cannot do.
CUresult synchronize(Stream *handle) {
    Stream *stream = find_stream(handle);
    if (stream == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    if (stream->capture != nullptr) {
        stream->capture->invalidated = true;
        return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
    return CUDA_SUCCESS;
}

} // namespace

Stream *find_stream(Stream *handle) {
    if (is_default(handle)) {
        return &default_stream;
    }
    return streams.count(handle) != 0 ? handle : nullptr;
}

CUresult submit(Stream *handle, Operation operation) {
    Stream *stream = find_stream(handle);
    if (stream == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    if (stream->capture == nullptr) {
        return stick(operation());
    }
    if (stream->capture->invalidated) {
        return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    }
    stream->capture->operations.push_back(std::move(operation));
    return CUDA_SUCCESS;
}

bool refuse_while_capturing() {
    bool capturing = false;
    for (Stream *stream : streams) {
        const std::shared_ptr<Graph> &graph = stream->capture;
        if (graph != nullptr && (graph->mode == 0 || (graph->mode == 1 && graph->thread == std::this_thread::get_id()))) {
            graph->invalidated = true;
            capturing = true;
        }
    }
    return capturing;
}

EXPORT CUresult cuStreamCreate(Stream **stream, unsigned flags) {
    ENTER
    return create(stream, flags);
}

EXPORT CUresult cuStreamCreateWithPriority(Stream **stream, unsigned flags, int) {
    ENTER
    return create(stream, flags);
}

EXPORT CUresult cuStreamDestroy_v2(Stream *stream) {
    ENTER
    if (streams.erase(stream) == 0) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    delete stream;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamSynchronize(Stream *stream) {
    ENTER
    return synchronize(stream);
}

EXPORT CUresult cuStreamQuery(Stream *stream) {
    ENTER
    return synchronize(stream);
}

EXPORT CUresult cuStreamBeginCapture_v2(Stream *stream, int mode) {
    ENTER
    if (is_default(stream) || streams.count(stream) == 0) {
        return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
    if (stream->capture != nullptr) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    stream->capture = std::make_shared<Graph>();
    stream->capture->origin = stream;
    stream->capture->mode = mode;
    stream->capture->thread = std::this_thread::get_id();
    return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamEndCapture(Stream *stream, std::shared_ptr<Graph> **graph) {
    ENTER
    *graph = nullptr;
    if (streams.count(stream) == 0 || stream->capture == nullptr || stream->capture->origin != stream) {
        return CUDA_ERROR_STREAM_CAPTURE_UNMATCHED;
    }
    const std::shared_ptr<Graph> recorded = stream->capture;
    end_capture(recorded);
    if (recorded->invalidated) {
        return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    }
    *graph = new std::shared_ptr<Graph>(recorded);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamIsCapturing(Stream *handle, int *status) {
    ENTER
    const Stream *stream = find_stream(handle);
    if (stream == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    *status = stream->capture == nullptr ? 0 : stream->capture->invalidated ? 2 : 1;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuEventCreate(Event **event, unsigned) {
    ENTER
    *event = new Event;
    events.insert(*event);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuEventDestroy_v2(Event *event) {
    ENTER
    if (events.erase(event) == 0) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    delete event;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuEventRecord(Event *event, Stream *handle) {
    ENTER
    const Stream *stream = find_stream(handle);
    if (stream == nullptr || events.count(event) == 0) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    event->recorded = true;
    event->capture = stream->capture;
    event->at = std::chrono::steady_clock::now();
    return CUDA_SUCCESS;
}

// A stream that waits for an event recorded under a capture is captured too; one under capture cannot wait for others.
EXPORT CUresult cuStreamWaitEvent(Stream *handle, Event *event, unsigned) {
    ENTER
    Stream *stream = find_stream(handle);
    if (stream == nullptr || events.count(event) == 0) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    if (!event->recorded || stream->capture == event->capture) {
        return CUDA_SUCCESS;
    }
    if (stream->capture != nullptr) {
        stream->capture->invalidated = true;
        return CUDA_ERROR_STREAM_CAPTURE_ISOLATION;
    }
    stream->capture = event->capture;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuEventSynchronize(Event *event) {
    ENTER
    if (events.count(event) == 0) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    return event->capture == nullptr ? CUDA_SUCCESS : CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
}

EXPORT CUresult cuEventQuery(Event *event) {
    ENTER
    if (events.count(event) == 0) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    return event->capture == nullptr ? CUDA_SUCCESS : CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
}

EXPORT CUresult cuEventElapsedTime_v2(float *milliseconds, Event *start, Event *end) {
    ENTER
    if (events.count(start) == 0 || events.count(end) == 0 || !start->recorded || !end->recorded) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    *milliseconds = std::chrono::duration<float, std::milli>(end->at - start->at).count();
    return CUDA_SUCCESS;
}

EXPORT CUresult cuEventElapsedTime(float *milliseconds, Event *start, Event *end) {
    return cuEventElapsedTime_v2(milliseconds, start, end);
}
