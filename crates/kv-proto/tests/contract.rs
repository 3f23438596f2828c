//! The contract has no field that the hand-written messages, and those that they read by hand, do not know.

use kv_proto::FILE_DESCRIPTOR_SET;
use prost::Message as _;
use prost_types::FileDescriptorSet;

/// Each message that is written or read by hand in `kv_proto::batch`, with its fields.
const BY_HAND: [(&str, &str); 11] = [
    ("BatchWriteRequest", "ops=1 atomic=2 durability=3"),
    ("BatchWriteResponse", "applied=1 results=2 failed_index=3 failed_result=4 achieved=5"),
    ("PipelineRequest", "batch=1 tag=2"),
    ("PipelineResponse", "batch=1 tag=2"),
    ("Op", "get=1 set=2 delete=3 exists=4 increment=5 append=6 expire=7"),
    ("OpResult", "get=1 set=2 delete=3 exists=4 increment=5 append=6 expire=7 error=15"),
    ("GetRequest", "key=1"),
    ("GetResponse", "value=1 version=2 ttl_ms=3"),
    (
        "SetRequest",
        "key=1 value=2 ttl_ms=3 expires_at_ms=4 keep_ttl=5 condition=6 if_version=7 return_previous=8 durability=9",
    ),
    ("SetResponse", "applied=1 version=2 ttl_ms=3 previous=4 achieved=5"),
    ("DeleteResponse", "applied=1 version=2 ttl_ms=3 previous=4 achieved=5"),
];

/// The fields of a message, as `name=number`.
fn fields(set: &FileDescriptorSet, name: &str) -> String {
    let mut messages = set.file.iter().flat_map(|file| &file.message_type);
    let message =
        messages.find(|message| message.name() == name).expect("a message of the contract");
    let fields = message.field.iter().map(|field| format!("{}={}", field.name(), field.number()));
    fields.collect::<Vec<_>>().join(" ")
}

#[test]
fn messages_by_hand_have_the_fields_of_the_contract() {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    for (name, known) in BY_HAND {
        assert_eq!(fields(&set, name), known, "{name}: see kv_proto::batch");
    }
}

#[test]
fn the_level_is_the_last_field_of_every_result_that_has_one() {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    for kind in ["Set", "Delete", "Increment", "Append", "Expire"] {
        let fields = fields(&set, &format!("{kind}Response"));
        let last = fields.split(' ').next_back().unwrap();
        assert!(last.starts_with("achieved="), "{kind}: {fields}");
    }
}
