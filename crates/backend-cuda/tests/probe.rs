//! Asking for a GPU is always answered, never a panic: on most machines, by an error that says what is missing.

use cornu_backend_cuda::Cuda;
use cornu_ir::error::BackendError;
use cornu_ir::testing::conformance;

/// As little as can be computed.
const DOUBLED: &str = "\
graph doubled (%0: f32[3]) {
  %1: f32[3] = add %0, %0
  return %1
}
run [1 2 3] == [2 4 6]
";

#[test]
fn a_missing_device_is_one_clear_line() {
    let error = Cuda::new(usize::MAX).expect_err("no machine has that many GPUs");
    assert!(matches!(error, BackendError::NoDevice { backend: "cuda", .. }), "{error:?}");
    let line = error.to_string();
    assert!(line.starts_with("cuda: no device: ") && !line.contains('\n'), "{line}");
}

#[test]
fn the_first_device_is_there_or_said_to_be_missing() {
    match Cuda::new(0) {
        Ok(cuda) => {
            assert_eq!(cuda.ordinal(), 0);
            println!("{}", cuda.device_name().expect("the driver knows its device"));
            // So is its compiler, or it is said what is missing.
            conformance(DOUBLED, &cuda).unwrap_or_else(|reason| panic!("{reason}"));
        }
        Err(BackendError::NoDevice { reason, .. }) => {
            assert!(std::env::var_os("CORNU_REQUIRE_GPU").is_none(), "{reason}");
            let says = ["libcuda.so.1", "cuInit", "cuDeviceGetCount", "no GPU"];
            assert!(says.iter().any(|part| reason.contains(part)), "{reason}");
        }
        Err(other) => panic!("{other:?}"),
    }
}
