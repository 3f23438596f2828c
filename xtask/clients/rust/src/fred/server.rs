//! The server itself: who is connected, what it is, how it is set.

use std::collections::HashMap;

use fred::prelude::*;
use fred::types::InfoKind;
use fred::types::client::ClientKillFilter;
use kv_clients::{Checked, contains, equal, is_kv, refused, within};

use crate::{builder, call, connected};

pub(crate) async fn greetings(c: &Client) -> Checked {
    equal(c.ping::<String>(None).await?, "PONG")?;
    equal(c.echo::<String, _>("text").await?, "text")?;
    c.select(0).await?;
    refused(call::<()>(c, &["SELECT", "1000"]).await, "DB index is out of range")?;
    let (seconds, microseconds): (i64, i64) = call(c, &["TIME"]).await?;
    within(seconds, 1_700_000_000, 1 << 34)?;
    within(microseconds, 0, 999_999)
}

pub(crate) async fn clients(c: &Client) -> Checked {
    c.client_setname("checker").await?;
    equal(c.client_getname::<String>().await?, "checker")?;
    let number: i64 = c.client_id().await?;
    let listed: String = c.client_list::<_, String>(None, None).await?;
    let own: Vec<&str> = listed.lines().filter(|line| line.contains(" name=checker ")).collect();
    equal(own.len(), 1)?;
    contains(own[0], &format!("id={number} addr=127.0.0.1:"))?;
    let victim = connected(builder().set_policy(ReconnectPolicy::new_constant(0, 10))).await?;
    let killed: i64 = victim.client_id().await?;
    equal(c.client_kill::<i64>(vec![ClientKillFilter::ID(killed.to_string())]).await?, 1)?;
    // It connects again by itself; the call that meets the broken connection is sent again.
    equal(victim.client_id::<i64>().await? != killed, true)?;
    victim.quit().await?;
    Ok(())
}

pub(crate) async fn information(c: &Client) -> Checked {
    c.mset(vec![("a", "1"), ("b", "2")]).await?;
    equal(c.expire::<bool, _>("b", 1000, None).await?, true)?;
    let info: String = c.info(None).await?;
    for field in
        ["redis_version", "redis_mode", "uptime_in_seconds", "used_memory", "connected_clients"]
    {
        contains(&info, &format!("\r\n{field}:"))?;
    }
    contains(c.info::<String>(Some(InfoKind::Keyspace)).await?, "db0:keys=2,expires=1,")?;
    equal(info.contains("\r\nkv_version:"), is_kv())?;
    equal(c.dbsize::<i64>().await?, 2)?;
    within(c.lastsave().await?, 1_700_000_000, 1 << 34)?;
    within(c.memory_usage("a", None).await?, 1, 1000)?;
    c.slowlog_reset().await?;
    within(c.slowlog_length().await?, 0, 128)?;
    equal(c.wait::<i64>(0, 1).await?, 0)
}

pub(crate) async fn configuration(c: &Client) -> Checked {
    let get = async |name: &str| c.config_get::<HashMap<String, String>, _>(name.to_owned()).await;
    equal(get("maxmemory").await?.get("maxmemory").map(String::as_str), Some("0"))?;
    c.config_set("maxmemory", "1000mb").await?;
    equal(get("maxmemory").await?.get("maxmemory").map(String::as_str), Some("1048576000"))?;
    c.config_set("maxmemory", "0").await?;
    equal(get("no-such-setting").await?.len(), 0)?;
    refused(
        c.config_set("no-such-setting", "1").await,
        "Unknown option or number of arguments for CONFIG SET",
    )?;
    c.config_resetstat().await?;
    within(call(c, &["COMMAND", "COUNT"]).await?, 60, 10_000)
}
