//! Pages of the store that fit in a message.

use kv_core::{ScanCursor, ScanPage, ScanSpec, Value};

use super::refusal::Refusal;
use super::room::MESSAGE_ROOM_BYTES;
use super::shared::Shared;

/// Bytes that an entry needs beside its key and value.
const ENTRY_ROOM_BYTES: usize = 48;

/// Reads a page that fits in a message. A page is too long when large entries come late in it: then it is
/// read again up to the last one, which begins the next page.
pub(crate) fn page_within(
    shared: &Shared,
    spec: &ScanSpec<'_>,
    cursor: Option<ScanCursor>,
) -> Result<ScanPage, Refusal> {
    let max = shared.message_bytes_max;
    let mut page_keys = spec.page_keys;
    loop {
        let page = shared.store().scan(&ScanSpec { page_keys, ..*spec }, cursor)?;
        if message_bytes(&page) <= max {
            return Ok(page);
        }
        if let [entry] = page.entries.as_slice() {
            let bytes = entry.value.as_ref().map_or(0, Value::len);
            return Err(Refusal::ValueOverAnswer { bytes, max, applied: false });
        }
        // The second time the store has changed meanwhile: a page of one entry ends the loop.
        let again = page_keys != spec.page_keys;
        page_keys = if again { 1 } else { page.entries.len() - 1 };
    }
}

/// The longest message that the page can become.
fn message_bytes(page: &ScanPage) -> usize {
    let entries = page.entries.iter().map(|entry| {
        entry.key.len() + entry.value.as_ref().map_or(0, Value::len) + ENTRY_ROOM_BYTES
    });
    MESSAGE_ROOM_BYTES - ENTRY_ROOM_BYTES + entries.sum::<usize>()
}
