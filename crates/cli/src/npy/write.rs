//! Writes tensors as NumPy does: version 1.0, little-endian, last axis fastest.

use std::io::{self, Seek, Write};

use cornu::{Data, Tensor};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// NumPy starts the elements at a multiple of this.
const ALIGNMENT: usize = 64;

/// Archive members above this need zip's 64-bit fields.
const ZIP32_BYTES: usize = u32::MAX as usize;

/// Writes one array as `.npy`. Half floats become float32, which every reader knows.
pub(crate) fn write_array(out: &mut impl Write, tensor: &Tensor) -> io::Result<()> {
    let descr = match tensor.data() {
        Data::F32(_) | Data::BF16(_) | Data::F16(_) => "<f4",
        Data::F64(_) => "<f8",
        Data::I32(_) => "<i4",
        Data::I64(_) => "<i8",
        Data::U8(_) => "|u1",
        Data::U32(_) => "<u4",
        Data::Bool(_) => "|b1",
    };
    out.write_all(&header(descr, tensor.shape()))?;
    match tensor.data() {
        Data::F32(items) => each(out, items, |item| item.to_le_bytes()),
        Data::F64(items) => each(out, items, |item| item.to_le_bytes()),
        Data::BF16(items) => each(out, items, |item| item.to_f32().to_le_bytes()),
        Data::F16(items) => each(out, items, |item| item.to_f32().to_le_bytes()),
        Data::I32(items) => each(out, items, |item| item.to_le_bytes()),
        Data::I64(items) => each(out, items, |item| item.to_le_bytes()),
        Data::U8(items) => out.write_all(items),
        Data::U32(items) => each(out, items, |item| item.to_le_bytes()),
        Data::Bool(items) => each(out, items, |item| [u8::from(item)]),
    }
}

/// Writes arrays by name as `.npz`.
pub(crate) fn write_archive(out: impl Write + Seek, arrays: &[(String, &Tensor)]) -> io::Result<()> {
    let mut archive = ZipWriter::new(out);
    for (name, tensor) in arrays {
        let large = tensor.ty().bytes().saturating_mul(2) > ZIP32_BYTES;
        let options =
            SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(large);
        archive.start_file(format!("{name}.npy"), options)?;
        write_array(&mut archive, tensor)?;
    }
    archive.finish()?.flush()
}

fn header(descr: &str, shape: &[usize]) -> Vec<u8> {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let comma = if shape.len() == 1 { "," } else { "" };
    let shape = format!("({}{comma})", sizes.join(", "));
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let head = b"\x93NUMPY\x01\x00";
    let unpadded = head.len() + size_of::<u16>() + text.len() + 1;
    text.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(ALIGNMENT) - unpadded));
    text.push('\n');
    let size = u16::try_from(text.len()).expect("64 axes of 20 digits are less than 64 KiB");
    [head.as_slice(), &size.to_le_bytes(), text.as_bytes()].concat()
}

fn each<T: Copy, const N: usize>(
    out: &mut impl Write,
    items: &[T],
    bytes: impl Fn(T) -> [u8; N],
) -> io::Result<()> {
    const BLOCK: usize = 4096;
    let mut block = Vec::with_capacity(BLOCK * N);
    for items in items.chunks(BLOCK) {
        block.clear();
        items.iter().for_each(|&item| block.extend_from_slice(&bytes(item)));
        out.write_all(&block)?;
    }
    Ok(())
}
