//! Files built byte by byte: those that NumPy writes, and those that lie.

use std::fs;
use std::io::{Cursor, Write};

use cornu::{DType, Tensor};
use tempfile::NamedTempFile;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::array::{self, Array};
use super::{Contents, read, write_archive, write_array};

/// A `.npy` file of version 1.0.
fn npy(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    with_header(&format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n"), data)
}

fn with_header(header: &str, data: &[u8]) -> Vec<u8> {
    let size = u16::try_from(header.len()).expect("short").to_le_bytes();
    [b"\x93NUMPY\x01\x00", size.as_slice(), header.as_bytes(), data].concat()
}

fn parsed(bytes: &[u8]) -> Result<Array, String> {
    array::read(&mut Cursor::new(bytes), bytes.len() as u64)
}

fn floats(bytes: &[u8]) -> Vec<f64> {
    parsed(bytes).expect("a sound file").tensor(DType::F64).floats()
}

fn refused(bytes: &[u8], part: &str) {
    let error = parsed(bytes).expect_err(part);
    assert!(error.contains(part), "{error}");
}

#[test]
fn every_kind_of_number_is_read_in_either_byte_order() {
    for (letters, minus_or_plus_two) in [
        ("i1", vec![0xfe]),
        ("i2", (-2i16).to_le_bytes().to_vec()),
        ("i4", (-2i32).to_le_bytes().to_vec()),
        ("i8", (-2i64).to_le_bytes().to_vec()),
        ("f2", 0xc000u16.to_le_bytes().to_vec()),
        ("f4", (-2f32).to_le_bytes().to_vec()),
        ("f8", (-2f64).to_le_bytes().to_vec()),
        ("u1", vec![2]),
        ("u2", 2u16.to_le_bytes().to_vec()),
        ("u4", 2u32.to_le_bytes().to_vec()),
        ("u8", 2u64.to_le_bytes().to_vec()),
    ] {
        let expected = if letters.starts_with('u') { 2.0 } else { -2.0 };
        let little = npy(&format!("'<{letters}'"), "False", "(1,)", &minus_or_plus_two);
        assert_eq!(floats(&little), [expected], "<{letters}");
        let reversed: Vec<u8> = minus_or_plus_two.into_iter().rev().collect();
        let big = npy(&format!("'>{letters}'"), "False", "(1,)", &reversed);
        assert_eq!(floats(&big), [expected], ">{letters}");
    }
}

#[test]
fn bools_and_the_largest_integers_keep_their_value() {
    assert_eq!(floats(&npy("'|b1'", "False", "(3,)", &[0, 1, 255])), [0.0, 1.0, 1.0]);
    let largest = npy("'<u8'", "False", "(1,)", &u64::MAX.to_le_bytes());
    assert_eq!(floats(&largest), [u64::MAX as f64]);
    let array = parsed(&largest).expect("sound");
    assert_eq!(array.tensor(DType::I32).integers(), [-1]);
}

#[test]
fn first_axis_fastest_becomes_last_axis_fastest() {
    let bytes: Vec<u8> = (0..24).collect();
    let array = parsed(&npy("'|u1'", "True", "(2, 3, 4)", &bytes)).expect("sound");
    assert_eq!(array.shape(), [2, 3, 4]);
    let expected: Vec<i64> =
        (0..2).flat_map(|i| (0..3).flat_map(move |j| (0..4).map(move |k| i + 2 * j + 6 * k))).collect();
    assert_eq!(array.tensor(DType::I64).integers(), expected);
    let wide: Vec<u8> = [1.0f32, 2.0, 3.0, 4.0].iter().flat_map(|x| x.to_be_bytes()).collect();
    assert_eq!(floats(&npy("'>f4'", "True", "(2, 2)", &wide)), [1.0, 3.0, 2.0, 4.0]);
    assert!(floats(&npy("'<f4'", "True", "(0, 3)", &[])).is_empty());
}

#[test]
fn later_versions_differ_in_the_length_of_the_header() {
    for version in [2, 3] {
        let header = b"{'descr': '<f4', 'fortran_order': False, 'shape': ()}";
        let size = (header.len() as u32).to_le_bytes();
        let start: &[u8] = &[b"\x93NUMPY".as_slice(), &[version, 0]].concat();
        assert_eq!(floats(&[start, &size, header, &7f32.to_le_bytes()].concat()), [7.0]);
        refused(&[start, &u32::MAX.to_le_bytes(), header].concat(), "the header claims 4294967295 bytes");
    }
    refused(b"\x93NUMPY\x04\x00", "version 4.0");
}

#[test]
fn what_is_not_a_number_is_refused() {
    for (descr, part) in [
        ("'<c8'", "complex"),
        ("'|O'", "Python objects"),
        ("'<U3'", "strings"),
        ("'|S3'", "strings"),
        ("'<M8[ns]'", "dates"),
        ("'|V2'", "raw bytes"),
        ("'<f16'", "'<f16'"),
        ("[('a', '<f4')]", "records"),
        ("''", "''"),
    ] {
        refused(&npy(descr, "False", "(1,)", &[0; 4]), part);
    }
}

#[test]
fn a_shape_that_the_file_does_not_hold_is_refused_before_memory_is_taken() {
    refused(&npy("'<f4'", "False", "(3,)", &[0; 8]), "is 12 bytes; 8 are there");
    refused(&npy("'<f4'", "False", "(1,)", &[0; 8]), "is 4 bytes; 8 are there");
    refused(&npy("'<f4'", "False", "(1000000000000,)", &[0; 8]), "is 4000000000000 bytes");
    refused(&npy("'<f8'", "False", "(4294967296, 4294967296)", &[]), "does not fit into memory");
    refused(&npy("'<f8'", "False", "(0, 9223372036854775807)", &[]), "does not fit into memory");
    refused(&npy("'|u1'", "False", &format!("({})", "1, ".repeat(65)), &[0]), "65 axes");
}

#[test]
fn a_file_that_is_cut_short_is_refused() {
    let whole = npy("'<f4'", "False", "(2,)", &[0; 8]);
    for length in 0..whole.len() {
        let error = parsed(&whole[..length]).expect_err("cut short");
        assert!(!error.is_empty());
    }
    refused(b"", "ends within its header");
    refused(b"not an array", "neither a .npy nor a .npz");
}

/// A `.npz` on disk, with members as given.
fn archive(members: &[(&str, &[u8])], method: CompressionMethod) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("temporary");
    let mut zip = ZipWriter::new(&mut file);
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).expect("started");
        zip.write_all(bytes).expect("written");
    }
    zip.finish().expect("finished");
    file
}

