//! Products of halves by Hopper's tensor memory accelerator and warpgroups, where operands and sizes admit it.

use super::product::{MULTIPROCESSORS, Operands, Product, Summing, Tile};
use crate::launch::{Param, TensorMap};
use crate::lower::Lowering;

/// The architecture that alone has these instructions.
const ARCHITECTURE: &str = "sm_90a";
/// How far along k one step goes, and how many lines of an operand that lies across k are copied at once: 128 bytes.
const DEPTH: usize = 64;

/// A tile. Its ring has so many stages of 128 bytes of each line, and two barriers for each; it begins at a multiple
/// of 1024. Each of eight warps stages 16 rows of sums.
const fn warpgroups(columns: usize, stages: usize, text: &'static str) -> Tile {
    let shared = stages * ((128 + columns) * 128 + 16) + 8 * 16 * (128 + 8) * 4 + 1024;
    Tile { rows: 128, columns, threads: 384, text, shared: shared as u32 }
}

/// The wider, the less is read of both operands for each product; but its results are finished between two tiles.
const WIDE: Tile = warpgroups(256, 3, "WarpgroupTile<256, 3, true>");
const NARROW: Tile = warpgroups(128, 4, "WarpgroupTile<128, 4, false>");

/// The tile for a product; none if most would be empty, or most multiprocessors without work.
fn tile(product: &Product) -> Option<Tile> {
    if WIDE.is_filled(product) && WIDE.count(product) >= 2 * MULTIPROCESSORS {
        return Some(WIDE);
    }
    let blocks = NARROW.count(product) * NARROW.parts(product).count;
    (NARROW.is_filled(product) && 2 * blocks >= MULTIPROCESSORS).then_some(NARROW)
}

/// A product by warpgroups, if it is one of halves that lie as the tensor memory accelerator needs them.
pub(crate) fn by_warpgroups<'a>(
    lowering: &Lowering<'_>,
    product: &'a Product,
    operands: &'a Operands,
) -> Option<Summing<'a>> {
    let [left_along, right_along] = operands.along_k?;
    if lowering.architecture != ARCHITECTURE || product.k < DEPTH {
        return None;
    }
    let tile = tile(product)?;
    let parts = tile.parts(product);
    let [left, right] = operands.buffers;
    let map =
        |name: &str, map: TensorMap| (format!("const __grid_constant__ TensorMap {name}"), Param::Map(map));
    Some(Summing {
        product,
        operands,
        parts,
        call: format!("product_by_warpgroups<@_sizes, {}, {left_along}, {right_along}>", tile.text),
        params: [
            map("left", tensor_map(product, left, left_along, product.m, tile.rows)),
            map("right", tensor_map(product, right, right_along, product.n, tile.columns)),
        ],
        // Blocks stay, and take what is left in turn.
        blocks: (tile.count(product) * parts.count).min(MULTIPROCESSORS),
        threads: tile.threads,
        shared: tile.shared,
        lanes: product.neighbours(),
    })
}

/// An operand of so many lines, of which a tile has `tiled`.
fn tensor_map(product: &Product, buffer: usize, along_k: bool, lines: usize, tiled: usize) -> TensorMap {
    let depth = DEPTH as u32;
    let (sizes, copied) = if along_k {
        ([product.k, lines, product.batch], [depth, tiled as u32, 1])
    } else {
        ([lines, product.k, product.batch], [depth, depth, 1])
    };
    TensorMap { buffer, dtype: product.dtype, sizes, copied }
}

#[cfg(test)]
mod tests {
    use cornu_ir::passes::optimize;
    use cornu_ir::plan::plan;
    use cornu_ir::testing::cases;

    use crate::launch::{Param, Work};
    use crate::lower::lower;
    use crate::source::Source;

    /// How many operands of a product of these sizes are given as maps.
    fn maps(dtype: &str, [m, n, k]: [usize; 3], architecture: &str) -> usize {
        let graph = format!(
            "graph product (%x: {dtype}[{m},{k}], %y: {dtype}[{k},{n}]) {{
               %z: {dtype}[{m},{n}] = dot %x, %y {{lhs_contract=[1], rhs_contract=[0]}}
               return %z
             }}"
        );
        let cases = cases(&graph).expect("a graph as text");
        let plan = plan(&optimize(&cases[0].graph));
        let lowered = lower(&plan, &mut Source::default(), architecture).expect("kernels for all of it");
        let params = |work: &Work| match work {
            Work::Launch(launch) => launch.params.to_vec(),
            Work::Body(_) => unreachable!("a product has no body"),
        };
        let all = lowered.works.iter().flat_map(params);
        all.filter(|param| matches!(param, Param::Map(_))).count()
    }

    #[test]
    fn large_products_of_halves_go_by_warpgroups() {
        assert_eq!(maps("bf16", [2048, 2048, 512], "sm_90a"), 2);
        assert_eq!(maps("f16", [4096, 8192, 512], "sm_90a"), 2);
    }

    #[test]
    fn others_keep_the_forms_of_all_devices() {
        assert_eq!(maps("bf16", [2048, 2048, 512], "sm_80"), 0);
        assert_eq!(maps("bf16", [2048, 2048, 512], "sm_100"), 0);
        assert_eq!(maps("f32", [2048, 2048, 512], "sm_90a"), 0);
        // Rows that do not begin at a multiple of 16 bytes, too little work, sums too short.
        assert_eq!(maps("bf16", [2048, 2044, 512], "sm_90a"), 0);
        assert_eq!(maps("bf16", [256, 256, 512], "sm_90a"), 0);
        assert_eq!(maps("bf16", [2048, 2048, 32], "sm_90a"), 0);
    }
}
