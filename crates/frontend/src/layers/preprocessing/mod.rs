//! Preprocessing: layers that turn raw data into what a model computes with.
//!
//! Numbers are prepared in the graph. Layers on strings run on the host, before it, as part of a model or by
//! themselves: tensors hold no strings. `adapt` reads statistics or a vocabulary from data and gives the layer back
//! with them.

mod category_encoding;
mod discretization;
mod documents;
mod frames;
mod hash;
mod hashed_crossing;
mod hashing;
mod integer_lookup;
mod lookup_config;
mod lookup_state;
mod mel_spectrogram;
mod moments;
mod normalization;
mod on_host;
mod output_mode;
mod quantiles;
mod rescaling;
mod standardize;
mod stft_spectrogram;
mod string_lookup;
mod text_vectorization;
mod vocabulary;

pub use category_encoding::CategoryEncoding;
pub use discretization::Discretization;
pub use documents::Document;
pub use frames::Window;
pub use hashed_crossing::{Feature, HashedCrossing};
pub use hashing::Hashing;
pub use integer_lookup::IntegerLookup;
pub use lookup_state::LookupState;
pub use mel_spectrogram::MelSpectrogram;
pub use normalization::Normalization;
pub use output_mode::OutputMode;
pub use rescaling::{PerChannel, Rescaling};
pub use standardize::{Split, Standardize};
pub use stft_spectrogram::{STFTSpectrogram, SpectrumMode};
pub use string_lookup::StringLookup;
pub use text_vectorization::TextVectorization;

pub(crate) use lookup_state::{LEARNED_IDF_WEIGHTS, LEARNED_VOCABULARY};

use serde_json::json;

use super::LayerConfig;
use crate::error::{Error, Result};

/// Tensors here are dense.
fn refuse_sparse(config: &LayerConfig<'_>) -> Result<()> {
    match config.boolean_or("sparse", false)? {
        true => {
            Err(Error::config(config.class(), "sparse", json!(true), "false: there are no sparse tensors"))
        }
        false => Ok(()),
    }
}

/// Rust's strings are UTF-8.
fn refuse_other_encodings(config: &LayerConfig<'_>) -> Result<()> {
    match config.text("encoding")? {
        None | Some("utf-8" | "UTF-8" | "utf8") => Ok(()),
        Some(_) => Err(config.wrong("encoding", "utf-8")),
    }
}
