//! Pictures of models: every layer and arrow is there, boxes are apart, arrows go around them.

use super::layout::{Corner, Layout, Run, Size};
use super::*;
use crate::layers::{
    Activation, Add, BatchNormalization, Concatenate, Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D,
    Naming, Padding, Subtract, UpSampling2D,
};
use crate::model::{Apply, Sequential, Symbol, input};

fn convnet() -> Model {
    let model = Sequential::new().name("convnet").add(Input::new([28, 28, 1]).named("image"));
    let model = model.add(Conv2D::new(16, 3).activation("relu")).add(MaxPooling2D::new(2));
    let model =
        model.add(Conv2D::new(32, 3).activation("relu")).add(MaxPooling2D::new(2)).add(Flatten::new());
    model
        .add(Dropout::new(0.5))
        .add(Dense::new(10).activation("softmax").named("a<b> & \"c\""))
        .build()
        .unwrap()
}

fn siamese() -> Model {
    let (a, b) = (Input::new([64]).named("left").symbol(), Input::new([64]).named("right").symbol());
    let inner =
        Sequential::new().add(Input::new([64])).add(Dense::new(8).activation("relu")).named("encoder");
    let difference = Subtract::new().apply([inner.apply(&a), inner.apply(&b)]);
    Model::new([&a, &b], Dense::new(1).activation("sigmoid").apply(difference)).unwrap()
}

fn conv(x: &Symbol, filters: usize) -> Symbol {
    let conv = |x: &Symbol| Conv2D::new(filters, 3).padding(Padding::Same).activation("relu").apply(x);
    conv(&conv(x))
}

fn unet() -> Model {
    let x = input([64, 64, 3]);
    let mut skips = Vec::new();
    let mut y = x.clone();
    for filters in [16, 32, 64] {
        let skip = conv(&y, filters);
        y = MaxPooling2D::new(2).apply(&skip);
        skips.push((skip, filters));
    }
    y = conv(&y, 128);
    for (skip, filters) in skips.into_iter().rev() {
        y = conv(&Concatenate::new().apply([&UpSampling2D::new(2).apply(&y), &skip]), filters);
    }
    Model::new(&x, Conv2D::new(1, 1).activation("sigmoid").apply(&y)).unwrap()
}

fn resnet() -> Model {
    let x = input([32, 32, 16]);
    let mut y = x.clone();
    for filters in [16, 32] {
        let shortcut = if filters == 16 { y.clone() } else { Conv2D::new(filters, 1).apply(&y) };
        let main = Conv2D::new(filters, 3).padding(Padding::Same).apply(&y);
        let main = Activation::new("relu").apply(BatchNormalization::new().apply(&main));
        let main =
            BatchNormalization::new().apply(Conv2D::new(filters, 3).padding(Padding::Same).apply(&main));
        y = Activation::new("relu").apply(Add::new().apply([&main, &shortcut]));
    }
    Model::new(&x, &y).unwrap()
}

/// Two shared layers that take turns: the arrows between them close a circle.
fn circle() -> Model {
    let (a, b) = (Dense::new(4).shared(), Dense::new(4).shared());
    let x = input([4]);
    Model::new(&x, a.apply(b.apply(a.apply(a.apply(&x))))).unwrap()
}

fn everything() -> Plot {
    Plot::new().show_layer_names().show_layer_activations().show_shapes().show_dtype().show_trainable()
}

fn layout(model: &Model) -> (Picture, Vec<Size>, Layout) {
    let picture = model.picture(everything());
    let size = |number: usize| Size {
        along: 40.0 + 30.0 * (number % 3) as f64,
        across: 150.0 + 60.0 * (number % 4) as f64,
    };
    let sizes: Vec<Size> = (0..picture.cards.len()).map(size).collect();
    let layout = Layout::new(&sizes, &picture.arrows);
    (picture, sizes, layout)
}

/// True if two stretches have more than an end in common.
fn overlap(a: (f64, f64), b: (f64, f64)) -> bool {
    a.0.max(b.0) + 1e-6 < a.1.min(b.1)
}

fn meets(corner: Corner, size: Size, along: (f64, f64), across: (f64, f64)) -> bool {
    overlap((corner.along, corner.along + size.along), along)
        && overlap((corner.across, corner.across + size.across), across)
}

