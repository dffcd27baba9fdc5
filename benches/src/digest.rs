//! Digests: the same bits on any number of threads, shown for the workloads themselves.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::process::Command;

use cornu::Tensor;

use crate::workloads::Workload;

/// One core, this many, a number that divides nothing evenly, more than there are.
const THREADS: [usize; 4] = [1, 2, 3, 7];

/// One number for all bits of these tensors.
pub(crate) fn of(tensors: &[Tensor]) -> u64 {
    let mut hasher = DefaultHasher::new();
    tensors.hash(&mut hasher);
    hasher.finish()
}

/// Prints the digest of a workload: what a process of its own is started for, as a process has one number of threads.
pub(crate) fn print(workload: &Workload) -> Result<(), String> {
    cornu::set_random_seed(7);
    match workload.job()?.digest()? {
        Some(digest) => println!("{digest:016x}"),
        // A measure of a profile, which leaves nothing behind to compare.
        None => println!("nothing to compare"),
    }
    Ok(())
}

/// Shows a line for each workload, and fails if some digest depends on the number of threads.
pub(crate) fn compare(workloads: &[Workload], backend: &str) -> Result<(), String> {
    let mut differ = Vec::new();
    for workload in workloads.iter().filter(|workload| !workload.is_a_process()) {
        let name = workload.key().join(" ");
        let digests = THREADS.map(|threads| printed(workload, backend, threads));
        let digests = digests.into_iter().collect::<Result<Vec<String>, String>>()?;
        println!("{name}: {}", said(&digests));
        if digests.iter().any(|digest| *digest != digests[0]) {
            differ.push(name);
        }
    }
    if differ.is_empty() { Ok(()) } else { Err(format!("these depend on threads: {}", differ.join(", "))) }
}

/// What a process on so many threads prints.
fn printed(workload: &Workload, backend: &str, threads: usize) -> Result<String, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.arg("--digest").args(workload.key()).env("CORNU_BACKEND", backend);
    let output =
        command.env("CORNU_THREADS", threads.to_string()).output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("{threads} threads: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
}

/// One digest for all numbers of threads, or that of each.
fn said(digests: &[String]) -> String {
    let threads = |digest: &String| {
        let these = THREADS.iter().zip(digests).filter(|(_, other)| *other == digest);
        these.map(|(threads, _)| threads.to_string()).collect::<Vec<_>>().join(", ")
    };
    let mut different = digests.to_vec();
    different.dedup();
    let said = different.iter().map(|digest| format!("{digest} on {} threads", threads(digest)));
    said.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_changes_with_each_bit() {
        let digest = |x: f32| of(&[Tensor::vector(vec![1.0, x])]);
        assert_eq!(digest(0.5), digest(0.5));
        assert_ne!(digest(0.0), digest(-0.0));
    }

    #[test]
    fn it_is_said_which_threads_agree() {
        let digests = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
        assert_eq!(said(&digests("a a a a")), "a on 1, 2, 3, 7 threads");
        assert_eq!(said(&digests("a a b b")), "a on 1, 2 threads; b on 3, 7 threads");
    }
}
