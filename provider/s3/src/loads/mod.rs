use std::ops::Range; use std::sync::{Arc, Weak}; use bytes::Bytes; use larder_bucket::{Bucket,BucketError}; use larder_core::*; use crate::place::Places;
pub(crate) struct Loads; pub(crate) struct LoadLimits{pub memory:u64,pub parallel:usize}
impl Loads { pub(crate) fn new(_:Weak<Volume>,_:Bucket,_:tokio::runtime::Handle,_:Weak<dyn Places>,_:LoadLimits)->Arc<Self>{todo!()}
pub(crate) fn stored(&self,_:NodeId,_:&FrozenContent){} pub(crate) async fn bytes(&self,_:NodeId,_:&str,_:Range<u64>)->Result<Bytes,BucketError>{todo!()}
pub(crate) async fn preload(&self,_:NodeId){} pub(crate) fn clean_bytes(&self)->u64{0} pub(crate) fn evicted_bytes(&self)->u64{0} pub(crate) fn downloaded_bytes(&self)->u64{0}}
impl ContentSource for Loads { fn load(&self,_:NodeId,_:&str,_:Range<u64>)->Result<Bytes>{todo!()} }
