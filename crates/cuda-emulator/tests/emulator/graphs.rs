//! Captured streams: recorded, replayed, and refused where a real driver refuses.

use cudarc::driver::sys::{CUgraphInstantiate_flags, CUresult, CUstreamCaptureMode, CUstreamCaptureStatus};

use crate::support::{Argument, Device};

const ELEMENTWISE: &str = include_str!("../kernels/elementwise.cu");
const MODE: CUstreamCaptureMode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;

#[test]
fn a_graph_does_its_work_at_each_launch_and_not_before() {
    let Some(device) = Device::open() else { return };
    let scale = device.kernel(ELEMENTWISE, "scale", &[]);
    let memory = device.upload(&[1.0f32; 5]);
    device.stream.begin_capture(MODE).unwrap();
    assert_eq!(
        device.stream.capture_status().unwrap(),
        CUstreamCaptureStatus::CU_STREAM_CAPTURE_STATUS_ACTIVE
    );
    for factor in [2.0, 3.0] {
        // The arguments are gone when the graph is launched.
        let arguments =
            [device.memory(&memory), device.memory(&memory), Argument::Float(factor), Argument::Int(5)];
        device.launch(&scale, (1, 1, 1), (32, 1, 1), 0, &arguments).unwrap();
    }
    let graph = device.stream.end_capture(CUgraphInstantiate_flags(0)).unwrap().expect("a graph");
    graph.upload().unwrap();
    assert_eq!(device.download(&memory), [1.0; 5]);

    device.emulator.reset_calls();
    graph.launch().unwrap();
    graph.launch().unwrap();
    assert_eq!(device.emulator.calls("cuGraphLaunch"), 2);
    assert_eq!(device.emulator.calls("cuLaunchKernel"), 0);
    assert_eq!(device.emulator.calls("cuStreamSynchronize"), 0);
    assert_eq!(device.download(&memory), [36.0; 5]);
}

#[test]
fn a_capture_cannot_be_waited_for() {
    let Some(device) = Device::open() else { return };
    device.stream.begin_capture(MODE).unwrap();
    let refused = device.stream.synchronize().unwrap_err();
    assert_eq!(refused.0, CUresult::CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    let Err(invalid) = device.stream.end_capture(CUgraphInstantiate_flags(0)) else {
        panic!("the capture was spoilt");
    };
    assert_eq!(invalid.0, CUresult::CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    device.stream.synchronize().unwrap();
}

#[test]
fn a_capture_allows_no_allocation() {
    let Some(device) = Device::open() else { return };
    device.stream.begin_capture(MODE).unwrap();
    assert!(device.stream.alloc_zeros::<f32>(4).is_err());
    assert!(device.stream.end_capture(CUgraphInstantiate_flags(0)).is_err());
}

#[test]
fn a_stream_that_waits_for_a_captured_event_is_captured_too() {
    let Some(side) = Device::open() else { return };
    let scale = side.kernel(ELEMENTWISE, "scale", &[]);
    let memory = side.upload(&[1.0f32; 5]);
    side.stream.synchronize().unwrap();
    let main = side.context.new_stream().unwrap();
    main.begin_capture(MODE).unwrap();
    side.stream.wait(&main.record_event(None).unwrap()).unwrap();
    let arguments = [side.memory(&memory), side.memory(&memory), Argument::Float(5.0), Argument::Int(5)];
    side.launch(&scale, (1, 1, 1), (32, 1, 1), 0, &arguments).unwrap();
    main.wait(&side.stream.record_event(None).unwrap()).unwrap();
    let graph = main.end_capture(CUgraphInstantiate_flags(0)).unwrap().expect("a graph");
    graph.launch().unwrap();
    main.synchronize().unwrap();
    assert_eq!(side.download(&memory), [5.0; 5]);
}
