//! The dictionary at the head of a `.npy` file. It is written as a Python literal; only what NumPy itself writes is
//! taken, and nothing is evaluated.

/// The three entries of the dictionary.
#[derive(Debug, PartialEq)]
pub(crate) struct Entries {
    /// Element type, in NumPy's letters: `<f4`.
    pub(crate) descr: String,
    /// First axis fastest.
    pub(crate) fortran_order: bool,
    /// Size of every axis.
    pub(crate) shape: Vec<u64>,
}

/// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
pub(crate) fn parse(text: &str) -> Result<Entries, String> {
    let (mut descr, mut fortran_order, mut shape) = (None, None, None);
    let mut rest = Rest(text);
    rest.expect('{')?;
    while !rest.take('}') {
        let key = rest.string()?;
        rest.expect(':')?;
        let twice = match key {
            "descr" => descr.replace(rest.descr()?).is_some(),
            "fortran_order" => fortran_order.replace(rest.boolean()?).is_some(),
            "shape" => shape.replace(rest.tuple()?).is_some(),
            _ => return Err(format!("the header has an unknown entry '{key}'")),
        };
        if twice {
            return Err(format!("the header has two entries '{key}'"));
        }
        if !rest.take(',') {
            rest.expect('}')?;
            break;
        }
    }
    if !rest.0.trim().is_empty() {
        return Err("the header goes on after its dictionary".to_string());
    }
    let lacks = |key: &str| format!("the header lacks '{key}'");
    Ok(Entries {
        descr: descr.ok_or_else(|| lacks("descr"))?,
        fortran_order: fortran_order.ok_or_else(|| lacks("fortran_order"))?,
        shape: shape.ok_or_else(|| lacks("shape"))?,
    })
}

/// The part of the header that is not read yet.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn take(&mut self, wanted: char) -> bool {
        let stripped = self.0.trim_start().strip_prefix(wanted);
        self.0 = stripped.unwrap_or(self.0);
        stripped.is_some()
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        if self.take(wanted) { Ok(()) } else { Err(format!("the header is broken: `{wanted}` is missing")) }
    }

    /// A string in either kind of quotes; NumPy's own never hold an escape.
    fn string(&mut self) -> Result<&'a str, String> {
        let text = self.0.trim_start();
        let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let inside = quote.and_then(|quote| text[1..].split_once(quote));
        let (string, rest) = inside.ok_or("the header is broken: a string is missing")?;
        if string.contains('\\') {
            return Err("the header is broken: a string holds an escape".to_string());
        }
        self.0 = rest;
        Ok(string)
    }

    fn descr(&mut self) -> Result<String, String> {
        match self.0.trim_start().starts_with(['[', '(']) {
            true => Err("arrays of records are not numbers to compute with".to_string()),
            false => Ok(self.string()?.to_string()),
        }
    }

    fn boolean(&mut self) -> Result<bool, String> {
        let text = self.0.trim_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = text.strip_prefix(word) {
                self.0 = rest;
                return Ok(value);
            }
        }
        Err("the header is broken: True or False is missing".to_string())
    }

    fn tuple(&mut self) -> Result<Vec<u64>, String> {
        let mut items = Vec::new();
        self.expect('(')?;
        while !self.take(')') {
            items.push(self.whole()?);
            if !self.take(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(items)
    }

    /// A whole number, perhaps with the `L` that Python 2 put behind long ones.
    fn whole(&mut self) -> Result<u64, String> {
        let text = self.0.trim_start();
        let (digits, rest) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        self.0 = rest.strip_prefix('L').unwrap_or(rest);
        digits.parse().map_err(|_| "the header's shape is not a tuple of sizes".to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_numpy_writes_is_read() {
        let entries = |descr: &str, fortran_order, shape: &[u64]| {
            Ok(Entries { descr: descr.to_string(), fortran_order, shape: shape.to_vec() })
        };
        let plain = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }      \n";
        assert_eq!(parse(plain), entries("<f4", false, &[3, 4]));
        assert_eq!(
            parse("{'shape':(7,),\"descr\":\"|b1\",'fortran_order':True}"),
            entries("|b1", true, &[7])
        );
        assert_eq!(
            parse("{'descr': '<i8', 'fortran_order': False, 'shape': ()}"),
            entries("<i8", false, &[])
        );
        assert_eq!(
            parse("{'descr': '<i8', 'fortran_order': False, 'shape': (5L, 2L)}"),
            entries("<i8", false, &[5, 2])
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for (text, part) in [
            ("", "`{` is missing"),
            ("{'descr': '<f4', 'fortran_order': False}", "lacks 'shape'"),
            ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "records"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "tuple of sizes"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", "tuple of sizes"),
            ("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}", "True or False"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': 3}", "`(` is missing"),
            ("{'descr': '<f4', 'descr': '<f4'}", "two entries 'descr'"),
            ("{'descr': '<f4', 'extra': 1}", "unknown entry 'extra'"),
            ("{'descr': '\\x3cf4'}", "escape"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}; import os", "goes on"),
            ("{'descr': __import__('os').getcwd()}", "string is missing"),
            ("{'descr': 'é", "string is missing"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
