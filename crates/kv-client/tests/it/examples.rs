//! Runs every example against a real server: an example that fails here fails for users too.

use kv_client::Client;
use kv_server::testing::TestServer;

/// Brings an example in as a module. Its `main` is for those who run it by hand.
macro_rules! examples {
    ($($name:ident: $path:literal),* $(,)?) => {
        $(
            #[expect(dead_code, reason = "an example's main is not called here")]
            #[path = $path]
            mod $name;

            #[tokio::test]
            async fn $name() {
                let server = TestServer::start();
                let client = Client::connect(server.addr()).await.unwrap();
                $name::run(&client).await.unwrap();
                assert_eq!(client.stats().await.unwrap().keys, 0, "it leaves nothing behind");
            }
        )*

        const EXAMPLES: &[&str] = &[$(stringify!($name)),*];
    };
}

examples! {
    atomic: "../../examples/atomic.rs",
    batch: "../../examples/batch.rs",
    conditions: "../../examples/conditions.rs",
    counters: "../../examples/counters.rs",
    durability: "../../examples/durability.rs",
    errors: "../../examples/errors.rs",
    get_set: "../../examples/get_set.rs",
    pipeline: "../../examples/pipeline.rs",
    scan: "../../examples/scan.rs",
    stats: "../../examples/stats.rs",
    ttl: "../../examples/ttl.rs",
}

#[test]
fn no_example_is_left_out() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort();
    assert_eq!(files, EXAMPLES);
}
