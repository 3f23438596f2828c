//! One row of the command table: what a command is called, what it takes, what it is, and what it does.

use kv_core::Op;

use super::call::Call;
use crate::metrics::Operation;
use crate::resp::failure::Failure;
use crate::resp::plan::Plan;
use crate::resp::request::Request;

/// A command, or a subcommand of one.
#[derive(Debug)]
pub(crate) struct Command {
    /// The name in capitals; of a subcommand without its container's.
    pub(crate) name: &'static str,
    /// The container of a subcommand.
    pub(crate) container: Option<&'static str>,
    /// Arguments, the name among them: exactly so many, or at least as many as the negative number says.
    pub(crate) arity: i8,
    /// What kind of command it is.
    pub(crate) flags: Flags,
    /// Where its keys are.
    pub(crate) keys: Keys,
    /// The family it is documented with.
    pub(crate) group: Group,
    /// The version of Redis that had it first.
    pub(crate) since: &'static str,
    /// What it does, in a sentence.
    pub(crate) summary: &'static str,
    /// What its requests are counted as.
    pub(crate) operation: Operation,
    /// What is run, unless a subcommand is given.
    pub(crate) run: Run,
    /// What its second argument may be.
    pub(crate) subcommands: &'static [Command],
}

/// How a command is executed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Run {
    /// It is one operation of the store, executed together with its neighbours.
    Plan(for<'a> fn(Request<'a>) -> Result<Plan<'a>, Failure>),
    /// It is one operation for each key, and the answer is how many were applied.
    Each(for<'a> fn(&'a [u8]) -> Op<'a>),
    /// It is executed by itself.
    Call(fn(&mut Call<'_>) -> Result<(), Failure>),
    /// It needs a subcommand.
    Container,
}

/// Where the keys are among the arguments: the name is argument 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keys {
    /// The first; 0 when there is none.
    pub(crate) first: i8,
    /// The last; negative when counted from the end.
    pub(crate) last: i8,
    /// From one to the next.
    pub(crate) step: i8,
}

impl Keys {
    /// It has none.
    pub(super) const NONE: Self = Self { first: 0, last: 0, step: 0 };
}

/// The families of Redis's documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    String,
    Generic,
    Connection,
    Server,
}

impl Group {
    /// As `COMMAND DOCS` names it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Generic => "generic",
            Self::Connection => "connection",
            Self::Server => "server",
        }
    }
}

/// What kind of command it is: the flags of Redis, and the ACL categories that do not follow from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flags(u32);

impl Flags {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const WRITE: Self = Self(1);
    pub(crate) const READONLY: Self = Self(1 << 1);
    pub(crate) const DENYOOM: Self = Self(1 << 2);
    pub(crate) const ADMIN: Self = Self(1 << 3);
    pub(crate) const NOSCRIPT: Self = Self(1 << 4);
    pub(crate) const BLOCKING: Self = Self(1 << 5);
    /// Served while the data is being loaded.
    pub(crate) const LOADING: Self = Self(1 << 6);
    pub(crate) const STALE: Self = Self(1 << 7);
    pub(crate) const FAST: Self = Self(1 << 8);
    pub(crate) const NO_AUTH: Self = Self(1 << 9);
    pub(crate) const NO_ASYNC_LOADING: Self = Self(1 << 10);
    pub(crate) const NO_MULTI: Self = Self(1 << 11);
    pub(crate) const ALLOW_BUSY: Self = Self(1 << 12);
    /// Not a flag of Redis's: it is in `@keyspace`.
    pub(crate) const KEYSPACE: Self = Self(1 << 13);
    /// Not a flag of Redis's: it is in `@dangerous` although it does not administer.
    pub(crate) const DANGEROUS: Self = Self(1 << 14);
    /// Not a flag of Redis's: it is in `@admin` although it does not administer.
    pub(crate) const ADMINISTERS: Self = Self(1 << 16);
    /// Not a flag of Redis's: it is in `@connection`.
    pub(crate) const CONNECTION: Self = Self(1 << 15);

