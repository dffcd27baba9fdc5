//! Layers: what a layer is, and the list of Keras's.
//!
//! A layer is its configuration. `build` says which weights it has, `call` writes what it computes; output shapes are
//! not stated anywhere, for the graph knows them. `docs/add-a-layer.md` walks through making one.

mod activation;
mod any_layer;
mod arguments;
mod attention;
mod augmentation;
mod axes;
mod context;
mod convolution;
mod data_format;
mod dense;
mod dropout;
mod einsum_dense;
mod embedding;
mod flatten;
mod host;
mod identity;
mod input;
mod kernel_settings;
mod lambda;
mod lora;
mod masking;
mod merging;
mod normalization;
mod policy;
mod pooling;
mod preprocessing;
pub mod recurrent;
mod registry;
mod regularization;
mod reshape;
mod reshaping;
mod resize;
mod reversible_embedding;
mod serialization;
mod spatial;
mod spec;
mod stateless;
mod weight_options;
mod weights;

pub use activation::{ActivationLayer as Activation, ELU, LeakyReLU, PReLU, ReLU, Softmax};
pub use any_layer::{AnyLayer, Naming};
pub use arguments::{Argument, CallArguments, Masked};
pub use attention::{AdditiveAttention, Attention, GroupQueryAttention, MultiHeadAttention, ScoreMode};
pub use augmentation::{
    AutoContrast, CenterCrop, Equalization, Factor, FillMode, FlipMode, RandomBrightness,
    RandomColorDegeneration, RandomContrast, RandomCrop, RandomErasing, RandomFlip, RandomGaussianBlur,
    RandomGrayscale, RandomHue, RandomInvert, RandomPosterization, RandomRotation, RandomSaturation,
    RandomSharpness, RandomShear, RandomTranslation, RandomZoom, Resizing, Solarization,
};
pub use axes::Axes;
pub use context::Context;
pub use convolution::{
    Conv, Conv1D, Conv1DTranspose, Conv2D, Conv2DTranspose, Conv3D, Conv3DTranspose, ConvTranspose,
    DepthwiseConv, DepthwiseConv1D, DepthwiseConv2D, SeparableConv, SeparableConv1D, SeparableConv2D,
};
pub use data_format::DataFormat;
pub use dense::Dense;
pub use dropout::Dropout;
pub use einsum_dense::EinsumDense;
pub use embedding::Embedding;
pub use flatten::Flatten;
pub use host::HostLayer;
pub use identity::Identity;
pub use input::Input;
pub use lambda::{Function, Lambda, register_function};
pub use lora::{Lora, LoraKernel};
pub use masking::Masking;
pub use merging::{Add, Average, Concatenate, Dot, Maximum, Minimum, Multiply, Subtract};
pub use normalization::{
    BatchNormalization, GroupNormalization, LayerNormalization, RMSNormalization, RenormClipping,
    SpectralNormalization, UnitNormalization,
};
pub use policy::{Autocast, DTypePolicy, dtype_policy, set_dtype_policy};
pub use pooling::{
    AdaptiveAveragePooling1D, AdaptiveAveragePooling2D, AdaptiveAveragePooling3D, AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D, AdaptiveMaxPooling3D, AdaptivePooling, AveragePooling1D, AveragePooling2D,
    AveragePooling3D, GlobalAveragePooling1D, GlobalAveragePooling2D, GlobalAveragePooling3D,
    GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D, GlobalPooling, MaxPooling1D, MaxPooling2D,
    MaxPooling3D, OfMax, OfMean, PoolKind, Pooling,
};
pub use preprocessing::{
    CategoryEncoding, Discretization, Document, Feature, HashedCrossing, Hashing, IntegerLookup, LookupState,
    MelSpectrogram, Normalization, OutputMode, PerChannel, Rescaling, STFTSpectrogram, SpectrumMode, Split,
    Standardize, StringLookup, TextVectorization, Window,
};
pub use recurrent::{
    Bidirectional, Cell, ConvLSTM1D, ConvLSTM2D, ConvLSTM3D, GRU, GRUCell, LSTM, LSTMCell, MergeMode, RNN,
    SimpleRNN, SimpleRNNCell, StackedRNNCells, TimeDistributed,
};
pub use registry::{LayerConfig, register_layer};
pub use regularization::{
    ActivityRegularization, AlphaDropout, GaussianDropout, GaussianNoise, SpatialDropout, SpatialDropout1D,
    SpatialDropout2D, SpatialDropout3D,
};
pub use reshape::Reshape;
pub use reshaping::{
    Cropping, Cropping1D, Cropping2D, Cropping3D, Margins, Permute, RepeatVector, UpSampling, UpSampling1D,
    UpSampling2D, UpSampling3D, ZeroPadding, ZeroPadding1D, ZeroPadding2D, ZeroPadding3D,
};
pub use reversible_embedding::ReversibleEmbedding;
pub use serialization::{deserialize, serialize};
pub use spatial::{Padding, Sizes};
pub use spec::Spec;
pub use stateless::StatelessCall;
pub use weights::{WeightSpec, Weights};

