//! The compiler: source to a program for one architecture, by NVRTC at run time, and a cache of what it made.

use std::ffi::{CStr, CString};

use cornu_ir::error::BackendError;
use cudarc::nvrtc::{result, sys};

use crate::cache;
use crate::driver::{Gpu, Module};
use crate::error::failed;

/// How programs are compiled, whatever the architecture. Products and sums may be contracted, as the language admits;
/// quotients and roots are rounded as IEEE 754 says.
const OPTIONS: [&str; 2] = ["--std=c++17", "--fmad=true"];

/// Compiles a program for a GPU, or finds it in the cache, and loads it. What the driver refuses of the cache is
/// forgotten and compiled anew.
pub(crate) fn program(source: &str, gpu: &Gpu) -> Result<Module, BackendError> {
    let (major, minor) = version()?;
    let target = format!("--gpu-architecture={}", gpu.architecture()?);
    let options: Vec<&str> = OPTIONS.into_iter().chain([target.as_str()]).collect();
    let key = format!("// NVRTC {major}.{minor} {}\n{source}", options.join(" "));
    if let Some(image) = cache::find(&key) {
        match gpu.load(&image) {
            Ok(module) => return Ok(module),
            Err(_) => cache::forget(&key),
        }
    }
    let image = Program::new(source)?.compile(&options)?;
    let module = gpu.load(&image)?;
    cache::keep(&key, &image);
    Ok(module)
}

/// The version of NVRTC, or what is missing.
fn version() -> Result<(i32, i32), BackendError> {
    // SAFETY: opening a library runs its initialisers. The names tried are those of NVIDIA's compiler alone, found by
    // the system's own rules, and they may run on any thread at any time.
    if !unsafe { sys::is_culib_present() } {
        let path = std::env::var("LD_LIBRARY_PATH").unwrap_or_default();
        return Err(failed(format!(
            "the compiler's library libnvrtc.so (of CUDA 11 to 13) was not found: not in LD_LIBRARY_PATH ({}), nor in \
             the system's library folders; it comes with the CUDA toolkit, and with `pip install nvidia-cuda-nvrtc`",
            if path.is_empty() { "unset" } else { &path },
        )));
    }
    let (mut major, mut minor) = (0, 0);
    // SAFETY: both pointers are to numbers that live through the call.
    let said = unsafe { sys::nvrtcVersion(&raw mut major, &raw mut minor) }.result();
    said.map_err(|error| failed(format!("nvrtcVersion failed: {error:?}")))?;
    Ok((major, minor))
}

/// A program that NVRTC knows.
struct Program(sys::nvrtcProgram);

impl Program {
    fn new(source: &str) -> Result<Program, BackendError> {
        let source = CString::new(source).map_err(|_| failed("the source of a program has a zero byte"))?;
        let program = result::create_program(&source, Some(c"cornu.cu"))
            .map_err(|error| failed(format!("nvrtcCreateProgram failed: {error:?}")))?;
        Ok(Program(program))
    }

    fn compile(&self, options: &[&str]) -> Result<Vec<u8>, BackendError> {
        // SAFETY: the program was created in `new`, and lives as long as `self`.
        if let Err(error) = unsafe { result::compile_program(self.0, options) } {
            return Err(failed(format!("NVRTC refused a program of this crate: {error:?}\n{}", self.log())));
        }
        let mut bytes = 0;
        // SAFETY: as above; the pointer is to a number that lives through the call.
        let said = unsafe { sys::nvrtcGetCUBINSize(self.0, &raw mut bytes) }.result();
        said.map_err(|error| failed(format!("nvrtcGetCUBINSize failed: {error:?}")))?;
        let mut image = vec![0u8; bytes];
        // SAFETY: the image has as many bytes as were just asked for.
        let said = unsafe { sys::nvrtcGetCUBIN(self.0, image.as_mut_ptr().cast()) }.result();
        said.map_err(|error| failed(format!("nvrtcGetCUBIN failed: {error:?}")))?;
        Ok(image)
    }

    /// What the compiler wrote about the program.
    fn log(&self) -> String {
        // SAFETY: the program was created in `new`, and lives as long as `self`.
        let log = unsafe { result::get_program_log(self.0) }.unwrap_or_default();
        let bytes: Vec<u8> = log.into_iter().map(|byte| byte.cast_unsigned()).collect();
        CStr::from_bytes_until_nul(&bytes).map(|log| log.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: created in `new`, destroyed once. There is nothing to be done if that fails.
        let _ = unsafe { result::destroy_program(self.0) };
    }
}

#[cfg(test)]
mod tests {
    use cornu_ir::passes::optimize;
    use cornu_ir::plan::plan;
    use cornu_ir::testing::{CASES, cases};

    use super::*;
    use crate::lower::lower;
    use crate::source::Source;

    /// One architecture for each set of instructions that kernels choose among.
    const ARCHITECTURES: [&str; 3] = ["sm_75", "sm_80", "sm_90a"];

