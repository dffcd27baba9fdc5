//! From the written form to a program. The text may come from anywhere: whatever is wrong with it is an error with a
//! line, nothing is believed before it is checked, and no more memory is taken than the text itself suggests.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::attributes::{Attribute, Attributes};
use super::literal;
use super::tokens::{Token, tokens};
use crate::builder::Builder;
use crate::error::ParseError;
use crate::expr::Expr;
use crate::graph::{Graph, Value};
use crate::op::Op;
use crate::tensor::Tensor;
use crate::types::{Shape, Type};

/// More axes than any array library knows; some rules take time with the square of it.
const MOST_AXES: usize = 64;

/// More programs inside each other than any model has; reading takes stack for each.
const DEEPEST: usize = 16;

/// Reads one program.
pub fn parse(text: &str) -> Result<Graph, ParseError> {
    let mut parser = Parser::new(text)?;
    let (_, graph) = parser.graph()?;
    if !parser.at_end() {
        return Err(parser.unexpected("nothing more after the program"));
    }
    Ok(graph)
}

/// Reads any number of programs with their names, which may be empty.
pub fn parse_all(text: &str) -> Result<Vec<(String, Graph)>, ParseError> {
    let mut parser = Parser::new(text)?;
    let mut graphs = Vec::new();
    while !parser.at_end() {
        graphs.push(parser.graph()?);
    }
    Ok(graphs)
}

/// A text that is being read.
pub(crate) struct Parser<'t> {
    tokens: Vec<(Token<'t>, usize)>,
    next: usize,
    /// How many programs the next token is inside of.
    depth: usize,
}

impl<'t> Parser<'t> {
    pub(crate) fn new(text: &'t str) -> Result<Parser<'t>, ParseError> {
        Ok(Parser { tokens: tokens(text)?, next: 0, depth: 0 })
    }

    /// The token that comes next, and how many later.
    fn peek(&self, ahead: usize) -> &Token<'t> {
        let last = self.tokens.len() - 1;
        &self.tokens[(self.next + ahead).min(last)].0
    }

    pub(crate) fn line(&self) -> usize {
        self.tokens[self.next].1
    }

    pub(crate) fn at_end(&self) -> bool {
        *self.peek(0) == Token::End
    }

