//! Multiplies matrices with the crate gemm: `gemm MxKxN THREADS`.

use companion::{Failed, gflops, product, serve};
use gemm::{Parallelism, gemm};

fn main() -> Result<(), Failed> {
    serve("gemm", |key| {
        let (product, threads) = product(key)?;
        let parallelism = if threads == 1 { Parallelism::None } else { Parallelism::Rayon(threads) };
        let [m, k, n] = product.sizes;
        Ok(gflops(product, move |[a, b, c]| {
            let (columns, rows) = (n as isize, k as isize);
            // SAFETY: all three are row-major, with as many elements as the sizes say.
            unsafe {
                gemm(
                    m,
                    n,
                    k,
                    c.as_mut_ptr(),
                    1,
                    columns,
                    false,
                    a.as_ptr(),
                    1,
                    rows,
                    b.as_ptr(),
                    1,
                    columns,
                    0.0,
                    1.0,
                    false,
                    false,
                    false,
                    parallelism,
                );
            }
        }))
    })
}
