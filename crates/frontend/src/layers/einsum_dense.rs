//! EinsumDense: a dense layer along any axes, given by an equation. Keras: `EinsumDense`.

use cornu_ir::Expr;
use serde_json::{Value, json};

use super::kernel_settings::{KernelSettings, kernel_setters};
use super::lora::lora_options;
use super::{Config, Context, Layer, LayerConfig, LoraKernel, Spec, Weights, only};
use crate::activations::Activation;
use crate::einsum::einsum;
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::regularizers::Regularizer;
use crate::shapes;

/// `activation(einsum(equation, x, kernel) + bias)`.
///
/// The equation has the form `ab,bc->ac`, `...b,bc->...c` or `ab...,bc->ac...`; its second term is the kernel. The
/// output shape leaves the batch out; `None` in it is a size that the input has. A bias has the axes named by
/// `bias_axes`, letters of the output. Weights: `kernel`, then `bias`, if there is one.
///
/// ```
/// # use cornu::layers::EinsumDense;
/// // (batch, time, 8) becomes (batch, time, 2 heads, 4).
/// let heads = EinsumDense::new("abc,cde->abde", [None, Some(2), Some(4)]).bias_axes("de");
/// ```
#[derive(Clone, Debug)]
pub struct EinsumDense {
    equation: String,
    output_shape: Vec<Option<usize>>,
    activation: Identifier<Activation>,
    bias_axes: Option<String>,
    settings: KernelSettings,
    lora: LoraKernel,
}

impl EinsumDense {
    /// A layer without a bias. `output_shape` leaves out the batch.
    pub fn new(equation: &str, output_shape: impl Into<Vec<Option<usize>>>) -> EinsumDense {
        EinsumDense {
            equation: equation.to_string(),
            output_shape: output_shape.into(),
            activation: "linear".into(),
            bias_axes: None,
            settings: KernelSettings::default(),
            lora: LoraKernel::new("kernel"),
        }
    }

    /// The function that the sums go through.
    pub fn activation(mut self, activation: impl Into<Identifier<Activation>>) -> EinsumDense {
        self.activation = activation.into();
        self
    }

    /// A bias along these axes, letters of the equation's output.
    pub fn bias_axes(mut self, axes: &str) -> EinsumDense {
        self.bias_axes = Some(axes.to_string());
        self
    }

    lora_options!(lora_rank lora_alpha);

    kernel_setters!();

    pub(super) fn with(self, settings: KernelSettings, lora: LoraKernel) -> EinsumDense {
        EinsumDense { settings, lora, ..self }
    }

    pub(super) fn from_config(config: &LayerConfig<'_>) -> Result<EinsumDense> {
        let output_shape = match config.value("output_shape") {
            Some(Value::Number(_)) => vec![config.size("output_shape")?],
            _ => config.unknown_sizes("output_shape")?,
        };
        let equation = config.text("equation")?;
        Ok(EinsumDense {
            equation: equation.ok_or_else(|| config.wrong("equation", "a string"))?.to_string(),
            output_shape,
            activation: config.activation("activation")?,
            bias_axes: config.text("bias_axes")?.map(String::from),
            settings: KernelSettings::from_config(config)?,
            lora: LoraKernel::from_config(config, "kernel")?,
        })
    }

    fn wrong_equation(&self, needed: impl Into<String>) -> Error {
        Error::config("EinsumDense", "equation", format!("\"{}\"", self.equation), needed)
    }

