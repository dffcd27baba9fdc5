//! Composed functions at their edges: where exponentials overflow, where roots have no derivative, past the last class.

use cornu_ir::interpret::interpret;
use cornu_ir::{Builder, DType, Expr, Tensor, Type, derived, grad};

fn floats(shape: &[usize], values: &[f64]) -> Tensor {
    Tensor::from_floats(&Type::new(DType::F32, shape), values.iter().copied())
}

fn evaluate<F>(x: &Tensor, function: F) -> Vec<Vec<f64>>
where
    F: for<'b> FnOnce(Expr<'b>) -> Vec<Expr<'b>>,
{
    let builder = Builder::new();
    let outputs = function(builder.input("x", x.ty()));
    let graph = builder.finish(&outputs).expect("a graph without mistakes");
    interpret(&graph, std::slice::from_ref(x)).iter().map(Tensor::floats).collect()
}

fn derivative<'b>(of: Expr<'b>, wrt: Expr<'b>) -> Expr<'b> {
    grad::gradients(of.sum_all(), &[wrt]).expect("a derivative")[0].expect("a path")
}

fn assert_close(got: &[f64], expected: &[f64]) {
    assert_eq!(got.len(), expected.len());
    for (got, expected) in got.iter().zip(expected) {
        assert!(
            got == expected || (got - expected).abs() <= 1e-6 * expected.abs().max(1e-3),
            "{got} {expected}"
        );
    }
}

#[test]
fn softplus_is_exact_at_both_ends_and_its_derivative_is_the_sigmoid() {
    let x = floats(&[7], &[f64::NEG_INFINITY, -1e4, -20.0, 0.0, 20.0, 1e4, f64::INFINITY]);
    let values = evaluate(&x, |x| {
        let y = derived::softplus(x);
        vec![y, derivative(y, x)]
    });
    let ln_2 = std::f64::consts::LN_2;
    assert_close(&values[0], &[0.0, 0.0, 2.0611536e-9, ln_2, 20.0, 1e4, f64::INFINITY]);
    assert_close(&values[1], &[0.0, 0.0, 2.0611537e-9, 0.5, 1.0, 1.0, 1.0]);
}

#[test]
fn logsumexp_and_softmax_do_not_overflow() {
    let x = floats(&[3, 2], &[1000.0, 1000.0, -1000.0, 0.0, f64::NEG_INFINITY, 3.0]);
    let values = evaluate(&x, |x| {
        vec![derived::logsumexp(x, &[1]), derived::softmax(x, &[1]), derived::log_softmax(x, &[1])]
    });
    assert_close(&values[0], &[1000.6931, 0.0, 3.0]);
    assert_close(&values[1], &[0.5, 0.5, 0.0, 1.0, 0.0, 1.0]);
    assert_close(
        &values[2],
        &[-std::f64::consts::LN_2, -std::f64::consts::LN_2, -1000.0, 0.0, f64::NEG_INFINITY, 0.0],
    );
    let nothing = floats(&[1, 2], &[f64::NEG_INFINITY; 2]);
    assert_eq!(evaluate(&nothing, |x| vec![derived::logsumexp(x, &[1])])[0], [f64::NEG_INFINITY]);
}

#[test]
fn norms_of_zero_have_the_derivative_zero() {
    let x = floats(&[2, 2], &[0.0, 0.0, 3.0, -4.0]);
    let values = evaluate(&x, |x| {
        let (norm, unit) = (derived::l2_norm(x, &[1]), derived::l2_normalize(x, &[1], 1e-7));
        vec![norm, derivative(norm, x), unit, derivative(unit, x)]
    });
    assert_close(&values[0], &[0.0, 5.0]);
    assert_close(&values[1], &[0.0, 0.0, 0.6, -0.8]);
    assert_close(&values[2], &[0.0, 0.0, 0.6, -0.8]);
    assert!(values[3].iter().all(|value| value.is_finite()));
}