pub(crate) use preprocessing::{LEARNED_IDF_WEIGHTS, LEARNED_VOCABULARY};
pub(crate) use registry::{
    aliases_of, is_registered, keras_dtype, keras_dtype_name, layer_from_config, layer_names,
};

use cornu_ir::{DType, Expr};
use serde_json::{Map, Value};

use crate::constraints::{self, Constraint};
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::initializers::{self, Initializer};
use crate::regularizers::{self, Regularizer};
use crate::saving::snake_case::ContainerNames;

/// The arguments of a layer as Keras writes them, without `name`, `trainable` and `dtype`, which every layer has.
pub type Config = Map<String, Value>;

/// A layer: the public trait that Keras's layers and yours implement.
pub trait Layer: Send + Sync {
    /// Keras's name of the class: `Dense`.
    fn class_name(&self) -> &str;

    /// The name under which files know a class that is not Keras's own: `package>Name`, as given to
    /// [`register_layer`].
    fn registered_name(&self) -> Option<&str> {
        None
    }

    /// The name that the layer brings along, as a model does that was given one.
    fn own_name(&self) -> Option<&str> {
        None
    }

    /// The module that files say the class lives in; `None` for a class that is not Keras's own.
    fn module(&self) -> Option<&str> {
        Some("keras.layers").filter(|_| self.registered_name().is_none())
    }

    /// True for an operation between values, which Keras lists among a model's layers but does not count as one.
    fn is_op(&self) -> bool {
        self.module().is_some_and(|module| module.starts_with("keras.src.ops"))
    }

    /// The arguments, as Keras writes them.
    fn config(&self) -> Result<Config>;

    /// Says which weights the layer has, given what goes in. Called once, before the first `call`.
    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        let _ = (inputs, weights);
        Ok(())
    }

    /// Writes what the layer computes. The first axis of inputs and outputs is the batch.
    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>>;

    /// Of which floats the layer's policy decides the type: see [`DTypePolicy`].
    fn autocast(&self) -> Autocast {
        if self.is_op() { Autocast::Nothing } else { Autocast::All }
    }

    /// True if the mask of the first input is that of every output. A layer with another rule says so in its `call`, by
    /// [`Context::set_output_mask`].
    fn supports_masking(&self) -> bool {
        false
    }

    /// The names of the inputs, for calls that give them by name.
    fn input_names(&self) -> &'static [&'static str] {
        &["inputs"]
    }

    /// True if Keras takes the inputs as one list, as merging layers do.
    fn takes_list(&self) -> bool {
        false
    }

    /// The layer as a cell, if it takes one step of a recurrent layer.
    fn as_cell(&self) -> Option<&dyn Cell> {
        None
    }

    /// The layer as one of the host, if it works there, on strings: before the graph.
    fn as_host(&self) -> Option<&dyn HostLayer> {
        None
    }

    /// What a lookup layer has learned, for archives, which keep it outside of its configuration.
    fn lookup_state(&self) -> Option<LookupState> {
        None
    }

    /// What goes in, for a layer that knows it by itself.
    fn input_spec(&self) -> Option<Spec> {
        None
    }

    /// The weights of layers inside that Keras's files hold among this layer's own as well: `dense/kernel`.
    fn shared_weights(&self) -> Vec<String> {
        Vec::new()
    }

    /// The kernel that [`AnyLayer::enable_lora`] adapts, if the layer has such a one.
    fn lora(&self) -> Option<&LoraKernel> {
        None
    }

    /// The layers inside, in the order of Keras's weights.
    fn sublayers(&self) -> Vec<Sublayer<'_>> {
        Vec::new()
    }
}