    fn take(&mut self) -> Token<'t> {
        let token = self.peek(0).clone();
        self.next = (self.next + 1).min(self.tokens.len() - 1);
        token
    }

    pub(crate) fn error(&self, message: impl Into<String>) -> ParseError {
        ParseError { line: self.line(), message: message.into() }
    }

    pub(crate) fn unexpected(&self, need: &str) -> ParseError {
        self.error(format!("{need} is needed, not {}", self.peek(0)))
    }

    /// Takes the mark if it comes next.
    fn takes_mark(&mut self, mark: char) -> bool {
        let comes = *self.peek(0) == Token::Mark(mark);
        if comes {
            self.take();
        }
        comes
    }

    /// Takes the word if it comes next.
    pub(crate) fn takes_word(&mut self, word: &str) -> bool {
        let comes = *self.peek(0) == Token::Word(word);
        if comes {
            self.take();
        }
        comes
    }

    fn mark(&mut self, mark: char) -> Result<(), ParseError> {
        if self.takes_mark(mark) { Ok(()) } else { Err(self.unexpected(&format!("`{mark}`"))) }
    }

    fn word(&mut self, need: &str) -> Result<&'t str, ParseError> {
        let Token::Word(word) = *self.peek(0) else { return Err(self.unexpected(need)) };
        self.take();
        Ok(word)
    }

    /// A word that is a number, if that comes next.
    pub(crate) fn takes_number(&mut self) -> Option<f64> {
        let Token::Word(word) = *self.peek(0) else { return None };
        let number = word.parse().ok()?;
        self.take();
        Some(number)
    }

    fn value_name(&mut self) -> Result<&'t str, ParseError> {
        let Token::Value(name) = *self.peek(0) else { return Err(self.unexpected("a value like `%3`")) };
        self.take();
        Ok(name)
    }

    /// Items apart by commas, up to a closing mark, which is taken.
    fn list<T>(
        &mut self,
        close: char,
        mut item: impl FnMut(&mut Self) -> Result<T, ParseError>,
    ) -> Result<Vec<T>, ParseError> {
        let mut items = Vec::new();
        if self.takes_mark(close) {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.takes_mark(close) {
                return Ok(items);
            }
            if !self.takes_mark(',') {
                return Err(self.unexpected(&format!("`,` or `{close}`")));
            }
        }
    }

    fn size(&mut self) -> Result<usize, ParseError> {
        let need = "a whole number";
        match *self.peek(0) {
            Token::Word(word) => {
                let size = word.parse().map_err(|_| self.unexpected(need))?;
                self.take();
                Ok(size)
            }
            _ => Err(self.unexpected(need)),
        }
    }

    /// A type, of a size that memory can address and ranks that rules can walk.
    fn ty(&mut self) -> Result<Type, ParseError> {
        let line = self.line();
        let dtype =
            self.word("a type like `f32[2,3]`")?.parse().map_err(|message| ParseError { line, message })?;
        self.mark('[')?;
        let shape = Shape::from(self.list(']', Self::size)?);
        // Zeros aside, for strides are products of the sizes too.
        let ty = Type::new(dtype, shape.iter().map(|&size| size.max(1)).collect::<Shape>());
        if ty.bytes() > isize::MAX as usize || shape.rank() > MOST_AXES {
            return Err(ParseError { line, message: format!("{dtype}{shape} is larger than any memory") });
        }
        Ok(Type { dtype, shape })
    }

    /// Elements between brackets, apart by spaces: `[1 2 NaN]`.
    pub(crate) fn literal(&mut self, ty: &Type) -> Result<Tensor, ParseError> {
        let line = self.line();
        self.mark('[')?;
        let mut words = Vec::new();
        while !self.takes_mark(']') {
            words.push(self.word("a number or `]`")?);
        }
        literal::parse_words(ty, &words).map_err(|message| ParseError { line, message })
    }

    /// The sign between what is given and what comes out.
    pub(crate) fn equals(&mut self) -> Result<(), ParseError> {
        if self.takes_mark('=') && self.takes_mark('=') { Ok(()) } else { Err(self.unexpected("`==`")) }
    }

    fn attribute(&mut self) -> Result<(String, Attribute), ParseError> {
        let name = self.word("the name of an attribute")?;
        self.mark('=')?;
        let value = match self.peek(0).clone() {
            Token::Text(text) => {
                self.take();
                Attribute::Text(text)
            }
            Token::Mark('[') => {
                self.take();
                Attribute::Sizes(self.list(']', Self::size)?)
            }
            Token::Word(word) if word.starts_with(|c: char| c.is_ascii_digit()) => {
                Attribute::Size(self.size()?)
            }
            Token::Word("graph") if *self.peek(1) == Token::Mark('(') => {
                Attribute::Graph(Arc::new(self.graph()?.1))
            }
            Token::Word(word) => {
                self.take();
                Attribute::Word(word.to_string())
            }
            Token::Mark(_) | Token::Value(_) | Token::End => {
                return Err(
                    self.unexpected("a number, a list like `[0,1]`, a word, a quoted text or a program")
                );
            }
        };
        Ok((name.to_string(), value))
    }

    fn attributes(&mut self) -> Result<Vec<(String, Attribute)>, ParseError> {
        if !self.takes_mark('{') {
            return Ok(Vec::new());
        }
        let items = self.list('}', Self::attribute)?;
        for (index, (name, _)) in items.iter().enumerate() {
            if items[..index].iter().any(|(earlier, _)| earlier == name) {
                return Err(self.error(format!("the attribute `{name}` is written twice")));
            }
        }
        Ok(items)
    }

    /// One program, and its name.
    pub(crate) fn graph(&mut self) -> Result<(String, Graph), ParseError> {
        if self.depth == DEEPEST {
            return Err(self.error(format!("programs inside programs, more than {DEEPEST} deep")));
        }
        self.depth += 1;
        let graph = self.graph_here();
        self.depth -= 1;
        graph
    }

    fn graph_here(&mut self) -> Result<(String, Graph), ParseError> {
        if !self.takes_word("graph") {
            return Err(self.unexpected("`graph`"));
        }
        let name = if let Token::Word(_) = self.peek(0) { self.word("a name")? } else { "" };
        self.mark('(')?;
        let inputs = self.list(')', Self::declaration)?;
        let state = inputs.iter().take_while(|input| input.is_state).count();
        if let Some(late) = inputs[state..].iter().find(|input| input.is_state) {
            let message = format!("%{} is state, so it must stand before the inputs that are not", late.name);
            return Err(ParseError { line: late.line, message });
        }
        self.mark('{')?;
        let builder = Builder::new();
        let mut body = Body { builder: &builder, made: HashMap::new(), waiting: inputs.into() };
        while !self.takes_word("return") {
            self.node(&mut body)?;
        }
        body.admit_all()?;
        let (line, mut outputs) = (self.line(), Vec::new());
        if !self.takes_mark('}') {
            outputs = self.arguments(&mut body)?;
            self.mark('}')?;
        }
        let graph = builder.finish_with_state(state, &outputs);
        Ok((name.to_string(), graph.map_err(|error| ParseError { line, message: error.to_string() })?))
    }

    fn declaration(&mut self) -> Result<Declaration<'t>, ParseError> {
        let (line, is_state) = (self.line(), self.takes_word("state"));
        let name = self.value_name()?;
        let mut label = String::new();
        if let Token::Text(text) = self.peek(0) {
            label = text.clone();
            self.take();
        }
        self.mark(':')?;
        Ok(Declaration { line, is_state, name, label, ty: self.ty()? })
    }

    fn node(&mut self, body: &mut Body<'t, '_>) -> Result<(), ParseError> {
        let line = self.line();
        if !matches!(self.peek(0), Token::Value(_)) {
            return Err(self.unexpected("a node like `%2: f32[3] = add %0, %1`, or `return`,"));
        }
        let name = self.value_name()?;
        self.mark(':')?;
        let ty = self.ty()?;
        self.mark('=')?;
        let op_name = self.word("the name of an op")?;
        body.admit_before(name)?;
        // After an op without arguments, `%4 :` begins the next node.
        let has_arguments = matches!(self.peek(0), Token::Value(_)) && *self.peek(1) != Token::Mark(':');
        let args = if has_arguments { self.arguments(body)? } else { Vec::new() };
        let attributes = Attributes { items: self.attributes()?, ty: Some(ty.clone()) };
        let apply = || {
            let op = checked_op(op_name, &attributes)?;
            let value = body.builder.apply(op, &args);
            body.builder.check().map_err(|error| error.to_string())?;
            match value.ty() {
                inferred if inferred == ty => Ok(value.value()),
                inferred => Err(format!("%{name} is said to be {ty}, but `{op_name}` gives {inferred}")),
            }
        };
        let value = apply().map_err(|message| ParseError { line, message })?;
        body.define(name, value, line)
    }

    fn arguments<'b>(&mut self, body: &mut Body<'t, 'b>) -> Result<Vec<Expr<'b>>, ParseError> {
        let mut args = Vec::new();
        loop {
            let line = self.line();
            let name = self.value_name()?;
            args.push(body.find(name, line)?);
            if !self.takes_mark(',') {
                return Ok(args);
            }
        }
    }
}

