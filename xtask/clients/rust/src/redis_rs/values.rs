//! Strings and numbers: whole, in parts, many at once, binary, counted.

use kv_clients::{Checked, equal, is_kv, refused};
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncCommands as _, ErrorKind, ExistenceCheck, RedisResult, ServerErrorKind, SetOptions, cmd,
};

pub(crate) async fn set_and_get(c: &mut MultiplexedConnection) -> Checked {
    equal(c.set::<_, _, String>("k", "v").await?, "OK")?;
    equal(c.get::<_, Option<String>>("k").await?.as_deref(), Some("v"))?;
    equal(c.get::<_, Option<String>>("none").await?, None)?;
    let () = c.set("empty", "").await?;
    equal(c.get::<_, Option<Vec<u8>>>("empty").await?, Some(Vec::new()))?;
    let () = c.set("n", 42).await?;
    equal(c.get::<_, i64>("n").await?, 42)
}

pub(crate) async fn conditions(c: &mut MultiplexedConnection) -> Checked {
    let only_if = |check| SetOptions::default().conditional_set(check);
    let set = |check, value| (only_if(check), value);
    for ((options, value), expected) in [
        (set(ExistenceCheck::XX, "1"), None),
        (set(ExistenceCheck::NX, "2"), Some("OK")),
        (set(ExistenceCheck::NX, "3"), None),
        (set(ExistenceCheck::XX, "4"), Some("OK")),
    ] {
        let answer: Option<String> = c.set_options("k", value, options).await?;
        equal(answer.as_deref(), expected)?;
    }
    let old: Option<String> = c.set_options("k", "5", SetOptions::default().get(true)).await?;
    equal(old.as_deref(), Some("4"))?;
    equal(c.set_nx::<_, _, bool>("k", "6").await?, false)?;
    if is_kv() {
        let set_if = async |value: &str, old: &str| -> RedisResult<Option<String>> {
            cmd("SET").arg("k").arg(value).arg("IFEQ").arg(old).query_async(&mut c.clone()).await
        };
        equal(set_if("7", "other").await?, None)?;
        equal(set_if("7", "5").await?.as_deref(), Some("OK"))?;
    }
    Ok(())
}

pub(crate) async fn exchange(c: &mut MultiplexedConnection) -> Checked {
    equal(c.getset::<_, _, Option<String>>("k", "1").await?, None)?;
    equal(c.getset::<_, _, Option<String>>("k", "2").await?.as_deref(), Some("1"))?;
    equal(c.get_del::<_, Option<String>>("k").await?.as_deref(), Some("2"))?;
    equal(c.get_del::<_, Option<String>>("k").await?, None)
}

pub(crate) async fn parts(c: &mut MultiplexedConnection) -> Checked {
    equal(c.append::<_, _, i64>("k", "Hello World").await?, 11)?;
    equal(c.strlen::<_, i64>("k").await?, 11)?;
    equal(c.getrange::<_, String>("k", -5, -1).await?, "World")?;
    equal(c.getrange::<_, String>("k", 4, 2).await?, "")?;
    equal(c.setrange::<_, _, i64>("k", 6, "Redis").await?, 11)?;
    equal(c.get::<_, String>("k").await?, "Hello Redis")?;
    equal(c.setrange::<_, _, i64>("padded", 3, "x").await?, 4)?;
    equal(c.get::<_, Vec<u8>>("padded").await?, b"\0\0\0x".to_vec())?;
    let () = c.mset(&[("a", "ohmytext"), ("b", "mynewtext")]).await?;
    let common: String = cmd("LCS").arg("a").arg("b").query_async(c).await?;
    equal(common, "mytext")
}

pub(crate) async fn many_at_once(c: &mut MultiplexedConnection) -> Checked {
    let () = c.mset(&[("a", "1"), ("b", "2")]).await?;
    let read: Vec<Option<i64>> = c.mget(&["a", "none", "b"]).await?;
    equal(read, [Some(1), None, Some(2)])?;
    equal(c.mset_nx::<_, _, bool>(&[("c", "3"), ("a", "x")]).await?, false)?;
    equal(c.mset_nx::<_, _, bool>(&[("c", "3"), ("d", "4")]).await?, true)?;
    equal(c.mget::<_, Vec<i64>>(&["a", "c", "d"]).await?, [1, 3, 4])
}

pub(crate) async fn binary(c: &mut MultiplexedConnection) -> Checked {
    let bytes: Vec<u8> = (0..=255).chain(*b"\r\n$5\r\nhello\r\n\0").collect();
    let () = c.set(&bytes, &bytes).await?;
    equal(c.get::<_, Vec<u8>>(&bytes).await?, bytes.clone())?;
    equal(c.keys::<_, Vec<Vec<u8>>>("*").await?, [bytes])
}

pub(crate) async fn big(c: &mut MultiplexedConnection) -> Checked {
    for megabytes in [1, 10] {
        let value: Vec<u8> =
            (0..megabytes << 20).map(|at: u32| at.to_le_bytes()[0] ^ at.to_le_bytes()[1]).collect();
        let () = c.set("big", &value).await?;
        equal(c.strlen::<_, usize>("big").await?, value.len())?;
        equal(c.get::<_, Vec<u8>>("big").await? == value, true)?;
    }
    Ok(())
}

pub(crate) async fn numbers(c: &mut MultiplexedConnection) -> Checked {
    equal(c.incr::<_, _, i64>("n", 42).await?, 42)?;
    equal(c.decr::<_, _, i64>("n", 51).await?, -9)?;
    let () = c.set("n", i64::MAX).await?;
    refused(c.incr::<_, _, i64>("n", 1).await, "increment or decrement would overflow")?;
    equal(c.get::<_, i64>("n").await?, i64::MAX)?;
    equal(c.incr::<_, _, f64>("f", 10.5).await?, 10.5)?;
    equal(c.incr::<_, _, f64>("f", -0.25).await?, 10.25)?;
    equal(c.get::<_, String>("f").await?, "10.25")
}

pub(crate) async fn errors(c: &mut MultiplexedConnection) -> Checked {
    let () = c.set("k", "text").await?;
    let error = c.incr::<_, _, i64>("k", 1).await.expect_err("text is no number");
    equal(error.kind(), ErrorKind::Server(ServerErrorKind::ResponseError))?;
    equal(error.detail(), Some("value is not an integer or out of range"))?;
    let unknown: RedisResult<()> = cmd("NOSUCH").arg("a").query_async(c).await;
    refused(unknown, "unknown command 'NOSUCH', with args beginning with: 'a'")?;
    let few: RedisResult<()> = cmd("GET").query_async(c).await;
    refused(few, "wrong number of arguments for 'get' command")?;
    equal(c.get::<_, String>("k").await?, "text")
}