/// A layer inside another.
pub struct Sublayer<'a> {
    /// Where Keras's files put it: the attribute it hangs on, `cell`, or a list and a name in it, `layers/dense_1`.
    pub attribute: String,
    /// The layer. Its name is unique among its siblings.
    pub layer: &'a AnyLayer,
}

impl<'a> Sublayer<'a> {
    /// The layer on this attribute.
    pub fn new(attribute: &str, layer: &'a AnyLayer) -> Sublayer<'a> {
        Sublayer { attribute: attribute.to_string(), layer }
    }

    /// The layers of a list on this attribute: Keras names each by its class and numbers equal ones.
    pub fn list(attribute: &str, layers: impl IntoIterator<Item = &'a AnyLayer>) -> Vec<Sublayer<'a>> {
        let mut names = ContainerNames::default();
        let place = |layer: &'a AnyLayer| Sublayer {
            attribute: format!("{attribute}/{}", names.next(layer.class_name())),
            layer,
        };
        layers.into_iter().map(place).collect()
    }
}

/// The single input of a layer that takes one.
pub fn only<T: Clone>(inputs: &[T]) -> Result<T> {
    match inputs {
        [input] => Ok(input.clone()),
        _ => Err(Error::Layer {
            path: String::new(),
            reason: format!("takes one input; it got {}", inputs.len()),
        }),
    }
}

/// What stands for the score of a step that does not count: Keras's, which 16 bits hold.
fn lowest_score(dtype: DType) -> f64 {
    if dtype == DType::F16 { -3e4 } else { -1e9 }
}

/// Fails unless the input has `rank` axes, the batch included.
fn of_rank(class: &str, rank: usize, input: &Spec) -> Result<()> {
    needs_axes(class, input, input.rank() == rank, &format!("{rank} axes"))
}

/// Fails unless the input has `rank` axes or more, the batch included.
fn at_least_rank(class: &str, rank: usize, input: &Spec) -> Result<()> {
    needs_axes(class, input, input.rank() >= rank, &format!("at least {rank} axes"))
}

fn needs_axes(class: &str, input: &Spec, fits: bool, needed: &str) -> Result<()> {
    let reason = || format!("{class} needs an input of {needed}, the batch included; it got {input}");
    if fits { Ok(()) } else { Err(Error::Layer { path: String::new(), reason: reason() }) }
}

fn initializer_config(initializer: &Identifier<dyn Initializer>) -> Result<Value> {
    Ok(initializers::serialize(&*initializer.resolve()?))
}

fn regularizer_config(regularizer: &Option<Identifier<dyn Regularizer>>) -> Result<Value> {
    regularizer
        .as_ref()
        .map_or(Ok(Value::Null), |regularizer| Ok(regularizers::serialize(&*regularizer.resolve()?)))
}

fn constraint_config(constraint: &Option<Identifier<dyn Constraint>>) -> Result<Value> {
    constraint
        .as_ref()
        .map_or(Ok(Value::Null), |constraint| Ok(constraints::serialize(&*constraint.resolve()?)))
}

/// The name of a class that ends in its number of spatial axes: `UpSampling2D`.
fn numbered<const N: usize>(names: [&'static str; 3]) -> &'static str {
    names.get(N.wrapping_sub(1)).copied().unwrap_or("a layer of more than three spatial axes")
}
