//! `[persist]`: what is kept on disk, and when it is safe there.

use super::numbers::{Count, OrOff, Size, Span};
use super::setting::{Setting, quote};
use super::{KIB, MIB, Visitor};

/// One day, in milliseconds.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// `[persist]`: log and snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersistSection {
    /// Whether anything is kept on disk.
    pub enabled: bool,
    /// When the log is synced.
    pub fsync: FsyncMode,
    /// How often the log is synced when `fsync` is `interval`.
    pub fsync_interval: Span<1, 3_600_000>,
    /// Size of one file of the log.
    pub segment_bytes: Size<{ 64 * KIB }, { 1024 * MIB }>,
    /// Most bytes that wait to be written to the log.
    pub log_buffer_bytes: Size<MIB, { 4096 * MIB }>,
    /// How often a snapshot is taken.
    pub snapshot_interval: OrOff<Span<1000, { 30 * DAY_MS }>>,
    /// A snapshot is taken when the log has grown by this much since the last.
    pub snapshot_log_bytes: OrOff<Size<{ 64 * KIB }, { u64::MAX }>>,
    /// How fast snapshots are written.
    pub snapshot_bytes_per_second: OrOff<Size<MIB, { u64::MAX }>>,
    /// Most memory a snapshot uses for what it has read and not yet written. The bounds are those of what
    /// keeps the data, which this library does not know; a test of the program compares them.
    pub snapshot_buffer_bytes: Size<{ 512 * KIB }, { 16 * MIB }>,
    /// How many snapshots are kept: as many as a manifest may name. The bounds are compared as above.
    pub snapshots_kept: Count<1, 64>,
    /// Whether a stopping server takes a snapshot.
    pub snapshot_on_shutdown: bool,
    /// Whether reads show writes that are not on stable storage yet, although `fsync` is `always`.
    pub read_uncommitted: bool,
}

/// When the log is synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FsyncMode {
    /// Before a write is acknowledged.
    Always,
    /// Every `persist.fsync_interval`.
    Interval,
    /// When the operating system likes, or a write asks for it.
    Never,
}

impl FsyncMode {
    /// Every mode.
    const ALL: [Self; 3] = [Self::Always, Self::Interval, Self::Never];

    /// Its name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Interval => "interval",
            Self::Never => "never",
        }
    }

    /// As a number, which [`from_number`](Self::from_number) reads.
    pub(crate) const fn number(self) -> u8 {
        self as u8
    }

    /// The mode of a number; of one that no mode has, the one that promises most.
    pub(crate) fn from_number(number: u8) -> Self {
        Self::ALL.into_iter().find(|mode| mode.number() == number).unwrap_or(Self::Always)
    }
}

impl Setting for FsyncMode {
    fn allowed() -> String {
        format!("one of {}", Self::ALL.map(Self::name).join(", "))
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == text)
    }

    fn to_toml(&self) -> String {
        quote(self.name())
    }
}

impl Default for PersistSection {
    fn default() -> Self {
        Self {
            enabled: true,
            fsync: FsyncMode::Interval,
            fsync_interval: Span::from_millis(1000),
            segment_bytes: Size::new(64 * MIB),
            log_buffer_bytes: Size::new(64 * MIB),
            snapshot_interval: OrOff::on(Span::from_millis(15 * 60 * 1000)),
            snapshot_log_bytes: OrOff::on(Size::new(512 * MIB)),
            snapshot_bytes_per_second: OrOff::on(Size::new(128 * MIB)),
            snapshot_buffer_bytes: Size::new(MIB),
            snapshots_kept: Count::new(2),
            snapshot_on_shutdown: true,
            read_uncommitted: false,
        }
    }
}

impl PersistSection {
    /// Shows every key and its value.
    pub(super) fn visit(&mut self, visitor: &mut impl Visitor) {
        visitor.setting("persist.enabled", &mut self.enabled);
        visitor.setting("persist.fsync", &mut self.fsync);
        visitor.setting("persist.fsync_interval", &mut self.fsync_interval);
        visitor.setting("persist.segment_bytes", &mut self.segment_bytes);
        visitor.setting("persist.log_buffer_bytes", &mut self.log_buffer_bytes);
        visitor.setting("persist.snapshot_interval", &mut self.snapshot_interval);
        visitor.setting("persist.snapshot_log_bytes", &mut self.snapshot_log_bytes);
        let rate = &mut self.snapshot_bytes_per_second;
        visitor.setting("persist.snapshot_bytes_per_second", rate);
        visitor.setting("persist.snapshot_buffer_bytes", &mut self.snapshot_buffer_bytes);
        visitor.setting("persist.snapshots_kept", &mut self.snapshots_kept);
        visitor.setting("persist.snapshot_on_shutdown", &mut self.snapshot_on_shutdown);
        visitor.setting("persist.read_uncommitted", &mut self.read_uncommitted);
    }
}

#[cfg(test)]
mod tests {
    use super::super::setting::check;
    use super::*;

    #[test]
    fn fsync_modes_are_known_by_name() {
        check::<FsyncMode>(
            &[("always", "\"always\""), ("interval", "\"interval\""), ("never", "\"never\"")],
            &["", "Always", "everysec", "1s"],
        );
    }
}