fn archive_error(file: &NamedTempFile) -> String {
    read(file.path()).expect_err("a bad archive").to_string()
}

#[test]
fn archives_hold_arrays_by_name() {
    let (a, b) = (npy("'|u1'", "False", "(1,)", &[1]), npy("'|u1'", "False", "(2,)", &[2, 3]));
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let file = archive(&[("b/x.npy", &b), ("a.npy", &a)], method);
        let Contents::Named(arrays) = read(file.path()).expect("sound") else { panic!("an archive") };
        let names: Vec<&str> = arrays.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["b/x", "a"]);
        assert_eq!(arrays[0].1.tensor(DType::I32).integers(), [2, 3]);
    }
}

#[test]
fn bad_archives_are_refused() {
    let sound = npy("'|u1'", "False", "(4,)", &[1, 2, 3, 4]);
    let deflated = CompressionMethod::Deflated;
    assert!(
        archive_error(&archive(&[("readme.txt", b"hello")], deflated)).contains("`readme.txt` is not a .npy")
    );
    assert!(archive_error(&archive(&[("a.npy", b"hello")], deflated)).contains("array `a`: the file ends"));

    let file = archive(&[("a.npy", &sound)], CompressionMethod::Stored);
    let mut bytes = fs::read(file.path()).expect("readable");
    let place = bytes.windows(4).position(|four| four == [1, 2, 3, 4]).expect("stored as it is");
    bytes[place] = 9;
    fs::write(file.path(), &bytes).expect("written");
    assert!(archive_error(&file).contains("checksum"), "{}", archive_error(&file));

    fs::write(file.path(), &bytes[..bytes.len() - 30]).expect("written");
    archive_error(&file);
}

#[test]
fn an_archive_that_expands_without_measure_is_not_unpacked() {
    let zeros = vec![0; 300 << 20];
    let bomb = npy("'|u1'", "False", &format!("({},)", zeros.len()), &zeros);
    let file = archive(&[("a.npy", &bomb)], CompressionMethod::Deflated);
    assert!(archive_error(&file).contains("not unpacked"), "{}", archive_error(&file));
}

#[test]
fn what_is_written_is_read_again() {
    let tensor = Tensor::new([2, 3], vec![1.5f32, -2.0, f32::NAN, 0.0, 1e30, -0.0]).expect("six");
    let mut bytes = Vec::new();
    write_array(&mut bytes, &tensor).expect("to memory");
    let head = b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
    assert_eq!((&bytes[..head.len()], bytes.len() % 64), (head.as_slice(), 6 * 4));
    assert_eq!(parsed(&bytes).expect("sound").tensor(DType::F32), tensor);

    let mut file = NamedTempFile::new().expect("temporary");
    let ids = Tensor::vector(vec![1i64, -5]);
    write_archive(&mut file, &[("a".into(), &tensor), ("b/c".into(), &ids)]).expect("written");
    let Contents::Named(arrays) = read(file.path()).expect("sound") else { panic!("an archive") };
    assert_eq!(arrays[1].0, "b/c");
    assert_eq!(arrays[1].1.tensor(DType::I64), ids);
}
