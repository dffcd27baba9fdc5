//! Recurrent models as users write them: training, files, states from batch to batch, cells of one's own.

use cornu::layers::{Config, Spec, Weights};
use cornu::{
    Bidirectional, Cell, Compile, Context, Dense, Expr, Fit, GRU, GRUCell, Input, LSTM, LSTMCell, Layer,
    Model, RNN, Result, Sequential, SimpleRNN, TimeDistributed, Verbose,
};
use ndarray::{Array2, Array3, Axis, s};

/// Sequences, and for each the sum of its first feature.
fn sums(samples: usize, steps: usize) -> (Array3<f32>, Array2<f32>) {
    let x = Array3::from_shape_fn((samples, steps, 2), |(i, t, f)| {
        ((i * 7 + t * 5 + f * 3) % 11) as f32 / 11.0 - 0.5
    });
    let y = x.slice(s![.., .., 0]).sum_axis(Axis(1)).insert_axis(Axis(1));
    (x, y)
}

#[test]
fn a_recurrent_model_learns_and_comes_back_from_its_file() -> Result<()> {
    cornu::set_random_seed(3);
    let (x, y) = sums(64, 6);
    let mut model = Sequential::new()
        .add(Input::with_unknown([None, Some(2)]))
        .add(Bidirectional::new(LSTM::new(6).return_sequences(true).dropout(0.1).recurrent_dropout(0.1)))
        .add(TimeDistributed::new(Dense::new(4).activation("tanh")))
        .add(GRU::new(5))
        .add(Dense::new(1))
        .build()?;
    model.compile(Compile::new("adam", "mse"))?;
    let before = model.evaluate(&x, &y)?.get("loss").unwrap_or(f64::NAN);
    model.fit(&x, &y, Fit::new().epochs(40).batch_size(16).verbose(Verbose::Silent))?;
    let after = model.evaluate(&x, &y)?.get("loss").unwrap_or(f64::NAN);
    assert!(after < before / 4.0, "{before} became {after}");

    let file = std::env::temp_dir().join(format!("cornu-recurrent-{}.keras", std::process::id()));
    model.save(&file)?;
    let mut again = Model::load(&file)?;
    std::fs::remove_file(&file).ok();
    assert_eq!(model.weight_names(), again.weight_names());
    assert_eq!(model.predict(&x)?, again.predict(&x)?);
    // Another number of steps is another program of the same model.
    assert_eq!(again.predict(sums(3, 9).0)?.shape(), [3, 1]);
    Ok(())
}

#[test]
fn a_stateful_layer_goes_on_where_the_last_batch_ended() -> Result<()> {
    let (x, _) = sums(2, 8);
    let input = || Input::new([4, 2]).batch_size(2);
    let mut whole = Sequential::new().add(Input::new([8, 2])).add(SimpleRNN::new(3)).build()?;
    let mut halves = Sequential::new().add(input()).add(SimpleRNN::new(3).stateful(true)).build()?;
    halves.set_weights(&whole.get_weights()?)?;
    let want = whole.predict(&x)?;
    for _ in 0..2 {
        halves.reset_states()?;
        halves.predict(x.slice(s![.., ..4, ..]).to_owned())?;
        assert_eq!(halves.predict(x.slice(s![.., 4.., ..]).to_owned())?, want);
    }
    Ok(())
}

/// `h' = h / 2 + mean(x)`, without weights.
struct Leaky;

impl Layer for Leaky {
    fn class_name(&self) -> &str {
        "Leaky"
    }

    fn registered_name(&self) -> Option<&str> {
        Some("test>Leaky")
    }

    fn config(&self) -> Result<Config> {
        Ok(Config::new())
    }

    fn build(&self, _: &[Spec], _: &mut Weights) -> Result<()> {
        Ok(())
    }

    fn call<'b>(&self, _: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let mean = inputs[0].sum(&[1]).expand(1) / inputs[0].shape()[1] as f64;
        let next = inputs[1] / 2.0 + mean;
        Ok(vec![next, next])
    }

    fn as_cell(&self) -> Option<&dyn Cell> {
        Some(self)
    }
}

impl Cell for Leaky {
    fn state_shapes(&self, _: &Spec) -> Result<Vec<Vec<usize>>> {
        Ok(vec![vec![1]])
    }
}

#[test]
fn a_cell_of_ones_own_runs_in_rnn() -> Result<()> {
    let x = Array3::from_shape_fn((1, 3, 2), |(_, t, f)| (4 * t + f) as f32);
    let mut model = Sequential::new().add(Input::new([3, 2])).add(RNN::new(Leaky)).build()?;
    // The means are 0.5, 4.5 and 8.5.
    assert_eq!(model.predict(&x)?.into_raw_vec_and_offset().0, [0.125 + 2.25 + 8.5]);
    let cells = [LSTMCell::new(3).into(), GRUCell::new(2).into(), Leaky.into()];
    let mut stacked = Sequential::new().add(Input::new([3, 2])).add(RNN::stacked(cells)).build()?;
    assert_eq!(stacked.predict(&x)?.shape(), [1, 1]);
    Ok(())
}

#[test]
fn mistakes_say_what_to_change() {
    let refused = |layer: cornu::layers::AnyLayer, needed: &str| {
        let error =
            Sequential::new().add(Input::new([4, 2])).add(layer).build().err().map(|error| error.to_string());
        assert!(error.as_ref().is_some_and(|error| error.contains(needed)), "{error:?} has no {needed:?}");
    };
    refused(RNN::new(Dense::new(3)).into(), "a cell");
    refused(LSTM::new(0).into(), "1 or more");
    refused(GRU::new(2).dropout(1.5).into(), "from 0 to 1");
    refused(SimpleRNN::new(2).stateful(true).into(), "fixed batch size");
    refused(Bidirectional::new(Dense::new(2)).into(), "a recurrent layer");
    refused(
        Bidirectional::new(LSTM::new(2)).backward_layer(LSTM::new(2)).into(),
        "true in one of the layers",
    );
}
