//! Preprocessing: layers that turn raw data into what a model computes with.
//!
//! Numbers are prepared in the graph, as part of a model. Text is prepared on the host, before it: tensors hold no
//! strings. `adapt` reads statistics or a vocabulary from data and gives the layer back with them.

mod category_encoding;
mod discretization;
mod documents;
mod frames;
mod hash;
mod hashed_crossing;
mod hashing;
mod integer_lookup;
mod lookup_config;
mod mel_spectrogram;
mod moments;
mod normalization;
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
pub use mel_spectrogram::MelSpectrogram;
pub use normalization::Normalization;
pub use output_mode::OutputMode;
pub use rescaling::{PerChannel, Rescaling};
pub use standardize::{Split, Standardize};
pub use stft_spectrogram::{STFTSpectrogram, SpectrumMode};
pub use string_lookup::StringLookup;
pub use text_vectorization::TextVectorization;

use serde_json::json;

use super::{Context, LayerConfig};
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

/// A layer on strings was called in a model.
fn host_only(context: &Context<'_, '_>, class: &str, method: &str) -> Error {
    let reason = format!(
        "{class} works on strings, which tensors do not hold. Call its `{method}` on the data and give the model \
         the numbers: an Input of int64 in place of this layer"
    );
    Error::Layer { path: context.path(), reason }
}
