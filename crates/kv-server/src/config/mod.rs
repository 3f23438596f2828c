//! The server's configuration: every key with its type, its default and its bounds.
//!
//! [`Config::visit`] names each key once; loading, writing and documentation tests all walk it.

mod error;
mod layers;
mod load;
mod log;
mod numbers;
mod origins;
mod persist;
mod resp;
mod setting;
mod words;

pub use error::{ConfigError, Problem, Source};
pub use layers::{ENV_PREFIX, Sources};
pub use log::{LogSection, Threshold};
pub use numbers::{Count, OrOff, PowerOfTwo, Size, Span};
pub use origins::Origins;
pub use persist::{FsyncMode, PersistSection};
pub use resp::RespSection;
pub use words::{Directory, ListenAddr, LogFilter, LogFormat};

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZero;
use std::thread;
use std::time::Duration;

use kv_core::eviction::PolicyKind;
use kv_core::{
    COMPRESS_MIN_BYTES_MIN, COMPRESSED_VALUE_BYTES_MAX, EngineConfig, KEY_BYTES_HARD_MAX, Limits,
    SHARDS_MAX, StoreSettings, VALUE_BYTES_HARD_MAX,
};
use setting::Setting;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `data_dir`: where the server keeps its files.
    pub data_dir: Directory,
    /// `[server]`
    pub server: ServerSection,
    /// `[engine]`
    pub engine: EngineSection,
    /// `[persist]`
    pub persist: PersistSection,
    /// `[limits]`
    pub limits: LimitsSection,
    /// `[resp]`
    pub resp: RespSection,
    /// `[log]`
    pub log: LogSection,
}

/// `[server]`: listeners and the life of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSection {
    /// Where the Redis protocol is served.
    pub resp_addr: ListenAddr,
    /// Where gRPC, health and reflection are served.
    pub grpc_addr: ListenAddr,
    /// Where the HTTP API is served.
    pub http_addr: ListenAddr,
    /// Where metrics, health and version are served.
    pub admin_addr: ListenAddr,
    /// Whose pages may use the HTTP API from browsers.
    pub http_cors_origins: Origins,
    /// Threads that serve connections; 0 for one per processor.
    pub threads: Count<0, 1024>,
    /// How many microseconds a busy thread looks for more to do before it sleeps; 0 for none.
    pub busy_poll_us: Count<0, BUSY_POLL_US_MAX>,
    /// How long a stopping server waits for what is in flight.
    pub drain_timeout: Span<0, 3_600_000>,
}

/// Longest time that a thread may look for more to do: what is longer is a thread that never sleeps.
pub(crate) const BUSY_POLL_US_MAX: u64 = 1_000;

impl ServerSection {
    /// How long a busy thread looks for more to do before it sleeps.
    pub fn busy_poll(&self) -> Duration {
        Duration::from_micros(self.busy_poll_us.get())
    }

    /// How many threads serve connections.
    pub fn thread_count(&self) -> usize {
        match self.threads.as_usize() {
            0 => thread::available_parallelism().map_or(1, NonZero::get),
            threads => threads,
        }
    }
}

/// A length from which on values are compressed.
pub(crate) type CompressMin =
    Size<{ COMPRESS_MIN_BYTES_MIN as u64 }, { COMPRESSED_VALUE_BYTES_MAX as u64 }>;

/// `[engine]`: the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineSection {
    /// Number of shards.
    pub shards: PowerOfTwo<{ SHARDS_MAX as u64 }>,
    /// Most bytes the store may use; 0 for no limit.
    pub memory_limit: Size<0, { u64::MAX }>,
    /// Which keys go when memory is short.
    pub eviction_policy: PolicyKind,
    /// From which length on values are compressed.
    pub compress_min_bytes: OrOff<CompressMin>,
    /// How often keys that have expired are removed.
    pub ttl_tick: Span<1, 100>,
}

impl EngineSection {
    /// From which length on values are compressed; `None` for never.
    pub(crate) fn compress_min_bytes(&self) -> Option<usize> {
        self.compress_min_bytes.get().map(Size::as_usize)
    }

