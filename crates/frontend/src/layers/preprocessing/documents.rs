//! Documents: what `adapt` counts tokens in.

/// Some tokens that belong together, as words of a text do. A token alone is a document of its own.
///
/// `T` is `str` or `i64`.
pub trait Document<T: ?Sized> {
    /// The tokens in order.
    fn tokens(&self) -> Vec<&T>;
}

impl<T: ?Sized, D: Document<T> + ?Sized> Document<T> for &D {
    fn tokens(&self) -> Vec<&T> {
        (**self).tokens()
    }
}

impl Document<str> for str {
    fn tokens(&self) -> Vec<&str> {
        vec![self]
    }
}

impl Document<str> for String {
    fn tokens(&self) -> Vec<&str> {
        vec![self]
    }
}

impl<S: AsRef<str>> Document<str> for [S] {
    fn tokens(&self) -> Vec<&str> {
        self.iter().map(AsRef::as_ref).collect()
    }
}

impl<S: AsRef<str>> Document<str> for Vec<S> {
    fn tokens(&self) -> Vec<&str> {
        self.as_slice().tokens()
    }
}

impl<S: AsRef<str>, const N: usize> Document<str> for [S; N] {
    fn tokens(&self) -> Vec<&str> {
        self.as_slice().tokens()
    }
}

impl Document<i64> for i64 {
    fn tokens(&self) -> Vec<&i64> {
        vec![self]
    }
}

impl Document<i64> for [i64] {
    fn tokens(&self) -> Vec<&i64> {
        self.iter().collect()
    }
}

impl Document<i64> for Vec<i64> {
    fn tokens(&self) -> Vec<&i64> {
        self.iter().collect()
    }
}

impl<const N: usize> Document<i64> for [i64; N] {
    fn tokens(&self) -> Vec<&i64> {
        self.iter().collect()
    }
}
