//! How `TextVectorization` cleans a text and cuts it into tokens.

use std::fmt;
use std::sync::Arc;

/// A function of one's own that cleans a text.
type Clean = dyn Fn(&str) -> String + Send + Sync;

/// A function of one's own that cuts a text.
type Cut = dyn Fn(&str) -> Vec<String> + Send + Sync;

/// What happens to a text before it is cut.
#[derive(Clone)]
pub enum Standardize {
    /// Nothing.
    None,
    /// ASCII letters become small.
    Lower,
    /// The 32 ASCII punctuation marks go.
    StripPunctuation,
    /// Both.
    LowerAndStripPunctuation,
    /// A function of your own, which files cannot hold.
    Custom(Arc<Clean>),
}

impl Standardize {
    /// The text as it is cut.
    pub(super) fn apply(&self, text: &str) -> String {
        let stripped = |text: &str| text.chars().filter(|c| !c.is_ascii_punctuation()).collect();
        match self {
            Standardize::None => text.to_string(),
            Standardize::Lower => text.to_ascii_lowercase(),
            Standardize::StripPunctuation => stripped(text),
            Standardize::LowerAndStripPunctuation => stripped(&text.to_ascii_lowercase()),
            Standardize::Custom(clean) => clean(text),
        }
    }
}

/// How a text is cut into tokens.
#[derive(Clone)]
pub enum Split {
    /// Not at all: the whole text is one token.
    None,
    /// At white space, however much there is.
    Whitespace,
    /// Every character is a token.
    Character,
    /// A function of your own, which files cannot hold.
    Custom(Arc<Cut>),
}

impl Split {
    /// The tokens of a text.
    pub(super) fn apply(&self, text: &str) -> Vec<String> {
        match self {
            Split::None => vec![text.to_string()],
            Split::Whitespace => {
                text.split(is_space).filter(|part| !part.is_empty()).map(String::from).collect()
            }
            Split::Character => text.chars().map(String::from).collect(),
            Split::Custom(cut) => cut(text),
        }
    }
}

/// White space of C, which TensorFlow splits at.
fn is_space(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\u{b}'
}

impl fmt::Debug for Standardize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Standardize::None => "None",
            Standardize::Lower => "Lower",
            Standardize::StripPunctuation => "StripPunctuation",
            Standardize::LowerAndStripPunctuation => "LowerAndStripPunctuation",
            Standardize::Custom(_) => "Custom",
        })
    }
}

impl fmt::Debug for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Split::None => "None",
            Split::Whitespace => "Whitespace",
            Split::Character => "Character",
            Split::Custom(_) => "Custom",
        })
    }
}

/// Runs of neighbours joined by spaces, for each width in order.
pub(super) fn ngrams(tokens: &[String], widths: &[usize]) -> Vec<String> {
    let runs = |&width: &usize| tokens.windows(width.max(1)).map(|run| run.join(" "));
    widths.iter().flat_map(runs).collect()
}
