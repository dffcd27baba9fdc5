//! Origins: which layer a node was written by, and which layers share a kernel. For people alone.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Where a node comes from: the scope it was built in, or whose gradient it belongs to.
///
/// It is no part of what the node is: all origins are equal, so that nodes and plans are compared without them.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    path: Option<Arc<str>>,
    is_gradient: bool,
}

impl Origin {
    /// The scope of this path.
    pub(crate) fn of(path: &str) -> Origin {
        Origin { path: Some(path.into()), is_gradient: false }
    }

    /// The gradient of what comes from here.
    pub(crate) fn gradient(&self) -> Origin {
        Origin { path: self.path.clone(), is_gradient: true }
    }

    /// The path of the scope; `None` outside of all.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// True for what a gradient consists of.
    pub fn is_gradient(&self) -> bool {
        self.is_gradient
    }

    /// True if both say the same, which `==` does not ask.
    fn says_the_same(&self, other: &Origin) -> bool {
        (&self.path, self.is_gradient) == (&other.path, other.is_gradient)
    }
}

impl PartialEq for Origin {
    fn eq(&self, _: &Origin) -> bool {
        true
    }
}

impl Eq for Origin {}

impl Hash for Origin {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// The different origins of what one kernel computes, the one it is built around first. As [`Origin`]s, all are equal.
#[derive(Clone, Debug, Default)]
pub struct Origins(Vec<Origin>);

/// No more names than this are written.
const MOST_NAMES: usize = 4;

impl Origins {
    /// Of these, each once.
    pub(crate) fn of<'o>(all: impl IntoIterator<Item = &'o Origin>) -> Origins {
        let mut different: Vec<Origin> = Vec::new();
        for origin in all.into_iter().filter(|origin| origin.path.is_some()) {
            if !different.iter().any(|known| known.says_the_same(origin)) {
                different.push(origin.clone());
            }
        }
        Origins(different)
    }

    /// In the order of what they make.
    pub fn iter(&self) -> impl Iterator<Item = &Origin> {
        self.0.iter()
    }
}

impl PartialEq for Origins {
    fn eq(&self, _: &Origins) -> bool {
        true
    }
}

impl Eq for Origins {}

/// `dense + activation`, `gradient of dense`, or both with a semicolon between.
impl fmt::Display for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |is_gradient: bool, before: &str| {
            let names: Vec<&str> = self
                .0
                .iter()
                .filter(|origin| origin.is_gradient == is_gradient)
                .filter_map(Origin::path)
                .collect();
            let more = names.len().saturating_sub(MOST_NAMES);
            let shown = names[..names.len() - more].join(" + ");
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            (!names.is_empty()).then(|| format!("{before}{shown}{more}"))
        };
        let parts: Vec<String> = [of(false, ""), of(true, "gradient of ")].into_iter().flatten().collect();
        f.write_str(&parts.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_once_and_in_order() {
        let [a, b] = ["a", "b"].map(Origin::of);
        let said = |all: &[&Origin]| Origins::of(all.iter().copied()).to_string();
        assert_eq!(said(&[&b, &a, &b, &Origin::default()]), "b + a");
        assert_eq!(said(&[&a.gradient(), &b, &a]), "b + a; gradient of a");
        assert_eq!(said(&[]), "");
        let many: Vec<Origin> = (0..6).map(|number| Origin::of(&number.to_string())).collect();
        assert_eq!(Origins::of(&many).to_string(), "0 + 1 + 2 + 3 and 2 more");
    }
}
