//! `cargo xtask codegen`: compiles `proto/` into kv-proto's committed Rust code and descriptor set.
//!
//! Uses a protobuf compiler written in Rust, so neither this nor any build needs `protoc`.

use std::path::Path;

use anyhow::{Context, Result};
use prost::Message;

/// The contract's files, relative to `proto/`.
const PROTO_FILES: [&str; 2] = ["kv/v1/kv.proto", "kv/v1/admin.proto"];

/// Where the generated files live, relative to the workspace root.
const GENERATED_DIR: &str = "crates/kv-proto/src/generated";

/// Messages of the contract that are written by hand, in `kv_proto::batch`.
const BY_HAND: [&str; 4] =
    ["BatchWriteRequest", "BatchWriteResponse", "PipelineRequest", "PipelineResponse"];

/// Regenerates the committed code.
pub(crate) fn write(root: &Path) -> Result<()> {
    generate(root, &root.join(GENERATED_DIR))
}

/// Fails when the committed code differs from what `write` would produce.
pub(crate) fn check(root: &Path) -> Result<()> {
    let fresh_dir = tempfile::tempdir()?;
    generate(root, fresh_dir.path())?;
    for entry in std::fs::read_dir(fresh_dir.path())? {
        let name = entry?.file_name();
        let fresh = std::fs::read(fresh_dir.path().join(&name))?;
        let committed = std::fs::read(root.join(GENERATED_DIR).join(&name)).unwrap_or_default();
        anyhow::ensure!(
            fresh == committed,
            "{GENERATED_DIR}/{} is stale: run `cargo xtask codegen` and commit the result",
            name.display()
        );
    }
    Ok(())
}

/// Compiles the contract into `out_dir`.
fn generate(root: &Path, out_dir: &Path) -> Result<()> {
    std::fs::create_dir_all(out_dir)?;
    let descriptors = protox::compile(PROTO_FILES, [root.join("proto")])
        .context("the files in proto/ do not compile")?;
    std::fs::write(out_dir.join("kv_descriptor.bin"), descriptors.encode_to_vec())?;
    let mut builder =
        tonic_prost_build::configure().codec_path("crate::codec::MessageCodec").bytes(".");
    for message in BY_HAND {
        let ours = format!("crate::batch::{message}");
        builder = builder.extern_path(format!(".kv.v1.{message}"), ours);
    }
    builder
        .out_dir(out_dir)
        .build_transport(false)
        .compile_fds(descriptors)
        .context("the generated code could not be written")
}
