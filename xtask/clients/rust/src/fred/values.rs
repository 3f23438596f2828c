//! Strings and numbers: whole, in parts, many at once, binary, counted.

use fred::prelude::*;
use kv_clients::{Checked, equal, is_kv, refused};

use crate::call;

pub(crate) async fn set_and_get(c: &Client) -> Checked {
    equal(c.set::<String, _, _>("k", "v", None, None, false).await?, "OK")?;
    equal(c.get::<Option<String>, _>("k").await?.as_deref(), Some("v"))?;
    equal(c.get::<Option<String>, _>("none").await?, None)?;
    let () = c.set("empty", "", None, None, false).await?;
    equal(c.get::<Option<String>, _>("empty").await?.as_deref(), Some(""))?;
    let () = c.set("n", 42, None, None, false).await?;
    equal(c.get::<i64, _>("n").await?, 42)
}

pub(crate) async fn conditions(c: &Client) -> Checked {
    for (option, value, expected) in [
        (SetOptions::XX, "1", None),
        (SetOptions::NX, "2", Some("OK")),
        (SetOptions::NX, "3", None),
        (SetOptions::XX, "4", Some("OK")),
    ] {
        let answer: Option<String> = c.set("k", value, None, Some(option), false).await?;
        equal(answer.as_deref(), expected)?;
    }
    equal(c.set::<Option<String>, _, _>("k", "5", None, None, true).await?.as_deref(), Some("4"))?;
    equal(c.setnx::<bool, _, _>("k", "6").await?, false)?;
    if is_kv() {
        equal(call::<Option<String>>(c, &["SET", "k", "7", "IFEQ", "other"]).await?, None)?;
        equal(call::<String>(c, &["SET", "k", "7", "IFEQ", "5"]).await?, "OK")?;
    }
    Ok(())
}

pub(crate) async fn exchange(c: &Client) -> Checked {
    equal(c.getset::<Option<String>, _, _>("k", "1").await?, None)?;
    equal(c.getset::<Option<String>, _, _>("k", "2").await?.as_deref(), Some("1"))?;
    equal(c.getdel::<Option<String>, _>("k").await?.as_deref(), Some("2"))?;
    equal(c.getdel::<Option<String>, _>("k").await?, None)
}

pub(crate) async fn parts(c: &Client) -> Checked {
    equal(c.append::<i64, _, _>("k", "Hello World").await?, 11)?;
    equal(c.strlen::<i64, _>("k").await?, 11)?;
    equal(c.getrange::<String, _>("k", 6, 10).await?, "World")?;
    equal(c.setrange::<i64, _, _>("k", 6, "Redis").await?, 11)?;
    equal(c.get::<String, _>("k").await?, "Hello Redis")?;
    equal(c.setrange::<i64, _, _>("padded", 3, "x").await?, 4)?;
    equal(c.get::<Vec<u8>, _>("padded").await?, b"\0\0\0x".to_vec())?;
    c.mset(vec![("a", "ohmytext"), ("b", "mynewtext")]).await?;
    equal(c.lcs::<String, _, _>("a", "b", false, false, None, false).await?, "mytext")?;
    equal(c.lcs::<i64, _, _>("a", "b", true, false, None, false).await?, 6)
}

pub(crate) async fn many_at_once(c: &Client) -> Checked {
    c.mset(vec![("a", "1"), ("b", "2")]).await?;
    let read: Vec<Option<i64>> = c.mget(vec!["a", "none", "b"]).await?;
    equal(read, [Some(1), None, Some(2)])?;
    equal(c.msetnx::<bool, _>(vec![("c", "3"), ("a", "x")]).await?, false)?;
    equal(c.msetnx::<bool, _>(vec![("c", "3"), ("d", "4")]).await?, true)?;
    equal(c.mget::<Vec<i64>, _>(vec!["a", "c", "d"]).await?, [1, 3, 4])
}

pub(crate) async fn binary(c: &Client) -> Checked {
    let bytes: Vec<u8> = (0..=255).chain(*b"\r\n$5\r\nhello\r\n\0").collect();
    let () = c.set(bytes.as_slice(), Value::Bytes(bytes.clone().into()), None, None, false).await?;
    equal(c.get::<Value, _>(bytes.as_slice()).await?.into_owned_bytes(), Some(bytes))
}

pub(crate) async fn big(c: &Client) -> Checked {
    for megabytes in [1, 10] {
        let value: Vec<u8> =
            (0..megabytes << 20).map(|at: u32| at.to_le_bytes()[0] ^ at.to_le_bytes()[1]).collect();
        let () = c.set("big", Value::Bytes(value.clone().into()), None, None, false).await?;
        equal(c.strlen::<usize, _>("big").await?, value.len())?;
        equal(c.get::<Value, _>("big").await?.into_owned_bytes() == Some(value), true)?;
    }
    Ok(())
}

pub(crate) async fn numbers(c: &Client) -> Checked {
    equal(c.incr::<i64, _>("n").await?, 1)?;
    equal(c.incr_by::<i64, _>("n", 41).await?, 42)?;
    equal(c.decr::<i64, _>("n").await?, 41)?;
    equal(c.decr_by::<i64, _>("n", 50).await?, -9)?;
    let () = c.set("n", i64::MAX, None, None, false).await?;
    refused(c.incr::<i64, _>("n").await, "increment or decrement would overflow")?;
    equal(c.get::<i64, _>("n").await?, i64::MAX)?;
    equal(c.incr_by_float::<f64, _>("f", 10.5).await?, 10.5)?;
    equal(c.incr_by_float::<f64, _>("f", -0.25).await?, 10.25)?;
    equal(c.get::<String, _>("f").await?, "10.25")
}

pub(crate) async fn errors(c: &Client) -> Checked {
    let () = c.set("k", "text", None, None, false).await?;
    let error = c.incr::<i64, _>("k").await.expect_err("text is no number");
    equal(error.details(), "ERR value is not an integer or out of range")?;
    refused(
        call::<()>(c, &["NOSUCH", "a"]).await,
        "unknown command 'NOSUCH', with args beginning with: 'a'",
    )?;
    refused(call::<()>(c, &["GET"]).await, "wrong number of arguments for 'get' command")?;
    refused(call::<()>(c, &["SET", "k", "v", "BOGUS"]).await, "syntax error")?;
    equal(c.get::<String, _>("k").await?, "text")
}
