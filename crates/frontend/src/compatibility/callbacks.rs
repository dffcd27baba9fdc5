//! Keras's callbacks, and what is different in ours.

use super::{code, row};

/// Each class with its arguments beside those in the name of the type, and what is different on purpose. Callbacks are
/// in no file, so there is no configuration to print.
const CALLBACKS: [(&str, &str, &str); 16] = [
    (
        "BackupAndRestore",
        "backup_dir save_freq max_to_keep delete_checkpoint",
        "everything goes on, bit for bit, also \
     inside an epoch: random state, order of the data, metrics, history, other callbacks; `max_to_keep` in place of \
     `double_checkpoint`",
    ),
    ("CallbackList", "", "left out: `fit` takes the callbacks one by one"),
    (
        "Callback",
        "",
        "the trait `Callback`: with `state` and `restore` for checkpoints, and `wants_batch`, so that logs \
     nobody wants stay on the device",
    ),
    (
        "CSVLogger",
        "filename separator append",
        "goes on in its file behind the epochs that a checkpoint knows",
    ),
    (
        "EarlyStopping",
        "monitor min_delta patience verbose mode baseline restore_best_weights start_from_epoch",
        "the best weights are put back after an error or an interrupt too",
    ),
    ("History", "", "has `to_json` and `plot`"),
    (
        "LambdaCallback",
        "on_epoch_begin on_epoch_end on_train_begin on_train_end on_train_batch_begin \
     on_train_batch_end",
        "for other moments implement `Callback`",
    ),
    ("LearningRateScheduler", "schedule verbose", ""),
    (
        "ModelCheckpoint",
        "filepath monitor verbose save_best_only save_weights_only mode save_freq \
     initial_value_threshold",
        "a file is complete under its name or not there",
    ),
    ("OrbaxCheckpoint", "", "left out: a format of JAX's; `BackupAndRestore` keeps several checkpoints"),
    ("ProgbarLogger", "", "on standard error; a plain line for each epoch where that is no terminal"),
    ("ReduceLROnPlateau", "monitor factor patience verbose mode min_delta cooldown min_lr", ""),
    (
        "RemoteMonitor",
        "root path field headers send_as_json",
        "with the feature `remote-monitor`; plain HTTP",
    ),
    ("SwapEMAWeights", "swap_on_epoch", "the averages also stay where training stops early"),
    (
        "TensorBoard",
        "log_dir histogram_freq write_graph write_steps_per_second update_freq",
        "no images, embeddings \
     or traces",
    ),
    ("TerminateOnNaN", "raise_error", "before anything is written; says which layer, tensor and index"),
];

/// Writes the table.
pub(super) fn write(text: &mut String) {
    *text += "\n## Callbacks\n\n| Class | Arguments | Different from Keras |\n|---|---|---|\n";
    for (class, arguments, different) in CALLBACKS {
        row(text, [code([class]), code(arguments.split_whitespace()), different.to_string()]);
    }
}
