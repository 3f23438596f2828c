//! `FaultDisk`: a disk that fails the call it is told to.

use std::any::Any;
use std::fmt;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::mem::MemFile;
use super::{Disk, DiskFile};

/// Calls that are logged; later ones are counted only.
pub const LOG_CALLS_MAX: usize = 100_000;

/// The operating system's numbers of its errors.
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// A disk around another that fails the call it is told to. Clones are the same disk.
///
/// Every call that changes or syncs something has a number, from 1 on, across all files. A run without a
/// plan tells how many there are, so that a test can fail each in turn.
#[derive(Debug, Clone)]
pub struct FaultDisk<D> {
    inner: D,
    injector: Arc<Injector>,
}

/// Which call fails, how, and what becomes of those after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultPlan {
    /// The number of the call, from 1 on.
    pub at: u64,
    /// How it fails.
    pub fault: Fault,
    /// What the calls after it do.
    pub then: Then,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Without effect. Around a `MemDisk`, a failed write, allocation or sync also takes with it what was not
    /// synced of the file: it can still be read, but no later sync makes it durable.
    Eio,
    /// After having its whole effect.
    EioAfter,
    /// As if the disk was full, without effect. A failed sync takes with it what was not synced, as
    /// with [`Eio`](Self::Eio).
    Enospc,
    /// After the first half of the bytes was written or allocated. Other calls fail as with
    /// [`Eio`](Self::Eio).
    ShortWrite,
    /// Without effect, and with it all that follows, whatever the plan says then, reads included: the
    /// process is dead in that instant.
    Stop,
}

/// What the calls after the failed one do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// They work.
    Works,
    /// Those with a number fail in the same way.
    Fails,
    /// They fail without effect, reads included: the process died of it.
    Stops,
}

/// What a call with a number does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the calls are")]
pub enum CallKind {
    Create,
    Rename,
    Remove,
    SyncNames,
    Write,
    Allocate,
    SetLen,
    Sync,
}

/// One call with a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its place among all, from 1 on.
    pub number: u64,
    /// What it does.
    pub kind: CallKind,
    /// The name the file had when it was opened; both names of a rename; empty for `SyncNames`.
    pub file: String,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call {}: {:?} {}", self.number, self.kind, self.file)
    }
}

impl Fault {
    fn error(self) -> io::Error {
        match self {
            Self::Eio | Self::EioAfter | Self::ShortWrite => io::Error::from_raw_os_error(EIO),
            Self::Enospc => io::Error::from_raw_os_error(ENOSPC),
            Self::Stop => stopped(),
        }
    }
}

fn stopped() -> io::Error {
    io::Error::other("the plan stopped this disk, with the process that uses it")
}

impl<D: Disk> FaultDisk<D> {
    /// A disk that counts and does not fail.
    pub fn new(inner: D) -> Self {
        Self { inner, injector: Arc::default() }
    }

    /// A disk that fails as planned.
    pub fn with_plan(inner: D, plan: FaultPlan) -> Self {
        let disk = Self::new(inner);
        disk.set_plan(Some(plan));
        disk
    }

    /// Takes another plan, or none: the disk works again, unless it has stopped. Numbers go on.
    pub fn set_plan(&self, plan: Option<FaultPlan>) {
        self.injector.state.lock().plan = plan;
    }

    /// The disk around which this one stands.
    pub fn inner(&self) -> &D {
        &self.inner
    }

    /// How many calls had a number so far: the last one's.
    pub fn calls(&self) -> u64 {
        self.injector.state.lock().calls
    }

    /// The first [`LOG_CALLS_MAX`] calls.
    pub fn log(&self) -> Vec<Call> {
        self.injector.state.lock().log.clone()
    }

    /// The first call that failed as planned.
    pub fn failed(&self) -> Option<Call> {
        self.injector.state.lock().failed.clone()
    }

    /// Whether all calls fail from now on.
    pub fn is_stopped(&self) -> bool {
        self.injector.state.lock().stopped
    }

    fn file(&self, name: &str, inner: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(FaultFile { inner, name: name.to_owned(), injector: Arc::clone(&self.injector) })
    }
}

