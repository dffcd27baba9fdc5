//! Legacy whole-model and weights-only HDF5 files as data: Keras 1, 2 and 3.

use std::io;

use cornu_ir::{Tensor, Type};

use super::error::{FileError, Place};
use super::hdf5::{self, Attribute, Group, Reader};
use super::source::Source;

/// What a whole-model file says besides its weights.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The architecture, as JSON text; absent from weights-only files.
    pub model_config: Option<String>,
    /// Loss, metrics and optimizer, as JSON text; absent when the model was not compiled.
    pub training_config: Option<String>,
    /// The version that wrote the file; the oldest do not say.
    pub keras_version: Option<String>,
    /// The backend it ran on; only Keras 1.2 to 2 and later say.
    pub backend: Option<String>,
}

/// Named arrays in order: those of a layer, of the model itself, or of the optimizer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLayer {
    /// The layer's name.
    pub name: String,
    /// Its arrays, in the order in which they are to be handed to the layer.
    pub weights: Vec<StoredWeight>,
}

/// One array that has not been read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredWeight {
    /// Its name: `seq/dense/kernel`, `dense/kernel:0`, `param_0`.
    pub name: String,
    /// Its element type and shape.
    pub ty: Type,
    /// Its place in the file.
    path: String,
}

/// A legacy file, read as it is asked for.
pub struct Legacy {
    file: Reader,
    header: Header,
    /// The group with the layers: `model_weights`, or the root of a weights-only file.
    root: &'static str,
}

const MODEL_WEIGHTS: &str = "model_weights";
const OPTIMIZER_WEIGHTS: &str = "optimizer_weights";
const TOP_LEVEL: &str = "top_level_model_weights";
const LAYER_NAMES: &str = "layer_names";
const WEIGHT_NAMES: &str = "weight_names";
/// Most layers of the oldest files, which count them instead of naming them.
const MAX_COUNTED: i64 = 1 << 20;

impl Legacy {
    /// Opens a legacy file of any age.
    pub fn open(source: Source) -> Result<Legacy, FileError> {
        let file = Reader::open(source)?;
        let root = if file.has_group(MODEL_WEIGHTS)? { MODEL_WEIGHTS } else { "" };
        let either = |name: &str| match file.text("", name)? {
            Some(text) => Ok(Some(text)),
            None => file.text(root, name),
        };
        let header = Header {
            model_config: file.text("", "model_config")?,
            training_config: file.text("", "training_config")?,
            keras_version: either("keras_version")?,
            backend: either("backend")?,
        };
        Ok(Legacy { file, header, root })
    }

    /// What errors call this file.
    pub fn place(&self) -> &Place {
        self.file.place()
    }

    /// Configuration and versions.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The layers in order, those without weights included.
    pub fn layers(&self) -> Result<Vec<StoredLayer>, FileError> {
        match self.file.texts(self.root, LAYER_NAMES)? {
            Some(names) => names.into_iter().map(|name| self.named_layer(self.root, name)).collect(),
            None => self.counted_layers(),
        }
    }

    /// The model's own weights, outside any layer.
    pub fn top_level(&self) -> Result<Vec<StoredWeight>, FileError> {
        if !self.file.has_group(&join(self.root, TOP_LEVEL))? {
            return Ok(Vec::new());
        }
        self.named_layer(self.root, TOP_LEVEL.to_owned()).map(|layer| layer.weights)
    }

    /// The optimizer's variables in the order of the file; `None` when there are none.
    pub fn optimizer(&self) -> Result<Option<Vec<StoredWeight>>, FileError> {
        if !self.file.has_group(OPTIMIZER_WEIGHTS)? {
            return Ok(None);
        }
        self.named_layer("", OPTIMIZER_WEIGHTS.to_owned()).map(|group| Some(group.weights))
    }

    /// Reads an array, which must have the shape of `ty`; converted to its element type.
    pub fn read(&self, weight: &StoredWeight, ty: &Type) -> Result<Tensor, FileError> {
        self.file.read(&weight.path, ty)
    }

