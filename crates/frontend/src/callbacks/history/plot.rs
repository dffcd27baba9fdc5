//! Learning curves as a picture: a field for each quantity.

use std::fmt::Write;

use super::History;
use crate::svg::words;

/// Size of a field, and the space around its curves.
const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 58.0;
const BOTTOM: f64 = 44.0;
/// Space around the picture.
const MARGIN: f64 = 8.0;
/// Dots mark the epochs, as long as there are so few.
const DOTTED: usize = 40;

const TRAINING: &str = "#2a5599";
const VALIDATION: &str = "#d1672e";

const STYLE: &str = "<style>\
text{font-family:Helvetica,Arial,'DejaVu Sans',sans-serif;font-size:12px;fill:#52606d}\
.title{font-size:15px;font-weight:bold;fill:#1f2933}\
.grid{stroke:#e4e7eb;stroke-width:1}\
.axis{stroke:#9aa5b1;stroke-width:1;fill:none}\
.curve{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}\
</style>";

/// A quantity: its name, and its curves.
struct Field<'h> {
    name: &'h str,
    curves: Vec<Curve<'h>>,
}

struct Curve<'h> {
    label: &'static str,
    colour: &'static str,
    values: &'h [f64],
}

pub(super) fn draw(history: &History) -> String {
    let fields = fields(history);
    let columns = if fields.len() > 1 { 2 } else { 1 };
    let rows = fields.len().div_ceil(columns).max(1);
    let (width, height) = (columns as f64 * WIDTH + 2.0 * MARGIN, rows as f64 * HEIGHT + 2.0 * MARGIN);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\">\n<title>Learning curves</title>\n{STYLE}\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    for (number, field) in fields.iter().enumerate() {
        let x = MARGIN + (number % columns) as f64 * WIDTH;
        let y = MARGIN + (number / columns) as f64 * HEIGHT;
        // Writing to a string cannot fail.
        let _ = writeln!(text, "<g transform=\"translate({x:.1} {y:.1})\">{}</g>", drawn(field, history));
    }
    text + "</svg>\n"
}

/// The loss first, the learning rate last.
fn fields(history: &History) -> Vec<Field<'_>> {
    let is_validation =
        |name: &str| name.strip_prefix("val_").is_some_and(|name| history.get(name).is_some());
    let mut names: Vec<&str> = history.metrics.iter().map(|(name, _)| name.as_str()).collect();
    names.retain(|name| !is_validation(name));
    names.sort_by_key(|name| (*name != "loss", *name == "learning_rate"));
    let curve = |label, colour, name: &str| history.get(name).map(|values| Curve { label, colour, values });
    let field = |name| {
        let validation = format!("val_{name}");
        let training = curve("training", TRAINING, name);
        Field {
            name,
            curves: training.into_iter().chain(curve("validation", VALIDATION, &validation)).collect(),
        }
    };
    names.into_iter().map(field).collect()
}

fn drawn(field: &Field<'_>, history: &History) -> String {
    let epochs = history.epoch.len().max(1);
    let first = history.epoch.first().map_or(1, |epoch| epoch + 1);
    let across = Axis::of_epochs(first, epochs);
    let up = Axis::of_values(field.curves.iter().flat_map(|curve| curve.values.iter().copied()));
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    let x = |value: f64| LEFT + across.share(value) * (right - LEFT);
    let y = |value: f64| bottom - up.share(value) * (bottom - TOP);
    let mut text = words("title", LEFT, 22.0, "start", field.name);
    for tick in &up.ticks {
        let at = y(*tick);
        text += &format!("<path class=\"grid\" d=\"M{LEFT} {at:.1}H{right}\"/>");
        text += &words("tick", LEFT - 8.0, at + 4.0, "end", &up.label(*tick));
    }
    text += &format!("<path class=\"axis\" d=\"M{LEFT} {TOP}V{bottom}H{right}\"/>");
    for tick in &across.ticks {
        text += &words("tick", x(*tick), bottom + 17.0, "middle", &across.label(*tick));
    }
    text += &words("label", (LEFT + right) / 2.0, HEIGHT - 10.0, "middle", "epoch");
    let mut place = LEFT;
    for curve in &field.curves {
        text += &curve.drawn(history, x, y);
        let legend = curve.legend(field, history);
        text += &format!(
            "<path d=\"M{place:.1} 38h14\" stroke=\"{}\" stroke-width=\"3\" stroke-linecap=\"round\"/>",
            curve.colour
        );
        text += &words("legend", place + 20.0, 42.0, "start", &legend);
        place += 44.0 + 6.3 * legend.chars().count() as f64;
    }
    text
}

