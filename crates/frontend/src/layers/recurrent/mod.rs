//! Recurrent layers: cells that take one step, and layers that run a cell along time.

mod bidirectional;
mod cell;
mod conv_lstm;
mod flags;
mod gru;
mod layer;
mod lstm;
mod project;
mod rnn;
mod run;
mod settings;
mod simple_rnn;
mod stacked;
mod time_distributed;

pub use bidirectional::{Bidirectional, MergeMode};
pub use cell::{Cell, GatedCell, Kind};
pub use conv_lstm::{ConvLSTM, ConvLSTM1D, ConvLSTM2D, ConvLSTM3D, ConvLstm};
pub use flags::Flags;
pub use gru::{GRU, GRUCell, Gru};
pub use layer::Recurrent;
pub use lstm::{LSTM, LSTMCell, Lstm};
pub use rnn::RNN;
pub use settings::Settings;
pub use simple_rnn::{Simple, SimpleRNN, SimpleRNNCell};
pub use stacked::StackedRNNCells;
pub use time_distributed::TimeDistributed;
