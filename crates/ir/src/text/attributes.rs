//! The attributes of an op in the written form: `{axes=[0,1], kind=sum}`.

use std::fmt;
use std::sync::Arc;

use crate::graph::Graph;
use crate::types::{DType, Shape, Type};

/// The value of one attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A whole number: `2`.
    Size(usize),
    /// Whole numbers: `[0,2]`.
    Sizes(Vec<usize>),
    /// A word: `sum`.
    Word(String),
    /// A quoted text: `"dense/kernel"`.
    Text(String),
    /// A program: `graph (%0: f32[]) { return %0 }`.
    Graph(Arc<Graph>),
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Attribute::Size(size) => write!(f, "{size}"),
            Attribute::Sizes(sizes) => write!(f, "{}", Shape::from(sizes.as_slice())),
            Attribute::Word(word) => f.write_str(word),
            Attribute::Text(text) => write!(f, "{text:?}"),
            // It stands inside a node of another program. Texts have no line ends of their own: they are escaped.
            Attribute::Graph(graph) => f.write_str(&graph.to_string().replace('\n', "\n  ")),
        }
    }
}

/// Named attributes in the order they are written, and the stated type of the result, which leaves take as their own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes {
    /// The attributes.
    pub items: Vec<(String, Attribute)>,
    /// The type written before the op; set by the parser.
    pub ty: Option<Type>,
}

impl Attributes {
    /// With a whole number.
    pub fn size(mut self, name: &str, size: usize) -> Attributes {
        self.items.push((name.to_string(), Attribute::Size(size)));
        self
    }

    /// With a list of whole numbers.
    pub fn sizes(mut self, name: &str, sizes: &[usize]) -> Attributes {
        self.items.push((name.to_string(), Attribute::Sizes(sizes.to_vec())));
        self
    }

    /// With a word.
    pub fn word(mut self, name: &str, word: impl Into<String>) -> Attributes {
        self.items.push((name.to_string(), Attribute::Word(word.into())));
        self
    }

    /// With a text.
    pub fn text(mut self, name: &str, text: &str) -> Attributes {
        self.items.push((name.to_string(), Attribute::Text(text.to_string())));
        self
    }

    /// With a program.
    pub fn graph(mut self, name: &str, graph: Arc<Graph>) -> Attributes {
        self.items.push((name.to_string(), Attribute::Graph(graph)));
        self
    }

    fn get(&self, name: &str) -> Result<&Attribute, String> {
        let found = self.items.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value).ok_or_else(|| format!("the attribute `{name}` is missing"))
    }

    /// Reads a whole number.
    pub fn get_size(&self, name: &str) -> Result<usize, String> {
        if let Attribute::Size(size) = self.get(name)? {
            Ok(*size)
        } else {
            Err(format!("`{name}` must be a number"))
        }
    }

    /// Reads a list of whole numbers.
    pub fn get_sizes(&self, name: &str) -> Result<Shape, String> {
        if let Attribute::Sizes(sizes) = self.get(name)? {
            Ok(Shape::from(sizes.as_slice()))
        } else {
            Err(format!("`{name}` must be a list of numbers"))
        }
    }

    /// Reads a word.
    pub fn get_word(&self, name: &str) -> Result<&str, String> {
        if let Attribute::Word(word) = self.get(name)? {
            Ok(word)
        } else {
            Err(format!("`{name}` must be a word"))
        }
    }

    /// Reads a text.
    pub fn get_text(&self, name: &str) -> Result<&str, String> {
        if let Attribute::Text(text) = self.get(name)? {
            Ok(text)
        } else {
            Err(format!("`{name}` must be a text"))
        }
    }

    /// Reads a program.
    pub fn get_graph(&self, name: &str) -> Result<Arc<Graph>, String> {
        if let Attribute::Graph(graph) = self.get(name)? {
            Ok(graph.clone())
        } else {
            Err(format!("`{name}` must be a program"))
        }
    }

    /// Reads `true` or `false`.
    pub fn get_bool(&self, name: &str) -> Result<bool, String> {
        match self.get_word(name)? {
            "true" => Ok(true),
            "false" => Ok(false),
            other => Err(format!("`{name}` must be true or false, not {other}")),
        }
    }

    /// The type written before the op.
    pub fn stated_type(&self) -> Result<Type, String> {
        self.ty.clone().ok_or_else(|| "a leaf needs a stated type".to_string())
    }

    /// The element type written before the op.
    pub fn stated_dtype(&self) -> Result<DType, String> {
        Ok(self.stated_type()?.dtype)
    }

    /// The shape written before the op.
    pub fn stated_shape(&self) -> Result<Shape, String> {
        Ok(self.stated_type()?.shape)
    }
}

impl fmt::Display for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.items.is_empty() {
            return Ok(());
        }
        f.write_str(" {")?;
        for (index, (name, value)) in self.items.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{name}={value}")?;
        }
        f.write_str("}")
    }
}
