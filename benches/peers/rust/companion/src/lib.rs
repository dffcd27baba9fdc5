//! What all peers in Rust have in common: how they are asked, and the data they work on.

use std::error::Error;
use std::io::{BufRead, Write};
use std::time::Instant;

/// A round of work: its result in the unit of the workload.
pub type Round = Box<dyn FnMut() -> Result<f64, Failed>>;

/// Why something did not work.
pub type Failed = Box<dyn Error>;

/// Says `ready` and the version of a crate when warm; then, for each line, does a round and answers its result. `make`
/// takes the workload and the measure, the last two arguments of the command line, with a space between.
pub fn serve(krate: &str, make: impl FnOnce(&str) -> Result<Round, Failed>) -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().collect();
    let key = arguments[arguments.len().saturating_sub(2)..].join(" ");
    let mut round = make(&key)?;
    round()?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "ready {krate} {}", version(krate))?;
    for line in std::io::stdin().lock().lines() {
        line?;
        writeln!(out, "{}", round()?)?;
    }
    Ok(())
}

/// The error of a workload that a peer does not do.
pub fn no_such(key: &str) -> Failed {
    format!("there is no {key} here").into()
}

/// A round that does the work once: samples a second.
pub fn samples_a_second(samples: usize, mut work: impl FnMut() -> Result<(), Failed> + 'static) -> Round {
    Box::new(move || Ok(samples as f64 / seconds(&mut work)?))
}

/// A round that does the work many times: what one takes, in units of which a second has `scale`.
pub fn each(times: usize, scale: f64, mut work: impl FnMut() -> Result<(), Failed> + 'static) -> Round {
    Box::new(move || Ok(scale * seconds(|| (0..times).try_for_each(|_| work()))? / times as f64))
}

fn seconds(work: impl FnOnce() -> Result<(), Failed>) -> Result<f64, Failed> {
    let begun = Instant::now();
    work()?;
    Ok(begun.elapsed().as_secs_f64())
}

/// The version in the lock file that this was built with.
fn version(krate: &str) -> &'static str {
    let lock = include_str!("../../Cargo.lock");
    let entry = lock.split_once(&format!("name = \"{krate}\"\nversion = \"")).map_or("", |(_, rest)| rest);
    entry.split('"').next().unwrap_or("")
}

/// Numbers between -1 and 1 that are the same in every run.
pub fn floats(count: usize, seed: u64) -> Vec<f32> {
    numbers(seed).take(count).map(|x| x as f32 / (1u64 << 31) as f32 - 1.0).collect()
}

/// Whole numbers below `classes`.
pub fn labels(count: usize, classes: u64, seed: u64) -> Vec<u32> {
    numbers(seed).take(count).map(|x| (x % classes) as u32).collect()
}

/// The rows of the batches of an epoch, in a new order for each seed.
pub fn batches(rows: usize, batch_size: usize, seed: u64) -> Vec<Vec<u32>> {
    let mut order: Vec<u32> = (0..rows as u32).collect();
    for (last, number) in (1..rows).rev().zip(numbers(seed)) {
        order.swap(last, number as usize % (last + 1));
    }
    order.chunks(batch_size).map(<[u32]>::to_vec).collect()
}

/// Knuth's linear congruential generator; its upper 32 bits are good enough here.
fn numbers(seed: u64) -> impl Iterator<Item = u64> {
    let next = |x: &u64| Some(x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407));
    std::iter::successors(Some(seed), next).skip(1).map(|x| x >> 32)
}

/// Two matrices and their product.
pub struct Product {
    /// `m`, `k`, `n` of `[m,k]·[k,n]`.
    pub sizes: [usize; 3],
    matrices: [Vec<f32>; 3],
}

/// What a key like `512x512x512 2` asks for: a product of these sizes, on so many threads.
pub fn product(key: &str) -> Result<(Product, usize), Failed> {
    let (sizes, threads) = key.split_once(' ').ok_or_else(|| no_such(key))?;
    let sizes: Vec<usize> = sizes.split('x').map(str::parse).collect::<Result<_, _>>()?;
    let [m, k, n] = sizes[..] else { return Err(no_such(key)) };
    let matrices = [floats(m * k, 1), floats(k * n, 2), vec![0.0; m * n]];
    Ok((Product { sizes: [m, k, n], matrices }, threads.parse()?))
}

/// A round of at least ten milliseconds: GFLOP/s. `multiply` writes the product of the first two matrices to the third.
pub fn gflops(product: Product, multiply: impl Fn(&mut [Vec<f32>; 3]) + 'static) -> Round {
    let Product { sizes, mut matrices } = product;
    let flops = 2.0 * sizes.iter().product::<usize>() as f64;
    Box::new(move || {
        multiply(&mut matrices);
        let (begun, mut times) = (Instant::now(), 0);
        while times == 0 || begun.elapsed().as_secs_f64() < 0.01 {
            multiply(&mut matrices);
            times += 1;
        }
        Ok(f64::from(times) * flops / begun.elapsed().as_secs_f64() / 1e9)
    })
}
