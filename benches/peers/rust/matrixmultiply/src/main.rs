//! Multiplies matrices with the crate matrixmultiply: `matrixmultiply MxKxN THREADS`, with MATMUL_NUM_THREADS set.

use companion::{Failed, gflops, product, serve};
use matrixmultiply::sgemm;

fn main() -> Result<(), Failed> {
    serve("matrixmultiply", |key| {
        let (product, _) = product(key)?;
        let [m, k, n] = product.sizes;
        Ok(gflops(product, move |[a, b, c]| {
            let (columns, rows) = (n as isize, k as isize);
            // SAFETY: all three are row-major, with as many elements as the sizes say.
            unsafe {
                sgemm(
                    m,
                    k,
                    n,
                    1.0,
                    a.as_ptr(),
                    rows,
                    1,
                    b.as_ptr(),
                    columns,
                    1,
                    0.0,
                    c.as_mut_ptr(),
                    columns,
                    1,
                );
            }
        }))
    })
}
