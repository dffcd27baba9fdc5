//! The convolutions of ResNet-20 and ResNet50, layer by layer: forward, and the gradients to input and kernel.

use cornu_backend_cpu::Cpu;
use cornu_ir::ops::{Conv, Sliding};

use super::{Cell, cpus, kernel};
use crate::args::Args;
use crate::contestant::Contestant;
use crate::line::Line;

/// A layer over a square image: its size, channels, filters, the size of the kernel, the stride.
type Layer = [usize; 5];

/// The layers of W5, each kind once.
const RESNET_20: [Layer; 8] = [
    [32, 3, 16, 3, 1],
    [32, 16, 16, 3, 1],
    [32, 16, 32, 3, 2],
    [32, 16, 32, 1, 2],
    [16, 32, 32, 3, 1],
    [16, 32, 64, 3, 2],
    [16, 32, 64, 1, 2],
    [8, 64, 64, 3, 1],
];

/// The layers of W7's ResNet50, each kind once.
const RESNET_50: [Layer; 20] = [
    [224, 3, 64, 7, 2],
    [56, 64, 64, 1, 1],
    [56, 64, 64, 3, 1],
    [56, 64, 256, 1, 1],
    [56, 256, 64, 1, 1],
    [56, 256, 128, 1, 2],
    [56, 256, 512, 1, 2],
    [28, 128, 128, 3, 1],
    [28, 128, 512, 1, 1],
    [28, 512, 128, 1, 1],
    [28, 512, 256, 1, 2],
    [28, 512, 1024, 1, 2],
    [14, 256, 256, 3, 1],
    [14, 256, 1024, 1, 1],
    [14, 1024, 256, 1, 1],
    [14, 1024, 512, 1, 2],
    [14, 1024, 2048, 1, 2],
    [7, 512, 512, 3, 1],
    [7, 512, 2048, 1, 1],
    [7, 2048, 512, 1, 1],
];

/// The lines of both tables, on all threads.
pub(super) fn lines(args: &Args) -> Result<Vec<Line>, String> {
    let [_, all] = cpus()?;
    let mut lines = Vec::new();
    let tables: [(&str, usize, &[Layer]); 2] =
        [("convolutions of ResNet-20", 64, &RESNET_20), ("convolutions of ResNet50", 8, &RESNET_50)];
    for (name, batch, layers) in tables {
        for &layer in layers {
            let [size, channels, filters, taps, stride] = layer;
            let row = format!("{batch}x{size}x{size}x{channels} by {taps}x{taps}x{filters} /{stride}");
            eprintln!("{name}: {row}");
            for form in [Form::Forward, Form::InputGrad, Form::KernelGrad] {
                let cell = Cell { table: name, row: &row, column: form.name() };
                lines.extend(cell.lines(vec![form.contestant(&all, batch, layer)?], args.rounds)?);
            }
        }
    }
    Ok(lines)
}

/// What is computed of the input, the kernel and the result, the two others given.
#[derive(Clone, Copy)]
enum Form {
    Forward,
    InputGrad,
    KernelGrad,
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Form::Forward => "forward",
            Form::InputGrad => "to the input",
            Form::KernelGrad => "to the kernel",
        }
    }

    fn contestant(self, cpu: &Cpu, batch: usize, layer: Layer) -> Result<Contestant, String> {
        let [size, channels, filters, taps, stride] = layer;
        // Padding as `same` has it: what is left over comes last.
        let places = size.div_ceil(stride);
        let padding = ((places - 1) * stride + taps).saturating_sub(size);
        let (low, high) = (padding / 2, padding - padding / 2);
        let [strides, low, high] = [stride, low, high].map(|number| [number; 2].into());
        let conv = Conv { sliding: Sliding { strides, low, high, ..Sliding::dense(2) }, groups: 1 };
        let input = vec![batch, size, size, channels];
        let kernel = vec![taps, taps, channels, filters];
        let result = vec![batch, places, places, filters];
        match self {
            Form::Forward => kernel::contestant(cpu, &[input, kernel], |x| x[0].conv(x[1], conv.clone())),
            Form::InputGrad => kernel::contestant(cpu, &[result, kernel], |x| {
                x[0].conv_input_grad(x[1], conv.clone(), &[size, size])
            }),
            Form::KernelGrad => kernel::contestant(cpu, &[input, result], |x| {
                x[0].conv_kernel_grad(x[1], conv.clone(), &[taps, taps])
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestant::Question;

    #[test]
    fn all_forms_of_odd_layers_are_computed() {
        let cpu = Cpu::with_threads(1).unwrap();
        for layer in [[5, 3, 4, 3, 2], [4, 2, 6, 1, 2], [7, 3, 2, 3, 1]] {
            for form in [Form::Forward, Form::InputGrad, Form::KernelGrad] {
                let speed = form.contestant(&cpu, 2, layer).unwrap().ask(Question::Round).unwrap();
                assert!(speed > 0.0, "{} of {layer:?}", form.name());
            }
        }
    }
}
