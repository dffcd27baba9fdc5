//! Keras's layers, group by group, and why some of them are left out for good.

/// The classes of `keras.layers` in Keras 3.
pub(super) const GROUPS: [(&str, &str); 13] = [
    (
        "Core",
        "Layer Dense EinsumDense Embedding ReversibleEmbedding TernaryDense Identity Lambda Masking InputLayer \
              Wrapper InputSpec",
    ),
    ("Activation", "Activation ELU LeakyReLU PReLU ReLU Softmax"),
    ("Attention", "Attention AdditiveAttention MultiHeadAttention GroupQueryAttention"),
    (
        "Convolution",
        "Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose DepthwiseConv1D \
                     DepthwiseConv2D SeparableConv1D SeparableConv2D",
    ),
    (
        "Pooling",
        "MaxPooling1D MaxPooling2D MaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D \
                 GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GlobalAveragePooling1D \
                 GlobalAveragePooling2D GlobalAveragePooling3D AdaptiveMaxPooling1D AdaptiveMaxPooling2D \
                 AdaptiveMaxPooling3D AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D",
    ),
    (
        "Recurrent",
        "SimpleRNN SimpleRNNCell LSTM LSTMCell GRU GRUCell RNN StackedRNNCells Bidirectional \
                   TimeDistributed ConvLSTM1D ConvLSTM2D ConvLSTM3D",
    ),
    (
        "Normalization",
        "BatchNormalization LayerNormalization GroupNormalization RMSNormalization UnitNormalization \
                       SpectralNormalization",
    ),
    (
        "Regularization",
        "Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D GaussianDropout GaussianNoise \
                        AlphaDropout ActivityRegularization",
    ),
    ("Merging", "Add Subtract Multiply Average Maximum Minimum Concatenate Dot"),
    (
        "Reshaping",
        "Flatten Reshape Permute RepeatVector UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D \
                   ZeroPadding2D ZeroPadding3D Cropping1D Cropping2D Cropping3D",
    ),
    (
        "Preprocessing",
        "Normalization Rescaling Discretization CategoryEncoding Hashing HashedCrossing StringLookup \
                       IntegerLookup TextVectorization MelSpectrogram STFTSpectrogram Pipeline",
    ),
    (
        "Images",
        "Resizing CenterCrop RandomCrop RandomFlip RandomRotation RandomTranslation RandomZoom RandomShear \
                RandomPerspective RandomElasticTransform RandomErasing RandomGaussianBlur RandomBrightness \
                RandomContrast RandomSaturation RandomHue RandomSharpness RandomColorDegeneration RandomColorJitter \
                RandomGrayscale RandomInvert RandomPosterization Solarization AutoContrast Equalization \
                ContrastLimitedAdaptiveHistogramEqualization CutMix MixUp RandAugment AugMix MaxNumBoundingBoxes",
    ),
    ("Foreign", "TFSMLayer JaxLayer FlaxLayer TorchModuleWrapper"),
];

/// Classes that files never name or that cannot be read without running foreign code.
pub(super) const LEFT_OUT: [(&str, &str); 18] = [
    ("Layer", "not a layer but the base of all: the trait `Layer`"),
    ("Wrapper", "not a layer but a base: a layer says what is inside by `Layer::sublayers`"),
    ("InputSpec", "not a layer: `build` checks what goes in, with `Spec`"),
    ("TernaryDense", "in no release of Keras yet"),
    ("Pipeline", "a `Sequential` does what it does"),
    ("RandomColorJitter", "waits: the layers it is made of are there"),
    ("RandAugment", "waits: the layers it is made of are there"),
    ("AugMix", "waits: needs draws of a Beta distribution for its weights"),
    ("CutMix", "waits: mixes labels too, and needs draws of a Beta distribution"),
    ("MixUp", "waits: mixes labels too, and needs draws of a Beta distribution"),
    ("RandomPerspective", "waits: needs the solution of a linear system for each image"),
    ("RandomElasticTransform", "waits: needs a smooth random field of displacements"),
    ("ContrastLimitedAdaptiveHistogramEqualization", "waits: needs histograms of tiles"),
    ("MaxNumBoundingBoxes", "works on boxes beside images, which a layer cannot take yet"),
    ("TFSMLayer", "runs a TensorFlow program"),
    ("JaxLayer", "runs a JAX program"),
    ("FlaxLayer", "runs a JAX program"),
    ("TorchModuleWrapper", "runs a PyTorch program"),
];

/// What is different from Keras on purpose, class by class.
pub(super) const DEVIATIONS: [(&str, &str); 10] = [
    (
        "Lambda",
        "names a function given to `register_function`; Python byte code in a file is refused, never run",
    ),
    (
        "StringLookup TextVectorization Hashing HashedCrossing",
        "run on the host, before the graph: as the first layers of a model, on an Input of strings (or of whole \
         numbers, for hashes), or by themselves; not in a model inside another",
    ),
    ("StringLookup", "`invert` works outside of models: they give numbers"),
    (
        "IntegerLookup StringLookup TextVectorization",
        "`.h5` files keep a learned vocabulary in the configuration, where Keras loses it",
    ),
    (
        "IntegerLookup StringLookup TextVectorization Hashing HashedCrossing CategoryEncoding Discretization",
        "`sparse` and `ragged` outputs are refused",
    ),
    ("Embedding ReversibleEmbedding", "an id outside the table gives NaN, as in Keras on JAX"),
    (
        "Dense Embedding ReversibleEmbedding",
        "a `lora_alpha` in the configuration counts; Keras 3.15.1 takes the rank in its place",
    ),
    ("InputLayer", "`sparse` and `ragged` are false: all values are dense"),
    ("BatchNormalization", "`synchronized` is kept and changes nothing: there is one device"),
    (
        "SimpleRNN LSTM GRU RNN ConvLSTM1D ConvLSTM2D ConvLSTM3D",
        "`unroll` is kept and changes nothing: every loop is compiled once",
    ),
];
