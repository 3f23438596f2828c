//! Messages that no client or server would send.

use proptest::collection::vec;
use proptest::prelude::*;

/// Fields that nobody would send together: several of a kind, unknown ones, of other types, or cut off.
fn fields() -> impl Strategy<Value = Vec<u8>> {
    let field = (1..=10_u32, 0..=5_u8, vec(any::<u8>(), 0..12)).prop_map(|(tag, kind, content)| {
        let mut field = Vec::new();
        prost::encoding::encode_varint(u64::from(tag << 3 | u32::from(kind)), &mut field);
        if kind == 2 {
            prost::encoding::encode_varint(content.len() as u64, &mut field);
        }
        field.extend(content);
        field
    });
    vec(field, 0..5).prop_map(|fields| fields.concat())
}

/// The content of an operation or result with such fields: as they are, as a `get`, or as a `set`.
pub(crate) fn strange() -> impl Strategy<Value = Vec<u8>> {
    (fields(), prop_oneof![Just(None), Just(Some(0x0a_u8)), Just(Some(0x12))]).prop_map(
        |(fields, kind)| match kind {
            Some(kind) => [vec![kind, u8::try_from(fields.len()).unwrap_or(0)], fields].concat(),
            None => fields,
        },
    )
}
