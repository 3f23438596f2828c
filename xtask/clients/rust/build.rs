//! Makes programs of what docs/clients.md shows, with the address from the environment; and tells the
//! programs which versions they use.

use std::path::Path;

/// The page, and the address that it shows.
const PAGE: &str = "../../../docs/clients.md";
const LOCK: &str = "Cargo.lock";
const SHOWN: &str = "\"redis://127.0.0.1:7379\"";
const TAKEN: &str =
    "&*format!(\"redis://{}\", std::env::var(\"KV_CLIENTS_RESP\").expect(\"an address\"))";

fn main() {
    println!("cargo:rerun-if-changed={PAGE}");
    let page = std::fs::read_to_string(PAGE).expect("docs/clients.md is there");
    let out = std::env::var("OUT_DIR").expect("cargo tells where output goes");
    for name in ["redis-rs", "fred"] {
        let section = page.split("\n## ").find(|section| section.starts_with(&format!("{name}\n")));
        let code =
            section.and_then(|section| section.split("```rust\n").nth(1)?.split("```").next());
        let code = code.unwrap_or_else(|| panic!("docs/clients.md has Rust under `## {name}`"));
        let code = code.replace(SHOWN, TAKEN);
        std::fs::write(Path::new(&out).join(format!("{name}.rs")), code).expect("OUT_DIR is ours");
    }
    println!("cargo:rerun-if-changed={LOCK}");
    let lock = std::fs::read_to_string(LOCK).expect("Cargo.lock is there");
    for name in ["redis", "fred"] {
        let package = format!("name = \"{name}\"\nversion = \"");
        let version = lock.split(&package).nth(1).and_then(|rest| rest.split('"').next());
        let version = version.expect("it is a dependency");
        println!("cargo:rustc-env={}_VERSION={version}", name.to_uppercase());
    }
}
