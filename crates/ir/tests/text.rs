//! The written form: a fixed point of printing and reading, and no text that makes the reader panic.

use cornu_ir::Graph;
use cornu_ir::testing::{CASES, Draw, cases, random_graph};
use cornu_ir::text::{parse, parse_all};

fn assert_fixed(graph: &Graph) {
    let printed = graph.to_string();
    let read = parse(&printed).unwrap_or_else(|error| panic!("{error}\n{printed}"));
    assert_eq!(read.to_string(), printed);
    assert_eq!((read.state, &read.inputs), (graph.state, &graph.inputs), "{printed}");
}

#[test]
fn printing_and_reading_are_inverse_on_the_corpus() {
    for (name, text) in CASES {
        for case in cases(text).unwrap_or_else(|error| panic!("{name}.ir: {error}")) {
            assert_fixed(&case.graph);
        }
    }
}

#[test]
fn printing_and_reading_are_inverse_on_random_programs() {
    for seed in 0..500 {
        let graph = random_graph(seed);
        assert_fixed(&graph);
        assert_eq!(parse(&graph.to_string()).as_ref(), Ok(&graph));
    }
}

#[test]
fn values_may_have_any_names() {
    let text = r#"
        ; Names are the reader's business.
        graph affine (state %kernel "dense/\u{e9}\"": f32[2,3], %x: f32[4,2]) {
          %y: f32[4,3] = dot %x, %kernel {lhs_contract=[1], rhs_contract=[0]}   ; a comment
          return %kernel, %y
        }"#;
    let expected = r#"graph (state %0 "dense/é\"": f32[2,3], %1: f32[4,2]) {
  %2: f32[4,3] = dot %1, %0 {lhs_contract=[1], rhs_contract=[0]}
  return %0, %2
}"#;
    assert_eq!(parse(text).unwrap().to_string(), expected);
    assert_eq!(parse_all(&format!("{text}{text}")).unwrap()[1].0, "affine");
}

#[test]
fn inputs_keep_their_places_among_the_nodes() {
    let text =
        "graph (%0: f32[2], %2: f32[2]) {\n  %1: f32[2] = neg %0\n  %3: f32[2] = add %1, %2\n  return %3\n}";
    let graph = parse(text).unwrap();
    assert_eq!(graph.inputs[1].index(), 2);
    assert_eq!(graph.to_string(), text);
}

#[test]
fn long_headers_have_a_line_for_each_input() {
    let inputs: Vec<String> = (0..9).map(|i| format!("%{i} \"block/weight_{i}\": f32[3,3]")).collect();
    let printed = parse(&format!("graph ({}) {{ return %0 }}", inputs.join(","))).unwrap().to_string();
    assert_eq!(printed.lines().count(), 9 + 4);
    assert_fixed(&parse(&printed).unwrap());
}

/// Each text with what its error must say. The list is what went wrong in the mind of the most hostile author.
#[test]
fn wrong_texts_are_errors_with_a_line() {
    let wrong = [
        ("", 1, "`graph` is needed, not the end of the text"),
        ("graph", 1, "`(`"),
        ("graph (", 1, "a value like `%3`"),
        ("graph (%0: f32[2]", 1, "`,` or `)`"),
        ("graph (%: f32[2]) {", 1, "the name of a value"),
        ("graph (%0: f33[2]) { return }", 1, "`f33` is no element type"),
        ("graph (%0: f32[-1]) { return }", 1, "a whole number is needed, not `-1`"),
        ("graph (%0: f32[99999999999999999999]) { return }", 1, "a whole number"),
        ("graph (%0: f32[4294967296,4294967296]) { return }", 1, "larger than any memory"),
        ("graph (%0: f32[0,4294967296,4294967296,4294967296]) { return }", 1, "larger than any memory"),
        ("graph (%0: f32[2], %0: f32[2]) { return }", 1, "%0 is made twice"),
        ("graph (%0: f32[2], state %1: f32[2]) { return %1 }", 1, "must stand before"),
        ("graph (state %0: f32[2]) {\n return }", 2, "state 0 to keep its type"),
        ("graph (%0: f32[2]) {\n return %1 }", 2, "%1 is not made before it is used"),
        ("graph (%0: f32[2]) {\n\n %1: f32[2] = neg %1\n return }", 3, "%1 is not made"),
        ("graph (%0: f32[2]) {\n %1: f32[2] = frobnicate %0\n return }", 2, "there is no op `frobnicate`"),
        (
            "graph (%0: f32[2]) {\n %1: f32[2] = neg %0 {axis=0}\n return }",
            2,
            "`neg` has no attribute `axis`",
        ),
        ("graph (%0: f32[2]) {\n %1: f32[2] = reverse %0\n return }", 2, "the attribute `axes` is missing"),
        (
            "graph (%0: f32[2]) {\n %1: f32[2] = reverse %0 {axes=[0],\naxes=[0]}\n return }",
            4,
            "written twice",
        ),
        ("graph (%0: f32[2]) {\n %1: f32[3] = neg %0\n return }", 2, "`neg` gives f32[2]"),
        ("graph (%0: f32[2]) {\n %1: f32[2] = add %0\n return }", 2, "`add` needs two numbers"),
        ("graph () { %0: f32[2] = input {number=0, name=\"\"} return }", 1, "between the parentheses"),
        (
            "graph () { %0: f32[2] = constant {value=\"1 2 3\"} return }",
            1,
            "has 2 elements, but 3 are written",
        ),
        ("graph () { %0: f32[2] = constant {value=\"1 x\"} return }", 1, "`x` is no f32"),
        ("graph () { %0: u8[1] = constant {value=\"256\"} return }", 1, "`256` is no u8"),
        ("graph () { %0: i32[1] = constant {value=\"1.5\"} return }", 1, "`1.5` is no i32"),
        (
            "graph () { %0: f32[999999999999] = constant {value=\"1\"} return }",
            1,
            "elements, but 1 are written",
        ),
        ("graph () { %0: f32[2] = constant {value=\"1 2} return }", 1, "no closing"),
        ("graph () { %0: f32[2] = constant {value=\"\\q\"} return }", 1, "`\\` must be followed"),
        ("graph () { %0: f32[2] = constant {value=\"\\u{110000}\"} return }", 1, "`\\u` must be followed"),
        ("graph () { return } graph () { return }", 1, "nothing more after the program"),
        ("graph () { (", 1, "a node like"),
    ];
    for (text, line, message) in wrong {
        let error = parse(text).expect_err(text);
        assert!(error.message.contains(message), "{text}\nsays: {error}\nnot:  {message}");
        assert_eq!(error.line, line, "{text}\nsays: {error}");
    }
}