    /// Takes over what a store was told since.
    pub(crate) fn follow(&mut self, settings: &StoreSettings) {
        self.memory_limit = Size::new(settings.memory_limit);
        self.eviction_policy = settings.eviction_policy;
        let min_bytes = settings.compress_min_bytes.map(|bytes| Size::new(bytes as u64));
        self.compress_min_bytes = min_bytes.map_or(OrOff::off(), OrOff::on);
    }
}

/// `[limits]`: bounds on what clients may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitsSection {
    /// Longest key.
    pub key_bytes_max: Size<1, { KEY_BYTES_HARD_MAX as u64 }>,
    /// Longest value.
    pub value_bytes_max: Size<1, { VALUE_BYTES_HARD_MAX as u64 }>,
    /// Longest gRPC message, in both directions.
    pub message_bytes_max: Size<{ 4 * KIB }, { 1024 * MIB }>,
    /// Most operations in one batch.
    pub batch_ops_max: Count<1, 1_000_000>,
    /// Most entries in one scan page.
    pub scan_page_keys_max: Count<1, 1_000_000>,
    /// A scan page ends with the entry that reaches this many bytes.
    pub scan_page_bytes_max: Size<1, { VALUE_BYTES_HARD_MAX as u64 }>,
    /// Most bytes of answers that wait for a client of the Redis protocol.
    pub output_bytes_max: Size<{ 64 * KIB }, { 1024 * 1024 * MIB }>,
    /// Most connections at a time.
    pub connections_max: Count<1, 1_000_000>,
    /// How many of them are kept for peers that have a connection already; at most a quarter.
    pub connections_reserved: Count<0, 1_000_000>,
    /// Most bytes of requests and answers in flight on one connection.
    pub connection_bytes_max: Size<{ 64 * KIB }, { 1024 * 1024 * MIB }>,
    /// Most bytes of requests and answers in flight in all.
    pub requests_bytes_max: Size<{ 64 * KIB }, { 1024 * 1024 * MIB }>,
    /// How long a request may take to arrive, and its answer to wait for the log.
    pub request_timeout: Span<10, 3_600_000>,
    /// Most calls at a time on one connection.
    pub streams_per_connection_max: Count<1, 65_536>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: Directory("./kv-data".into()),
            server: ServerSection {
                resp_addr: loopback(7379),
                grpc_addr: loopback(7380),
                http_addr: loopback(7381),
                admin_addr: loopback(7382),
                http_cors_origins: Origins::default(),
                threads: Count::new(0),
                busy_poll_us: Count::new(50),
                drain_timeout: Span::from_millis(10_000),
            },
            engine: EngineSection {
                shards: PowerOfTwo::new(1024),
                memory_limit: Size::new(0),
                eviction_policy: PolicyKind::Lru,
                compress_min_bytes: OrOff::off(),
                ttl_tick: Span::from_millis(20),
            },
            persist: PersistSection::default(),
            limits: LimitsSection {
                key_bytes_max: Size::new(64 * KIB),
                value_bytes_max: Size::new(VALUE_BYTES_HARD_MAX as u64),
                message_bytes_max: Size::new(64 * MIB),
                batch_ops_max: Count::new(10_000),
                scan_page_keys_max: Count::new(10_000),
                scan_page_bytes_max: Size::new(4 * MIB),
                output_bytes_max: Size::new(64 * MIB),
                connections_max: Count::new(10_000),
                connections_reserved: Count::new(16),
                connection_bytes_max: Size::new(576 * MIB),
                requests_bytes_max: Size::new(1024 * MIB),
                request_timeout: Span::from_millis(30_000),
                streams_per_connection_max: Count::new(1024),
            },
            resp: RespSection::default(),
            log: LogSection::default(),
        }
    }
}

const fn loopback(port: u16) -> ListenAddr {
    ListenAddr(Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)))
}

