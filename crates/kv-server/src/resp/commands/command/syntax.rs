//! What commands take, written as in Redis's documentation: words in capitals stand for themselves, `[a]` may be left
//! out, of `<a | b>` one is to be chosen, and `a [a ...]` is one or more; of a choice, `<a | b> [...]`.

use super::Command;

/// By the command's name, in order. A command that is not here takes nothing.
static SYNTAX: [(&str, &str); 75] = [
    ("append", "key value"),
    ("auth", "[username] password"),
    ("bgsave", "[SCHEDULE]"),
    (
        "client|kill",
        "<ip:port | <ID client-id | TYPE <NORMAL | MASTER | REPLICA | PUBSUB> | USER username | \
         ADDR ip:port | LADDR ip:port | SKIPME yes/no> [...]>",
    ),
    ("client|list", "[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]"),
    ("client|no-evict", "<ON | OFF>"),
    ("client|no-touch", "<ON | OFF>"),
    ("client|reply", "<ON | OFF | SKIP>"),
    ("client|setinfo", "<LIB-NAME libname | LIB-VER libver>"),
    ("client|setname", "connection-name"),
    ("command|docs", "[command-name [command-name ...]]"),
    ("command|getkeys", "command [arg [arg ...]]"),
    ("command|getkeysandflags", "command [arg [arg ...]]"),
    ("command|info", "[command-name [command-name ...]]"),
    ("command|list", "[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]"),
    ("config|get", "parameter [parameter ...]"),
    ("config|set", "parameter value [parameter value ...]"),
    ("copy", "source destination [DB destination-db] [REPLACE]"),
    ("decr", "key"),
    ("decrby", "key decrement"),
    ("del", "key [key ...]"),
    ("dump", "key"),
    ("echo", "message"),
    ("exists", "key [key ...]"),
    ("expire", "key seconds [NX | XX | GT | LT]"),
    ("expireat", "key unix-time-seconds [NX | XX | GT | LT]"),
    ("expiretime", "key"),
    ("flushall", "[ASYNC | SYNC]"),
    ("flushdb", "[ASYNC | SYNC]"),
    ("get", "key"),
    ("getdel", "key"),
    (
        "getex",
        "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | \
         PXAT unix-time-milliseconds | PERSIST]",
    ),
    ("getrange", "key start end"),
    ("getset", "key value"),
    ("hello", "[protover [AUTH username password] [SETNAME clientname]]"),
    ("incr", "key"),
    ("incrby", "key increment"),
    ("incrbyfloat", "key increment"),
    ("info", "[section [section ...]]"),
    ("keys", "pattern"),
    ("lcs", "key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]"),
    ("memory|usage", "key [SAMPLES count]"),
    ("mget", "key [key ...]"),
    ("mset", "key value [key value ...]"),
    ("msetnx", "key value [key value ...]"),
    ("object|encoding", "key"),
    ("object|freq", "key"),
    ("object|idletime", "key"),
    ("object|refcount", "key"),
    ("persist", "key"),
    ("pexpire", "key milliseconds [NX | XX | GT | LT]"),
    ("pexpireat", "key unix-time-milliseconds [NX | XX | GT | LT]"),
    ("pexpiretime", "key"),
    ("ping", "[message]"),
    ("psetex", "key milliseconds value"),
    ("pttl", "key"),
    ("rename", "key newkey"),
    ("renamenx", "key newkey"),
    ("restore", "key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]"),
    ("scan", "cursor [MATCH pattern] [COUNT count] [TYPE type]"),
    ("select", "index"),
    (
        "set",
        "key value [NX | XX | IFEQ comparison-value] [GET] [EX seconds | PX milliseconds | \
         EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
    ),
    ("setex", "key seconds value"),
    ("setnx", "key value"),
    ("setrange", "key offset value"),
    ("shutdown", "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]"),
    ("slowlog|get", "[count]"),
    ("strlen", "key"),
    ("substr", "key start end"),
    ("touch", "key [key ...]"),
    ("ttl", "key"),
    ("type", "key"),
    ("unlink", "key [key ...]"),
    ("wait", "numreplicas timeout"),
    ("waitaof", "numlocal numreplicas timeout"),
];

/// What a command takes beside its name.
pub(super) fn syntax(command: &Command) -> &'static str {
    let name = command.full_name();
    let found = SYNTAX.binary_search_by_key(&name.as_str(), |(name, _)| name);
    found.ok().and_then(|at| SYNTAX.get(at)).map_or("", |(_, syntax)| syntax)
}
