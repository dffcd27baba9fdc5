//! Guards: steps that would write NaN, and derivatives that are wrong.

use std::cell::RefCell;
use std::rc::Rc;

use cornu::callbacks::TerminateOnNaN;
use cornu::{
    Apply, Compile, Config, Context, Dense, Error, Expr, Input, Layer, LayerNormalization, Model, Result,
    SGD, Sequential, Spec, Tensor, Weights,
};

use crate::models::*;

/// A layer without weights that computes this.
#[derive(Clone, Debug)]
struct Formula(for<'b> fn(Expr<'b>) -> Expr<'b>);

impl Layer for Formula {
    fn class_name(&self) -> &str {
        "Formula"
    }

    fn config(&self) -> Result<Config> {
        Ok(Config::new())
    }

    fn build(&self, _: &[Spec], _: &mut Weights) -> Result<()> {
        Ok(())
    }

    fn call<'b>(&self, _: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        Ok(vec![(self.0)(inputs[0])])
    }
}

fn with(formula: for<'b> fn(Expr<'b>) -> Expr<'b>, rate: f64) -> Model {
    model();
    let layers = Sequential::new().add(Input::new([6])).add(Dense::new(4));
    let mut model = layers.add(Formula(formula)).add(Dense::new(1)).build().unwrap();
    model.compile(Compile::new(SGD::new().learning_rate(rate), "mse")).unwrap();
    model
}

/// What is found in a training, after which the model must be as before the bad step.
fn found(mut model: Model, x: &Tensor, good_steps: usize) -> String {
    let (_, y) = data(64);
    let guard = Rc::new(RefCell::new(TerminateOnNaN::new()));
    let history = model.fit(x, &y, epochs(3).shuffle(false).callback(guard.clone())).unwrap();
    assert_eq!(history.epoch, [0]);
    assert_eq!(model.iterations().unwrap(), good_steps);
    assert!(model.get_weights().unwrap().iter().all(|weight| weight.floats().iter().all(|w| w.is_finite())));
    guard.borrow().found().unwrap().to_string()
}

#[test]
fn a_bad_step_is_not_taken_and_says_where_it_went_wrong() {
    let (x, _) = data(64);
    let mut bad = x.floats();
    bad[6 * 20 + 3] = f64::NAN;
    let bad = Tensor::from_floats(&x.ty(), bad);
    assert_eq!(found(with(|x| x, 0.01), &bad, 1), "step 1 of epoch 1 gives NaN, first in input 0[4, 3]");
    let text = found(with(|x| x.log(), 0.01), &x, 0);
    assert!(text.starts_with("step 0 of epoch 1 gives NaN, first in layer `formula`, output[0, "), "{text}");
    // The root of 0 has no finite derivative.
    let text = found(with(|x| (x * 0.0).abs().sqrt(), 0.01), &x, 0);
    assert!(text.contains("layer `dense`, the new value of "), "{text}");
    let text = found(with(|x| x, 1e37), &x, 1);
    assert!(text.starts_with("step 1 of epoch 1 gives "), "{text}");
    let mut broken = with(|x| x, 0.01);
    let mut weights = broken.get_weights().unwrap();
    weights[2] = Tensor::from_floats(&weights[2].ty(), [0.0, f64::INFINITY, 0.0, 0.0]);
    broken.set_weights(&weights).unwrap();
    let error = broken.fit(&x, data(64).1, epochs(1).callback(TerminateOnNaN::new().raise_error(true)));
    let Err(Error::NotFinite(step)) = error else { panic!("an error") };
    assert_eq!(
        step.to_string(),
        "step 0 of epoch 1 gives inf, first in layer `dense_1`, the weight kernel[1, 0]"
    );
}

#[test]
fn a_guarded_training_is_the_same_training() {
    let (x, y) = data(70);
    let (mut plain, mut guarded) = (model(), model());
    let history = plain.fit(&x, &y, epochs(3)).unwrap();
    assert_eq!(guarded.fit(&x, &y, epochs(3).callback(TerminateOnNaN::new())).unwrap(), history);
    assert_eq!(bits(&plain), bits(&guarded));
}

#[test]
fn right_derivatives_pass_and_wrong_ones_are_named() {
    let (x, y) = data(5);
    let compared = model().check_gradients(&x, &y).unwrap();
    assert!((8 + 8 + 1 + 10..=8 + 8 + 1 + 16).contains(&compared), "{compared}");
    let layers = Sequential::new().add(Input::new([6])).add(Dense::new(3).activation("relu"));
    let mut normal = layers.add(LayerNormalization::new()).add(Dense::new(1)).build().unwrap();
    normal.compile(Compile::new("adam", "mae")).unwrap();
    let before = normal.get_weights().unwrap();
    normal.check_gradients(&x, &y).unwrap();
    assert_eq!(normal.get_weights().unwrap(), before);
    let mut wrong = with(|x| x.detach() * x, 0.01);
    let error = wrong.check_gradients(&x, &y).unwrap_err().to_string();
    assert!(error.starts_with("dense: the derivative of the loss by kernel["), "{error}");
    assert!(model().check_gradients(numbers(&[0, 6], 1), numbers(&[0, 1], 1)).is_err());
    let symbol = Input::new([6]).symbol();
    let mut plain = Model::new(&symbol, Dense::new(1).apply(&symbol)).unwrap();
    assert!(plain.check_gradients(&x, &y).unwrap_err().to_string().contains("not compiled"));
}
