//! Two models against each other: a generator learns to put points on a ring, a critic to tell its points from real
//! ones. The critic's slope is held near 1 by a penalty on its gradient (WGAN-GP), so a gradient is differentiated.
//!
//! `cargo run --release --example wgan -- [EPOCHS]`

use cornu::derived::mean_all;
use cornu::{Adam, Dense, Input, Model, Sequential, TrainStep};
use ndarray::{Array2, s};

/// Numbers that the generator makes a point of.
const NOISE: usize = 4;
/// Points in a batch.
const BATCH: usize = 128;
/// Updates of the critic for each of the generator.
const CRITIC_STEPS: usize = 3;
/// What the penalty counts beside the scores.
const PENALTY: f64 = 1.0;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let epochs = std::env::args().nth(1).map_or(Ok(60), |epochs| epochs.parse())?;
    cornu::set_random_seed(7);
    let mut generator = network("generator", NOISE, 2)?;
    let mut critic = network("critic", 2, 1)?;
    let mut step = training_step();

    let points = ring(32 * BATCH);
    let before = distance(&mut generator)?;
    println!("points lie {before:.2} off the ring before training");
    for epoch in 1..=epochs {
        let mut gap = 0.0;
        for batch in 0..32 {
            let real = points.slice(s![batch * BATCH..(batch + 1) * BATCH, ..]);
            gap = step.run([&mut generator, &mut critic], real)?.get("gap").ok_or("a gap")?;
        }
        if epoch % 10 == 0 || epoch == epochs {
            let off = distance(&mut generator)?;
            println!("epoch {epoch:3}: the critic sees a gap of {gap:.3}; points lie {off:.2} off the ring");
        }
    }
    let after = distance(&mut generator)?;
    println!("points lie {after:.2} off the ring after training");
    if epochs >= 40 && after > before / 2.0 {
        return Err("the generator has not learned where the ring is".into());
    }
    Ok(())
}

/// One step: the critic learns to give real points more than made ones, then the generator to be given more.
fn training_step() -> TrainStep<2> {
    let adam = || Adam::new().learning_rate(1e-3).beta_1(0.5).beta_2(0.9);
    TrainStep::new(move |step, [generator, critic]| {
        let [real] = step.batch()?;
        let rows = real.shape()[0];
        let (of_critic, of_generator) =
            (step.optimizer(adam(), &[critic])?, step.optimizer(adam(), &[generator])?);
        for _ in 0..CRITIC_STEPS {
            let noise = step.random_normal([rows, NOISE])?;
            let made = step.call(generator, noise)?;
            let gap = mean_all(step.call(critic, real)?) - mean_all(step.call(critic, made)?);

            // Somewhere between a real and a made point, the length of the critic's gradient should be 1.
            let share = step.random_uniform([rows, 1])?;
            let between = real * share + made * (1.0 - share);
            let scores = step.call(critic, between)?.sum_all();
            let slope = step.gradients(scores, &[between])?[0];
            let length = (slope.square().sum(&[1]) + 1e-12).sqrt();
            let penalty = mean_all((length - 1.0).square());

            step.minimize(penalty * PENALTY - gap, &of_critic)?;
            step.log("gap", gap);
        }
        let noise = step.random_normal([rows, NOISE])?;
        let made = step.call(generator, noise)?;
        let scores = mean_all(step.call(critic, made)?);
        step.minimize(-scores, &of_generator)
    })
}

fn network(name: &str, inputs: usize, outputs: usize) -> cornu::Result<Model> {
    Sequential::new()
        .name(name)
        .add(Input::new([inputs]))
        .add(Dense::new(32).activation("leaky_relu"))
        .add(Dense::new(32).activation("leaky_relu"))
        .add(Dense::new(outputs))
        .build()
}

/// Points on a circle around 0, evenly, in the order of no angle.
fn ring(count: usize) -> Array2<f32> {
    Array2::from_shape_fn((count, 2), |(i, axis)| {
        let angle = (i * 2_654_435_761 % count) as f32 / count as f32 * std::f32::consts::TAU;
        if axis == 0 { angle.cos() } else { angle.sin() }
    })
}

/// How far made points lie from the circle, on average.
fn distance(generator: &mut Model) -> cornu::Result<f32> {
    let draw = |i: usize| ((i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f32 / (1u64 << 24) as f32;
    // Sums of uniform numbers are near enough to normal ones.
    let noise = Array2::from_shape_fn((512, NOISE), |(i, j)| {
        (0..12).map(|k| draw((i * NOISE + j) * 12 + k + 1)).sum::<f32>() - 6.0
    });
    let made = generator.predict(&noise)?;
    let off = made.outer_iter().map(|point| (point.iter().map(|x| x * x).sum::<f32>().sqrt() - 1.0).abs());
    Ok(off.sum::<f32>() / 512.0)
}
