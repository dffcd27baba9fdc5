//! The list of layers: from a class name and a configuration to a layer.

use std::ops::Deref;

use cornu_ir::DType;
use serde_json::Value;

use super::*;
use crate::activations;
use crate::config::Arguments;
use crate::constraints::{self, Constraint};
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::initializers::{self, Initializer};
use crate::registered::Registered;
use crate::regularizers::{self, Regularizer};

/// Makes a layer from its arguments.
type Make = fn(&LayerConfig<'_>) -> Result<AnyLayer>;

/// The table of layers: each class under its own name, or under the one Keras gives it.
macro_rules! layers {
    ($($class:ident $(= $name:literal)?,)*) => {
        &[$((layers!(@name $class $($name)?), |config| Ok($class::from_config(config)?.into())),)*]
    };
    (@name $class:ident) => { stringify!($class) };
    (@name $class:ident $name:literal) => { $name };
}

/// Keras's layers that can be read from a file, by class name.
const LAYERS: &[(&str, Make)] = layers! {
    Activation,
    ActivityRegularization,
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveAveragePooling3D,
    AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
    Add,
    AdditiveAttention,
    AlphaDropout,
    Attention,
    AutoContrast,
    Average,
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    BatchNormalization,
    Bidirectional,
    CategoryEncoding,
    CenterCrop,
    Concatenate,
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Conv3DTranspose,
    ConvLSTM1D,
    ConvLSTM2D,
    ConvLSTM3D,
    Cropping1D,
    Cropping2D,
    Cropping3D,
    Dense,
    DepthwiseConv1D,
    DepthwiseConv2D,
    Discretization,
    Dot,
    Dropout,
    EinsumDense,
    ELU,
    Embedding,
    Equalization,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
    GroupNormalization,
    GroupQueryAttention,
    GRU,
    GRUCell,
    HashedCrossing,
    Hashing,
    Identity,
    Input = "InputLayer",
    IntegerLookup,
    Lambda,
    LayerNormalization,
    LeakyReLU,
    LSTM,
    LSTMCell,
    Masking,
    Maximum,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
    MelSpectrogram,
    Minimum,
    MultiHeadAttention,
    Multiply,
    Normalization,
    Permute,
    PReLU,
    RandomBrightness,
    RandomColorDegeneration,
    RandomContrast,
    RandomCrop,
    RandomErasing,
    RandomFlip,
    RandomGaussianBlur,
    RandomGrayscale,
    RandomHue,
    RandomInvert,
    RandomPosterization,
    RandomRotation,
    RandomSaturation,
    RandomSharpness,
    RandomShear,
    RandomTranslation,
    RandomZoom,
    ReLU,
    RepeatVector,
    Rescaling,
    Reshape,
    Resizing,
    ReversibleEmbedding,
    STFTSpectrogram,
    RMSNormalization,
    RNN,
    SeparableConv1D,
    SeparableConv2D,
    SimpleRNN,
    SimpleRNNCell,
    Softmax,
    Solarization,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
    SpectralNormalization,
    StackedRNNCells,
    StringLookup,
    Subtract,
    TextVectorization,
    TimeDistributed,
    UnitNormalization,
    UpSampling1D,
    UpSampling2D,
    UpSampling3D,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
};

/// Other names that Keras gives its layers, and what each stands for. Files are written with the latter.
const ALIASES: &[(&str, &str)] = &[
    ("AvgPool1D", "AveragePooling1D"),
    ("AvgPool2D", "AveragePooling2D"),
    ("AvgPool3D", "AveragePooling3D"),
    ("Convolution1D", "Conv1D"),
    ("Convolution1DTranspose", "Conv1DTranspose"),
    ("Convolution2D", "Conv2D"),
    ("Convolution2DTranspose", "Conv2DTranspose"),
    ("Convolution3D", "Conv3D"),
    ("Convolution3DTranspose", "Conv3DTranspose"),
    ("GlobalAvgPool1D", "GlobalAveragePooling1D"),
    ("GlobalAvgPool2D", "GlobalAveragePooling2D"),
    ("GlobalAvgPool3D", "GlobalAveragePooling3D"),
    ("GlobalMaxPool1D", "GlobalMaxPooling1D"),
    ("GlobalMaxPool2D", "GlobalMaxPooling2D"),
    ("GlobalMaxPool3D", "GlobalMaxPooling3D"),
    ("MaxPool1D", "MaxPooling1D"),
    ("MaxPool2D", "MaxPooling2D"),
    ("MaxPool3D", "MaxPooling3D"),
    ("SeparableConvolution1D", "SeparableConv1D"),
    ("SeparableConvolution2D", "SeparableConv2D"),
];

/// The classes that there are, by Keras's names.
pub(crate) fn layer_names() -> impl Iterator<Item = &'static str> {
    LAYERS.iter().map(|(name, _)| *name)
}

/// The other names that a class has.
pub(crate) fn aliases_of(class: &str) -> impl Iterator<Item = &'static str> {
    ALIASES.iter().filter(move |(_, name)| *name == class).map(|(alias, _)| *alias)
}

/// Layers that the program itself has registered, by `package>Name`.
static REGISTERED: Registered<Make> = Registered::new();

/// Lets files name a layer of your own. `name` is Keras's registered name, `package>Name`.
pub fn register_layer(name: &str, make: Make) {
    REGISTERED.insert(name, make);
}

