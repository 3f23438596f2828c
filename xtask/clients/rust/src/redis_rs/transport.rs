//! Connections: pipelines, tasks, threads, and a server that comes back.

use std::time::Duration;

use kv_clients::{Checked, equal, kill, refused, start};
use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::{AsyncCommands as _, Commands as _};

pub(crate) async fn pipelines(c: &mut MultiplexedConnection) -> Checked {
    let mut pipe = redis::pipe();
    for number in 0..800 {
        pipe.set(format!("k{number}"), number).ignore();
    }
    for number in 0..800 {
        pipe.get(format!("k{number}"));
    }
    let read: Vec<i64> = pipe.query_async(c).await?;
    equal(read, (0..800).collect::<Vec<_>>())?;
    let mut pipe = redis::pipe();
    for _ in 0..500 {
        pipe.incr("n", 1);
    }
    equal(pipe.query_async::<Vec<i64>>(c).await?, (1..=500).collect::<Vec<_>>())?;
    let value = "v".repeat(256 << 10);
    let mut pipe = redis::pipe();
    for number in 0..40 {
        pipe.set(format!("big{number}"), &value).ignore().get(format!("big{number}"));
    }
    let read: Vec<String> = pipe.query_async(c).await?;
    equal(read.len() == 40 && read.iter().all(|read| *read == value), true)
}

pub(crate) async fn errors_in_pipelines(c: &mut MultiplexedConnection) -> Checked {
    let mut pipe = redis::pipe();
    pipe.set("text", "x").incr("text", 1).set("after", "1");
    refused(pipe.query_async::<Vec<String>>(c).await, "value is not an integer")?;
    equal(c.get::<_, String>("after").await?, "1")
}

pub(crate) async fn tasks_share_a_connection(c: &mut MultiplexedConnection) -> Checked {
    let tasks: Vec<_> = (0..10)
        .map(|task| {
            let mut c = c.clone();
            tokio::spawn(async move {
                for number in 0..20 {
                    let _: i64 = c.incr("shared", 1).await?;
                    let () = c.set(format!("{task}:{number}"), number).await?;
                    equal(c.get::<_, i64>(format!("{task}:{number}")).await?, number)?;
                }
                Checked::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    equal(c.get::<_, i64>("shared").await?, 200)
}

pub(crate) async fn threads_with_connections(c: &mut MultiplexedConnection) -> Checked {
    let threads: Vec<_> = (0..8)
        .map(|_| {
            std::thread::spawn(|| {
                let mut c = crate::client().get_connection()?;
                for _ in 0..25 {
                    let _: i64 = c.incr("shared", 1)?;
                }
                let scanned: Vec<String> = c.scan()?.collect::<redis::RedisResult<_>>()?;
                equal(scanned, ["shared"])
            })
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| "a thread has panicked")??;
    }
    equal(c.get::<_, i64>("shared").await?, 200)
}

pub(crate) async fn the_server_comes_back(c: &mut MultiplexedConnection) -> Checked {
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(100)
        .set_min_delay(Duration::from_millis(20))
        .set_max_delay(Duration::from_millis(100));
    let mut manager = ConnectionManager::new_with_config(crate::client(), config).await?;
    let () = manager.set("kept", "before").await?;
    kill()?;
    refused(c.get::<_, String>("kept").await, "")?;
    start()?;
    // The call that finds the old connection gone fails, and has the manager connect again.
    let mut read: Option<String> = None;
    for _ in 0..100 {
        read = manager.get("kept").await.ok();
        if read.is_some() {
            break;
        }
    }
    equal(read.as_deref(), Some("before"))?;
    let () = manager.set("kept", "after").await?;
    equal(manager.get::<_, String>("kept").await?, "after")
}
