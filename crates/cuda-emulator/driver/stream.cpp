// Streams and events. Work is done when it is submitted, or as late as a device may do it: when somebody waits for
// it. Where a stream is being captured it is recorded instead.
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <set>

#include "state.h"

namespace {

std::set<Stream *> streams;
Stream default_stream;

typedef std::chrono::steady_clock Clock;

struct Event {
    bool recorded = false;
    Stream *stream = nullptr;
    unsigned long ticket = 0;              // the stream's operations up to here
    std::shared_ptr<Clock::time_point> at; // when they were done
    std::shared_ptr<Graph> capture;        // of the stream it was recorded in
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
    (*stream)->blocking = flags == 0;
    streams.insert(*stream);
    return CUDA_SUCCESS;
}

bool is_late() {
    const char *text = getenv("CORNU_EMULATOR_LATE");
    return text != nullptr && strcmp(text, "1") == 0;
}

// Does the first `count` operations that were ever submitted to the stream. One may wait for another stream's.
CUresult finish_first(Stream &stream, unsigned long count) {
    CUresult first_error = CUDA_SUCCESS;
    while (stream.done < count && !stream.queue.empty()) {
        const Operation operation = std::move(stream.queue.front());
        stream.queue.pop_front();
        stream.done += 1;
        const CUresult result = stick(operation());
        first_error = first_error == CUDA_SUCCESS ? result : first_error;
    }
    return first_error;
}

// A call that has to wait for the stream, which a stream under capture cannot do. `stream` is null where there is
// none.
CUresult refuse_to_wait(Stream *stream) {
    if (stream == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    if (stream->capture != nullptr) {
        stream->capture->invalidated = true;
        return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
    return CUDA_SUCCESS;
}

CUresult refuse_to_wait(const Event *event) {
    if (events.count(const_cast<Event *>(event)) == 0) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    return event->capture == nullptr ? CUDA_SUCCESS : CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
}

bool is_done(const Event &event) {
    return !event.recorded || streams.count(event.stream) == 0 || event.stream->done >= event.ticket;
}

CUresult finish(const Event &event) {
    return is_done(event) ? CUDA_SUCCESS : finish_first(*event.stream, event.ticket);
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
    if (is_deferred(stream)) {
        stream->queue.push_back(std::move(operation));
        stream->submitted += 1;
        return CUDA_SUCCESS;
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

bool is_deferred(Stream *handle) {
    const Stream *stream = find_stream(handle);
    return stream != nullptr && stream != &default_stream && stream->capture == nullptr && is_late();
}

CUresult finish(Stream *handle) {
    Stream *stream = find_stream(handle);
    return finish_first(*stream, stream->submitted);
}

CUresult finish_all() {
    CUresult first_error = CUDA_SUCCESS;
    for (Stream *stream : streams) {
        const CUresult result = finish_first(*stream, stream->submitted);
        first_error = first_error == CUDA_SUCCESS ? result : first_error;
    }
    return first_error;
}

CUresult finish_blocking() {
    CUresult first_error = CUDA_SUCCESS;
    for (Stream *stream : streams) {
        const CUresult result = stream->blocking ? finish_first(*stream, stream->submitted) : CUDA_SUCCESS;
        first_error = first_error == CUDA_SUCCESS ? result : first_error;
    }
    return first_error;
}

bool refuse_while_capturing() {
    bool capturing = false;
    for (Stream *stream : streams) {
        const std::shared_ptr<Graph> &graph = stream->capture;
        const bool of_this_thread = graph != nullptr && graph->thread == std::this_thread::get_id();
        if (graph != nullptr && (graph->mode == 0 || (graph->mode == 1 && of_this_thread))) {
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
    if (streams.count(stream) == 0) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    const CUresult result = finish(stream);
    streams.erase(stream);
    delete stream;
    return result;
}

EXPORT CUresult cuStreamSynchronize(Stream *stream) {
    ENTER
    const CUresult refused = refuse_to_wait(find_stream(stream));
    return refused == CUDA_SUCCESS ? finish(stream) : refused;
}

// Work that is late is done after the first time it was asked for, so that asking again and again ends.
EXPORT CUresult cuStreamQuery(Stream *stream) {
    ENTER
    const CUresult refused = refuse_to_wait(find_stream(stream));
    if (refused != CUDA_SUCCESS || find_stream(stream)->queue.empty()) {
        return refused;
    }
    const CUresult result = finish(stream);
    return result == CUDA_SUCCESS ? CUDA_ERROR_NOT_READY : result;
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
    Stream *stream = find_stream(handle);
    if (stream == nullptr || events.count(event) == 0) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    *event = {true, stream, 0, std::make_shared<Clock::time_point>(Clock::now()), stream->capture};
    if (stream->capture != nullptr) {
        return CUDA_SUCCESS;
    }
    const std::shared_ptr<Clock::time_point> at = event->at;
    const CUresult result = submit(handle, [=] {
        *at = Clock::now();
        return CUDA_SUCCESS;
    });
    event->ticket = stream->submitted;
    return result;
}

// A stream that waits for an event recorded under a capture is captured too; one under capture cannot wait for what
// was recorded outside of it.
EXPORT CUresult cuStreamWaitEvent(Stream *handle, Event *event, unsigned) {
    ENTER
    Stream *stream = find_stream(handle);
    if (stream == nullptr || events.count(event) == 0) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    if (!event->recorded || (stream->capture == event->capture && stream->capture != nullptr)) {
        return CUDA_SUCCESS;
    }
    if (stream->capture != nullptr) {
        stream->capture->invalidated = true;
        return CUDA_ERROR_STREAM_CAPTURE_ISOLATION;
    }
    if (event->capture != nullptr) {
        stream->capture = event->capture;
        return CUDA_SUCCESS;
    }
    const Event awaited = *event;
    return submit(handle, [=] { return finish(awaited); });
}

EXPORT CUresult cuEventSynchronize(Event *event) {
    ENTER
    const CUresult refused = refuse_to_wait(event);
    return refused == CUDA_SUCCESS ? finish(*event) : refused;
}

EXPORT CUresult cuEventQuery(Event *event) {
    ENTER
    const CUresult refused = refuse_to_wait(event);
    if (refused != CUDA_SUCCESS || is_done(*event)) {
        return refused;
    }
    const CUresult result = finish(*event);
    return result == CUDA_SUCCESS ? CUDA_ERROR_NOT_READY : result;
}

EXPORT CUresult cuEventElapsedTime_v2(float *milliseconds, Event *start, Event *end) {
    ENTER
    if (events.count(start) == 0 || events.count(end) == 0 || !start->recorded || !end->recorded) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    if (!is_done(*start) || !is_done(*end)) {
        return CUDA_ERROR_NOT_READY;
    }
    *milliseconds = std::chrono::duration<float, std::milli>(*end->at - *start->at).count();
    return CUDA_SUCCESS;
}

EXPORT CUresult cuEventElapsedTime(float *milliseconds, Event *start, Event *end) {
    return cuEventElapsedTime_v2(milliseconds, start, end);
}