/// True if the program has registered a layer under this name.
pub(crate) fn is_registered(name: &str) -> bool {
    REGISTERED.get(name).is_some()
}

/// The layer of this class. `registered_name` is what a file says of classes that are not Keras's own.
pub(crate) fn layer_from_config(
    class: &str,
    registered_name: Option<&str>,
    config: &Config,
) -> Result<AnyLayer> {
    let own = registered_name.and_then(|name| REGISTERED.get(name));
    let builtin = ALIASES.iter().find(|(alias, _)| *alias == class).map_or(class, |&(_, name)| name);
    let make = own.or_else(|| LAYERS.iter().find(|(name, _)| *name == builtin).map(|&(_, make)| make));
    let Some(make) = make else {
        return Err(Error::unknown("layer", class, layer_names()));
    };
    make(&LayerConfig::new(class, config))
}

/// The arguments of a layer, read strictly: a wrong one is an error that names the class and the argument.
pub struct LayerConfig<'a> {
    arguments: Arguments<'a>,
    class: &'a str,
}

impl<'a> Deref for LayerConfig<'a> {
    type Target = Arguments<'a>;

    fn deref(&self) -> &Arguments<'a> {
        &self.arguments
    }
}

impl<'a> LayerConfig<'a> {
    /// The arguments in `config`, named as those of `class` in errors.
    pub fn new(class: &'a str, config: &'a Config) -> LayerConfig<'a> {
        LayerConfig { arguments: Arguments::new(class, config), class }
    }

    /// A whole number of 1 or more.
    pub fn positive(&self, key: &str) -> Result<usize> {
        let found = self.size(key).ok().flatten().filter(|&size| size > 0);
        found.ok_or_else(|| self.wrong(key, "a whole number of 1 or more"))
    }

    /// A list of sizes; null stands for any.
    pub fn unknown_sizes(&self, key: &str) -> Result<Vec<Option<usize>>> {
        let needed = "a list of sizes, null where any size may stand";
        let items = self.value(key).and_then(Value::as_array).ok_or_else(|| self.wrong(key, needed))?;
        let size = |item: &Value| match item {
            Value::Null => Some(None),
            item => item.as_u64().and_then(|size| usize::try_from(size).ok()).map(Some),
        };
        items.iter().map(size).collect::<Option<Vec<_>>>().ok_or_else(|| self.wrong(key, needed))
    }

    /// An element type by Keras's name, or the variable type of a policy object; float32 if absent.
    pub fn dtype(&self, key: &str) -> Result<DType> {
        let value = self.value(key);
        let policy = value.and_then(|value| value.get("config")?.get("name"));
        match policy.or(value) {
            None => Ok(DType::F32),
            Some(name) => {
                name.as_str().and_then(keras_dtype).ok_or_else(|| self.wrong(key, "a Keras element type"))
            }
        }
    }

    /// A seed: a whole number, a serialized `SeedGenerator` or nothing.
    pub fn seed(&self, key: &str) -> Result<Option<i64>> {
        match self.value(key) {
            Some(Value::Object(generator)) => {
                Ok(generator.get("config").and_then(|config| config["seed"].as_i64()))
            }
            Some(_) => self.integer(key),
            None => Ok(None),
        }
    }

    /// An activation; linear if absent.
    pub fn activation(&self, key: &str) -> Result<Identifier<activations::Activation>> {
        Ok(activations::Activation::deserialize(self.value(key).unwrap_or(&Value::Null))?.into())
    }

    /// An initializer, or the default one.
    pub fn initializer(&self, key: &str, default: &str) -> Result<Identifier<dyn Initializer>> {
        self.value(key)
            .map_or(Ok(default.into()), |value| Ok(Identifier::Object(initializers::deserialize(value)?)))
    }

    /// A regularizer, if there is one.
    pub fn regularizer(&self, key: &str) -> Result<Option<Identifier<dyn Regularizer>>> {
        self.value(key).map(|value| Ok(Identifier::Object(regularizers::deserialize(value)?))).transpose()
    }

    /// A constraint, if there is one.
    pub fn constraint(&self, key: &str) -> Result<Option<Identifier<dyn Constraint>>> {
        self.value(key).map(|value| Ok(Identifier::Object(constraints::deserialize(value)?))).transpose()
    }

    /// The class, for errors.
    pub fn class(&self) -> &str {
        self.class
    }
}

/// Keras's name of an element type: `float32`.
pub(crate) fn keras_dtype(name: &str) -> Option<DType> {
    Some(match name {
        "float32" => DType::F32,
        "float64" => DType::F64,
        "float16" => DType::F16,
        "bfloat16" => DType::BF16,
        "int32" => DType::I32,
        "int64" => DType::I64,
        "uint8" => DType::U8,
        "uint32" => DType::U32,
        "bool" => DType::Bool,
        _ => return None,
    })
}

/// The element type by Keras's name.
pub(crate) fn keras_dtype_name(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "float32",
        DType::F64 => "float64",
        DType::F16 => "float16",
        DType::BF16 => "bfloat16",
        DType::I32 => "int32",
        DType::I64 => "int64",
        DType::U8 => "uint8",
        DType::U32 => "uint32",
        DType::Bool => "bool",
    }
}