impl Curve<'_> {
    /// The epoch, counted from 1, of a value. Validation may come after some epochs alone: it is taken to come evenly.
    fn epoch(&self, number: usize, history: &History) -> f64 {
        let epochs = history.epoch.len();
        let index = ((number + 1) * epochs).div_ceil(self.values.len().max(1)).clamp(1, epochs.max(1)) - 1;
        history.epoch.get(index).map_or(number, |epoch| *epoch) as f64 + 1.0
    }

    fn drawn(&self, history: &History, x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64) -> String {
        let (mut path, mut dots, mut pen) = (String::new(), String::new(), 'M');
        for (number, value) in self.values.iter().enumerate() {
            if !value.is_finite() {
                // The curve has a gap where there is no number.
                pen = 'M';
                continue;
            }
            let (x, y) = (x(self.epoch(number, history)), y(*value));
            path += &format!("{pen}{x:.1} {y:.1}");
            pen = 'L';
            if self.values.len() <= DOTTED {
                dots += &format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.6\" fill=\"{}\"/>", self.colour);
            }
        }
        format!("<path class=\"curve\" stroke=\"{}\" d=\"{path}\"/>{dots}", self.colour)
    }

    /// What it is, where it ends, and where a loss was least.
    fn legend(&self, field: &Field<'_>, history: &History) -> String {
        let last = self.values.last().map_or(String::new(), |last| format!(" {}", short(*last)));
        let finite = self.values.iter().enumerate().filter(|(_, value)| value.is_finite());
        let least = finite.min_by(|a, b| a.1.total_cmp(b.1));
        match least {
            Some((number, least)) if field.name.ends_with("loss") && self.label == "validation" => {
                let epoch = self.epoch(number, history);
                format!("{}{last} (least {} in {epoch})", self.label, short(*least))
            }
            Some(_) | None => format!("{}{last}", self.label),
        }
    }
}

/// A number in few digits.
fn short(value: f64) -> String {
    match value.abs() {
        size if size == 0.0 || (1e-3..1e4).contains(&size) => format!("{value:.4}"),
        _ => format!("{value:.2e}"),
    }
}

/// What is between two ends, with marks at round numbers.
struct Axis {
    low: f64,
    high: f64,
    step: f64,
    ticks: Vec<f64>,
}

impl Axis {
    fn of_epochs(first: usize, count: usize) -> Axis {
        let (low, high) = (first as f64, (first + count - 1) as f64);
        let step = round_step(((high - low) / 8.0).max(1.0)).max(1.0).ceil();
        let middle = if count == 1 { 0.5 } else { 0.0 };
        Axis { low: low - middle, high: high + middle, step, ticks: marks(low, high, step) }
    }

    /// Around all finite values, with a little space; from 0 if that is near.
    fn of_values(values: impl Iterator<Item = f64> + Clone) -> Axis {
        let finite = values.filter(|value| value.is_finite());
        let (mut low, mut high) = finite
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if low == high {
            let half = if low == 0.0 { 0.5 } else { low.abs() * 0.1 };
            (low, high) = (low - half, high + half);
        }
        let space = (high - low) * 0.05;
        let from = if low >= 0.0 && low < 0.35 * high { 0.0 } else { low - space };
        let (low, high) = (from, high + space);
        let step = round_step((high - low) / 5.0);
        Axis { low, high, step, ticks: marks(low, high, step) }
    }

    /// How far along a value is.
    fn share(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    /// As many digits as tell marks apart.
    fn label(&self, tick: f64) -> String {
        let digits = -self.step.log10().floor();
        if digits > 5.0 || self.high.abs() >= 1e6 {
            return format!("{tick:.1e}");
        }
        // A step of 2.5 has one digit more.
        let finer = (self.step * 10f64.powf(digits)).fract() > 0.01;
        format!("{tick:.*}", (digits + f64::from(u8::from(finer))).max(0.0) as usize)
    }
}

/// The next of 1, 2, 2.5 and 5 times a power of ten.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let sizes = [1.0, 2.0, 2.5, 5.0, 10.0];
    sizes.into_iter().map(|size| size * power).find(|step| *step >= least * 0.999).unwrap_or(power * 10.0)
}

/// Multiples of the step from low to high.
fn marks(low: f64, high: f64, step: f64) -> Vec<f64> {
    let (from, to) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    (from..=to.min(from + 50)).map(|count| count as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::Logs;

    #[test]
    fn marks_are_at_round_numbers() {
        let axis = Axis::of_values([0.31, 0.87].into_iter());
        let labels: Vec<String> = axis.ticks.iter().map(|tick| axis.label(*tick)).collect();
        assert_eq!(labels, ["0.4", "0.6", "0.8"]);
        let axis = Axis::of_epochs(1, 100);
        let labels: Vec<String> = axis.ticks.iter().map(|tick| axis.label(*tick)).collect();
        assert_eq!(labels, ["20", "40", "60", "80", "100"]);
        assert_eq!(Axis::of_epochs(3, 1).ticks, [3.0]);
    }

    #[test]
    fn any_history_is_a_picture() {
        assert!(History::default().to_svg().ends_with("</svg>\n"));
        let mut history = History::default();
        for epoch in 0..12 {
            let value = if epoch == 5 { f64::NAN } else { 1.0 / f64::from(epoch + 1) };
            let logs = ["loss", "val_loss", "a<b", "learning_rate"].map(|name| (name.to_string(), value));
            history.add(epoch as usize, &Logs::new(logs));
        }
        let svg = history.to_svg();
        assert_eq!(svg.matches("class=\"title\"").count(), 3);
        assert_eq!(svg.matches("class=\"curve\"").count(), 4);
        assert!(svg.contains("a&lt;b") && !svg.contains("NaN,") && svg.contains("least 0.0833 in 12"));
    }
}
