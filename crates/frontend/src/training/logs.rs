//! Logs: the named numbers that training reports.

/// Numbers by name, in Keras's order: sorted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logs(Vec<(String, f64)>);

impl Logs {
    /// Logs of these numbers.
    pub fn new(items: impl IntoIterator<Item = (String, f64)>) -> Logs {
        let mut items: Vec<(String, f64)> = items.into_iter().collect();
        items.sort_by(|a, b| a.0.cmp(&b.0));
        Logs(items)
    }

    /// The number called `name`.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(key, _)| key == name).map(|&(_, value)| value)
    }

    /// Sets a number, in its place among the sorted names.
    pub fn set(&mut self, name: &str, value: f64) {
        match self.0.binary_search_by(|(key, _)| key.as_str().cmp(name)) {
            Ok(place) => self.0[place].1 = value,
            Err(place) => self.0.insert(place, (name.to_string(), value)),
        }
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and numbers, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// These and others, whose names get a prefix.
    pub fn with(self, prefix: &str, others: &Logs) -> Logs {
        let others = others.0.iter().map(|(name, value)| (format!("{prefix}{name}"), *value));
        Logs::new(self.0.into_iter().chain(others))
    }
}
