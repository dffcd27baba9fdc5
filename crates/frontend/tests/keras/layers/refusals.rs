//! Configurations and inputs that layers refuse, and what they say.

use cornu::DType;
use cornu::layers::{self, Spec};
use serde_json::{Value, json};

/// What is said of a layer with this configuration that gets inputs of these shapes.
fn complaint(class: &str, mut config: Value, shapes: &[&[Option<usize>]]) -> String {
    config["name"] = json!("l");
    let written = json!({"class_name": class, "config": config});
    let specs: Vec<Spec> = shapes.iter().map(|shape| Spec::new(DType::F32, *shape)).collect();
    let built = layers::deserialize(&written).and_then(|layer| layer.weight_specs(&specs));
    built.err().unwrap_or_else(|| panic!("{class} takes {config}")).to_string()
}

#[test]
fn wrong_arguments_name_class_and_argument() {
    let images: &[Option<usize>] = &[None, Some(4), Some(4), Some(6)];
    let cases = [
        ("ELU", json!({"alpha": "much"}), "ELU: `alpha` must be a number"),
        ("ReLU", json!({"threshold": -1.0}), "ReLU: `threshold` must be a number that is not negative"),
        ("LeakyReLU", json!({"negative_slope": -1.0}), "LeakyReLU: `negative_slope` must be a number"),
        ("PReLU", json!({"shared_axes": [4]}), "PReLU: `shared_axes` must be axes from 1 to 3"),
        ("Permute", json!({"dims": [1, 3, 4]}), "Permute: `dims` must be the numbers from 1 to 3"),
        ("RepeatVector", json!({"n": 0}), "RepeatVector: `n` must be a whole number of 1 or more"),
        ("UpSampling2D", json!({"size": [2, 0]}), "UpSampling2D: `size` must be sizes of 1 or more"),
        ("UpSampling2D", json!({"interpolation": "linear"}), "did you mean `bilinear`?"),
        ("ZeroPadding2D", json!({"padding": [1, 2, 3]}), "or 2 of them, or 2 pairs of them; it is [1,2,3]"),
        ("Cropping1D", json!({"cropping": [-1, 0]}), "Cropping1D: `cropping` must be a whole number"),
        (
            "Cropping3D",
            json!({"data_format": "last"}),
            "`data_format` must be channels_last or channels_first",
        ),
        (
            "GroupNormalization",
            json!({"groups": 4}),
            "`groups` must be -1 or a number that divides the 6 channels",
        ),
        (
            "BatchNormalization",
            json!({"renorm": true, "renorm_clipping": {"rmin": 2.0, "rmax": 1.0}}),
            "`renorm_clipping` must be an rmax that is not below rmin",
        ),
        ("BatchNormalization", json!({"axis": 4}), "needs an input whose axis 4 has a known size"),
        ("LayerNormalization", json!({"epsilon": -1.0}), "`epsilon` must be a finite number"),
        (
            "SpectralNormalization",
            json!({"layer": {"class_name": "Dense", "config": {"units": 2}}, "power_iterations": 0}),
            "`power_iterations` must be a whole number of 1 or more",
        ),
        (
            "SpectralNormalization",
            json!({"layer": {"class_name": "Flatten", "config": {}}}),
            "needs a layer with a kernel or embeddings; Flatten has none",
        ),
        ("GaussianNoise", json!({"stddev": 2.0}), "GaussianNoise: `stddev` must be a number from 0 to 1"),
        ("SpatialDropout2D", json!({}), "SpatialDropout2D: `rate` must be a number from 0 to 1"),
        (
            "ActivityRegularization",
            json!({"l1": -1.0}),
            "ActivityRegularization: `l1` must be a finite number",
        ),
    ];
    for (class, config, expected) in cases {
        let said = complaint(class, config, &[images]);
        assert!(said.contains(expected), "{class} says {said:?}, expected {expected:?}");
    }
}

#[test]
fn inputs_that_do_not_fit_are_shown() {
    let (three, four): (&[Option<usize>], &[Option<usize>]) =
        (&[None, Some(2), Some(3)], &[None, Some(2), Some(4)]);
    let cases = [
        (
            "Add",
            json!({}),
            "sizes, counted from the last, are equal or 1; it got (None, 2, 3) and (None, 2, 4)",
        ),
        (
            "Concatenate",
            json!({"axis": 1}),
            "equal except along axis 1; it got (None, 2, 3) and (None, 2, 4)",
        ),
        ("Dot", json!({"axes": 2}), "equal sizes along the axes 2 and 2; they are 3 and 4"),
        (
            "Dot",
            json!({"axes": [0, 1]}),
            "`axes` must be axes of inputs of 3 and 3 axes, and not that of the batch",
        ),
    ];
    for (class, config, expected) in cases {
        let said = complaint(class, config, &[three, four]);
        assert!(said.contains(expected), "{class} says {said:?}, expected {expected:?}");
    }
    let said = complaint("Subtract", json!({}), &[three]);
    assert!(said.contains("Subtract takes a list of exactly 2 inputs; it got 1"), "{said}");
    let said = complaint("UpSampling2D", json!({}), &[three]);
    assert!(
        said.contains("UpSampling2D needs an input of 4 axes, the batch included; it got (None, 2, 3)"),
        "{said}"
    );
}
