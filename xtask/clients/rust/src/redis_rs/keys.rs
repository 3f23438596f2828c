//! Keys and their expiry: found, iterated, renamed, copied, dumped, ended.

use std::collections::BTreeSet;
use std::time::{Instant, SystemTime};

use futures_util::StreamExt as _;
use kv_clients::{Checked, SLACK, equal, refused, within};
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncCommands as _, CopyOptions, Expiry, RedisResult, ScanOptions, SetExpiry, SetOptions, cmd,
};

pub(crate) async fn existence(c: &mut MultiplexedConnection) -> Checked {
    let () = c.mset(&[("a", "1"), ("b", "2"), ("c", "3")]).await?;
    equal(c.exists::<_, i64>(&["a", "b", "none", "a"]).await?, 3)?;
    equal(c.key_type::<_, String>("a").await?, "string")?;
    equal(c.key_type::<_, String>("none").await?, "none")?;
    equal(c.del::<_, i64>(&["a", "none"]).await?, 1)?;
    equal(c.unlink::<_, i64>(&["b", "c"]).await?, 2)?;
    equal(cmd("RANDOMKEY").query_async::<Option<String>>(c).await?, None)?;
    let () = c.set("number", "12345").await?;
    equal(c.object_encoding::<_, String>("number").await?, "int")?;
    equal(c.object_refcount::<_, i64>("number").await?, 1)?;
    equal(cmd("RANDOMKEY").query_async::<String>(c).await?, "number")?;
    equal(cmd("TOUCH").arg("number").arg("none").query_async::<i64>(c).await?, 1)
}

pub(crate) async fn patterns_and_scans(c: &mut MultiplexedConnection) -> Checked {
    let names: BTreeSet<String> = (0..1500).map(|number| format!("key:{number}")).collect();
    let mut pipe = redis::pipe();
    for name in &names {
        pipe.set(name, "v").ignore();
    }
    let () = pipe.query_async(c).await?;
    let () = c.set("other", "v").await?;
    let found: BTreeSet<String> = c.keys("key:12?").await?;
    equal(found.len(), 10)?;
    for count in [1, 50, 10_000] {
        let options = ScanOptions::default().with_pattern("key:*").with_count(count);
        let scanned: BTreeSet<String> =
            c.scan_options(options).await?.map(|key| key.expect("a key")).collect().await;
        equal(scanned == names, true)?;
    }
    let all: BTreeSet<String> = c.scan().await?.map(|key| key.expect("a key")).collect().await;
    equal(all.len(), 1501)
}

pub(crate) async fn rename_and_copy(c: &mut MultiplexedConnection) -> Checked {
    let () = c.set_ex("a", "1", 1000).await?;
    let () = c.rename("a", "b").await?;
    within(c.ttl("b").await?, 1000 - SLACK, 1000)?;
    refused(c.rename::<_, _, ()>("none", "x").await, "no such key")?;
    let () = c.set("c", "3").await?;
    equal(c.rename_nx::<_, _, bool>("b", "c").await?, false)?;
    equal(c.copy::<_, _, _, bool>("c", "b", CopyOptions::default()).await?, false)?;
    equal(c.copy::<_, _, _, bool>("c", "b", CopyOptions::default().replace(true)).await?, true)?;
    equal(c.mget::<_, Vec<String>>(&["b", "c"]).await?, ["3", "3"])
}

pub(crate) async fn dump_and_restore(c: &mut MultiplexedConnection) -> Checked {
    for value in ["v", "", "12345", &"z".repeat(100_000)] {
        let () = c.set("a", value).await?;
        let dumped: Vec<u8> = cmd("DUMP").arg("a").query_async(c).await?;
        let mut restore = cmd("RESTORE");
        restore.arg("b").arg(0).arg(&dumped);
        let () = restore.clone().arg("REPLACE").query_async(c).await?;
        equal(c.get::<_, String>("b").await?, value)?;
        let busy: RedisResult<()> = restore.query_async(c).await;
        refused(busy, "BUSYKEY")?;
    }
    Ok(())
}

pub(crate) async fn expiry(c: &mut MultiplexedConnection) -> Checked {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let at = i64::try_from(now)? + 5000;
    let with = |expiry| SetOptions::default().with_expiration(expiry);
    let () = c.set_options("k", "v", with(SetExpiry::EX(1000))).await?;
    within(c.ttl("k").await?, 1000 - SLACK, 1000)?;
    let () = c.set_options("k", "v", with(SetExpiry::PXAT(at.cast_unsigned() * 1000 + 7))).await?;
    equal(c.pexpire_time::<_, i64>("k").await?, at * 1000 + 7)?;
    let () = c.set_options("k", "w", with(SetExpiry::KEEPTTL)).await?;
    equal(c.expire_time::<_, i64>("k").await?, at)?;
    equal(c.get_ex::<_, String>("k", Expiry::PERSIST).await?, "w")?;
    equal(c.ttl::<_, i64>("k").await?, -1)?;
    equal(c.expire_at::<_, bool>("k", at).await?, true)?;
    equal(c.pexpire_at::<_, bool>("k", at * 1000 + 9).await?, true)?;
    equal(c.pexpire_time::<_, i64>("k").await?, at * 1000 + 9)?;
    equal(c.pexpire::<_, bool>("k", 300_000).await?, true)?;
    within(c.pttl("k").await?, (300 - SLACK) * 1000, 300_000)?;
    let later: bool = cmd("EXPIRE").arg("k").arg(1000).arg("LT").query_async(c).await?;
    equal(later, false)?;
    equal(c.persist::<_, bool>("k").await?, true)?;
    equal(c.persist::<_, bool>("k").await?, false)?;
    equal(c.ttl::<_, i64>("none").await?, -2)?;
    refused(c.set_ex::<_, _, ()>("k", "v", 0).await, "invalid expire time in 'setex' command")
}

pub(crate) async fn the_end_of_a_key(c: &mut MultiplexedConnection) -> Checked {
    let () = c.set("past", "v").await?;
    equal(c.expire::<_, bool>("past", -1).await?, true)?;
    equal(c.exists::<_, bool>("past").await?, false)?;
    let () = c.pset_ex("soon", "v", 30).await?;
    let start = Instant::now();
    while c.pttl::<_, i64>("soon").await? != -2 {
        equal(start.elapsed().as_secs() < 60, true)?;
    }
    equal(c.get::<_, Option<String>>("soon").await?, None)
}
