//! W5: ResNet-20 (He et al., 2015) on images of 32 by 32 dots in three colours.

use cornu::{
    Add, Apply, BatchNormalization, Compile, Conv2D, Dense, GlobalAveragePooling2D, Model, SGD, Symbol,
    input, layers,
};

use super::{Workload, epoch, training};
use crate::data;
use crate::job::Made;

/// One epoch in batches of 64.
pub(crate) const WORKLOAD: Workload = training("W5", work);

const ROWS: usize = 320;
const BATCH: usize = 64;

fn convolved(x: &Symbol, filters: usize, size: usize, stride: usize) -> Symbol {
    let conv = Conv2D::new(filters, size).strides(stride).padding(layers::Padding::Same);
    BatchNormalization::new().apply(conv.use_bias(false).apply(x))
}

fn relu(x: &Symbol) -> Symbol {
    layers::Activation::new("relu").apply(x)
}

fn block(x: &Symbol, filters: usize, stride: usize) -> Symbol {
    let inner = relu(&convolved(x, filters, 3, stride));
    let inner = convolved(&inner, filters, 3, 1);
    let is_same = stride == 1 && x.shape().last() == Some(&Some(filters));
    let shortcut = if is_same { x.clone() } else { convolved(x, filters, 1, stride) };
    relu(&Add::new().apply([&shortcut, &inner]))
}

fn work() -> Made {
    let images = input([32, 32, 3]);
    let mut x = relu(&convolved(&images, 16, 3, 1));
    for (stage, filters) in [16, 32, 64].into_iter().enumerate() {
        for number in 0..3 {
            x = block(&x, filters, if stage > 0 && number == 0 { 2 } else { 1 });
        }
    }
    let pooled = GlobalAveragePooling2D::new().apply(&x);
    let classes = Dense::new(10).activation("softmax").apply(&pooled);
    let mut model = Model::named("resnet20", &images, &classes)?;
    let optimizer = SGD::new().learning_rate(0.1).momentum(0.9);
    model.compile(Compile::new(optimizer, "sparse_categorical_crossentropy"))?;
    Ok(epoch(model, (data::floats(&[ROWS, 32, 32, 3], 1), data::labels(&[ROWS], 10, 2)), BATCH))
}
