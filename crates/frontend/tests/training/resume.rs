//! Going on: a training that was killed ends as if it had run through, bit for bit.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cornu::callbacks::{
    BackupAndRestore, CSVLogger, EarlyStopping, LambdaCallback, LearningRateScheduler, ReduceLROnPlateau,
    SaveFreq,
};
use cornu::{History, Stream};

use crate::models::*;

/// Set in the process that trains: its folder.
const TRAINS: &str = "CORNU_TEST_TRAINS_IN";
/// How many trainings are killed; more than by default in the long check.
const KILLS: &str = "CORNU_TEST_KILLS";

/// What a training ends with.
#[derive(PartialEq, Debug)]
struct End {
    history: String,
    bits: Vec<u32>,
    log: String,
}

/// A training with all that remembers something, in this folder.
fn train(folder: &Path, number: usize, pause: Duration) -> End {
    let (x, y) = data(104);
    let mut model = model();
    let log = folder.join("log.csv");
    let freq = match number % 3 {
        0 => SaveFreq::Epoch,
        1 => SaveFreq::Batches(1),
        _ => SaveFreq::Batches(3),
    };
    let how = epochs(14)
        .validation_split(0.2)
        .callback(LearningRateScheduler::new(|_, rate| rate * 0.97))
        .callback(ReduceLROnPlateau::new().patience(1).factor(0.7).cooldown(1))
        .callback(
            EarlyStopping::new().monitor("loss").patience(4).min_delta(0.002).restore_best_weights(true),
        )
        .callback(CSVLogger::new(&log))
        .callback(LambdaCallback::new().on_train_batch_end(move |_, _, _| std::thread::sleep(pause)))
        .callback(BackupAndRestore::new(folder.join("backup")).save_freq(freq));
    let history = model.fit(&x, &y, how.stop_on_ctrl_c(true)).unwrap();
    if history.interrupted {
        std::fs::write(folder.join("interrupted"), history.to_json()).unwrap();
    }
    End { history: history.to_json(), bits: bits(&model), log: std::fs::read_to_string(log).unwrap() }
}

/// Not a test of its own: the process that is killed.
#[test]
fn trains_when_asked() {
    let Some(folder) = std::env::var_os(TRAINS) else { return };
    let number = std::env::var(KILLS).unwrap().parse().unwrap();
    let folder = Path::new(&folder);
    let end = train(folder, number, Duration::from_millis(2));
    if folder.join("interrupted").exists() {
        return;
    }
    let text = format!("{}\n{:?}\n{}", end.history, end.bits, end.log);
    // Written aside first: a killed process leaves no half of it.
    std::fs::write(folder.join("end.part"), text).unwrap();
    std::fs::rename(folder.join("end.part"), folder.join("end")).unwrap();
}