impl Config {
    /// Shows every key and its value to `visitor`, in the order of documentation: the one list of keys.
    fn visit(&mut self, visitor: &mut impl Visitor) {
        let Self { data_dir, server, engine, persist, limits, resp, log } = self;
        visitor.setting("data_dir", data_dir);
        visitor.setting("server.resp_addr", &mut server.resp_addr);
        visitor.setting("server.grpc_addr", &mut server.grpc_addr);
        visitor.setting("server.http_addr", &mut server.http_addr);
        visitor.setting("server.admin_addr", &mut server.admin_addr);
        visitor.setting("server.http_cors_origins", &mut server.http_cors_origins);
        visitor.setting("server.threads", &mut server.threads);
        visitor.setting("server.busy_poll_us", &mut server.busy_poll_us);
        visitor.setting("server.drain_timeout", &mut server.drain_timeout);
        visitor.setting("engine.shards", &mut engine.shards);
        visitor.setting("engine.memory_limit", &mut engine.memory_limit);
        visitor.setting("engine.eviction_policy", &mut engine.eviction_policy);
        visitor.setting("engine.compress_min_bytes", &mut engine.compress_min_bytes);
        visitor.setting("engine.ttl_tick", &mut engine.ttl_tick);
        persist.visit(visitor);
        visitor.setting("limits.key_bytes_max", &mut limits.key_bytes_max);
        visitor.setting("limits.value_bytes_max", &mut limits.value_bytes_max);
        visitor.setting("limits.message_bytes_max", &mut limits.message_bytes_max);
        visitor.setting("limits.batch_ops_max", &mut limits.batch_ops_max);
        visitor.setting("limits.scan_page_keys_max", &mut limits.scan_page_keys_max);
        visitor.setting("limits.scan_page_bytes_max", &mut limits.scan_page_bytes_max);
        visitor.setting("limits.output_bytes_max", &mut limits.output_bytes_max);
        visitor.setting("limits.connections_max", &mut limits.connections_max);
        visitor.setting("limits.connections_reserved", &mut limits.connections_reserved);
        visitor.setting("limits.connection_bytes_max", &mut limits.connection_bytes_max);
        visitor.setting("limits.requests_bytes_max", &mut limits.requests_bytes_max);
        visitor.setting("limits.request_timeout", &mut limits.request_timeout);
        let streams = &mut limits.streams_per_connection_max;
        visitor.setting("limits.streams_per_connection_max", streams);
        resp.visit(visitor);
        log.visit(visitor);
    }

    /// What the engine is made from. `seed` is its source of randomness.
    pub fn engine_config(&self, seed: u64) -> EngineConfig {
        EngineConfig {
            shards: self.engine.shards.as_usize(),
            memory_limit: self.engine.memory_limit.get(),
            eviction_policy: self.engine.eviction_policy,
            compress_min_bytes: self.engine.compress_min_bytes(),
            limits: Limits {
                key_bytes_max: self.limits.key_bytes_max.as_usize(),
                value_bytes_max: self.limits.value_bytes_max.as_usize(),
                batch_ops_max: self.limits.batch_ops_max.as_usize(),
                scan_page_keys_max: self.limits.scan_page_keys_max.as_usize(),
                scan_page_bytes_max: self.limits.scan_page_bytes_max.as_usize(),
            },
            seed,
        }
    }

    /// Every key and its value, as `--set` takes it.
    pub(crate) fn entries(&self) -> Vec<(&'static str, String)> {
        let mut lister = Lister::default();
        self.clone().visit(&mut lister);
        lister.entries
    }

    /// The configuration as TOML: every key, none left to a default.
    pub fn to_toml(&self) -> String {
        let mut writer = Writer::default();
        self.clone().visit(&mut writer);
        writer.text
    }
}

/// Sees every key of a configuration.
trait Visitor {
    /// Sees one key.
    fn setting<T: Setting>(&mut self, key: &'static str, value: &mut T);
}

/// Lists keys and values.
#[derive(Default)]
struct Lister {
    entries: Vec<(&'static str, String)>,
}

impl Visitor for Lister {
    fn setting<T: Setting>(&mut self, key: &'static str, value: &mut T) {
        let text = value.to_toml();
        let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(&text);
        self.entries.push((key, text.to_owned()));
    }
}

/// Writes TOML.
#[derive(Default)]
struct Writer {
    text: String,
    section: &'static str,
}

impl Visitor for Writer {
    fn setting<T: Setting>(&mut self, key: &'static str, value: &mut T) {
        let (section, name) = key.split_once('.').unwrap_or(("", key));
        if section != self.section {
            self.section = section;
            self.text.extend(["\n[", section, "]\n"]);
        }
        self.text.extend([name, " = ", &value.to_toml(), "\n"]);
    }
}
