//! The source of a program: kernels as CUDA C, each written once, with the families that they are made from.

use std::collections::HashMap;

/// One `.cu` file: a family of kernels, as templates that printed kernels call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Family {
    /// The name of the file, and the beginning of the names of its kernels.
    pub(crate) name: &'static str,
    /// What the file says.
    pub(crate) text: &'static str,
}

/// The family of the file of this name that lies beside the one that asks.
macro_rules! family {
    ($name:literal) => {
        $crate::source::Family { name: $name, text: include_str!(concat!($name, ".cu")) }
    };
}
pub(crate) use family;

/// What stands before the families.
const PRELUDE: [&str; 7] = [
    include_str!("kernels/prelude.cuh"),
    include_str!("kernels/scalar.cuh"),
    include_str!("kernels/fold.cuh"),
    include_str!("kernels/ptx.cuh"),
    include_str!("kernels/tiles.cuh"),
    include_str!("kernels/tensor.cuh"),
    include_str!("kernels/hopper.cuh"),
];

/// The number of a kernel in its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KernelId(usize);

impl KernelId {
    pub(crate) fn index(self) -> usize {
        self.0
    }
}

/// The kernels of a plan.
#[derive(Debug, Default)]
pub(crate) struct Source {
    families: Vec<Family>,
    kernels: Vec<Kernel>,
    /// Kernels of the same text are one.
    by_text: HashMap<(Family, String), KernelId>,
}

#[derive(Debug)]
struct Kernel {
    name: String,
    text: String,
}

impl Source {
    /// Adds a kernel of a family. The text defines a function called `@`, and may define types and constants whose
    /// names begin with `@`: that stands for a name of its own.
    pub(crate) fn kernel(&mut self, family: Family, text: String) -> KernelId {
        if let Some(&known) = self.by_text.get(&(family, text.clone())) {
            return known;
        }
        if !self.families.contains(&family) {
            self.families.push(family);
        }
        let id = KernelId(self.kernels.len());
        let name = format!("{}_{}", family.name, id.0);
        self.kernels.push(Kernel { text: text.replace('@', &name), name });
        self.by_text.insert((family, text), id);
        id
    }

    /// The names of the kernels, by their numbers.
    pub(crate) fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.kernels.iter().map(|kernel| kernel.name.as_str())
    }

    /// The text of the kernel of this name.
    #[cfg(test)]
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.kernels.iter().find(|kernel| kernel.name == name).map(|kernel| kernel.text.as_str())
    }

    /// The whole program: the prelude, the families in alphabetical order, the kernels.
    pub(crate) fn text(&self) -> String {
        let mut families = self.families.clone();
        families.sort_unstable();
        let families = families.into_iter().map(|Family { name, text }| {
            // Two families may use one word for different things.
            format!("namespace {name}_family {{\n\n{}\n\n}}  // namespace {name}_family\n", text.trim_end())
        });
        let kernels = self.kernels.iter().map(|kernel| kernel.text.clone());
        let parts = PRELUDE.into_iter().map(String::from).chain(families).chain(kernels);
        parts.flat_map(|part| [part.trim_end().to_string(), "\n\n".to_string()]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_of_one_text_are_one() {
        let family = Family { name: "map", text: "// map" };
        let mut source = Source::default();
        let first = source.kernel(family, "void @() {}".into());
        assert_eq!(source.kernel(family, "void @() {}".into()), first);
        assert_ne!(source.kernel(family, "void @(int) {}".into()), first);
        assert_eq!(source.names().collect::<Vec<_>>(), ["map_0", "map_1"]);
        let text = source.text();
        assert_eq!(text.matches("// map").count(), 1);
        assert!(text.ends_with("void map_0() {}\n\nvoid map_1(int) {}\n\n"), "{text}");
    }
}
