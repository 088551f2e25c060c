//! The types of `wasi:filesystem` 0.3.

use larder_core::{Attributes, ErrorCode, FileType, SetTime, Timestamp};
use wasmtime::component::{Accessor, ComponentNamedList, ComponentType, Lift, LinkerInstance, Lower};
use wasmtime::{AsContextMut, StoreContextMut};
use wasmtime_wasi::p3::bindings::clocks::system_clock::Instant;
use wasmtime_wasi::p3::bindings::filesystem::types;

use crate::abi::{Abi, error_codes};

/// WASI 0.3.
pub(crate) struct P3;

impl Abi for P3 {
    type ErrorCode = types::ErrorCode;
    type Kind = types::DescriptorType;
    type Stat = types::DescriptorStat;
    type NewTimestamp = types::NewTimestamp;

    fn error(code: ErrorCode) -> types::ErrorCode {
        use types::ErrorCode as Code;
        // 0.3 dropped `would-block`, which the store never answers with.
        error_codes!(code => Code { WouldBlock => InProgress })
    }

    fn kind(file_type: FileType) -> types::DescriptorType {
        match file_type {
            FileType::RegularFile => types::DescriptorType::RegularFile,
            FileType::Directory => types::DescriptorType::Directory,
            FileType::SymbolicLink => types::DescriptorType::SymbolicLink,
        }
    }

    fn stat(attributes: &Attributes) -> types::DescriptorStat {
        types::DescriptorStat {
            type_: Self::kind(attributes.file_type),
            link_count: attributes.link_count,
            size: attributes.size,
            data_access_timestamp: Some(instant(attributes.accessed)),
            data_modification_timestamp: Some(instant(attributes.modified)),
            status_change_timestamp: Some(instant(attributes.changed)),
        }
    }

    fn set_time(time: types::NewTimestamp) -> Result<SetTime, ErrorCode> {
        Ok(match time {
            types::NewTimestamp::NoChange => SetTime::Keep,
            types::NewTimestamp::Now => SetTime::Now,
            types::NewTimestamp::Timestamp(time) => SetTime::At(timestamp(time)),
        })
    }

    fn method<T, P, R, F>(types: &mut LinkerInstance<'_, T>, name: &str, function: F) -> wasmtime::Result<()>
    where
        T: 'static,
        P: ComponentNamedList + Lift + 'static,
        R: ComponentType + Lower + 'static,
        (R,): ComponentNamedList + Lower,
        F: Fn(&mut StoreContextMut<'_, T>, P) -> wasmtime::Result<R> + Copy + Send + Sync + 'static,
    {
        types.func_wrap_concurrent(name, move |store: &Accessor<T>, params: P| {
            Box::pin(async move { store.with(|mut store| Ok((function(&mut store.as_context_mut(), params)?,))) })
        })
    }
}

fn instant(time: Timestamp) -> Instant {
    Instant { seconds: time.seconds, nanoseconds: time.nanoseconds }
}

/// The store refuses nanoseconds of a second or more, as POSIX `utimensat`.
fn timestamp(time: Instant) -> Timestamp {
    Timestamp { seconds: time.seconds, nanoseconds: time.nanoseconds }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_code_keeps_its_name() {
        for code in ErrorCode::ALL.iter().filter(|code| **code != ErrorCode::WouldBlock) {
            let wasi = format!("{:?}", P3::error(*code)).to_lowercase();
            assert_eq!(wasi, format!("errorcode::{}", code.wasi_name().replace('-', "")));
        }
    }
}
