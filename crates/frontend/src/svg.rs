//! Pictures: SVG text, and files of them.

use std::io::Write;
use std::path::Path;

use crate::error::{Error, Result};
use crate::saving::{Place, atomic};

/// The text for XML, which has no way to write most control characters.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                out.push('\u{fffd}')
            }
            letter => out.push(letter),
        }
    }
    out
}

/// A text of some class at a place: it begins, ends or has its middle there.
pub(crate) fn words(class: &str, x: f64, y: f64, anchor: &str, text: &str) -> String {
    let text = escaped(text);
    format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>")
}

/// Writes a picture into a file: `.svg`, or `.png` where the feature `png` is there.
pub(crate) fn write(path: &Path, svg: &str, others: &str) -> Result<()> {
    match path.extension().and_then(|suffix| suffix.to_str()) {
        Some("svg") => write_bytes(path, svg.as_bytes()),
        #[cfg(feature = "png")]
        Some("png") => write_bytes(path, &raster::png(svg)?),
        Some(_) | None => {
            let png = if cfg!(feature = "png") { " or .png" } else { " (.png needs the feature `png`)" };
            let needed = format!("a file name that ends in {others}.svg{png}");
            Err(Error::config("plot", "path", format!("{path:?}"), needed))
        }
    }
}

/// Writes a file in one step.
pub(crate) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    let fill = |file: &mut std::fs::File| {
        file.write_all(bytes).map_err(|error| Place::file(path).io("write", error))
    };
    Ok(atomic::write(path, fill)?)
}

#[cfg(feature = "png")]
mod raster {
    //! SVG as dots.

    use resvg::{tiny_skia, usvg};

    use crate::error::{Error, Result};

    /// Dots for each unit of length: sharp on the screens of today.
    const SCALE: f32 = 2.0;

    pub(super) fn png(svg: &str) -> Result<Vec<u8>> {
        let wrong = |error: String| Error::Data { what: format!("the picture cannot become a PNG: {error}") };
        let mut options = usvg::Options::default();
        options.fontdb_mut().load_system_fonts();
        let tree = usvg::Tree::from_str(svg, &options).map_err(|error| wrong(error.to_string()))?;
        let size = tree.size().to_int_size().scale_by(SCALE).unwrap_or(tree.size().to_int_size());
        let mut dots = tiny_skia::Pixmap::new(size.width(), size.height())
            .ok_or_else(|| wrong(format!("it is {} by {} dots large", size.width(), size.height())))?;
        let scale = tiny_skia::Transform::from_scale(SCALE, SCALE);
        resvg::render(&tree, scale, &mut dots.as_mut());
        dots.encode_png().map_err(|error| wrong(error.to_string()))
    }
}