/// Sizes at the end of the range, in every place that takes a number.
#[test]
fn huge_numbers_are_errors() {
    let attributes = [
        "pad %x, %v {low=[HUGE], high=[HUGE], interior=[0]}",
        "pad %x, %v {low=[0], high=[0], interior=[HUGE]}",
        "slice %x {start=[0], stop=[HUGE], step=[1]}",
        "slice %x {start=[HUGE], stop=[HUGE], step=[HUGE]}",
        "transpose %x {order=[HUGE]}",
        "broadcast %x {axes=[HUGE]}",
        "reduce %x {kind=sum, axes=[HUGE]}",
        "concat %x, %x {axis=HUGE}",
        "reverse %x {axes=[HUGE]}",
        "arg_reduce %x {kind=max, axis=HUGE}",
        "arg_sort %x {axis=HUGE, descending=false, count=HUGE}",
        "arg_sort %x {axis=0, descending=false, count=HUGE}",
        "cumulative %x {kind=sum, axis=HUGE, reverse=false}",
        "gather %x, %i {axis=HUGE, batch=HUGE}",
        "gather %x, %i {axis=0, batch=HUGE}",
        "scatter %x, %i, %x {axis=HUGE, batch=HUGE, kind=add}",
        "dot %x, %x {lhs_contract=[HUGE], rhs_contract=[HUGE]}",
        "iota {axis=HUGE}",
    ];
    for attributes in attributes {
        let op = attributes.replace("HUGE", &usize::MAX.to_string());
        let text = format!("graph (%x: f32[2], %v: f32[], %i: i32[1]) {{\n %y: f32[2] = {op}\n return %y }}");
        assert_eq!(parse(&text).expect_err(&text).line, 2, "{text}");
    }
}

/// Sound texts, cut, doubled and stirred: whatever comes out is a program or an error.
#[test]
fn damaged_texts_do_not_panic() {
    let mut draw = Draw::new(7);
    for seed in 0..300 {
        let sound = random_graph(seed).to_string();
        let mut bytes = sound.into_bytes();
        for _ in 0..1 + draw.below(6) {
            let (at, end) = (draw.below(bytes.len()), draw.below(bytes.len()));
            match draw.below(4) {
                0 => bytes[at] = draw.one(b"%[]{}(),:=;\"\\ 0179-an\n"),
                1 => drop(bytes.drain(at.min(end)..at.max(end).min(at.min(end) + 9))),
                2 => bytes.insert(at, draw.one(b"%[]{}(),:=;\"\\ 0179-an\n")),
                _ => bytes.extend_from_within(at.min(end)..at.max(end)),
            }
        }
        if let Ok(graphs) = parse_all(&String::from_utf8_lossy(&bytes)) {
            graphs.iter().for_each(|(_, graph)| assert_fixed(graph));
        }
    }
}
