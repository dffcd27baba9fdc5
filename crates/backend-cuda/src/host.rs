//! Tensors of the host as the bytes that the device holds.

use cornu_ir::error::BackendError;
use cornu_ir::tensor::{Data, Tensor};
use half::slice::HalfFloatSliceExt;

/// The elements of a tensor as bytes.
pub(crate) fn bytes(host: &Tensor) -> &[u8] {
    match host.data() {
        Data::F32(items) => bytemuck::cast_slice(items),
        Data::F64(items) => bytemuck::cast_slice(items),
        Data::BF16(items) => bytemuck::cast_slice(items.reinterpret_cast()),
        Data::F16(items) => bytemuck::cast_slice(items.reinterpret_cast()),
        Data::I32(items) => bytemuck::cast_slice(items),
        Data::I64(items) => bytemuck::cast_slice(items),
        Data::U8(items) => items,
        Data::U32(items) => bytemuck::cast_slice(items),
        Data::Bool(items) => bytemuck::cast_slice(items),
    }
}

/// Lets `read` overwrite the bytes of a tensor.
pub(crate) fn overwrite(
    host: &mut Tensor,
    read: impl FnOnce(&mut [u8]) -> Result<(), BackendError>,
) -> Result<(), BackendError> {
    match host.data_mut() {
        Data::F32(items) => read(bytemuck::cast_slice_mut(items)),
        Data::F64(items) => read(bytemuck::cast_slice_mut(items)),
        Data::BF16(items) => read(bytemuck::cast_slice_mut(items.reinterpret_cast_mut())),
        Data::F16(items) => read(bytemuck::cast_slice_mut(items.reinterpret_cast_mut())),
        Data::I32(items) => read(bytemuck::cast_slice_mut(items)),
        Data::I64(items) => read(bytemuck::cast_slice_mut(items)),
        Data::U8(items) => read(items),
        Data::U32(items) => read(bytemuck::cast_slice_mut(items)),
        // Not every byte is a bool.
        Data::Bool(items) => {
            let mut bytes = vec![0; items.len()];
            read(&mut bytes)?;
            items.iter_mut().zip(bytes).for_each(|(item, byte)| *item = byte != 0);
            Ok(())
        }
    }
}