/// The op of a node, with every attribute that is written taken into account.
fn checked_op(name: &str, attributes: &Attributes) -> Result<Op, String> {
    let op = Op::parse(name, attributes)?;
    if let Op::Input(_) = op {
        return Err("inputs are declared between the parentheses after `graph`".to_string());
    }
    let known = op.rules().attributes();
    let is_known = |name: &str| known.items.iter().any(|(known, _)| known == name);
    let is_empty = |value: &Attribute| *value == Attribute::Sizes(Vec::new());
    match attributes.items.iter().find(|(name, value)| !is_known(name) && !is_empty(value)) {
        Some((unknown, _)) => Err(format!("`{name}` has no attribute `{unknown}`")),
        None => Ok(op),
    }
}

/// An input as the header declares it.
struct Declaration<'t> {
    line: usize,
    is_state: bool,
    name: &'t str,
    label: String,
    ty: Type,
}

/// The nodes read so far.
///
/// Inputs stand in the header, but among the nodes they have places too, which their numbers tell: so that `%7` is
/// node 7 after reading as it was before printing, inputs wait until a later number is made, or until they are used.
struct Body<'t, 'b> {
    builder: &'b Builder,
    made: HashMap<&'t str, Value>,
    waiting: VecDeque<Declaration<'t>>,
}

impl<'t, 'b> Body<'t, 'b> {
    /// Makes the inputs whose numbers are below `name`; all, if that is no number.
    fn admit_before(&mut self, name: &str) -> Result<(), ParseError> {
        let number = |name: &str| name.parse::<u32>().ok();
        while let Some(input) = self.waiting.front() {
            match (number(input.name), number(name)) {
                (Some(input), Some(node)) if input > node => return Ok(()),
                (_, _) => self.admit()?,
            }
        }
        Ok(())
    }

    fn admit_all(&mut self) -> Result<(), ParseError> {
        while !self.waiting.is_empty() {
            self.admit()?;
        }
        Ok(())
    }

    /// Makes the first input that waits.
    fn admit(&mut self) -> Result<(), ParseError> {
        let Some(input) = self.waiting.pop_front() else { return Ok(()) };
        let value = self.builder.input(&input.label, input.ty).value();
        self.define(input.name, value, input.line)
    }

    fn define(&mut self, name: &'t str, value: Value, line: usize) -> Result<(), ParseError> {
        match self.made.insert(name, value) {
            Some(_) => Err(ParseError { line, message: format!("%{name} is made twice") }),
            None => Ok(()),
        }
    }

    fn find(&mut self, name: &str, line: usize) -> Result<Expr<'b>, ParseError> {
        if !self.made.contains_key(name) {
            self.admit_all()?;
        }
        let value = self.made.get(name).copied();
        let missing = || ParseError { line, message: format!("%{name} is not made before it is used") };
        Ok(self.builder.expr(value.ok_or_else(missing)?))
    }
}