    /// What the assembler says of a program: registers, stack and spills of each kernel.
    fn report(source: &str, architecture: &str) -> Result<String, BackendError> {
        let target = format!("--gpu-architecture={architecture}");
        let options = OPTIONS.into_iter().chain(["--ptxas-options=-v", target.as_str()]);
        let program = Program::new(source)?;
        program.compile(&options.collect::<Vec<_>>())?;
        Ok(program.log())
    }

    /// True if there is NVRTC; says so if not, and fails if it has to be.
    fn is_there() -> bool {
        let Err(missing) = version() else { return true };
        assert!(std::env::var_os("CORNU_REQUIRE_NVRTC").is_none(), "{missing}");
        eprintln!("SKIPPED: no kernel is compiled for a GPU: {missing}");
        false
    }

    /// Programs larger than those of the corpus, whose kernels are others for that.
    const LARGE: &[(&str, &str)] =
        &[("compiled", include_str!("../tests/compiled.ir")), ("large", include_str!("../tests/large.ir"))];

    #[test]
    fn every_kernel_compiles_for_every_architecture() {
        kernels_compile_for_every_architecture(CASES);
    }

    #[test]
    fn kernels_of_large_programs_compile_for_every_architecture() {
        kernels_compile_for_every_architecture(LARGE);
    }

    /// All kernels of these files, in one program. Compiled to machine code: only the assembler looks into inline
    /// assembly. It reports what is no error and yet a fault: numbers that fall out of the registers.
    fn kernels_compile_for_every_architecture(files: &[(&str, &str)]) {
        if !is_there() {
            return;
        }
        let mut plans = Vec::new();
        for (name, text) in files {
            let cases = cases(text).expect("the corpus is read by the tests of the language");
            plans.extend(cases.into_iter().map(|case| (name, plan(&optimize(&case.graph)), case.name)));
        }
        let mut missing = Vec::new();
        for architecture in ARCHITECTURES {
            let mut source = Source::default();
            for (file, plan, case) in &plans {
                if let Err(error) = lower(plan, &mut source, architecture) {
                    missing.push(format!("{file}, {case}, {architecture}: {error}"));
                }
            }
            let text = source.text();

            let log = report(&text, architecture).unwrap_or_else(|error| panic!("{architecture}: {error}"));
            let spills: Vec<&str> = spilling(&log).filter(|kernel| !turns_angles(&source, kernel)).collect();
            assert!(spills.is_empty(), "{architecture}: kernels with a stack: {spills:?}\n{log}");
            println!("{architecture}: {} kernels", source.names().len());
        }
        assert!(missing.is_empty(), "{}", missing.join("\n"));
    }

    /// What the kernels of programs take that `CORNU_DUMP` wrote, in the folder that `CORNU_KERNEL_REPORT` names: those
    /// of models at their real sizes. `cargo xtask gpu --report` writes and shows them.
    #[test]
    fn every_kernel_of_programs_that_were_dumped() {
        let Some(folder) = std::env::var_os("CORNU_KERNEL_REPORT") else { return };
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        files.retain(|file| file.to_string_lossy().ends_with("00-built.ir"));
        files.sort();
        assert!(is_there() && !files.is_empty());
        for file in files {
            let graph = cornu_ir::text::parse(&std::fs::read_to_string(&file).unwrap()).unwrap();
            let mut source = Source::default();
            lower(&plan(&optimize(&graph)), &mut source, "sm_90a").unwrap_or_else(|error| panic!("{error}"));
            println!("{}", file.file_name().unwrap_or_default().display());
            resources(&report(&source.text(), "sm_90a").unwrap()).for_each(|line| println!("{line}"));
        }
    }

    /// A line for each kernel of a report: its name, what it takes, and what fell out of its registers.
    fn resources(log: &str) -> impl Iterator<Item = String> {
        let (mut kernel, mut spills) = ("", "");
        log.lines().filter_map(move |line| {
            if let Some((_, rest)) = line.split_once("entry function '") {
                kernel = rest.split('\'').next().unwrap_or_default();
            }
            if line.contains("bytes stack frame") {
                spills = line.trim();
            }
            let (_, used) = line.split_once("Used ")?;
            Some(format!("  {kernel:<20} {used}; {spills}"))
        })
    }

    /// The kernels that a report gives a stack frame or spills.
    fn spilling(log: &str) -> impl Iterator<Item = &str> {
        let mut kernel = "";
        log.lines().filter_map(move |line| {
            if let Some((_, rest)) = line.split_once("entry function '") {
                kernel = rest.split('\'').next().unwrap_or_default();
            }
            let is_clean = line.contains(" 0 bytes stack frame, 0 bytes spill stores");
            (line.contains("bytes stack frame") && !is_clean).then_some(kernel)
        })
    }

    /// True if a kernel calls CUDA's own sine or cosine, which keeps the digits of 2/π for large angles on the stack.
    fn turns_angles(source: &Source, kernel: &str) -> bool {
        source.text_of(kernel).is_some_and(|text| text.contains("op::sin_") || text.contains("op::cos_"))
    }
}
