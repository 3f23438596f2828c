//! The server itself: who is connected, what it is, how it is set.

use std::collections::HashMap;

use kv_clients::{Checked, contains, equal, is_kv, refused, within};
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands as _, InfoDict, RedisResult, Value, cmd};

pub(crate) async fn greetings(c: &mut MultiplexedConnection) -> Checked {
    equal(cmd("PING").query_async::<String>(c).await?, "PONG")?;
    equal(cmd("ECHO").arg("text").query_async::<String>(c).await?, "text")?;
    equal(cmd("SELECT").arg(0).query_async::<String>(c).await?, "OK")?;
    let far: RedisResult<()> = cmd("SELECT").arg(1000).query_async(c).await;
    refused(far, "DB index is out of range")?;
    let (seconds, microseconds): (i64, i64) = cmd("TIME").query_async(c).await?;
    within(seconds, 1_700_000_000, 1 << 34)?;
    within(microseconds, 0, 999_999)?;
    let hello: HashMap<String, Value> = cmd("HELLO").query_async(c).await?;
    equal(hello.get("server"), Some(&Value::BulkString(b"redis".to_vec())))?;
    let expected = if kv_clients::wants_resp3() { 3 } else { 2 };
    equal(hello.get("proto"), Some(&Value::Int(expected)))
}

pub(crate) async fn clients(c: &mut MultiplexedConnection) -> Checked {
    let () = c.client_setname("checker").await?;
    equal(c.client_getname::<String>().await?, "checker")?;
    let number: i64 = c.client_id().await?;
    let listed: String = cmd("CLIENT").arg("LIST").query_async(c).await?;
    let own: Vec<&str> = listed.lines().filter(|line| line.contains(" name=checker ")).collect();
    equal(own.len(), 1)?;
    contains(own[0], &format!("id={number} addr=127.0.0.1:"))?;
    if is_kv() {
        let info: String = cmd("CLIENT").arg("INFO").query_async(c).await?;
        contains(info, " lib-name=redis-rs ")?;
    }
    let victim = crate::client().get_multiplexed_async_connection().await?;
    let other: i64 = victim.clone().client_id().await?;
    equal(cmd("CLIENT").arg("KILL").arg("ID").arg(other).query_async::<i64>(c).await?, 1)?;
    refused(victim.clone().client_id::<i64>().await, "")
}

pub(crate) async fn information(c: &mut MultiplexedConnection) -> Checked {
    let () = c.mset(&[("a", "1"), ("b", "2")]).await?;
    equal(c.expire::<_, bool>("b", 1000).await?, true)?;
    let info: InfoDict = cmd("INFO").query_async(c).await?;
    equal(info.get::<String>("redis_mode").as_deref(), Some("standalone"))?;
    equal(info.get::<u64>("used_memory").is_some_and(|bytes| bytes > 0), true)?;
    equal(info.get::<u64>("uptime_in_seconds").is_some(), true)?;
    contains(info.get::<String>("db0").unwrap_or_default(), "keys=2,expires=1,")?;
    equal(info.get::<String>("kv_version").is_some(), is_kv())?;
    equal(cmd("DBSIZE").query_async::<i64>(c).await?, 2)?;
    within(cmd("LASTSAVE").query_async(c).await?, 1_700_000_000, 1 << 34)?;
    within(cmd("MEMORY").arg("USAGE").arg("a").query_async(c).await?, 1, 1000)?;
    equal(cmd("SLOWLOG").arg("RESET").query_async::<String>(c).await?, "OK")
}

pub(crate) async fn configuration(c: &mut MultiplexedConnection) -> Checked {
    let get = async |name: &str| -> RedisResult<HashMap<String, String>> {
        cmd("CONFIG").arg("GET").arg(name).query_async(&mut c.clone()).await
    };
    let set = async |name: &str, value: &str| -> RedisResult<String> {
        cmd("CONFIG").arg("SET").arg(name).arg(value).query_async(&mut c.clone()).await
    };
    equal(get("maxmemory").await?.get("maxmemory").map(String::as_str), Some("0"))?;
    equal(set("maxmemory", "1000mb").await?, "OK")?;
    equal(get("maxmemory").await?.get("maxmemory").map(String::as_str), Some("1048576000"))?;
    equal(set("maxmemory", "0").await?, "OK")?;
    equal(get("no-such-setting").await?.len(), 0)?;
    refused(
        set("no-such-setting", "1").await,
        "Unknown option or number of arguments for CONFIG SET",
    )
}

pub(crate) async fn commands(c: &mut MultiplexedConnection) -> Checked {
    within(cmd("COMMAND").arg("COUNT").query_async(c).await?, 60, 10_000)?;
    let names: Vec<String> = cmd("COMMAND").arg("LIST").query_async(c).await?;
    equal(names.contains(&"get".to_owned()), true)?;
    let keys: Vec<String> =
        cmd("COMMAND").arg("GETKEYS").arg("MSET").arg(&["a", "1", "b", "2"]).query_async(c).await?;
    equal(keys, ["a", "b"])
}
