//! Listing directories, and the directories that the app starts with.

use larder_engine::file::{Listing, OpenFile};

use crate::answer::{self, Answer, code, error_code, file_type};
use crate::app::{App, length};
use crate::resources::{Kind, end, insert_descriptor, insert_listing, with_descriptor, with_listing};
use crate::{host, trap};

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.read-directory")]
extern "C" fn read_directory(context: u32, directory: u32, ret: u32) {
    let app = App::enter(context);
    let listing = with_descriptor(directory, Listing::open);
    answer::handle(app, ret, listing.map_err(code).and_then(insert_listing));
}

#[unsafe(export_name = "wasi:filesystem/types#[method]directory-entry-stream.read-directory-entry")]
extern "C" fn read_directory_entry(context: u32, listing: u32, ret: u32) {
    let app = App::enter(context);
    let answer = Answer::<20>::new();
    let answer = match with_listing(listing, Listing::next_entry) {
        Ok(None) => answer,
        Ok(Some(entry)) => {
            let name = app.give(entry.name.as_bytes());
            answer.u8(4, 1).u8(8, file_type(entry.file_type)).list(12, name)
        }
        Err(error) => answer.u8(0, 1).u8(4, error_code(error.code())),
    };
    answer.put(app, ret);
}

#[unsafe(export_name = "wasi:filesystem/types#[resource-drop]directory-entry-stream")]
extern "C" fn drop_listing(context: u32, listing: u32) {
    App::enter(context);
    end(listing, Kind::Listing);
}

/// The function has no error to answer with: where a root can't be opened,
/// because the app holds all handles that there may be, it traps as a full
/// resource table does.
#[unsafe(export_name = "wasi:filesystem/preopens#get-directories")]
extern "C" fn get_directories(context: u32, ret: u32) {
    let app = App::enter(context);
    #[cfg(feature = "forward")]
    crate::forward::prepare();
    let Ok(roots) = OpenFile::roots(host::now) else { trap() };
    let count = roots.len();
    let address = app.allocate(4, count.saturating_mul(12));
    let mut at = address;
    for (root, path) in roots {
        let Ok(handle) = insert_descriptor(root) else { trap() };
        let path = app.give(path.as_bytes());
        Answer::<12>::new().u32(0, handle).list(4, path).put(app, at);
        at = at.wrapping_add(12);
    }
    Answer::<8>::new().list(0, (address, length(count))).put(app, ret);
}