    fn named_layer(&self, parent: &str, name: String) -> Result<StoredLayer, FileError> {
        let group = join(parent, &name);
        let at = self.place().inside(&group);
        if !self.file.has_group(&group)? {
            return Err(at.missing("the list of layers names it"));
        }
        let Some(names) = self.file.texts(&group, WEIGHT_NAMES)? else {
            return Err(at.missing(format!("attribute {WEIGHT_NAMES} lists the weights")));
        };
        let weights = names.into_iter().map(|name| self.weight(&group, name)).collect::<Result<_, _>>()?;
        Ok(StoredLayer { name, weights })
    }

    fn weight(&self, group: &str, name: String) -> Result<StoredWeight, FileError> {
        let path = join(group, &name);
        Ok(StoredWeight { ty: self.file.ty(&path)?, name, path })
    }

    /// The oldest form: so and so many layers, each with so and so many parameters.
    fn counted_layers(&self) -> Result<Vec<StoredLayer>, FileError> {
        let count = self.counted(self.root, "nb_layers")?;
        (0..count).map(|n| self.counted_layer(format!("layer_{n}"))).collect()
    }

    fn counted_layer(&self, name: String) -> Result<StoredLayer, FileError> {
        let group = join(self.root, &name);
        let count = self.counted(&group, "nb_params")?;
        let weights = (0..count).map(|n| self.weight(&group, format!("param_{n}")));
        Ok(StoredLayer { weights: weights.collect::<Result<_, _>>()?, name })
    }

    fn counted(&self, group: &str, name: &str) -> Result<i64, FileError> {
        let at = if group.is_empty() { self.place().clone() } else { self.place().inside(group) };
        match self.file.attribute(group, name)? {
            Some(Attribute::Integer(count)) if (0..=MAX_COUNTED).contains(&count) => Ok(count),
            Some(Attribute::Integer(count)) => Err(at.mismatch(format!("{name} = {count}"), "a count")),
            Some(Attribute::Text(_) | Attribute::Texts(_) | Attribute::Empty) => {
                Err(at.mismatch(format!("something else as {name}"), "a count"))
            }
            None => Err(at.missing(format!("attribute {LAYER_NAMES} or {name} says which layers there are"))),
        }
    }
}

fn join(group: &str, name: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{group}/{name}") }
}

/// A model to be written in the form that Keras 3 writes.
#[derive(Clone, Copy, Debug)]
pub struct LegacyModel<'a> {
    /// The architecture and how it was compiled; a file without `model_config` is a weights-only one.
    pub header: &'a Header,
    /// Layers in order, those without weights included: name, and named arrays.
    pub layers: &'a [(String, Vec<(String, Tensor)>)],
    /// The model's own weights.
    pub top_level: &'a [(String, Tensor)],
    /// The optimizer's variables; empty when there are none.
    pub optimizer: &'a [(String, Tensor)],
}

/// Writes a legacy file to `out`; `at` is what errors call it.
pub fn write(model: LegacyModel<'_>, at: &Place, out: impl io::Write) -> Result<(), FileError> {
    let mut root = Group::default();
    let header = model.header;
    if let Some(config) = &header.model_config {
        root.ascii("model_config", config);
        version(header, &mut root, Group::text);
    }
    if let Some(config) = &header.training_config {
        root.ascii("training_config", config);
    }
    let path = if header.model_config.is_some() { MODEL_WEIGHTS } else { "" };
    let group = root.at(path);
    version(header, group, Group::ascii);
    let names: Vec<String> = model.layers.iter().map(|(name, _)| name.clone()).collect();
    texts(group, LAYER_NAMES, &names, at)?;
    for (name, weights) in model.layers {
        fill(group.at(name), weights, &at.inside(name))?;
    }
    fill(group.at(TOP_LEVEL), model.top_level, &at.inside(TOP_LEVEL))?;
    if !model.optimizer.is_empty() {
        fill(root.at(OPTIMIZER_WEIGHTS), model.optimizer, &at.inside(OPTIMIZER_WEIGHTS))?;
    }
    hdf5::write(root, at, out)
}

