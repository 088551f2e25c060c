//! The types of `wasi:filesystem` 0.2.

use larder_core::{Attributes, ErrorCode, FileType, SetTime, Timestamp};
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentNamedList, ComponentType, Lift, LinkerInstance, Lower};
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;
use wasmtime_wasi::p2::bindings::filesystem::types;

use crate::abi::{Abi, error_codes};

/// WASI 0.2.
pub(crate) struct P2;

impl Abi for P2 {
    type ErrorCode = types::ErrorCode;
    type Kind = types::DescriptorType;
    type Stat = types::DescriptorStat;
    type NewTimestamp = types::NewTimestamp;

    fn error(code: ErrorCode) -> types::ErrorCode {
        use types::ErrorCode as Code;
        error_codes!(code => Code { WouldBlock => WouldBlock })
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
            data_access_timestamp: datetime(attributes.accessed),
            data_modification_timestamp: datetime(attributes.modified),
            status_change_timestamp: datetime(attributes.changed),
        }
    }

    fn set_time(time: types::NewTimestamp) -> Result<SetTime, ErrorCode> {
        Ok(match time {
            types::NewTimestamp::NoChange => SetTime::Keep,
            types::NewTimestamp::Now => SetTime::Now,
            types::NewTimestamp::Timestamp(time) => SetTime::At(timestamp(time)?),
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
        types.func_wrap(name, move |mut store: StoreContextMut<'_, T>, params: P| Ok((function(&mut store, params)?,)))
    }
}

/// 0.2 has no times before 1970: they are reported as unknown.
fn datetime(time: Timestamp) -> Option<Datetime> {
    Some(Datetime { seconds: u64::try_from(time.seconds).ok()?, nanoseconds: time.nanoseconds })
}

/// The store refuses nanoseconds of a second or more, as POSIX `utimensat`.
fn timestamp(time: Datetime) -> Result<Timestamp, ErrorCode> {
    let seconds = i64::try_from(time.seconds).map_err(|_| ErrorCode::Overflow)?;
    Ok(Timestamp { seconds, nanoseconds: time.nanoseconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_code_keeps_its_name() {
        for code in ErrorCode::ALL {
            let wasi = format!("{:?}", P2::error(*code));
            assert!(wasi.contains(code.wasi_name()), "{wasi} for {}", code.wasi_name());
        }
    }

    #[test]
    fn times_that_do_not_fit_overflow() {
        assert_eq!(timestamp(Datetime { seconds: u64::MAX, nanoseconds: 0 }), Err(ErrorCode::Overflow));
        assert_eq!(timestamp(Datetime { seconds: u64::MAX, nanoseconds: u32::MAX }), Err(ErrorCode::Overflow));
        let passed_on = timestamp(Datetime { seconds: 1, nanoseconds: 2_000_000_005 });
        assert_eq!(passed_on, Ok(Timestamp { seconds: 1, nanoseconds: 2_000_000_005 }));
        assert!(datetime(Timestamp { seconds: -1, nanoseconds: 0 }).is_none());
    }
}
