//! The history of a training: as JSON, and as a picture.

use cornu::History;

use crate::models::*;

#[test]
fn a_history_is_kept_and_drawn() {
    let (x, y) = data(64);
    let history = model().fit(&x, &y, epochs(6).validation_split(0.25)).unwrap();
    assert_eq!(History::from_json(&history.to_json()).unwrap(), history);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("curves.svg");
    history.plot(&path).unwrap();
    let svg = std::fs::read_to_string(&path).unwrap();
    assert!(svg.contains(">loss</text>") && svg.contains(">mae</text>"));
    let error = history.plot(folder.path().join("curves.bmp")).unwrap_err().to_string();
    assert!(error.contains("ends in .svg"), "{error}");
    let drawn = history.plot(folder.path().join("curves.png"));
    assert_eq!(drawn.is_ok(), cfg!(feature = "png"));
}
