//! `INFO`: what is going on, in Redis's sections and under its names.
//!
//! What this server has not, such as replicas or scripts, is told as by a Redis that has none. What it does not
//! know is 0.

mod activity;
mod clients;
mod memory;
mod persistence;
mod server;
mod text;

pub(crate) use memory::{Memory, Peak};

use std::net::SocketAddr;

use self::text::Text;
use super::request::is;
use super::shared::Shared;

/// A section: its name for who asks, its title, whether it is shown when nobody says which, and what it tells.
struct Section {
    name: &'static str,
    title: &'static str,
    scope: Scope,
    show: fn(&Server<'_>, &mut Text),
}

/// A server, as a client sees it.
pub(crate) struct Server<'a> {
    pub(crate) shared: &'a Shared,
    /// Where it is connected to.
    pub(crate) local: SocketAddr,
}

/// When a section is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    /// Unless others are asked for.
    Default,
    /// When all are.
    All,
    /// When everything is.
    Everything,
}

const fn section(
    name: &'static str,
    title: &'static str,
    scope: Scope,
    show: fn(&Server<'_>, &mut Text),
) -> Section {
    Section { name, title, scope, show }
}

/// Every section, in the order in which they are shown.
const SECTIONS: &[Section] = &[
    section("server", "Server", Scope::Default, server::server),
    section("clients", "Clients", Scope::Default, clients::clients),
    section("memory", "Memory", Scope::Default, memory::memory),
    section("persistence", "Persistence", Scope::Default, persistence::persistence),
    section("stats", "Stats", Scope::Default, activity::stats),
    section("replication", "Replication", Scope::Default, server::replication),
    section("cpu", "CPU", Scope::Default, server::cpu),
    section("modules", "Modules", Scope::Everything, |_server, _text| {}),
    section("commandstats", "Commandstats", Scope::All, activity::commandstats),
    section("errorstats", "Errorstats", Scope::Default, activity::errorstats),
    section("latencystats", "Latencystats", Scope::All, activity::latencystats),
    section("cluster", "Cluster", Scope::Default, |_server, text| text.field("cluster_enabled", 0)),
    section("keyspace", "Keyspace", Scope::Default, memory::keyspace),
];

/// The sections that are asked for, each once; unknown ones are passed over. The default when none is.
pub(crate) fn info<'a>(
    server: &Server<'_>,
    wanted: &(impl ExactSizeIterator<Item = &'a [u8]> + Clone),
) -> String {
    let scopes =
        [("default", Scope::Default), ("all", Scope::All), ("everything", Scope::Everything)];
    let scope_of =
        |name: &[u8]| scopes.into_iter().find_map(|(word, scope)| is(name, word).then_some(scope));
    let scope = if wanted.len() == 0 {
        Some(Scope::Default)
    } else {
        wanted.clone().filter_map(scope_of).max()
    };
    let mut text = Text::default();
    for section in SECTIONS {
        let is_named = || wanted.clone().any(|name| is(name, section.name));
        if scope.is_some_and(|scope| section.scope <= scope) || is_named() {
            text.section(section.title);
            (section.show)(server, &mut text);
        }
    }
    text.into_string()
}
