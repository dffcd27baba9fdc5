//! Names of groups in a weight file: Keras's `to_snake_case`, and numbering within a container.

use std::collections::HashMap;

/// The class name as Keras writes it in paths: `Conv2DTranspose` becomes `conv2d_transpose`, `PReLU` `p_re_lu`.
///
/// Keras replaces text in three passes, and their order shows in odd names, so there are three passes here too: drop
/// what is no part of a word, part a capitalised word from what precedes it, part a lowercase letter from a capital.
pub fn snake_case(class_name: &str) -> String {
    // Keras exports one class under a name that is not its own in Python, which paths have.
    let class_name = if class_name == "GroupQueryAttention" { "GroupedQueryAttention" } else { class_name };
    let word: Vec<char> = class_name.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
    let parted = part_lower_from_capital(&part_words(&word));
    parted.into_iter().collect::<String>().to_lowercase()
}

/// `(.)([A-Z][a-z]+)` → `\1_\2`. A match swallows its word, so the next one cannot start inside it.
fn part_words(text: &[char]) -> Vec<char> {
    let mut out = Vec::with_capacity(text.len() + 4);
    let mut at = 0;
    while at < text.len() {
        out.push(text[at]);
        let lowers = match text.get(at + 1) {
            Some(c) if c.is_ascii_uppercase() => {
                text[at + 2..].iter().take_while(|c| c.is_ascii_lowercase()).count()
            }
            Some(_) | None => 0,
        };
        at += 1;
        if lowers > 0 {
            out.push('_');
            out.extend(&text[at..=at + lowers]);
            at += 1 + lowers;
        }
    }
    out
}

/// `([a-z])([A-Z])` → `\1_\2`.
fn part_lower_from_capital(text: &[char]) -> Vec<char> {
    let mut out = Vec::with_capacity(text.len() + 4);
    for (at, &c) in text.iter().enumerate() {
        if at > 0 && text[at - 1].is_ascii_lowercase() && c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c);
    }
    out
}

/// Numbers the items of one container: `dense`, `dense_1`, `dropout`, `dense_2`.
///
/// Items that were already saved elsewhere take a number too.
#[derive(Debug, Default)]
pub struct ContainerNames {
    used: HashMap<String, usize>,
}

impl ContainerNames {
    /// The name of the next item of this class.
    pub fn next(&mut self, class_name: &str) -> String {
        let name = snake_case(class_name);
        let count = self.used.entry(name.clone()).or_insert(0);
        *count += 1;
        if *count == 1 { name } else { format!("{name}_{}", *count - 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_names_as_keras_spells_them() {
        let cases = [
            ("Dense", "dense"),
            ("Conv2D", "conv2d"),
            ("Conv2DTranspose", "conv2d_transpose"),
            ("DepthwiseConv1D", "depthwise_conv1d"),
            ("UpSampling2D", "up_sampling2d"),
            ("ReLU", "re_lu"),
            ("PReLU", "p_re_lu"),
            ("LeakyReLU", "leaky_re_lu"),
            ("LSTM", "lstm"),
            ("LSTMCell", "lstm_cell"),
            ("StackedRNNCells", "stacked_rnn_cells"),
            ("RMSprop", "rm_sprop"),
            ("L1L2", "l1l2"),
            ("IoU", "io_u"),
            ("GlobalAveragePooling2D", "global_average_pooling2d"),
            ("ZeroPadding3D", "zero_padding3d"),
            ("GroupQueryAttention", "grouped_query_attention"),
            ("my.Layer-X", "my_layer_x"),
            ("ABCdEFg", "ab_cd_e_fg"),
            ("", ""),
            ("A", "a"),
        ];
        for (class_name, expected) in cases {
            assert_eq!(snake_case(class_name), expected, "{class_name}");
        }
    }

    #[test]
    fn later_items_are_numbered() {
        let mut names = ContainerNames::default();
        let got: Vec<String> = ["Dense", "Dense", "Dropout", "Dense"].map(|class| names.next(class)).into();
        assert_eq!(got, ["dense", "dense_1", "dropout", "dense_2"]);
    }
}
