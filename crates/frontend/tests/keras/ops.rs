//! Operations between values: read from a file's form, called, differentiated and written again.

use cornu::layers::{self, Argument, CallArguments, Masked};
use cornu_ir::interpret::interpret;
use cornu_ir::{Builder, Expr, Tensor};
use serde_json::{Value, json};

use crate::reading::*;

#[test]
fn operations_give_what_keras_gives() {
    let cases = fixture("ops.json");
    let wrong: Vec<String> = items(&cases)
        .iter()
        .filter_map(|case| {
            let complaint = check(case).err()?;
            Some(format!("{} {} {}: {complaint}", text(&case["class_name"]), case["config"], case["args"]))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), items(&cases).len(), wrong.join("\n"));
}

fn check(case: &Value) -> Result<(), String> {
    let entry =
        ["module", "class_name", "config", "registered_name"].map(|key| (key.to_string(), case[key].clone()));
    let entry = Value::Object(entry.into_iter().collect());
    let layer = layers::deserialize(&entry).map_err(|error| error.to_string())?;
    let written = layers::serialize(&layer).map_err(|error| error.to_string())?;
    if written != entry {
        return Err(format!("is written as {written}"));
    }
    let given: Vec<Tensor> = items(&case["inputs"]).iter().map(array).collect();
    let builder = Builder::new();
    let inputs: Vec<Expr<'_>> = given.iter().map(|tensor| builder.input("given", tensor.ty())).collect();
    let keywords = case["kwargs"].as_object().ok_or("has no kwargs")?;
    let arguments = CallArguments {
        positional: items(&case["args"]).iter().map(|value| argument(value, &inputs)).collect(),
        keywords: keywords.iter().map(|(name, value)| (name.clone(), argument(value, &inputs))).collect(),
    };
    let call =
        layer.stateless_call(&builder, &[], &[], &arguments, None).map_err(|error| error.to_string())?;
    let mut expected: Vec<(Expr<'_>, &Value)> =
        call.outputs.iter().map(|output| output.value).zip(items(&case["outputs"])).collect();
    if call.outputs.len() != items(&case["outputs"]).len() {
        return Err(format!("gives {} values", call.outputs.len()));
    }
    if let Some(cotangents) = case.get("cotangents") {
        let products = call.outputs.iter().zip(items(cotangents));
        let products =
            products.map(|(output, keras)| (output.value * builder.constant(array(keras))).sum_all());
        let total = products.reduce(|a, b| a + b);
        let total = total.ok_or("gives nothing")?;
        for (input, array) in
            inputs.iter().zip(items(&case["d_inputs"])).filter(|(_, array)| !array.is_null())
        {
            expected.push((derivative(total, *input), array));
        }
    }
    let values: Vec<Expr<'_>> = expected.iter().map(|(value, _)| *value).collect();
    let graph = builder.finish(&values).map_err(|error| error.to_string())?;
    for (index, (value, (_, keras))) in interpret(&graph, &given).iter().zip(&expected).enumerate() {
        near(&format!("value {index}"), value, keras, 2e-5)?;
    }
    Ok(())
}

/// What a file says of an argument, with `{"input": n}` for values.
fn argument<'b>(value: &Value, inputs: &[Expr<'b>]) -> Argument<Masked<'b>> {
    match value {
        Value::Object(object) if object.contains_key("input") => {
            Argument::Tensor(inputs[number(&object["input"]) as usize].into())
        }
        Value::Array(entries) if value.to_string().contains("\"input\"") => {
            Argument::List(entries.iter().map(|entry| argument(entry, inputs)).collect())
        }
        constant => Argument::Constant(constant.clone()),
    }
}

#[test]
fn a_bad_call_is_explained() {
    let message = |class: &str, config: Value, args: &[Value]| {
        let entry = json!({"module": "keras.src.ops.numpy", "class_name": class, "config": config});
        let layer = match layers::deserialize(&entry) {
            Ok(layer) => layer,
            Err(error) => return error.to_string(),
        };
        let builder = Builder::new();
        let inputs = [[2, 3], [3, 4]].map(|shape| {
            builder.input("given", floats(&shape, vec![0.0; 12][..shape[0] * shape[1]].to_vec()).ty())
        });
        let arguments = CallArguments {
            positional: args.iter().map(|value| argument(value, &inputs)).collect(),
            keywords: Vec::new(),
        };
        match layer.stateless_call(&builder, &[], &[], &arguments, None) {
            Ok(_) => "no error".to_string(),
            Err(error) => error.to_string(),
        }
    };
    let (a, b) = (json!({"input": 0}), json!({"input": 1}));
    let slice =
        |step: i64| json!({"class_name": "__slice__", "config": {"start": null, "stop": null, "step": step}});
    assert!(message("Ad", json!({}), &[]).contains("did you mean `Add`"));
    assert!(message("Add", json!({}), &[a.clone(), b.clone()]).contains("f32[2,3] does not fit f32[3,4]"));
    assert!(message("Add", json!({}), std::slice::from_ref(&a)).contains("needs the argument `x2`"));
    assert!(message("Mean", json!({"axis": 5}), std::slice::from_ref(&a)).contains("axis 5"));
    assert!(message("Mean", json!({"axis": "x"}), std::slice::from_ref(&a)).contains("`axis` must be"));
    assert!(
        message("Reshape", json!({"newshape": [4]}), std::slice::from_ref(&a)).contains("as many elements")
    );
    assert!(message("Matmul", json!({}), &[a.clone(), a.clone()]).contains("does not fit"));
    assert!(message("GetItem", json!({}), &[a.clone(), json!([7])]).contains("no place 7"));
    assert!(message("GetItem", json!({}), &[a.clone(), json!([slice(0)])]).contains("steps of 0"));
    assert!(message("GetItem", json!({}), &[a.clone(), json!([0, 0, 0])]).contains("at most 2 items"));
    assert!(message("Transpose", json!({"axes": [0, 0]}), std::slice::from_ref(&a)).contains("once"));
    assert!(
        message("Einsum", json!({"subscripts": "ij,kj->ik"}), &[a.clone(), b]).contains("stands for both")
    );
    assert!(message("Concatenate", json!({"axis": 3}), &[json!([a.clone(), a])]).contains("axis 3"));
}
