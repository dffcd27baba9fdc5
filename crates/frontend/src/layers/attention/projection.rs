//! Projection: the dense layers inside a multi-head attention, into heads and out of them.

use cornu_ir::Expr;

use super::super::kernel_settings::KernelSettings;
use super::super::{AnyLayer, Config, Context, EinsumDense, Layer, LoraKernel, Naming, Spec, Weights};
use crate::error::{Error, Result};

/// An [`EinsumDense`] whose equation follows from the rank of what goes in.
#[derive(Clone, Debug)]
pub(super) struct Projection {
    /// How many of the last axes are contracted: 1 into heads, 2 out of them.
    bound: usize,
    /// What they become. `None`: one axis, as long as the last of the spec that `build` gets second.
    output: Option<Vec<usize>>,
    use_bias: bool,
    activation: &'static str,
    settings: KernelSettings,
    lora: LoraKernel,
}

impl Projection {
    /// From features to heads: `(…, features)` becomes `(…, heads, size)`.
    pub(super) fn into_heads(
        heads: usize,
        size: usize,
        use_bias: bool,
        settings: &KernelSettings,
    ) -> Projection {
        Projection::of(1, Some(vec![heads, size]), use_bias, settings)
    }

    /// From heads to features: `(…, heads, size)` becomes `(…, *output)`.
    pub(super) fn out_of_heads(
        output: Option<Vec<usize>>,
        use_bias: bool,
        settings: &KernelSettings,
    ) -> Projection {
        Projection::of(2, output, use_bias, settings)
    }

    fn of(bound: usize, output: Option<Vec<usize>>, use_bias: bool, settings: &KernelSettings) -> Projection {
        let (settings, lora) = (settings.clone(), LoraKernel::new("kernel"));
        Projection { bound, output, use_bias, activation: "linear", settings, lora }
    }

    /// Between 0 and 1: a gate.
    pub(super) fn sigmoid(self) -> Projection {
        Projection { activation: "sigmoid", ..self }
    }

    /// The layer under this name.
    pub(super) fn layer(self, name: &str) -> AnyLayer {
        self.named(name)
    }

    /// The layer for inputs of this rank, with these sizes (or only as many of them) going out.
    fn dense(&self, rank: usize, output: &[Option<usize>]) -> EinsumDense {
        let letters: Vec<char> = ('a'..='z').collect();
        let text = |range: std::ops::Range<usize>| letters[range].iter().collect::<String>();
        let free = rank - self.bound;
        let end = rank + output.len();
        let (stay, bound, out) = (text(0..free), text(free..rank), text(rank..end));
        let shape: Vec<Option<usize>> =
            vec![None; free - 1].into_iter().chain(output.iter().copied()).collect();
        let dense = EinsumDense::new(&format!("{stay}{bound},{bound}{out}->{stay}{out}"), shape)
            .activation(self.activation)
            .with(self.settings.clone(), self.lora.clone());
        if self.use_bias { dense.bias_axes(&out) } else { dense }
    }

    fn check_rank(&self, rank: usize) -> Result<()> {
        let outputs = self.output.as_ref().map_or(1, Vec::len);
        if rank <= self.bound || rank + outputs > 26 {
            let reason =
                format!("a projection of an attention needs {} to 24 axes; it got {rank}", self.bound + 1);
            return Err(Error::Layer { path: String::new(), reason });
        }
        Ok(())
    }
}

impl Layer for Projection {
    fn class_name(&self) -> &str {
        "EinsumDense"
    }

    /// The settings alone: no file describes it, for the layer around it does.
    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        self.settings.write(&mut config)?;
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        let (Some(input), like) = (inputs.first(), inputs.get(1)) else {
            return Err(Error::Layer { path: String::new(), reason: "needs an input".to_string() });
        };
        self.check_rank(input.rank())?;
        let output = match &self.output {
            Some(sizes) => sizes.iter().copied().map(Some).collect(),
            None => vec![like.and_then(Spec::last)],
        };
        self.dense(input.rank(), &output).build(&inputs[..1], weights)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let rank = inputs.first().map_or(0, |input| input.rank());
        self.check_rank(rank)?;
        let output = vec![None; self.output.as_ref().map_or(1, Vec::len)];
        self.dense(rank, &output).call(context, inputs)
    }
    fn lora(&self) -> Option<&LoraKernel> {
        Some(&self.lora)
    }
}
