//! Conditionals as formulas: what branches take from outside, what is computed when, and mistakes in them.

use cornu_ir::derived::{Loop, Step, along_time, conditional};
use cornu_ir::grad::gradients;
use cornu_ir::interpret::interpret;
use cornu_ir::ops::Conditional;
use cornu_ir::passes::optimize;
use cornu_ir::plan::plan;
use cornu_ir::{Builder, DType, Expr, Graph, Node, Op, Tensor, Type};

fn scalars(b: &Builder) -> (Expr<'_>, Expr<'_>, Expr<'_>) {
    let float = || b.input("", Type::scalar(DType::F32));
    (b.input("", Type::scalar(DType::Bool)), float(), float())
}

fn run(graph: &Graph, predicate: bool, x: f64, y: f64) -> Vec<f64> {
    let float = |x| Tensor::from_floats(&Type::scalar(DType::F32), [x]);
    let predicate = Tensor::from_integers(&Type::scalar(DType::Bool), [i64::from(predicate)]);
    interpret(graph, &[predicate, float(x), float(y)]).iter().map(|value| value.floats()[0]).collect()
}

fn conditionals<'g>(graph: &'g Graph) -> Vec<&'g Conditional> {
    let conditional = |node: &'g Node| match &node.op {
        Op::Conditional(conditional) => Some(conditional),
        _ => None,
    };
    graph.nodes.iter().filter_map(conditional).collect()
}

#[test]
fn branches_take_what_they_use() {
    let b = Builder::new();
    let (p, x, y) = scalars(&b);
    let product = x * y;
    let unused = x.exp();
    let results = conditional(&b, p, || vec![product + 1.0, x], || vec![(product - y).sin(), y]);
    let graph = b.finish(&[results[0], results[1], unused]).unwrap();
    assert_eq!(run(&graph, true, 2.0, 3.0)[..2], [7.0, 2.0]);
    assert_eq!(run(&graph, false, 2.0, 2.0)[..2], [2f32.sin().into(), 2.0]);
    // The product stands outside, once; numbers stand inside.
    let args = &graph.node(results[0].value()).args;
    assert_eq!(args[..], [p.value(), x.value(), y.value(), product.value()]);
    let [first, second] = conditionals(&graph)[..] else { panic!("two results") };
    assert_eq!(first.with_output(1), *second);
    assert!(first.then.nodes.iter().any(|node| matches!(node.op, Op::Constant(_))));
}

/// Nothing of a branch is left outside, loops and all.
#[test]
fn what_a_branch_makes_is_made_inside() {
    let b = Builder::new();
    let (p, x, y) = scalars(&b);
    let powers = || {
        let of = Loop { length: 3, reverse: false, carries: vec![x], sequences: Vec::new() };
        along_time(&b, of, |carries, _| Step { carries: vec![carries[0] * y.exp()], results: Vec::new() }).0
    };
    let results = conditional(&b, p, powers, || vec![x.detach()]);
    let graph = optimize(&b.finish(&results).unwrap());
    assert_eq!(run(&graph, true, 2.0, 0.0), [2.0]);
    assert_eq!(graph.nodes.len(), 4, "{graph}");
    assert_eq!(conditionals(&graph).len(), 1);
}

/// What does not depend on the step of a loop is chosen before it.
#[test]
fn a_fixed_choice_leaves_the_loop() {
    let b = Builder::new();
    let (p, x, y) = scalars(&b);
    let of = Loop { length: 3, reverse: false, carries: vec![x], sequences: Vec::new() };
    let (last, _) = along_time(&b, of, |carries, _| {
        let factor = conditional(&b, p, || vec![y], || vec![y * 2.0])[0];
        Step { carries: vec![carries[0] * factor], results: Vec::new() }
    });
    let graph = optimize(&b.finish(&last).unwrap());
    assert_eq!(run(&graph, false, 1.0, 2.0), [64.0]);
    assert_eq!(conditionals(&graph).len(), 1, "{graph}");
}

/// The gradient of the branch that is not taken is not computed, so its NaN does not reach the result.
#[test]
fn only_the_taken_branch_has_a_derivative() {
    let b = Builder::new();
    let (p, x, y) = scalars(&b);
    let root = conditional(&b, p, || vec![x.sqrt() * y], || vec![x * 3.0])[0];
    let derived = gradients(root, &[p, x, y]).unwrap();
    assert!(derived[0].is_none());
    let (of_x, of_y) = (derived[1].unwrap(), derived[2].unwrap());
    let second = gradients(of_x, &[x]).unwrap()[0].unwrap();
    let graph = b.finish(&[of_x, of_y, second]).unwrap();
    assert_eq!(run(&graph, false, 0.0, 1.0), [3.0, 0.0, 0.0]);
    assert_eq!(run(&graph, true, 4.0, 8.0), [2.0, 2.0, -0.25]);
    assert_eq!(run(&optimize(&graph), true, 4.0, 8.0), [2.0, 2.0, -0.25]);
}

#[test]
fn an_argument_that_no_branch_differentiates_has_no_gradient() {
    let b = Builder::new();
    let (p, x, y) = scalars(&b);
    let results =
        conditional(&b, p, || vec![x * y.detach(), y.cast(DType::I32)], || vec![x, y.cast(DType::I32)]);
    let derived = gradients(results[0], &[x, y]).unwrap();
    assert!(derived[0].is_some() && derived[1].is_none());
    let whole = gradients(results[1].cast(DType::F32), &[x, y]).unwrap();
    assert!(whole.iter().all(Option::is_none));
}

#[test]
fn mistakes_are_reported_as_everywhere() {
    let of = |build: &dyn Fn(&Builder)| {
        let b = Builder::new();
        build(&b);
        b.check().unwrap_err().to_string()
    };
    let types = of(&|b| {
        let (p, x, _) = scalars(b);
        conditional(b, p, || vec![x, x], || vec![x, x.cast(DType::F64)]);
    });
    assert_eq!(
        types,
        "`conditional` needs branches that give the same types, not (f32[], f32[]) and (f32[], f64[]); it got bool[]"
    );
    let inside = of(&|b| {
        let (p, x, _) = scalars(b);
        conditional(b, p, || vec![x + x.cast(DType::F64)], || vec![x]);
    });
    assert_eq!(inside, "`add` needs two numbers of one type and shape; it got f32[] and f64[]");
    let predicate = of(&|b| {
        let (_, x, y) = scalars(b);
        conditional(b, x, || vec![x], || vec![y]);
    });
    assert!(predicate.starts_with("`conditional` needs a bool scalar that decides"), "{predicate}");
    let in_a_loop = of(&|b| {
        let (_, x, _) = scalars(b);
        let of = Loop { length: 2, reverse: false, carries: vec![x], sequences: Vec::new() };
        along_time(b, of, |carries, _| Step {
            carries: vec![carries[0] + x.cast(DType::F64)],
            results: vec![x],
        });
    });
    assert_eq!(in_a_loop, inside);
}

#[test]
fn the_cost_is_that_of_the_dearer_branch() {
    let b = Builder::new();
    let p = b.input("", Type::scalar(DType::Bool));
    let x = b.input("", Type::new(DType::F32, [10]));
    let results = conditional(&b, p, || vec![x], || vec![(x * x).tanh()]);
    let cost = plan(&optimize(&b.finish(&results).unwrap())).cost();
    assert_eq!((cost.flops, cost.bytes_moved), (20, 80));
}