    /// The terms of the equation, without dots, and where the dots were.
    fn terms(&self) -> Result<Terms<'_>> {
        let needed = "of the form ab,bc->ac or ...b,bc->...c or ab...,bc->ac...";
        let split = self.equation.split_once("->").and_then(|(inputs, output)| {
            let (input, kernel) = inputs.split_once(',')?;
            Some((input, kernel, output))
        });
        let (input, kernel, output) = split.ok_or_else(|| self.wrong_equation(needed))?;
        let both = |strip: fn(&str) -> Option<&str>| strip(input).zip(strip(output));
        let (dots, input, output) = if let Some((input, output)) = both(|term| term.strip_prefix("...")) {
            (Dots::Before, input, output)
        } else if let Some((input, output)) = both(|term| term.strip_suffix("...")) {
            (Dots::After, input, output)
        } else {
            (Dots::Nowhere, input, output)
        };
        let plain = |term: &str| !term.is_empty() && term.chars().all(|letter| letter.is_ascii_alphabetic());
        if ![input, kernel, output].into_iter().all(plain) {
            return Err(self.wrong_equation(needed));
        }
        Ok(Terms { input, kernel, output, dots })
    }

    /// Sizes of kernel and bias, and which axes of the kernel lead in and out.
    fn analyze(&self, input: &Spec) -> Result<Analysis> {
        let terms = self.terms()?;
        let count = terms.input.len();
        let fits = match terms.dots {
            Dots::Nowhere => input.rank() == count,
            Dots::Before | Dots::After => input.rank() >= count,
        };
        if !fits || input.rank() == 0 {
            let dots = if terms.dots == Dots::Nowhere { "" } else { " or more" };
            return Err(self.wrong_equation(format!(
                "an equation for the input {input}; its first term is for {count}{dots} axes"
            )));
        }
        let output = self.full_output(&terms, input);
        let elided = input.rank() - count;
        let first = if terms.dots == Dots::Before { elided } else { 0 };
        let size_in = |letter: char| terms.input.find(letter).and_then(|at| input.shape[at + first]);
        let size_out = |letter: char| terms.output.find(letter).and_then(|at| *output.get(at + first)?);
        self.check(&terms, size_in, size_out)?;
        let known = |letter: char, size: Option<usize>| {
            size.ok_or_else(|| {
                let reason = format!(
                    "EinsumDense \"{}\" needs the size of `{letter}`, which neither the input {input} nor the output \
                     shape {} says",
                    self.equation,
                    json!(self.output_shape),
                );
                Error::Layer { path: String::new(), reason }
            })
        };
        let is_output = |letter: char| terms.output.contains(letter);
        let kernel = terms
            .kernel
            .chars()
            .map(|letter| known(letter, if is_output(letter) { size_out(letter) } else { size_in(letter) }))
            .collect::<Result<Vec<usize>>>()?;
        let places = terms.kernel.chars().zip(0i64..);
        let (into, out): (Vec<_>, Vec<_>) = places.partition(|&(letter, _)| !is_output(letter));
        let bias = self.bias_shape(&terms, elided, |letter| known(letter, size_out(letter)))?;
        let axes = |pairs: Vec<(char, i64)>| pairs.into_iter().map(|(_, axis)| axis).collect();
        Ok(Analysis { kernel, bias, input_axes: axes(into), output_axes: axes(out) })
    }

    /// The whole output's shape, as far as it is known: the batch, the axes of dots before, the given shape.
    fn full_output(&self, terms: &Terms<'_>, input: &Spec) -> Vec<Option<usize>> {
        let elided = input.rank() - terms.input.len();
        let leading = if terms.dots == Dots::Before { elided.max(1) } else { 1 };
        input.shape[..leading].iter().chain(&self.output_shape).copied().collect()
    }

    fn check(
        &self,
        terms: &Terms<'_>,
        size_in: impl Fn(char) -> Option<usize>,
        size_out: impl Fn(char) -> Option<usize>,
    ) -> Result<()> {
        for letter in terms.output.chars() {
            if !terms.input.contains(letter) && !terms.kernel.contains(letter) {
                return Err(self.wrong_equation(format!(
                    "one whose output letters are in input or kernel; `{letter}` is not"
                )));
            }
        }
        for letter in terms.kernel.chars() {
            if !terms.input.contains(letter) && !terms.output.contains(letter) {
                return Err(self.wrong_equation(format!(
                    "one whose kernel letters are in input or output; `{letter}` is not"
                )));
            }
        }
        for letter in terms.input.chars() {
            if let Some((given, own)) =
                size_out(letter).zip(size_in(letter)).filter(|(given, own)| given != own)
            {
                let needed = format!("{own} at `{letter}`, which the input has too, not {given}");
                return Err(Error::config("EinsumDense", "output_shape", json!(self.output_shape), needed));
            }
        }
        Ok(())
    }

    fn bias_shape(
        &self,
        terms: &Terms<'_>,
        elided: usize,
        size: impl Fn(char) -> Result<usize>,
    ) -> Result<Option<Vec<usize>>> {
        let Some(axes) = self.bias_axes.as_deref() else { return Ok(None) };
        let missing = axes.chars().find(|&letter| !terms.output.contains(letter));
        let first = axes.chars().filter_map(|letter| terms.output.find(letter)).min();
        let (None, Some(first)) = (missing, first) else {
            let needed = format!("letters of the equation's output, \"{}\"", terms.output);
            return Err(Error::config("EinsumDense", "bias_axes", format!("\"{axes}\""), needed));
        };
        let along = terms.output[first..].chars();
        let mut shape = along
            .map(|letter| if axes.contains(letter) { size(letter) } else { Ok(1) })
            .collect::<Result<Vec<usize>>>()?;
        if terms.dots == Dots::After {
            shape.resize(shape.len() + elided, 1);
        }
        Ok(Some(shape))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Dots {
    Nowhere,
    Before,
    After,
}

struct Terms<'a> {
    input: &'a str,
    kernel: &'a str,
    output: &'a str,
    dots: Dots,
}

struct Analysis {
    kernel: Vec<usize>,
    bias: Option<Vec<usize>>,
    input_axes: Vec<i64>,
    output_axes: Vec<i64>,
}

impl Layer for EinsumDense {
    fn class_name(&self) -> &str {
        "EinsumDense"
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        config.insert("output_shape".into(), json!(self.output_shape));
        config.insert("equation".into(), json!(self.equation));
        config.insert("activation".into(), self.activation.resolve()?.serialize()?);
        config.insert("bias_axes".into(), json!(self.bias_axes));
        self.settings.write(&mut config)?;
        config.insert("quantization_config".into(), Value::Null);
        self.lora.write(&mut config);
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        self.activation.resolve()?;
        let shapes = self.analyze(&only(inputs)?)?;
        let initializer = self.settings.kernel.initializer.resolve()?;
        let initializer =
            initializer.with_axes(&shapes.input_axes, &shapes.output_axes).unwrap_or(initializer);
        self.settings.kernel.add_begun(weights, "kernel", shapes.kernel, initializer)?;
        if let Some(shape) = shapes.bias {
            self.settings.bias.add(weights, "bias", shape)?;
        }
        self.lora.build("EinsumDense", weights)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let kernel = self.lora.value(context)?;
        let sums = einsum(&self.equation, &[only(inputs)?.cast(kernel.dtype()), kernel])?;
        let sums = if self.bias_axes.is_some() {
            sums + shapes::broadcast_to(context.weight("bias")?, &sums.shape())
        } else {
            sums
        };
        let output = self.activation.resolve()?.apply(sums)?;
        context.add_activity_loss(self.settings.activity_regularizer.as_ref(), output)?;
        Ok(vec![output])
    }

    fn lora(&self) -> Option<&LoraKernel> {
        Some(&self.lora)
    }
}
