//! Keys and their expiry: found, iterated, renamed, copied, dumped, ended.

use std::collections::BTreeSet;
use std::time::{Instant, SystemTime};

use fred::prelude::*;
use fred::types::ExpireOptions;
use fred::types::scan::ScanType;
use futures_util::TryStreamExt as _;
use kv_clients::{Checked, SLACK, equal, refused, within};

use crate::call;

pub(crate) async fn existence(c: &Client) -> Checked {
    c.mset(vec![("a", "1"), ("b", "2"), ("c", "3")]).await?;
    equal(c.exists::<i64, _>(vec!["a", "b", "none", "a"]).await?, 3)?;
    equal(c.r#type::<String, _>("a").await?, "string")?;
    equal(c.r#type::<String, _>("none").await?, "none")?;
    equal(c.del::<i64, _>(vec!["a", "none"]).await?, 1)?;
    equal(c.unlink::<i64, _>(vec!["b", "c"]).await?, 2)?;
    equal(c.randomkey::<Option<String>>().await?, None)?;
    let () = c.set("number", "12345", None, None, false).await?;
    equal(c.randomkey::<String>().await?, "number")?;
    equal(call::<String>(c, &["OBJECT", "ENCODING", "number"]).await?, "int")?;
    equal(call::<i64>(c, &["TOUCH", "number", "none"]).await?, 1)?;
    equal(call::<Vec<String>>(c, &["KEYS", "num*"]).await?, ["number"])
}

pub(crate) async fn scans(c: &Client) -> Checked {
    let names: BTreeSet<String> = (0..1500).map(|number| format!("key:{number}")).collect();
    c.mset(names.iter().map(|name| (name.as_str(), "v")).collect::<Vec<_>>()).await?;
    let () = c.set("other", "v", None, None, false).await?;
    for (count, kind) in [(1, None), (50, Some(ScanType::String)), (10_000, None)] {
        let keys = c
            .scan_buffered("key:*", Some(count), kind)
            .map_ok(|key| key.as_str_lossy().into_owned());
        equal(keys.try_collect::<BTreeSet<_>>().await? == names, true)?;
    }
    let none: Vec<_> = c.scan_buffered("*", None, Some(ScanType::List)).try_collect().await?;
    equal(none.len(), 0)
}

pub(crate) async fn rename_and_copy(c: &Client) -> Checked {
    let () = c.set("a", "1", Some(Expiration::EX(1000)), None, false).await?;
    let () = c.rename("a", "b").await?;
    within(c.ttl("b").await?, 1000 - SLACK, 1000)?;
    refused(c.rename::<(), _, _>("none", "x").await, "no such key")?;
    let () = c.set("c", "3", None, None, false).await?;
    equal(c.renamenx::<bool, _, _>("b", "c").await?, false)?;
    equal(c.copy::<bool, _, _>("c", "b", None, false).await?, false)?;
    equal(c.copy::<bool, _, _>("c", "b", None, true).await?, true)?;
    equal(c.mget::<Vec<String>, _>(vec!["b", "c"]).await?, ["3", "3"])
}

pub(crate) async fn dump_and_restore(c: &Client) -> Checked {
    for value in ["v", "", "12345", &"z".repeat(100_000)] {
        let () = c.set("a", value, None, None, false).await?;
        let dumped: Value = c.dump("a").await?;
        let () = c.restore("b", 0, dumped.clone(), true, false, None, None).await?;
        equal(c.get::<String, _>("b").await?, value)?;
        refused(c.restore::<(), _>("b", 0, dumped, false, false, None, None).await, "BUSYKEY")?;
    }
    Ok(())
}

pub(crate) async fn expiry(c: &Client) -> Checked {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let at = i64::try_from(now)? + 5000;
    let () = c.set("k", "v", Some(Expiration::PX(1_000_000)), None, false).await?;
    within(c.pttl("k").await?, (1000 - SLACK) * 1000, 1_000_000)?;
    let () = c.set("k", "v", Some(Expiration::PXAT(at * 1000 + 7)), None, false).await?;
    let () = c.set("k", "w", Some(Expiration::KEEPTTL), None, false).await?;
    equal(c.pexpire_time::<i64, _>("k").await?, at * 1000 + 7)?;
    equal(c.expire_time::<i64, _>("k").await?, at)?;
    equal(call::<String>(c, &["GETEX", "k", "PERSIST"]).await?, "w")?;
    equal(c.ttl::<i64, _>("k").await?, -1)?;
    equal(c.expire::<bool, _>("k", 100, Some(ExpireOptions::XX)).await?, false)?;
    equal(c.expire_at::<bool, _>("k", at, Some(ExpireOptions::NX)).await?, true)?;
    equal(c.pexpire::<bool, _>("k", 1000, Some(ExpireOptions::GT)).await?, false)?;
    equal(c.pexpire_at::<bool, _>("k", at * 1000 - 1, Some(ExpireOptions::LT)).await?, true)?;
    equal(c.pexpire_time::<i64, _>("k").await?, at * 1000 - 1)?;
    equal(c.persist::<bool, _>("k").await?, true)?;
    equal(c.persist::<bool, _>("k").await?, false)?;
    equal(c.ttl::<i64, _>("none").await?, -2)?;
    let zero = c.set::<(), _, _>("k", "v", Some(Expiration::EX(0)), None, false).await;
    refused(zero, "invalid expire time in 'set' command")
}

pub(crate) async fn the_end_of_a_key(c: &Client) -> Checked {
    let () = c.set("past", "v", None, None, false).await?;
    equal(c.expire::<bool, _>("past", -1, None).await?, true)?;
    equal(c.exists::<i64, _>("past").await?, 0)?;
    let () = c.set("soon", "v", Some(Expiration::PX(30)), None, false).await?;
    let start = Instant::now();
    while c.pttl::<i64, _>("soon").await? != -2 {
        equal(start.elapsed().as_secs() < 60, true)?;
    }
    equal(c.get::<Option<String>, _>("soon").await?, None)
}
