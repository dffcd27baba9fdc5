//! LookupState: what Keras's archives keep of a lookup layer outside of its configuration.

use cornu_ir::Tensor;

use super::output_mode::OutputMode;
use super::vocabulary::{Token, Vocabulary};
use crate::error::Result;

/// What a lookup layer has learned, in the form of Keras's archives: `IndexLookup.save_assets` and
/// `save_own_variables`.
#[derive(Clone, Debug, Default)]
pub struct LookupState {
    /// The tokens, special ones included, one a line; `None` where the configuration has them.
    pub vocabulary: Option<String>,
    /// `f32`, a weight for each token, in output mode `tf_idf`.
    pub idf_weights: Option<Tensor>,
    /// True for a layer that is written a second time as the `StringLookup` which Keras has inside it.
    pub is_inside_too: bool,
}

/// The arguments under which loading hands a layer what [`LookupState`] holds. They are in no file.
pub(crate) const LEARNED_VOCABULARY: &str = "learned_vocabulary";
pub(crate) const LEARNED_IDF_WEIGHTS: &str = "learned_idf_weights";

impl<T: Token> Vocabulary<T> {
    pub(super) fn state(&self) -> LookupState {
        let idf = (self.output_mode == OutputMode::TfIdf).then(|| Tensor::vector(self.idf().to_vec()));
        LookupState { vocabulary: self.lines(), idf_weights: idf, is_inside_too: false }
    }

    /// The tokens of a vocabulary that was not given, one a line. None if they could not be told from lines again.
    fn lines(&self) -> Option<String> {
        if self.given.is_some() {
            return None;
        }
        let tokens: Vec<String> = self.all_tokens().iter().map(Token::line).collect();
        let breaks = |token: &String| token.chars().any(breaks_line);
        let is_whole = tokens.len() < 2 || tokens.last().is_none_or(|last| !last.is_empty());
        (is_whole && !tokens.iter().any(breaks)).then(|| tokens.join("\n"))
    }

    /// Takes what was learned before.
    pub(super) fn restore(&mut self, tokens: Vec<T>, idf: Option<Vec<f64>>) -> Result<()> {
        self.set(tokens, idf)?;
        self.given = None;
        Ok(())
    }
}

/// Where Python's `splitlines` cuts.
fn breaks_line(c: char) -> bool {
    matches!(c, '\n'..='\r' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}
