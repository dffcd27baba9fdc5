//! Files that lie, are cut short or lead elsewhere: an error that says so in one line, never a crash.

#[path = "files/hdf5.rs"]
mod hdf5_bytes;
#[path = "files/zip.rs"]
mod zip_bytes;

use cornu::saving::archive::Archive;
use cornu::saving::hdf5::Reader;
use cornu::saving::legacy::Legacy;
use cornu::saving::weights::{Saved, Weights};
use cornu::saving::{FileError, Place, Source, weights};
use cornu_ir::{DType, Tensor, Type};
use hdf5_bytes::{Array, Builder, Layout, Target, f32_type, text_type};
use zip_bytes::{Member, archive};

fn source(bytes: Vec<u8>) -> Source {
    Source::from_bytes(Place::file("hostile"), bytes)
}

/// The error of a result, as people see it; it must be one line.
fn refusal<T>(result: Result<T, FileError>) -> String {
    let text = result.err().expect("an error").to_string();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

/// A file whose root holds one array `x`.
fn with_array(array: Array<'_>) -> Vec<u8> {
    let mut file = Builder::new();
    let x = file.array(array);
    let root = file.group(&[("x", Target::Hard(x))]);
    file.finish(root)
}

fn read_x(bytes: Vec<u8>, shape: &[usize]) -> Result<Tensor, FileError> {
    Reader::open(source(bytes))?.read("x", &Type::new(DType::F32, shape))
}

/// A weight file of the layout that Keras writes: `layers/dense/vars/{0,1}`.
fn honest() -> Vec<u8> {
    let mut file = Builder::new();
    let kernel = file.float_array(&[1.0, 2.0, 3.0]);
    let bias = file.float_array(&[4.0]);
    let vars = file.group(&[("0", Target::Hard(kernel)), ("1", Target::Hard(bias))]);
    let dense = file.group(&[("vars", Target::Hard(vars))]);
    let layers = file.group(&[("dense", Target::Hard(dense))]);
    let root = file.group(&[("layers", Target::Hard(layers))]);
    file.finish(root)
}

#[test]
fn the_builder_itself_is_honest() {
    let weights = Weights::open(source(honest())).expect("a good file");
    assert_eq!(weights.paths().expect("walked"), ["layers/dense"]);
    let bias = weights.read("layers/dense", 1, &Type::new(DType::F32, [1])).expect("stored");
    assert_eq!(bias, Tensor::vector(vec![4.0f32]));
}

#[test]
fn arrays_of_another_shape_are_not_read() {
    let floats =
        |dims| Array { dims, datatype: f32_type(), layout: Layout::Contiguous(vec![0; 8]), more: vec![] };
    assert!(read_x(with_array(floats(&[2])), &[2]).is_ok());
    assert!(refusal(read_x(with_array(floats(&[2])), &[3])).contains("found shape [2], needed shape [3]"));
    assert!(refusal(read_x(with_array(floats(&[2])), &[2, 1])).contains("needed shape [2,1]"));
    // The header says more, or less, than is stored.
    assert!(refusal(read_x(with_array(floats(&[3])), &[3])).contains("damaged"));
    assert!(refusal(read_x(with_array(floats(&[1])), &[1])).contains("damaged"));
}

#[test]
fn shapes_that_no_file_could_hold() {
    let chunked = |dims: &[u64], chunk: &[u32]| {
        with_array(Array {
            dims,
            datatype: f32_type(),
            layout: Layout::Chunked(chunk.to_vec()),
            more: vec![],
        })
    };
    let million = 1_000_000;
    assert!(
        refusal(read_x(chunked(&[million, million], &[100, 100]), &[1_000_000; 2])).contains("too large")
    );
    assert!(refusal(read_x(chunked(&[1 << 33, 1 << 33], &[1, 1]), &[1 << 33; 2])).contains("overflow"));
    assert!(refusal(read_x(chunked(&[10_000_000], &[1]), &[10_000_000])).contains("10000000 chunks"));
    let size = 4 << 40;
    let elsewhere = Layout::Elsewhere { address: 96, size };
    let huge = Array { dims: &[1 << 40], datatype: f32_type(), layout: elsewhere, more: vec![] };
    assert!(refusal(read_x(with_array(huge), &[1 << 40])).contains("too large"));
    let beyond = Layout::Elsewhere { address: u64::MAX - 8, size: 8 };
    let beyond = Array { dims: &[2], datatype: f32_type(), layout: beyond, more: vec![] };
    assert!(refusal(read_x(with_array(beyond), &[2])).contains("past the end"));
}

#[test]
fn what_is_no_number_is_no_weight() {
    let text = Layout::Contiguous(b"abcd".to_vec());
    let text = with_array(Array { dims: &[1], datatype: text_type(4), layout: text, more: vec![] });
    assert!(refusal(read_x(text, &[1])).contains("refused text"));
    let mut odd = f32_type();
    odd[13] = 5;
    let odd = Array { dims: &[1], datatype: odd, layout: Layout::Contiguous(vec![0; 4]), more: vec![] };
    assert!(refusal(read_x(with_array(odd), &[1])).contains("unusual layout"));
}

#[test]
fn nothing_outside_the_file_is_read() {
    let mut external = vec![1, 0, 0, 0, 1, 0, 1, 0];
    external.extend([96u64, 0, 0, 8].map(u64::to_le_bytes).concat());
    let floats = |layout, more| with_array(Array { dims: &[2], datatype: f32_type(), layout, more });
    let elsewhere = floats(Layout::Contiguous(vec![0; 8]), vec![(0x07, external)]);
    assert!(refusal(Reader::open(source(elsewhere))).contains("stored in another file"));
    assert!(refusal(Reader::open(source(floats(Layout::Virtual, vec![])))).contains("virtual array"));
}

#[test]
fn soft_links_are_not_followed() {
    for path in ["/x", "/s", "nowhere", "/"] {
        let mut file = Builder::new();
        let x = file.float_array(&[1.0]);
        let root = file.group(&[("s", Target::Soft(path)), ("x", Target::Hard(x))]);
        let reader = Reader::open(source(file.finish(root))).expect("links are refused when they are used");
        let ty = Type::new(DType::F32, [1]);
        assert!(reader.read("x", &ty).is_ok());
        assert!(refusal(reader.read("s", &ty)).contains("soft link"));
        assert!(refusal(reader.has_group("s/x")).contains("soft link"));
    }
}

#[test]
fn groups_may_contain_themselves() {
    let mut file = Builder::new();
    let x = file.float_array(&[1.0]);
    // A group knows its address before it is appended: its heap, names, node and tree are 8+16, 32, 8+2*40 and 48.
    let own_address = {
        let mut rehearsal = Builder::new();
        rehearsal.float_array(&[1.0]);
        rehearsal.group(&[("again", Target::Hard(0)), ("vars", Target::Hard(0))])
    };
    let root = file.group(&[("again", Target::Hard(own_address)), ("vars", Target::Hard(x))]);
    assert_eq!(root, own_address);
    let weights = Weights::open(source(file.finish(root))).expect("a loop of hard links is no harm");
    assert!(refusal(weights.paths()).contains("nesting"));
}

#[test]
fn links_that_lead_nowhere_in_the_file() {
    for address in [0, 7, 1 << 20, u64::MAX - 1, u64::MAX] {
        let mut file = Builder::new();
        let root = file.group(&[("x", Target::Hard(address))]);
        assert!(refusal(Reader::open(source(file.finish(root)))).contains("damaged"));
    }
    assert!(refusal(Reader::open(source(Builder::new().finish(1 << 40)))).contains("damaged"));
}

#[test]
fn files_that_are_cut_short() {
    let good = honest();
    for len in (0..good.len()).step_by(7) {
        let Ok(weights) = Weights::open(source(good[..len].to_vec())) else { continue };
        let kernel = weights.read("layers/dense", 0, &Type::new(DType::F32, [3]));
        let bias = weights.read("layers/dense", 1, &Type::new(DType::F32, [1]));
        assert!(kernel.is_err() || bias.is_err(), "{len} of {} bytes", good.len());
    }
}

/// A small generator of numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

/// Flips a few bits of `good`, many times over, and hands the result to `read`.
fn flipped(good: &[u8], times: usize, read: impl Fn(Vec<u8>)) {
    let mut dice = Dice(0x5eed);
    for _ in 0..times {
        let mut bad = good.to_vec();
        for _ in 0..=dice.roll(4) {
            let at = dice.roll(bad.len());
            bad[at] ^= 1 << dice.roll(8);
        }
        read(bad);
    }
}

fn read_everything(bytes: Vec<u8>) {
    if let Ok(weights) = Weights::open(source(bytes.clone())) {
        for path in weights.paths().unwrap_or_default() {
            for (n, ty) in weights.stored(&path).unwrap_or_default().iter().enumerate() {
                // Either is fine: a flipped bit in a weight shows nowhere.
                let _ = weights.read(&path, n, ty);
            }
        }
    }
    if let Ok(legacy) = Legacy::open(source(bytes)) {
        let _ = (legacy.layers(), legacy.top_level(), legacy.optimizer());
    }
}

#[test]
fn flipped_bits_in_weights() {
    flipped(&honest(), 3000, read_everything);
    let mut ours = Vec::new();
    let kernel = Tensor::vector(vec![1.0f32, 2.0]);
    let saved = Saved::new("layers/dense", "dense", vec![kernel]);
    weights::write(&[saved], &Place::file("ours"), &mut ours).expect("memory");
    flipped(&ours, 1000, read_everything);
}

fn good_members() -> Vec<Member> {
    vec![Member::new("config.json", b"{}"), Member::new("model.weights.h5", &honest())]
}

#[test]
fn an_honest_archive() {
    let mut archive = Archive::open(source(archive(&good_members()))).expect("a good archive");
    assert_eq!(archive.read("config.json", 10).expect("there"), b"{}");
    assert!(Weights::open(archive.source("model.weights.h5").expect("there")).is_ok());
    assert!(refusal(archive.read("config.json", 1)).contains("too large"));
    assert!(refusal(archive.read("metadata.json", 1)).contains("missing"));
}

/// The archive with its first member changed.
fn with_first(change: impl Fn(&mut Member)) -> Result<Archive, FileError> {
    let mut members = good_members();
    change(&mut members[0]);
    Archive::open(source(archive(&members)))
}

#[test]
fn members_with_names_that_lead_out() {
    for name in ["../x", "/etc/x", "a/../../x", "C:/x", "a\\b", "a\nb"] {
        let error = refusal(with_first(|member| member.name = name.into()));
        assert!(error.contains("refused") || error.contains("damaged"), "{error}");
    }
}

#[test]
fn members_that_are_not_what_they_say() {
    assert!(refusal(with_first(|member| member.name = "model.weights.h5".into())).contains("duplicate"));
    assert!(refusal(with_first(|member| member.flags = 1)).contains("encrypted"));
    assert!(refusal(with_first(|member| member.method = 14)).contains("compression"));
    assert!(refusal(with_first(|member| member.mode = 0o120777)).contains("symbolic link"));
    assert!(refusal(with_first(|member| member.size = 3)).contains("not compressed"));
    assert!(refusal(with_first(|member| (member.method, member.size) = (8, 1 << 30))).contains("expand"));
    with_first(|member| member.start = Some(1)).err().expect("no header there");
    let mut liar = with_first(|member| member.crc ^= 1).expect("checksums are compared when content is read");
    assert!(refusal(liar.read("config.json", 10)).contains("damaged"));
}

#[test]
fn members_that_overlap() {
    let mut members = good_members();
    members.push(Member { start: Some(0), ..members[0].clone() });
    members[2].name = "config.jsom".into();
    refusal(Archive::open(source(archive(&members))));
}

#[test]
fn deflated_members_that_lie_about_their_size() {
    // One stored block of deflate: final, length, its complement, bytes.
    let deflated = [&[1, 2, 0, 0xfd, 0xff][..], b"{}"].concat();
    for (size, is_good) in [(2, true), (1, false), (3, false)] {
        let opened = with_first(|member| {
            member.bytes = deflated.clone();
            (member.method, member.size, member.crc) = (8, size, zip_bytes::crc32(b"{}"));
        });
        let read = opened.expect("sizes are compared when content is read").read("config.json", 10);
        assert_eq!(read.is_ok(), is_good, "{size}");
    }
}

#[test]
fn archives_that_are_cut_short_or_flipped() {
    let good = archive(&good_members());
    for len in (0..good.len()).step_by(11) {
        refusal(Archive::open(source(good[..len].to_vec())));
    }
    flipped(&good, 2000, |bad| {
        if let Ok(mut archive) = Archive::open(source(bad)) {
            for name in archive.names().to_vec() {
                let _ = archive.read(&name, 1 << 20);
                let _ = archive.source(&name);
            }
        }
    });
}

#[test]
fn what_is_no_file_of_ours() {
    for bytes in [&b""[..], b"x", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", &[0; 4096]] {
        refusal(Archive::open(source(bytes.to_vec())));
        refusal(Reader::open(source(bytes.to_vec())));
    }
}
