//! Prints the page `docs/keras-compatibility.md`; `cargo xtask docs` writes it.

fn main() -> cornu::Result<()> {
    print!("{}", cornu::compatibility::page()?);
    Ok(())
}