    /// As `COMMAND INFO` shows them, in its order.
    pub(crate) const NAMES: [(Self, &'static str); 13] = [
        (Self::WRITE, "write"),
        (Self::READONLY, "readonly"),
        (Self::DENYOOM, "denyoom"),
        (Self::ADMIN, "admin"),
        (Self::NOSCRIPT, "noscript"),
        (Self::BLOCKING, "blocking"),
        (Self::LOADING, "loading"),
        (Self::STALE, "stale"),
        (Self::FAST, "fast"),
        (Self::NO_AUTH, "no_auth"),
        (Self::NO_ASYNC_LOADING, "no_async_loading"),
        (Self::NO_MULTI, "no_multi"),
        (Self::ALLOW_BUSY, "allow_busy"),
    ];

    /// These and those.
    pub(crate) const fn and(self, those: Self) -> Self {
        Self(self.0 | those.0)
    }

    /// Whether all of those are among these.
    pub(crate) const fn has(self, those: Self) -> bool {
        self.0 & those.0 == those.0
    }
}

impl Command {
    /// A command without keys and flags; what it runs follows.
    pub(super) const fn new(
        name: &'static str,
        arity: i8,
        group: Group,
        since: &'static str,
        summary: &'static str,
    ) -> Self {
        let (run, subcommands): (_, &[Self]) = (Run::Container, &[]);
        let (container, flags, keys) = (None, Flags::NONE, Keys::NONE);
        let operation = match group {
            Group::Connection => Operation::Session,
            Group::Server => Operation::Admin,
            Group::String | Group::Generic => Operation::Other,
        };
        Self {
            name,
            container,
            arity,
            flags,
            keys,
            group,
            since,
            summary,
            operation,
            run,
            subcommands,
        }
    }

    /// Of these kinds, beside those named already.
    pub(super) const fn flags(mut self, flags: Flags) -> Self {
        self.flags = self.flags.and(flags);
        self
    }

    /// Reads keys.
    pub(super) const fn reads(self, keys: Keys) -> Self {
        self.flags(Flags::READONLY).keys(keys)
    }

    /// Writes keys.
    pub(super) const fn writes(self, keys: Keys) -> Self {
        self.flags(Flags::WRITE).keys(keys)
    }

    /// Writes keys, and needs memory for what it writes.
    pub(super) const fn stores(self, keys: Keys) -> Self {
        self.flags(Flags::WRITE.and(Flags::DENYOOM)).keys(keys)
    }

    const fn keys(mut self, keys: Keys) -> Self {
        self.keys = keys;
        self
    }

    /// Is counted as this.
    pub(super) const fn counted(mut self, operation: Operation) -> Self {
        self.operation = operation;
        self
    }

    /// Takes constant or logarithmic time.
    pub(super) const fn fast(self) -> Self {
        self.flags(Flags::FAST)
    }

    /// Is a subcommand of this one.
    pub(super) const fn of(mut self, container: &'static str) -> Self {
        self.container = Some(container);
        self
    }

    /// Is one operation of the store.
    pub(super) const fn plan(
        mut self,
        plan: for<'a> fn(Request<'a>) -> Result<Plan<'a>, Failure>,
    ) -> Self {
        self.run = Run::Plan(plan);
        self
    }

    /// Is one operation for each key.
    pub(super) const fn each(mut self, each: for<'a> fn(&'a [u8]) -> Op<'a>) -> Self {
        self.run = Run::Each(each);
        self
    }

    /// Is executed by itself.
    pub(super) const fn call(mut self, call: fn(&mut Call<'_>) -> Result<(), Failure>) -> Self {
        self.run = Run::Call(call);
        self
    }

    /// Has subcommands.
    pub(super) const fn container(mut self, subcommands: &'static [Self]) -> Self {
        self.subcommands = subcommands;
        self
    }

    /// Whether it may be called with so many arguments, the name among them.
    pub(crate) const fn takes(&self, args: usize) -> bool {
        let least = self.arity.unsigned_abs() as usize;
        if self.arity < 0 { args >= least } else { args == least }
    }

    /// The name as Redis shows it: in small letters, a subcommand's behind its container's.
    pub(crate) fn full_name(&self) -> String {
        let name = self.name.to_ascii_lowercase();
        match self.container {
            Some(container) => format!("{}|{name}", container.to_ascii_lowercase()),
            None => name,
        }
    }
}

/// One key, the first argument.
pub(super) const ONE_KEY: Keys = Keys { first: 1, last: 1, step: 1 };

/// Every argument is a key.
pub(super) const ALL_KEYS: Keys = Keys { first: 1, last: -1, step: 1 };

/// The first two arguments are keys.
pub(super) const TWO_KEYS: Keys = Keys { first: 1, last: 2, step: 1 };

/// Keys and values take turns.
pub(super) const PAIRS: Keys = Keys { first: 1, last: -1, step: 2 };
