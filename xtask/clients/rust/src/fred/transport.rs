//! Connections: pipelines, pools, tasks, and a server that comes back.

use std::time::Duration;

use fred::prelude::*;
use kv_clients::{Checked, equal, kill, refused, start};

use crate::{builder, connected};

pub(crate) async fn pipelines(c: &Client) -> Checked {
    let pipeline = c.pipeline();
    for number in 0..800 {
        let () = pipeline.set(format!("k{number}"), number, None, None, false).await?;
    }
    equal(pipeline.all::<Vec<String>>().await?, vec!["OK"; 800])?;
    let pipeline = c.pipeline();
    for number in 0..800 {
        let () = pipeline.get(format!("k{number}")).await?;
    }
    equal(pipeline.all::<Vec<i64>>().await?, (0..800).collect::<Vec<_>>())?;
    let value = "v".repeat(256 << 10);
    let pipeline = c.pipeline();
    for number in 0..40 {
        let () = pipeline.set(format!("big{number}"), value.as_str(), None, None, false).await?;
        let () = pipeline.get(format!("big{number}")).await?;
    }
    let read: Vec<String> = pipeline.all().await?;
    equal(read.len() == 80 && read.iter().skip(1).step_by(2).all(|read| *read == value), true)
}

pub(crate) async fn errors_in_pipelines(c: &Client) -> Checked {
    let pipeline = c.pipeline();
    let () = pipeline.set("text", "x", None, None, false).await?;
    let () = pipeline.incr("text").await?;
    let () = pipeline.set("after", "1", None, None, false).await?;
    let answers = pipeline.try_all::<String>().await;
    equal(answers.len(), 3)?;
    equal(answers[0].as_deref().ok(), Some("OK"))?;
    refused(answers[1].clone(), "value is not an integer")?;
    equal(answers[2].as_deref().ok(), Some("OK"))?;
    equal(c.get::<String, _>("after").await?, "1")
}

pub(crate) async fn tasks_share_a_pool(c: &Client) -> Checked {
    let pool = builder().build_pool(5)?;
    pool.init().await?;
    let tasks: Vec<_> = (0..10)
        .map(|task| {
            let pool = pool.clone();
            tokio::spawn(async move {
                for number in 0..20 {
                    let () = pool.incr("shared").await?;
                    // Each call goes over the next connection, and sees what the last one wrote.
                    let () =
                        pool.set(format!("{task}:{number}"), number, None, None, false).await?;
                    equal(pool.get::<i64, _>(format!("{task}:{number}")).await?, number)?;
                }
                Checked::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    pool.quit().await?;
    equal(c.get::<i64, _>("shared").await?, 200)
}

pub(crate) async fn the_server_comes_back(c: &Client) -> Checked {
    let hasty = connected(builder().with_performance_config(|config| {
        config.default_command_timeout = Duration::from_millis(500);
    }))
    .await?;
    let () = c.set("kept", "before", None, None, false).await?;
    kill()?;
    refused(hasty.get::<String, _>("kept").await, "")?;
    start()?;
    equal(c.get::<String, _>("kept").await?, "before")?;
    let () = c.set("kept", "after", None, None, false).await?;
    let again = connected(&builder()).await?;
    equal(again.get::<String, _>("kept").await?, "after")?;
    again.quit().await?;
    Ok(())
}
