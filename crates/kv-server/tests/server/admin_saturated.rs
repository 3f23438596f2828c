//! While every thread that serves data is busy, the admin listener answers as if nothing was.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::Instant;

use crate::support::page::get;
use crate::support::{Process, batch, connect_to, set, set_op};

/// How long an answer may take. A machine that does other things beside may take longer now and then: half of
/// the answers must be in time.
const PROMPT: Duration = Duration::from_millis(100);

const CLIENTS: usize = 16;
const PAGES: usize = 21;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn metrics_are_prompt_while_the_data_path_is_saturated() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path(), &[]);
    let (stop, batches) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut load = JoinSet::new();
    for client in 0..CLIENTS {
        let mut kv = connect_to(process.addr()).await;
        let (stop, batches) = (Arc::clone(&stop), Arc::clone(&batches));
        let ops = (0..500).map(|n| set_op(set(format!("{client}/{n}"), [b'v'; 64]))).collect();
        let request = batch(false, ops);
        load.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                kv.batch_write(request.clone()).await.unwrap();
                batches.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let addr = process.socket_addr_of("admin");
    let watched = Arc::clone(&batches);
    let mut times: Vec<Duration> = spawn_blocking(move || {
        let page = |_| {
            // Every page is asked for while writes are under way.
            let before = watched.load(Ordering::Relaxed);
            while watched.load(Ordering::Relaxed) == before {
                std::thread::yield_now();
            }
            let asked = Instant::now();
            assert_eq!(get(addr, "/metrics").status, 200);
            asked.elapsed()
        };
        (0..PAGES).map(page).collect()
    })
    .await
    .unwrap();
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = load.join_next().await {
        ended.unwrap();
    }
    times.sort_unstable();
    assert!(times[PAGES / 2] <= PROMPT, "{times:?}");
}
