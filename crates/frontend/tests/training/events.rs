//! Event files. That TensorBoard reads them, `cargo xtask tensorboard` checks.

use std::path::Path;

use cornu::callbacks::TensorBoard;

use crate::models::*;

/// The tags of scalars and histograms in the event files of a folder; each record's frame is checked.
fn tags(folder: &Path) -> Vec<String> {
    let mut tags = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        assert!(path.file_name().unwrap().to_string_lossy().contains("tfevents"));
        let bytes = std::fs::read(path).unwrap();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
            let record = &rest[12..12 + length];
            rest = &rest[12 + length + 4..];
            let text = String::from_utf8_lossy(record);
            let begin = text
                .find("epoch_")
                .or(text.find("evaluation_"))
                .or(text.find("batch_"))
                .or(text.find("dense"));
            let letter = |c: &char| c.is_ascii_alphanumeric() || "_/".contains(*c);
            tags.extend(begin.map(|begin| text[begin..].chars().take_while(letter).collect::<String>()));
        }
    }
    tags.sort();
    tags
}

#[test]
fn a_training_leaves_event_files() {
    let (x, y) = data(48);
    let folder = tempfile::tempdir().unwrap();
    let board = TensorBoard::new(folder.path()).histogram_freq(2).update_freq(2).write_graph(true);
    model().fit(&x, &y, epochs(2).validation_data(&x, &y).callback(board)).unwrap();
    let of_validation = tags(&folder.path().join("validation"));
    let twice = |name: &str| [name.to_string(), name.to_string()];
    let expected: Vec<String> =
        ["epoch_loss", "epoch_mae", "evaluation_loss_vs_iterations", "evaluation_mae_vs_iterations"]
            .into_iter()
            .flat_map(twice)
            .collect();
    assert_eq!(of_validation, expected);
    let of_training = tags(&folder.path().join("train"));
    let count = |tag: &str| of_training.iter().filter(|found| found.starts_with(tag)).count();
    assert_eq!((count("epoch_loss"), count("epoch_learning_rate"), count("batch_loss")), (2, 2, 3));
    assert_eq!(of_training.iter().filter(|tag| tag.contains("/histogram")).count(), 4, "{of_training:?}");
}
