//! Names as Keras makes them from class names.

/// `MeanSquaredError` as `mean_squared_error`, `RMSprop` as `rm_sprop`, `MeanIoU` as `mean_io_u`.
pub(crate) fn snake_case(class_name: &str) -> String {
    let letters: Vec<char> = class_name.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
    let lower = |i: usize| letters.get(i).is_some_and(|c| c.is_ascii_lowercase());
    let upper = |i: usize| letters.get(i).is_some_and(|c| c.is_ascii_uppercase());
    let mut name = String::new();
    for (i, letter) in letters.iter().enumerate() {
        if i > 0 && upper(i) && (lower(i - 1) || lower(i + 1)) {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::snake_case;

    #[test]
    fn names_are_those_of_keras() {
        let cases = [
            ("MeanSquaredError", "mean_squared_error"),
            ("RMSprop", "rm_sprop"),
            ("MeanIoU", "mean_io_u"),
            ("KLDivergence", "kl_divergence"),
            ("Conv2DTranspose", "conv2d_transpose"),
            ("STFT", "stft"),
            ("L1L2", "l1l2"),
            ("ELU", "elu"),
        ];
        for (class_name, name) in cases {
            assert_eq!(snake_case(class_name), name);
        }
    }
}
