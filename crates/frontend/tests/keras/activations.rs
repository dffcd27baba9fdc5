//! Every named activation and its derivative.

use cornu::Activation;

use crate::reading::*;

#[test]
fn activations_and_their_derivatives_are_those_of_keras() {
    for case in items(&fixture("activations.json")) {
        let name = text(&case["name"]);
        let activation = match name {
            "threshold" => Activation::Threshold { threshold: 0.75, default_value: -2.0 },
            name => name.parse().unwrap(),
        };
        let shape = sizes(&case["shape"]);
        let x = floats(&shape, numbers(&case["x"]));
        let halved = if name == "glu" { 2 } else { 1 };
        let c_shape: Vec<usize> =
            shape.iter().enumerate().map(|(i, &n)| if i == 1 { n / halved } else { n }).collect();
        let c = floats(&c_shape, numbers(&case["c"]));
        let values = evaluate(&[x, c], |given| {
            let y = activation.apply(given[0]).unwrap();
            vec![y, derivative((y * given[1]).sum_all(), given[0])]
        });
        assert_close(name, &values[0], &numbers(&case["y"]), 1e-5);
        assert_close(&format!("derivative of {name}"), &values[1], &numbers(&case["dx"]), 1e-5);
    }
}

#[test]
fn axes_other_than_the_last_are_taken() {
    let x = floats(&[2, 3], vec![1.0, -2.0, 0.5, 3.0, 0.25, -1.0]);
    let functions = [
        |axis| Activation::Softmax { axis },
        |axis| Activation::LogSoftmax { axis },
        |axis| Activation::Sparsemax { axis },
        |axis| Activation::PublishedSparsemax { axis },
        |axis| Activation::Glu { axis },
    ];
    for function in functions {
        let values = evaluate(std::slice::from_ref(&x), |given| {
            let direct = function(0).apply(given[0]).unwrap();
            vec![direct, function(1).apply(given[0].transpose(&[1, 0])).unwrap().transpose(&[1, 0])]
        });
        assert_close("along axis 0", &values[0], &values[1].floats(), 1e-6);
    }
}

#[test]
fn large_arguments_give_finite_values_and_derivatives() {
    let x = floats(&[7], vec![-1e4, -200.0, -90.0, 0.0, 90.0, 200.0, 1e4]);
    for name in Activation::names().filter(|name| !["exponential", "glu"].contains(name)) {
        let values = evaluate(std::slice::from_ref(&x), |given| {
            let y = name.parse::<Activation>().unwrap().apply(given[0]).unwrap();
            vec![y, derivative(y.sum_all(), given[0])]
        });
        for tensor in values {
            assert!(tensor.floats().iter().all(|value| value.is_finite()), "{name}: {:?}", tensor.floats());
        }
    }
}

#[test]
fn names_go_to_files_and_back() {
    for name in Activation::names() {
        let activation: Activation = name.parse().unwrap();
        match activation.serialize() {
            Ok(written) => assert_eq!(Activation::deserialize(&written).unwrap(), activation),
            Err(error) => assert!(["keras2_hard_sigmoid", "published_sparsemax"].contains(&name), "{error}"),
        }
    }
    let object = serde_json::json!({
        "module": "builtins", "class_name": "function", "config": "relu", "registered_name": "function"
    });
    assert_eq!(Activation::deserialize(&object).unwrap(), "relu".parse().unwrap());
    let steep = Activation::LeakyRelu { negative_slope: 0.5 };
    assert!(steep.serialize().unwrap_err().to_string().contains("use an activation layer"));
}