#[test]
fn moments_divide_by_the_number_of_elements() {
    let x = floats(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 6.0, 8.0]);
    let values = evaluate(&x, |x| {
        vec![derived::mean(x, &[1]), derived::variance(x, &[1]), derived::mean_all(x), derived::mean(x, &[0])]
    });
    assert_close(&values[0], &[2.0, 6.0]);
    assert_close(&values[1], &[2.0 / 3.0, 8.0 / 3.0]);
    assert_close(&values[2], &[4.0]);
    assert_close(&values[3], &[2.5, 4.0, 5.5]);
}

#[test]
fn places_along_the_last_axis() {
    let x = floats(&[2, 3], &[3.0, 1.0, 2.0, -1.0, 5.0, 5.0]);
    let values = evaluate(&x, |x| {
        let (largest, places) = derived::top_k(x, 2);
        let classes = derived::one_hot(places, 3, DType::F32);
        vec![derived::sort(x, false), derived::sort(x, true), largest, places, classes]
    });
    assert_eq!(values[0], [1.0, 2.0, 3.0, -1.0, 5.0, 5.0]);
    assert_eq!(values[1], [3.0, 2.0, 1.0, 5.0, 5.0, -1.0]);
    assert_eq!(values[2], [3.0, 2.0, 5.0, 5.0]);
    assert_eq!(values[3], [0.0, 2.0, 1.0, 2.0]);
    assert_eq!(values[4], [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    let outside = floats(&[2], &[-1.0, 3.0]);
    assert_eq!(evaluate(&outside, |x| vec![derived::one_hot(x, 3, DType::F32)])[0], [0.0; 6]);
}

#[test]
fn sorting_carries_derivatives_back() {
    let x = floats(&[3], &[3.0, 1.0, 2.0]);
    let values = evaluate(&x, |x| {
        let weights = x.constant(floats(&[3], &[10.0, 20.0, 30.0]));
        vec![derivative(derived::sort(x, false) * weights, x)]
    });
    assert_eq!(values[0], [30.0, 10.0, 20.0]);
}

/// Mean, standard deviation, lowest and highest of 10,000 numbers.
fn described(draw: for<'b> fn(&'b Builder, Expr<'b>, Expr<'b>) -> Expr<'b>) -> [f64; 4] {
    let builder = Builder::new();
    let [key, counter] = [1, 2].map(|word| builder.constant(Tensor::vector(vec![word, 7u32])));
    let graph = builder.finish(&[draw(&builder, key, counter)]).expect("a graph without mistakes");
    let values = interpret(&graph, &[])[0].floats();
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    let [low, high] =
        [values.iter().copied().fold(f64::MAX, f64::min), values.iter().copied().fold(f64::MIN, f64::max)];
    [mean, variance.sqrt(), low, high]
}

#[test]
fn random_numbers_have_their_distributions() {
    let near =
        |got: f64, expected: f64, error: f64| assert!((got - expected).abs() < error, "{got} {expected}");
    let [mean, stddev, low, high] = described(|b, key, counter| derived::uniform(b, [10_000], key, counter));
    near(mean, 0.5, 0.015);
    near(stddev, 1.0 / 12f64.sqrt(), 0.01);
    assert!((0.0..0.01).contains(&low) && (0.99..1.0).contains(&high));
    let [mean, stddev, ..] = described(|b, key, counter| derived::normal(b, [10_000], key, counter));
    near(mean, 0.0, 0.05);
    near(stddev, 1.0, 0.05);
    let [mean, stddev, low, high] =
        described(|b, key, counter| derived::truncated_normal(b, [10_000], key, counter));
    near(mean, 0.0, 0.05);
    near(stddev, 0.879_625_661, 0.03);
    assert!((-2.0..-1.95).contains(&low) && (1.95..2.0).contains(&high));
    let [mean, ..] =
        described(|b, key, counter| derived::bernoulli(b, 0.3, [10_000], key, counter).cast(DType::F32));
    near(mean, 0.3, 0.025);
}
