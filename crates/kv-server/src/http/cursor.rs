//! The cursor of a listing as text: base64 without padding, of the alphabet that needs no escaping in a query.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use kv_core::{ScanCursor, StoreError};

/// Writes a cursor.
pub(super) fn encode(cursor: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(cursor)
}

/// Reads a cursor; `None` for an empty one, which starts from the beginning.
pub(super) fn decode(text: &[u8]) -> Result<Option<ScanCursor>, StoreError> {
    if text.is_empty() {
        return Ok(None);
    }
    let bytes =
        BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_not_base64| StoreError::CursorInvalid)?;
    ScanCursor::decode(&bytes).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_absent_or_whole() {
        assert_eq!(decode(b""), Ok(None));
        let cursor = [1; kv_core::CURSOR_BYTES];
        let text = encode(&cursor);
        assert_eq!(decode(text.as_bytes()).unwrap().unwrap().encode(), cursor);
        for text in ["x", "AQ==", "AQEB", "****", &text[1..], &format!("{text}=")] {
            assert_eq!(decode(text.as_bytes()), Err(StoreError::CursorInvalid), "{text}");
        }
    }
}
