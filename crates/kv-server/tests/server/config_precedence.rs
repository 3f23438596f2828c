//! Defaults, file, environment, flags: each source overrides those before it.

use std::path::Path;

use crate::support::binary;

/// The line of `key` that `--check-config` prints.
fn check(dir: &Path, args: &[&str], environment: &[(&str, &str)], key: &str) -> String {
    let mut command = binary();
    command.current_dir(dir).arg("--check-config").args(args);
    let output = command.envs(environment.iter().copied()).output().expect("the binary runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let stdout = String::from_utf8(output.stdout).expect("TOML is text");
    let line = stdout.lines().find(|line| line.starts_with(key)).expect("every key is printed");
    line.to_owned()
}

#[test]
fn each_source_overrides_those_before_it() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("kv.toml"), "[engine]\nshards = 2\n").unwrap();
    let file = ["--config", "kv.toml"];
    let flags = ["--config", "kv.toml", "--set", "engine.shards=8"];
    let twice = ["--set", "engine.shards=8", "--set", "engine.shards=16"];
    let environment = [("KV__ENGINE__SHARDS", "4")];
    for (args, environment, wanted) in [
        (&[][..], &[][..], 1024),
        (&file, &[], 2),
        (&file, &environment, 4),
        (&[], &environment, 4),
        (&flags, &environment, 8),
        (&twice, &environment, 16),
    ] {
        let line = check(dir.path(), args, environment, "shards");
        assert_eq!(line, format!("shards = {wanted}"), "{args:?} {environment:?}");
    }
}

#[test]
fn yaml_is_read_by_its_extension() {
    let dir = tempfile::tempdir().unwrap();
    let yaml = "engine:\n  shards: 2\n  memory_limit: 1GiB\nserver:\n#  grpc_addr: unset\n";
    for name in ["kv.yaml", "kv.yml"] {
        std::fs::write(dir.path().join(name), yaml).unwrap();
        assert_eq!(check(dir.path(), &["--config", name], &[], "shards"), "shards = 2");
        let line = check(dir.path(), &["--config", name], &[], "memory_limit");
        assert_eq!(line, "memory_limit = \"1GiB\"");
    }
}

#[test]
fn data_dir_has_a_flag_and_a_variable_without_a_section() {
    let dir = tempfile::tempdir().unwrap();
    let flag = ["--data-dir", "/a b/c"];
    assert_eq!(check(dir.path(), &flag, &[], "data_dir"), "data_dir = \"/a b/c\"");
    let set = ["--set", "data_dir=x=y"];
    assert_eq!(check(dir.path(), &set, &[], "data_dir"), "data_dir = \"x=y\"");
    let variable = [("KV__DATA_DIR", "from-env")];
    assert_eq!(check(dir.path(), &[], &variable, "data_dir"), "data_dir = \"from-env\"");
}
