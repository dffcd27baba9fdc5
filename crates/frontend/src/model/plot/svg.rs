//! The picture as SVG.

use std::fmt::Write;

use super::Direction;
use super::layout::{Corner, Layout, Run, Size};
use super::picture::{Card, Kind, Picture};
use crate::svg::{escaped, words};

/// Space around the picture.
const MARGIN: f64 = 16.0;
/// Height of a card's head and of each line below it.
const HEAD: f64 = 30.0;
const LINE: f64 = 19.0;
/// Space left and right of a card's texts, and between two texts of a line.
const PADDING: f64 = 12.0;
/// Sizes of letters.
const LARGE: f64 = 14.0;
const SMALL: f64 = 12.0;

const STYLE: &str = "<style>\
text{font-family:Helvetica,Arial,'DejaVu Sans',sans-serif;font-size:12px;fill:#1f2933}\
.class{font-size:14px;font-weight:bold;fill:#fff}\
.name{fill:#fff;fill-opacity:.85}\
.word{fill:#7b8794}\
.arrow{fill:none;stroke:#52606d;stroke-width:1.5}\
.head{fill:#52606d}\
</style>";

pub(super) fn draw(picture: &Picture) -> String {
    let rooms: Vec<Room> = picture.cards.iter().map(Room::of).collect();
    let is_down = picture.direction == Direction::Down;
    let size = |room: &Room| match is_down {
        true => Size { along: room.height, across: room.width },
        false => Size { along: room.width, across: room.height },
    };
    let layout = Layout::new(&rooms.iter().map(size).collect::<Vec<_>>(), &picture.arrows);
    let (width, height) = point(is_down, layout.size.along + MARGIN, layout.size.across + MARGIN);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\">\n<title>{}</title>\n{STYLE}\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        escaped(&picture.name)
    );
    for ((from, to), route) in picture.arrows.iter().zip(&layout.routes) {
        let (path, head) = match from == to {
            true => loop_at(is_down, &layout.corners[*from], &rooms[*from]),
            false => (curve(is_down, route), head(is_down, route)),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "<path class=\"arrow\" d=\"{path}\"/><path class=\"head\" d=\"{head}\"/>");
    }
    for ((card, room), corner) in picture.cards.iter().zip(&rooms).zip(&layout.corners) {
        text += &drawn(card, room, point(is_down, corner.along, corner.across));
    }
    text + "</svg>\n"
}

/// The place on the page.
fn point(is_down: bool, along: f64, across: f64) -> (f64, f64) {
    let (x, y) = if is_down { (across, along) } else { (along, across) };
    (x + MARGIN, y + MARGIN)
}

/// An arrow: lines through ranks, and curves between them that begin and end in the arrow's direction.
fn curve(is_down: bool, route: &[Run]) -> String {
    let at = |along: f64, across: f64| {
        let (x, y) = point(is_down, along, across);
        format!("{x:.1} {y:.1}")
    };
    let mut path = String::new();
    for (number, run) in route.iter().enumerate() {
        match number.checked_sub(1).map(|before| route[before]) {
            None => path += &format!("M{}", at(run.from, run.across)),
            Some(before) if (before.across - run.across).abs() < 0.5 => {
                path += &format!("L{}", at(run.from, run.across))
            }
            Some(before) => {
                let middle = (before.to + run.from) / 2.0;
                let bends = [at(middle, before.across), at(middle, run.across), at(run.from, run.across)];
                path += &format!("C{}", bends.join(" "));
            }
        }
        path += &format!("L{}", at(run.to, run.across));
    }
    path
}

/// The triangle at an arrow's end. Markers would do it in fewer words, but not every program turns them right.
fn head(is_down: bool, route: &[Run]) -> String {
    let (Some(first), Some(last)) = (route.first(), route.last()) else { return String::new() };
    let (x, y) = point(is_down, last.to, last.across);
    let back = if last.to > first.from { -8 } else { 8 };
    match is_down {
        true => format!("M{x:.1} {y:.1}l-4 {back}h8z"),
        false => format!("M{x:.1} {y:.1}l{back} -4v8z"),
    }
}

/// An arrow from a layer to itself, at its right, and its head.
fn loop_at(is_down: bool, corner: &Corner, room: &Room) -> (String, String) {
    let (x, y) = point(is_down, corner.along, corner.across);
    let (x, y) = (x + room.width, y + room.height / 2.0);
    (format!("M{x:.1} {:.1}c18 -4 18 16 4 14", y - 7.0), format!("M{x:.1} {:.1}l8 -4v8z", y + 7.0))
}

/// How large a card is, and where its second column begins.
struct Room {
    width: f64,
    height: f64,
    values: f64,
}

impl Room {
    fn of(card: &Card) -> Room {
        let name = card.name.as_ref().map_or(0.0, |name| PADDING + width(name, SMALL));
        let words = card.facts.iter().map(|(word, _)| width(word, SMALL)).fold(0.0, f64::max);
        let values = PADDING + words + 10.0;
        let facts = card.facts.iter().map(|(_, value)| values + width(value, SMALL)).fold(0.0, f64::max);
        let head = PADDING + width(&card.class, LARGE) * 1.08 + name;
        let body = if card.facts.is_empty() { 0.0 } else { LINE * card.facts.len() as f64 + 8.0 };
        Room { width: (head.max(facts) + PADDING).max(90.0).ceil(), height: HEAD + body, values }
    }
}

fn drawn(card: &Card, room: &Room, (x, y): (f64, f64)) -> String {
    let colour = match card.kind {
        Kind::Input => "#23766a",
        Kind::Weighted => "#2a5599",
        Kind::Weightless => "#5b6775",
        Kind::Model => "#74479c",
    };
    let (width, height) = (room.width, room.height);
    let mut text = format!("<g class=\"layer\" transform=\"translate({x:.1} {y:.1})\">");
    text += &format!("<rect width=\"{width:.0}\" height=\"{height:.0}\" rx=\"6\" fill=\"{colour}\"/>");
    match &card.name {
        Some(name) => {
            text += &words("class", PADDING, 20.0, "start", &card.class);
            text += &words("name", width - PADDING, 20.0, "end", name);
        }
        None => text += &words("class", width / 2.0, 20.0, "middle", &card.class),
    }
    if !card.facts.is_empty() {
        // The head's colour is left as a border.
        text += &format!(
            "<path d=\"M1 {HEAD}H{0:.1}V{1:.1}a5 5 0 0 1 -5 5H6a5 5 0 0 1 -5 -5z\" fill=\"#fff\"/>",
            width - 1.0,
            height - 6.0
        );
    }
    for (number, (word, value)) in card.facts.iter().enumerate() {
        let line = HEAD + LINE * number as f64 + 17.0;
        text += &words("word", PADDING, line, "start", word);
        text += &words("value", room.values, line, "start", value);
    }
    text + "</g>\n"
}

/// About how wide a text is in letters of this size. The page's font is not known; this errs on the wide side.
fn width(text: &str, size: f64) -> f64 {
    let share = |letter: char| match letter {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.32,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | ' ' | '/' | '-' => 0.4,
        'm' | 'w' | 'M' | 'W' | '@' => 0.95,
        'A'..='Z' => 0.72,
        letter if letter.is_ascii() => 0.62,
        _ => 1.0,
    };
    text.chars().map(share).sum::<f64>() * size
}
