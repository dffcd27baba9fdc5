//! stub
use serde_json::Value;
use crate::error::Result;
pub fn archive_config(v: Value) -> Result<Value> { Ok(v) }
pub fn model_config(v: Value, _: Option<&str>) -> Result<Value> { Ok(v) }
pub fn training_config(v: Value, _: Option<&str>) -> Result<Value> { Ok(v) }
pub fn optimizer_order(n: &[&str], k: usize) -> Option<Vec<(usize, usize)>> { (n.len()==k).then(|| (0..k).map(|i| (i,i)).collect()) }
