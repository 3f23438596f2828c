//! What is printed: what ran where, and tables.

use std::process::Command;

use kv_bench::{Form, Origin, load_average};

/// Says what is measured, on what, and how to do it again.
pub(crate) fn header(origin: &Origin) {
    println!("$ {}", origin.command);
    match origin.form {
        Form::Full => {}
        Form::Quick => println!("\nQUICK: short rounds. Ratios count, figures say little.\n"),
        Form::Smoke => {
            println!("\nSMOKE: small numbers that show that it runs. They claim nothing.\n");
        }
    }
    let profile = if cfg!(debug_assertions) { "DEBUG BUILD, " } else { "" };
    println!("kv-server {}: {profile}{}", env!("CARGO_PKG_VERSION"), origin.commit);
    if !origin.versions.contains_key("redis-server") {
        println!("redis-server and redis-benchmark are not both on PATH: measured without Redis");
    }
    for (program, version) in origin.versions.iter().filter(|(program, _)| *program != "kv") {
        println!("{program} {version}");
    }
    println!("{}", origin.machine);
    println!("files on {}", file_system());
    println!("load average before: {}", load_average());
    println!(
        "Load generators share the machine. Figures are medians (range of all rounds), taken in turns."
    );
}

/// Kind and device of the file system that the servers' files are on.
fn file_system() -> String {
    let arguments = ["--output=fstype,source", env!("CARGO_TARGET_TMPDIR")];
    let output = Command::new("df").args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.unwrap_or_default().lines().last().unwrap_or("unknown").to_owned()
}

/// The first rows of a table.
pub(crate) fn table(columns: &[&str]) {
    println!("| {} |\n|{}", columns.join(" | "), "---|".repeat(columns.len()));
}

/// A row of a table.
pub(crate) fn row(cells: &[&str]) {
    println!("| {} |", cells.join(" | "));
}
