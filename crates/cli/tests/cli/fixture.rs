//! Models that real Keras wrote, and its numbers for them: the library's own test files.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::folder::{npy, npy_of};

/// A file among the fixtures.
pub(crate) fn path(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../frontend/tests/fixtures").join(name);
    assert!(path.exists(), "{} is missing", path.display());
    path
}

/// What Keras says of the model `stem`.
pub(crate) fn numbers(stem: &str) -> Value {
    json(&format!("models/{stem}.json"))
}

/// A fixture in JSON.
pub(crate) fn json(name: &str) -> Value {
    serde_json::from_slice(&fs::read(path(name)).expect("readable")).expect("JSON")
}

/// An array of a fixture as a `.npy` file of its own type.
pub(crate) fn array(written: &Value) -> Vec<u8> {
    let sizes = written["shape"].as_array().expect("a shape").iter();
    let shape: Vec<usize> = sizes.map(|size| size.as_u64().expect("a size") as usize).collect();
    let items = floats(&written["data"]);
    match written["dtype"].as_str() {
        Some("int32") => {
            let bytes: Vec<u8> = items.iter().flat_map(|&item| (item as i32).to_le_bytes()).collect();
            npy_of("<i4", &shape, &bytes)
        }
        _ => npy(&shape, &items.iter().map(|&item| item as f32).collect::<Vec<f32>>()),
    }
}

/// A list of numbers.
pub(crate) fn floats(list: &Value) -> Vec<f64> {
    let items = list.as_array().unwrap_or_else(|| panic!("{list} is no list")).iter();
    items.map(|item| item.as_f64().expect("a number")).collect()
}

/// Fails where two lists differ by more than `tolerance` of the largest number.
pub(crate) fn assert_close(what: &str, got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0f64, |largest, item| largest.max(item.abs()));
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - expected).abs() <= tolerance * largest, "{what}: {got} in place of {expected}");
    }
}
