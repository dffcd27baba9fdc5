//! The file of a checkpoint: a zip archive, whose checksums tell damage, written in one step.

use std::io::{BufReader, Write};
use std::path::Path;

use cornu_ir::{DType, Tensor, Type};
use serde_json::{Map, Value, json};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{CallbackState, Checkpoint, TrainingPlace, bytes};
use crate::callbacks::History;
use crate::saving::archive::Archive;
use crate::saving::json::{self as text, as_float, float};
use crate::saving::{FileError, Place, Source, atomic};
use crate::training::{FeedPosition, Logs};

/// Says what this is and in which version, for later ones.
const FORMAT: &str = "cornu checkpoint 1";
/// All but the tensors.
const FACTS: &str = "checkpoint.json";
/// The elements of all tensors, one after another.
const TENSORS: &str = "tensors";
/// Largest text that is read.
const MAX_FACTS_BYTES: u64 = 64 << 20;

/// Writes a checkpoint to `path` in one step; see [`atomic::write`].
pub(super) fn write(path: &Path, checkpoint: &Checkpoint) -> Result<(), FileError> {
    let at = Place::file(path);
    let failed = |error: ZipError| match error {
        ZipError::Io(source) => at.io("write", source),
        other => at.refused(other, "a zip archive must be able to hold it"),
    };
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    atomic::write(path, |file| {
        let mut zip = ZipWriter::new(file);
        zip.start_file(FACTS, stored).map_err(failed)?;
        let facts = text::print(&facts(checkpoint));
        zip.write_all(facts.as_bytes()).map_err(|e| at.inside(FACTS).io("write", e))?;
        zip.start_file(TENSORS, stored.large_file(true)).map_err(failed)?;
        for tensor in tensors(checkpoint) {
            bytes::write(tensor, &mut zip).map_err(|e| at.inside(TENSORS).io("write", e))?;
        }
        zip.finish().map_err(failed)?;
        Ok(())
    })
}

/// All tensors, those of the model first.
fn tensors(checkpoint: &Checkpoint) -> impl Iterator<Item = &Tensor> {
    let callbacks = checkpoint.callbacks.iter().flat_map(|(_, state)| &state.tensors);
    checkpoint.state.iter().chain(callbacks)
}

fn facts(checkpoint: &Checkpoint) -> Value {
    let types = |tensors: &[Tensor]| Value::from_iter(tensors.iter().map(|tensor| type_value(&tensor.ty())));
    let callback = |(name, state): &(String, CallbackState)| {
        let tensors = types(&state.tensors);
        json!({ "name": name, "values": state.values, "tensors": tensors })
    };
    let logs = checkpoint.logs.iter().map(|(name, value)| (name.to_string(), float(value)));
    json!({
        "format": FORMAT,
        "seed": checkpoint.seed,
        "place": checkpoint.place.map(place_value),
        "stopped": checkpoint.stopped,
        "logs": Map::from_iter(logs),
        "history": checkpoint.history.to_value(),
        "callbacks": Value::from_iter(checkpoint.callbacks.iter().map(callback)),
        "state": types(&checkpoint.state),
    })
}

fn place_value(place: TrainingPlace) -> Value {
    let TrainingPlace { epoch, step, feed: FeedPosition { pass, taken, total } } = place;
    json!({ "epoch": epoch, "step": step, "pass": pass, "taken": taken, "total": total })
}

fn type_value(ty: &Type) -> Value {
    json!([ty.dtype.name(), ty.shape.to_vec()])
}

/// Reads a checkpoint; the checksums say whether it is whole.
pub(super) fn read(path: &Path) -> Result<Checkpoint, FileError> {
    let mut archive = Archive::open(Source::open(path)?)?;
    let at = archive.place().inside(FACTS);
    let facts = text::parse(&at, &archive.read(FACTS, MAX_FACTS_BYTES)?)?;
    if facts.get("format").and_then(Value::as_str) != Some(FORMAT) {
        return Err(at.mismatch("another format", format!("`{FORMAT}`")));
    }
    let (mut checkpoint, types) =
        read_facts(&facts).ok_or_else(|| at.mismatch("other facts", "those that a checkpoint has"))?;
    let source = archive.source(TENSORS)?;
    let mut sizes = types.iter().flatten().map(bytes::size);
    let needed = sizes.try_fold(0u64, |sum, size| sum.checked_add(size?));
    let needed = needed.ok_or_else(|| at.too_large("a tensor", "what memory can hold"))?;
    if source.len() != needed {
        return Err(source.place().mismatch(format!("{} bytes", source.len()), format!("{needed}")));
    }
    let mut reader = BufReader::with_capacity(256 << 10, source.reader());
    let mut lists = types.iter().map(|types| {
        let tensors = types.iter().map(|ty| bytes::read(ty, &mut reader));
        tensors.collect::<std::io::Result<Vec<Tensor>>>().map_err(|e| source.place().io("read", e))
    });
    checkpoint.state = lists.next().transpose()?.unwrap_or_default();
    for (_, state) in &mut checkpoint.callbacks {
        state.tensors = lists.next().transpose()?.unwrap_or_default();
    }
    Ok(checkpoint)
}

/// The checkpoint without its tensors, and their types: those of the model, then those of each callback.
fn read_facts(facts: &Value) -> Option<(Checkpoint, Vec<Vec<Type>>)> {
    let mut types = vec![read_types(facts.get("state")?)?];
    let mut callbacks = Vec::new();
    for callback in facts.get("callbacks")?.as_array()? {
        let name = callback.get("name")?.as_str()?.to_string();
        callbacks.push((name, CallbackState::from(callback.get("values")?.clone())));
        types.push(read_types(callback.get("tensors")?)?);
    }
    let log = |(name, value): (&String, &Value)| Some((name.clone(), as_float(value)?));
    let logs: Option<Vec<(String, f64)>> = facts.get("logs")?.as_object()?.iter().map(log).collect();
    let place = match facts.get("place")? {
        Value::Null => None,
        place => Some(read_place(place)?),
    };
    let checkpoint = Checkpoint {
        seed: facts.get("seed")?.as_u64()?,
        state: Vec::new(),
        place,
        stopped: facts.get("stopped")?.as_bool()?,
        logs: Logs::new(logs?),
        history: History::from_value(facts.get("history")?)?,
        callbacks,
    };
    Some((checkpoint, types))
}

fn read_place(place: &Value) -> Option<TrainingPlace> {
    let count = |key: &str| place.get(key)?.as_u64().and_then(|count| usize::try_from(count).ok());
    let feed = FeedPosition { pass: count("pass")?, taken: count("taken")?, total: count("total")? };
    Some(TrainingPlace { epoch: count("epoch")?, step: count("step")?, feed })
}

fn read_types(types: &Value) -> Option<Vec<Type>> {
    let read = |ty: &Value| {
        let [name, shape] = ty.as_array()?.as_slice() else { return None };
        let dtype: DType = DType::ALL.into_iter().find(|dtype| Some(dtype.name()) == name.as_str())?;
        let size = |size: &Value| size.as_u64().and_then(|size| usize::try_from(size).ok());
        let shape: Option<Vec<usize>> = shape.as_array()?.iter().map(size).collect();
        Some(Type::new(dtype, shape?))
    };
    types.as_array()?.iter().map(read).collect()
}
