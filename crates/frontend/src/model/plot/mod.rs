//! Plot: a model as a picture of boxes and arrows. Keras: `plot_model`, but without Graphviz.

mod blocks;
mod dot;
mod layout;
mod order;
mod picture;
mod svg;
#[cfg(test)]
mod tests;

use std::path::Path;

use self::picture::Picture;
use super::Model;
use crate::error::Result;
use crate::svg as svg_file;

/// What a picture of a model shows beside the classes of its layers. The names are those of Keras's `plot_model`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plot {
    show_shapes: bool,
    show_dtype: bool,
    show_layer_names: bool,
    show_layer_activations: bool,
    show_trainable: bool,
    direction: Direction,
}

/// Where the arrows of a picture point.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Direction {
    /// From top to bottom. Keras: `rankdir="TB"`.
    #[default]
    Down,
    /// From left to right. Keras: `rankdir="LR"`.
    Right,
}

impl Plot {
    /// Nothing else, from top to bottom.
    pub fn new() -> Plot {
        Plot::default()
    }

    /// With the shapes that go into each layer and come out.
    pub fn show_shapes(mut self) -> Plot {
        self.show_shapes = true;
        self
    }

    /// With the element type of what comes out of each layer.
    pub fn show_dtype(mut self) -> Plot {
        self.show_dtype = true;
        self
    }

    /// With the layers' names.
    pub fn show_layer_names(mut self) -> Plot {
        self.show_layer_names = true;
        self
    }

    /// With the activation of each layer that has one.
    pub fn show_layer_activations(mut self) -> Plot {
        self.show_layer_activations = true;
        self
    }

    /// With which of the layers that have weights are trained.
    pub fn show_trainable(mut self) -> Plot {
        self.show_trainable = true;
        self
    }

    /// With arrows that point this way. Keras: `rankdir`.
    pub fn direction(mut self, direction: Direction) -> Plot {
        self.direction = direction;
        self
    }
}

impl Model {
    /// Writes a picture with layer names, activations and shapes to a file: `.svg`, `.png` with
    /// the feature `png`, or `.dot` for Graphviz.
    pub fn plot(&self, path: impl AsRef<Path>) -> Result<()> {
        self.plot_with(path, Plot::new().show_layer_names().show_layer_activations().show_shapes())
    }

    /// [`Model::plot`] with what the picture shows.
    pub fn plot_with(&self, path: impl AsRef<Path>, how: Plot) -> Result<()> {
        let path = path.as_ref();
        match path.extension().and_then(|suffix| suffix.to_str()) {
            Some("dot") => svg_file::write_bytes(path, self.to_dot(how).as_bytes()),
            Some(_) | None => svg_file::write(path, &self.to_svg(how), ".dot, "),
        }
    }

    /// The picture in Graphviz's language.
    pub fn to_dot(&self, how: Plot) -> String {
        dot::draw(&self.picture(how))
    }

    /// The picture as SVG.
    pub fn to_svg(&self, how: Plot) -> String {
        svg::draw(&self.picture(how))
    }

    fn picture(&self, how: Plot) -> Picture {
        Picture::of(self, how)
    }
}