impl<D: Disk> Disk for FaultDisk<D> {
    fn list(&self) -> io::Result<Vec<String>> {
        self.injector.check_running()?;
        self.inner.list()
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.injector.check_running()?;
        Ok(self.file(name, self.inner.open(name)?))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let create = || self.inner.create(name);
        let file = self.injector.run(CallKind::Create, name, create, |_| Ok(()))?;
        Ok(self.file(name, file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let names = format!("{from} to {to}");
        let rename = || self.inner.rename(from, to);
        self.injector.run(CallKind::Rename, &names, rename, |_| Ok(()))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.injector.run(CallKind::Remove, name, || self.inner.remove(name), |_| Ok(()))
    }

    fn sync_names(&self) -> io::Result<()> {
        self.injector.run(CallKind::SyncNames, "", || self.inner.sync_names(), |_| Ok(()))
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }
}

/// A file that fails when its disk is told so.
#[derive(Debug)]
struct FaultFile {
    inner: Arc<dyn DiskFile>,
    name: String,
    injector: Arc<Injector>,
}

impl FaultFile {
    fn lose_unsynced(&self) {
        let file: &dyn Any = &*self.inner;
        if let Some(file) = file.downcast_ref::<MemFile>() {
            file.lose_unsynced();
        }
    }
}

impl DiskFile for FaultFile {
    fn len(&self) -> io::Result<u64> {
        self.injector.check_running()?;
        self.inner.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.injector.check_running()?;
        self.inner.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let write = || self.inner.write_at(offset, bytes);
        self.injector.run(CallKind::Write, &self.name, write, |fault| match fault {
            Fault::Eio => {
                self.lose_unsynced();
                Ok(())
            }
            Fault::ShortWrite => self.inner.write_at(offset, bytes.split_at(bytes.len() / 2).0),
            Fault::EioAfter | Fault::Enospc | Fault::Stop => Ok(()),
        })
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let allocate = || self.inner.allocate(len);
        self.injector.run(CallKind::Allocate, &self.name, allocate, |fault| match fault {
            Fault::Eio => {
                self.lose_unsynced();
                Ok(())
            }
            Fault::ShortWrite => {
                let present = self.inner.len()?;
                self.inner.allocate(present + len.saturating_sub(present) / 2)
            }
            Fault::EioAfter | Fault::Enospc | Fault::Stop => Ok(()),
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.injector.run(CallKind::SetLen, &self.name, || self.inner.set_len(len), |_| Ok(()))
    }

    fn sync(&self) -> io::Result<()> {
        self.injector.run(
            CallKind::Sync,
            &self.name,
            || self.inner.sync(),
            |fault| {
                if fault != Fault::Stop {
                    self.lose_unsynced();
                }
                Ok(())
            },
        )
    }
}

/// Numbers the calls of a disk and its files, and decides about each.
#[derive(Debug, Default)]
struct Injector {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    plan: Option<FaultPlan>,
    calls: u64,
    log: Vec<Call>,
    failed: Option<Call>,
    stopped: bool,
}

impl Injector {
    fn check_running(&self) -> io::Result<()> {
        if self.state.lock().stopped { Err(stopped()) } else { Ok(()) }
    }

    /// Does a call with a number, or what is left of it when it shall fail: `part`, which
    /// [`Fault::EioAfter`] does not come to.
    fn run<T>(
        &self,
        kind: CallKind,
        file: &str,
        whole: impl FnOnce() -> io::Result<T>,
        part: impl FnOnce(Fault) -> io::Result<()>,
    ) -> io::Result<T> {
        let Some(fault) = self.judge(kind, file)? else { return whole() };
        if fault == Fault::EioAfter {
            whole()?;
        } else {
            part(fault)?;
        }
        Err(fault.error())
    }

    /// Gives a call its number and tells how it shall fail.
    fn judge(&self, kind: CallKind, file: &str) -> io::Result<Option<Fault>> {
        let mut state = self.state.lock();
        if state.stopped {
            return Err(stopped());
        }
        state.calls += 1;
        let call = Call { number: state.calls, kind, file: file.to_owned() };
        if state.log.len() < LOG_CALLS_MAX {
            state.log.push(call.clone());
        }
        let Some(plan) = state.plan.filter(|plan| plan.hits(call.number)) else { return Ok(None) };
        state.stopped = plan.fault == Fault::Stop || plan.then == Then::Stops;
        state.failed.get_or_insert(call);
        Ok(Some(plan.fault))
    }
}

impl FaultPlan {
    /// One call fails, those after it work.
    pub fn once(at: u64, fault: Fault) -> Self {
        Self { at, fault, then: Then::Works }
    }

    /// A call and all after it fail.
    pub fn from_then_on(at: u64, fault: Fault) -> Self {
        Self { at, fault, then: Then::Fails }
    }

    /// The process dies instead of the call.
    pub fn stop(at: u64) -> Self {
        Self { at, fault: Fault::Stop, then: Then::Stops }
    }

    fn hits(&self, number: u64) -> bool {
        number == self.at || (number > self.at && self.then == Then::Fails)
    }
}

#[cfg(test)]
mod tests {
    use super::super::mem::MemDisk;
    use super::*;

    fn is_eio<T: fmt::Debug>(result: io::Result<T>) -> bool {
        result.unwrap_err().raw_os_error() == Some(EIO)
    }

    /// Eight calls with a number.
    fn every_call(disk: &dyn Disk) -> Vec<io::Result<()>> {
        let mut results = Vec::new();
        let file = match disk.create("a") {
            Ok(file) => {
                results.push(Ok(()));
                file
            }
            Err(error) => {
                results.push(Err(error));
                disk.open("there").unwrap()
            }
        };
        results.push(file.write_at(0, b"bytes"));
        results.push(file.allocate(100));
        results.push(file.set_len(50));
        results.push(file.sync());
        results.push(disk.rename("there", "b"));
        results.push(disk.remove("b").or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        }));
        results.push(disk.sync_names());
        results
    }

    fn disk() -> MemDisk {
        let disk = MemDisk::new();
        disk.put("there", b"").unwrap();
        disk
    }

    #[test]
    fn every_changing_call_has_a_number_and_is_logged() {
        let disk = FaultDisk::new(disk());
        assert!(every_call(&disk).iter().all(Result::is_ok));
        disk.list().unwrap();
        assert_eq!(disk.calls(), 8);
        let log: Vec<_> = disk.log().iter().map(ToString::to_string).collect();
        assert_eq!(
            log,
            [
                "call 1: Create a",
                "call 2: Write a",
                "call 3: Allocate a",
                "call 4: SetLen a",
                "call 5: Sync a",
                "call 6: Rename there to b",
                "call 7: Remove b",
                "call 8: SyncNames ",
            ]
        );
        assert_eq!(disk.failed(), None);
    }

    #[test]
    fn a_plan_fails_the_call_it_names() {
        for at in 1..=8 {
            for fault in [Fault::Eio, Fault::EioAfter, Fault::Enospc, Fault::ShortWrite] {
                let disk = FaultDisk::with_plan(disk(), FaultPlan::once(at, fault));
                for (result, number) in every_call(&disk).into_iter().zip(1..) {
                    assert_eq!(result.is_err(), number == at, "{fault:?} at {at}: call {number}");
                    if let Err(error) = result {
                        let full = error.kind() == io::ErrorKind::StorageFull;
                        assert_eq!(full, fault == Fault::Enospc);
                    }
                }
                assert_eq!(disk.failed().unwrap().number, at);
            }
        }
    }

    #[test]
    fn a_sticky_plan_fails_all_from_then_on_until_it_is_taken_back() {
        let disk = FaultDisk::with_plan(disk(), FaultPlan::from_then_on(3, Fault::Enospc));
        let results = every_call(&disk);
        let failed: Vec<_> = results.iter().map(Result::is_err).collect();
        assert_eq!(failed, [false, false, true, true, true, true, true, true]);
        assert_eq!(disk.failed().unwrap().number, 3);
        disk.set_plan(None);
        disk.remove("there").unwrap();
    }

    #[test]
    fn a_stop_ends_everything_without_effect() {
        let inner = disk();
        let disk = FaultDisk::with_plan(inner.clone(), FaultPlan::stop(3));
        let file = disk.create("a").unwrap();
        file.write_at(0, b"bytes").unwrap();
        assert!(!disk.is_stopped());
        file.write_at(0, b"other").unwrap_err();
        assert!(disk.is_stopped());
        file.sync().unwrap_err();
        file.len().unwrap_err();
        file.read_at(0, &mut [0]).unwrap_err();
        disk.list().unwrap_err();
        disk.open("a").unwrap_err();
        disk.remove("a").unwrap_err();
        assert_eq!(disk.calls(), 3, "a dead process makes no calls");
        assert_eq!(inner.read("a").unwrap(), b"bytes");
    }

    #[test]
    fn a_process_can_die_in_the_middle_of_a_write() {
        let inner = disk();
        let plan = FaultPlan { at: 1, fault: Fault::ShortWrite, then: Then::Stops };
        let disk = FaultDisk::with_plan(inner.clone(), plan);
        let file = disk.open("there").unwrap();
        assert!(is_eio(file.write_at(0, b"123456")));
        file.write_at(0, b"abc").unwrap_err();
        assert_eq!(inner.read("there").unwrap(), b"123");
    }

    #[test]
    fn a_short_allocation_leaves_a_part() {
        let disk = FaultDisk::with_plan(disk(), FaultPlan::once(2, Fault::ShortWrite));
        let file = disk.open("there").unwrap();
        file.write_at(0, b"12").unwrap();
        assert!(is_eio(file.allocate(100)));
        assert_eq!(file.len().unwrap(), 51);
    }

    #[test]
    fn a_failed_sync_loses_what_a_later_one_does_not_bring_back() {
        let inner = disk();
        let disk = FaultDisk::with_plan(inner.clone(), FaultPlan::once(2, Fault::Eio));
        let file = disk.open("there").unwrap();
        file.write_at(0, b"lost").unwrap();
        assert!(is_eio(file.sync()));
        assert_eq!(inner.read("there").unwrap(), b"lost", "it can still be read");
        file.sync().unwrap();
        assert_eq!(inner.crash(&mut fastrand::Rng::with_seed(1)).read("there").unwrap(), b"");
    }

    #[test]
    fn a_sync_may_work_and_yet_report_an_error() {
        let inner = disk();
        let disk = FaultDisk::with_plan(inner.clone(), FaultPlan::once(2, Fault::EioAfter));
        let file = disk.open("there").unwrap();
        file.write_at(0, b"kept").unwrap();
        assert!(is_eio(file.sync()));
        assert_eq!(inner.crash(&mut fastrand::Rng::with_seed(1)).read("there").unwrap(), b"kept");
    }
}