#[test]
fn boxes_are_apart_and_arrows_go_around_them() {
    for model in [convnet(), siamese(), unet(), resnet(), circle()] {
        let (picture, sizes, layout) = layout(&model);
        for (number, (&corner, &size)) in layout.corners.iter().zip(&sizes).enumerate() {
            for (&other, &its) in layout.corners[..number].iter().zip(&sizes) {
                let (along, across) =
                    ((other.along, other.along + its.along), (other.across, other.across + its.across));
                assert!(!meets(corner, size, along, across));
            }
            for (route, arrow) in layout.routes.iter().zip(&picture.arrows) {
                for bend in route.windows(2) {
                    let across =
                        (bend[0].across.min(bend[1].across), bend[0].across.max(bend[1].across) + 1.0);
                    let along = (bend[0].to.min(bend[1].from), bend[0].to.max(bend[1].from));
                    assert!(!meets(corner, size, along, across), "{arrow:?} bends through {number}");
                }
                for Run { across, from, to } in route.iter().copied() {
                    let (along, across) = ((from.min(to), from.max(to)), (across - 1.0, across + 1.0));
                    assert!(!meets(corner, size, along, across), "{arrow:?} runs through {number}");
                }
            }
        }
    }
}

#[test]
fn the_main_path_of_a_u_net_is_one_straight_line() {
    let (picture, _, layout) = layout(&unet());
    let short = |route: &&Vec<Run>| route.len() == 2;
    for route in layout.routes.iter().filter(short) {
        assert!((route[0].across - route[1].across).abs() < 1e-6);
    }
    assert_eq!(layout.routes.iter().filter(short).count(), picture.arrows.len() - 3);
}

#[test]
fn a_picture_in_graphviz_language() {
    let expected = r#"digraph "functional" {
    rankdir=LR;
    node [shape=box, style=rounded, fontname="Helvetica"];
    n0 [label="left (InputLayer)\noutput: (None, 64)"];
    n1 [label="right (InputLayer)\noutput: (None, 64)"];
    n2 [label="encoder (Sequential)\ninput: (None, 64)\noutput: (None, 8)"];
    n3 [label="subtract (Subtract)\ninput: (None, 8), (None, 8)\noutput: (None, 8)"];
    n4 [label="dense (Dense)\nactivation: sigmoid\ninput: (None, 8)\noutput: (None, 1)"];
    n0 -> n2;
    n1 -> n2;
    n2 -> n3;
    n3 -> n4;
}
"#;
    let how =
        Plot::new().show_layer_names().show_shapes().show_layer_activations().direction(Direction::Right);
    assert_eq!(siamese().to_dot(how), expected);
}

#[test]
fn svg_is_well_formed_and_has_every_layer_and_arrow() {
    for model in [convnet(), siamese(), unet(), resnet(), circle()] {
        let svg = model.to_svg(everything());
        let mut open = Vec::new();
        for tag in svg.split('<').skip(1) {
            let (tag, text) = tag.split_once('>').expect("a tag ends");
            assert!(!text.contains('&') || text.contains(';'));
            match tag.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name)),
                None if tag.ends_with('/') => {}
                None => open.extend(tag.split_whitespace().next()),
            }
        }
        assert!(open.is_empty());
        let picture = model.picture(everything());
        assert_eq!(svg.matches("<g class=\"layer\"").count(), picture.cards.len());
        assert_eq!(svg.matches("<path class=\"arrow\"").count(), picture.arrows.len());
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
    assert!(convnet().to_svg(everything()).contains(">a&lt;b&gt; &amp; &quot;c&quot;<"));
}

#[test]
fn a_file_is_written_by_its_suffix() {
    let directory = tempfile::tempdir().unwrap();
    for (suffix, start) in [("svg", "<svg"), ("dot", "digraph")] {
        let path = directory.path().join("model").with_extension(suffix);
        siamese().plot(&path).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().starts_with(start));
    }
    let error = siamese().plot("model.gif").unwrap_err().to_string();
    assert!(error.starts_with("plot: `path` must be a file name that ends in .dot, .svg"), "{error}");
}

#[test]
fn a_model_without_shapes_has_a_picture() {
    let model = Sequential::new().add(Dense::new(2)).build().unwrap();
    assert!(model.to_svg(everything()).contains(">?<"));
}

#[test]
#[ignore = "writes pictures for people to look at, to the folder named by CORNU_PLOTS"]
fn pictures_to_look_at() {
    let Ok(folder) = std::env::var("CORNU_PLOTS") else { return };
    let models = [
        ("convnet", convnet()),
        ("siamese", siamese()),
        ("unet", unet()),
        ("resnet", resnet()),
        ("circle", circle()),
    ];
    for (name, model) in models {
        model.plot(format!("{folder}/{name}.svg")).unwrap();
        let how = Plot::new().show_layer_names().direction(Direction::Right);
        model.plot_with(format!("{folder}/{name}-right.svg"), how).unwrap();
    }
}