/// Starts the process above.
fn start(folder: &Path, number: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "resume::trains_when_asked", "--nocapture"])
        .env(TRAINS, folder)
        .env(KILLS, number.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// Runs it until it ends, or kills it after so long. True if it ended well.
fn run(folder: &Path, number: usize, patience: Option<Duration>) -> bool {
    let mut child = start(folder, number);
    let begun = Instant::now();
    while patience.is_none_or(|patience| begun.elapsed() < patience) {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    false
}

#[test]
fn killed_at_any_moment_it_ends_as_if_it_had_run_through() {
    if std::env::var_os(TRAINS).is_some() {
        return;
    }
    let kills: usize = std::env::var(KILLS).map_or(12, |count| count.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let expected = train(folder.path(), 0, Duration::ZERO);
    let expected = format!("{}\n{:?}\n{}", expected.history, expected.bits, expected.log);
    let begun = Instant::now();
    let whole = tempfile::tempdir().unwrap();
    assert!(run(whole.path(), 1, None));
    let usual = begun.elapsed();
    let mut random = 0x9e37_79b9_u64;
    let (mut killed, mut number) = (0, 0);
    while killed < kills {
        let folder = tempfile::tempdir().unwrap();
        number += 1;
        loop {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let patience = usual.mul_f64((random >> 33) as f64 / (1u64 << 31) as f64);
            if run(folder.path(), number, Some(patience)) {
                break;
            }
            killed += 1;
            if killed.is_multiple_of(3) {
                assert!(run(folder.path(), number, None));
                break;
            }
        }
        let end = std::fs::read_to_string(folder.path().join("end")).unwrap();
        assert_eq!(end, expected, "training {number}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_after_the_batch_and_it_goes_on_from_there() {
    if std::env::var_os(TRAINS).is_some() || !cfg!(feature = "ctrl-c") {
        return;
    }
    let whole = tempfile::tempdir().unwrap();
    let expected = train(whole.path(), 0, Duration::ZERO);
    let expected = format!("{}\n{:?}\n{}", expected.history, expected.bits, expected.log);
    let folder = tempfile::tempdir().unwrap();
    let interrupted = folder.path().join("interrupted");
    for _ in 0..3 {
        let mut child = start(folder.path(), 0);
        // From the first line of the log on, it trains.
        let begun = Instant::now();
        while !folder.path().join("log.csv").exists() && begun.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(20));
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(child.wait().unwrap().success(), "Ctrl-C ended the process, and not the training alone");
        if std::fs::remove_file(&interrupted).is_err() {
            break;
        }
    }
    let _ = std::fs::remove_file(&interrupted);
    assert!(run(folder.path(), 0, None));
    assert_eq!(std::fs::read_to_string(folder.path().join("end")).unwrap(), expected);
}

#[test]
fn a_damaged_checkpoint_gives_way_to_the_one_before() {
    let (x, y) = data(64);
    let mut through = model();
    let history = through.fit(&x, &y, epochs(4)).unwrap();
    for damage in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let how =
            |count| epochs(count).callback(BackupAndRestore::new(folder.path()).delete_checkpoint(false));
        model().fit(&x, &y, how(3)).unwrap();
        let mut files: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        assert_eq!(files.len(), 2);
        let mut bytes = std::fs::read(&files[1]).unwrap();
        let middle = bytes.len() / 2;
        match damage {
            0 => bytes.truncate(middle),
            1 => bytes[middle] ^= 1,
            2 => bytes.clear(),
            _ => bytes[60] ^= 1,
        }
        std::fs::write(&files[1], bytes).unwrap();
        let mut again = model();
        assert_eq!(again.fit(&x, &y, how(4)).unwrap(), history, "damage {damage}");
        assert_eq!(bits(&again), bits(&through));
        for file in std::fs::read_dir(folder.path()).unwrap() {
            std::fs::write(file.unwrap().path(), "nothing").unwrap();
        }
        assert!(model().fit(&x, &y, how(4)).is_err(), "no whole checkpoint is an error");
    }
}

#[test]
fn a_stream_goes_on_behind_the_batches_it_gave() {
    let batch = |number: usize| (numbers(&[8, 6], number), numbers(&[8, 1], number + 1));
    let how = |folder: &Path| {
        let backup = BackupAndRestore::new(folder).save_freq(2);
        cornu::Fit::new().epochs(4).steps_per_epoch(5).verbose(cornu::Verbose::Silent).callback(backup)
    };
    let fail = |at: usize| {
        LambdaCallback::new().on_train_batch_begin(move |training, _| {
            if training.model.iterations().unwrap() == at {
                training.model.set_weights(&[]).expect_err("as if it were killed");
                panic!("killed");
            }
        })
    };
    let folder = tempfile::tempdir().unwrap();
    for endless in [true, false] {
        let fit = |folder: &Path, at: usize| -> (History, Vec<u32>) {
            let mut model = model();
            let how = how(folder).callback(fail(at));
            let history = match endless {
                true => model.fit_batches(Stream::new((0..).map(batch)), how),
                false => {
                    model.fit_batches(|pass: usize| (0..10).map(move |step| batch(pass * 10 + step)), how)
                }
            };
            (history.unwrap(), bits(&model))
        };
        let expected = fit(&folder.path().join("whole"), usize::MAX);
        for at in [1, 2, 7, 10, 13, 19] {
            let killed = folder.path().join(format!("{endless}-{at}"));
            let stopped = std::panic::catch_unwind(|| fit(&killed, at));
            assert!(stopped.is_err());
            assert_eq!(fit(&killed, usize::MAX), expected, "killed before step {at}");
        }
    }
}

#[test]
fn a_model_takes_up_a_checkpoint_of_its_own() {
    let (x, y) = data(48);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.checkpoint");
    let mut one = model();
    one.fit(&x, &y, epochs(2)).unwrap();
    one.save_checkpoint(&path).unwrap();
    one.fit(&x, &y, epochs(4).initial_epoch(2)).unwrap();
    let mut other = model();
    other.load_checkpoint(&path).unwrap();
    other.fit(&x, &y, epochs(4).initial_epoch(2)).unwrap();
    assert_eq!(bits(&one), bits(&other));
    let mut plain = model();
    plain.compile(cornu::Compile::new("sgd", "mse")).unwrap();
    assert!(plain.load_checkpoint(&path).is_err());
    std::fs::write(&path, b"PK\x03\x04").unwrap();
    assert!(other.load_checkpoint(&path).unwrap_err().to_string().contains("a.checkpoint"));
    assert!(other.load_checkpoint(folder.path().join("nowhere")).is_err());
}