/// Keras writes the versions twice: as Python text at the root, as bytes beside the weights.
fn version<'a>(header: &Header, group: &mut Group<'a>, set: fn(&mut Group<'a>, &str, &str)) {
    if let Some(version) = &header.keras_version {
        set(group, "keras_version", version);
    }
    if let Some(backend) = &header.backend {
        set(group, "backend", backend);
    }
}

fn fill<'a>(group: &mut Group<'a>, weights: &'a [(String, Tensor)], at: &Place) -> Result<(), FileError> {
    let names: Vec<String> = weights.iter().map(|(name, _)| name.clone()).collect();
    texts(group, WEIGHT_NAMES, &names, at)?;
    for (name, tensor) in weights {
        if !group.array(name, tensor) {
            return Err(at.inside(name).mismatch("a weight name that is taken or empty", "each name once"));
        }
    }
    Ok(())
}

fn texts(group: &mut Group<'_>, name: &str, texts: &[String], at: &Place) -> Result<(), FileError> {
    if group.texts(name, texts) { Ok(()) } else { Err(at.too_large("a name", "64512 bytes")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reopened(model: LegacyModel<'_>) -> Legacy {
        let at = Place::file("test.h5");
        let mut bytes = Vec::new();
        write(model, &at, &mut bytes).expect("written");
        Legacy::open(Source::from_bytes(at, bytes)).expect("readable")
    }

    #[test]
    fn what_is_written_is_read() {
        let header = Header {
            model_config: Some("{}".into()),
            training_config: None,
            keras_version: Some("3.15.1".into()),
            backend: Some("jax".into()),
        };
        let kernel = Tensor::vector(vec![1.0f32, 2.0]);
        let layers = [
            ("dense".to_owned(), vec![("seq/dense/kernel".to_owned(), kernel.clone())]),
            ("dropout".to_owned(), vec![]),
        ];
        let optimizer = [("adam/iteration".to_owned(), Tensor::scalar(7i32))];
        let file =
            reopened(LegacyModel { header: &header, layers: &layers, top_level: &[], optimizer: &optimizer });
        assert_eq!(file.header(), &header);
        let read = file.layers().expect("layers");
        assert_eq!(read.iter().map(|layer| layer.name.as_str()).collect::<Vec<_>>(), ["dense", "dropout"]);
        assert_eq!(read[0].weights[0].name, "seq/dense/kernel");
        assert_eq!(file.read(&read[0].weights[0], &kernel.ty()).expect("read"), kernel);
        assert!(file.top_level().expect("read").is_empty());
        let iteration = &file.optimizer().expect("read").expect("there")[0];
        assert_eq!(file.read(iteration, &iteration.ty).expect("read"), Tensor::scalar(7i32));
    }

    #[test]
    fn many_names_are_split_and_put_together() {
        let layers: Vec<(String, Vec<(String, Tensor)>)> =
            (0..9000).map(|n| (format!("layer_with_a_long_name_{n}"), vec![])).collect();
        let header = Header::default();
        let file = reopened(LegacyModel { header: &header, layers: &layers, top_level: &[], optimizer: &[] });
        let read = file.layers().expect("layers");
        assert!(read.iter().map(|layer| &layer.name).eq(layers.iter().map(|(name, _)| name)));
    }

    #[test]
    fn a_weight_named_twice_is_an_error() {
        let twice = [("w".to_owned(), Tensor::scalar(1.0f32)), ("w".to_owned(), Tensor::scalar(1.0f32))];
        let header = Header::default();
        let model = LegacyModel { header: &header, layers: &[], top_level: &twice, optimizer: &[] };
        assert!(write(model, &Place::file("t"), io::sink()).is_err());
    }
}
