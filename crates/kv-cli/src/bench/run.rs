//! One run: opens the connections, fills in the keys, lets the load loose, and gathers what came of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

use super::control::Control;
use super::live::Live;
use super::pacer;
use super::plan::Plan;
use super::schedule::Schedule;
use super::tally::{Errors, Tally};
use super::worker::{Event, Worker};
use crate::failure::Failure;
use crate::stopwatch::Stopwatch;

/// How often the live line is written anew.
const TICK: Duration = Duration::from_millis(250);

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(super) tally: Tally,
    /// How long operations were counted.
    pub(super) elapsed: Duration,
    pub(super) fill: Option<Fill>,
    /// Whether it was ended by hand.
    pub(super) interrupted: bool,
}

impl Outcome {
    /// Operations that failed.
    pub(crate) fn failed(&self) -> u64 {
        self.tally.errors.count()
    }

    /// Connections that broke and could not be opened again.
    pub(crate) fn connections_lost(&self) -> u64 {
        self.tally.connections_lost
    }

    /// Whether it was ended by hand.
    pub(crate) fn interrupted(&self) -> bool {
        self.interrupted
    }
}

/// What came of the filling.
#[derive(Debug)]
pub(super) struct Fill {
    pub(super) refused: Errors,
    pub(super) elapsed: Duration,
}

/// A run under way.
struct Run {
    plan: Arc<Plan>,
    control: Arc<Control>,
    events: mpsc::Receiver<Event>,
    begin: watch::Sender<Option<Stopwatch>>,
    live: Live,
    /// Listened to from the start to the end: an interrupt that came while nobody did would be lost.
    interrupts: Signal,
    interrupted: bool,
}

/// Does what the plan says.
///
/// # Errors
/// No server answers, or it was interrupted before it had begun.
pub(crate) async fn run(plan: Plan) -> Result<Outcome, Failure> {
    let mut run = Run::start(plan)?;
    let fill = run.prepare().await?;
    let since = Stopwatch::start();
    run.begin(since)?;
    let tally = run.gather().await?;
    run.live.end();
    let elapsed = run.counted(&tally, since.elapsed());
    Ok(Outcome { tally, elapsed, fill, interrupted: run.interrupted })
}

impl Run {
    /// Starts the threads.
    fn start(plan: Plan) -> Result<Self, Failure> {
        let interrupts = signal(SignalKind::interrupt()).map_err(|error| cannot_listen(&error))?;
        let control = Arc::new(Control::new(plan.connections));
        let plan = Arc::new(plan);
        let threads = plan.threads.min(plan.connections);
        let (sender, events) = mpsc::channel(2 * usize::try_from(threads).unwrap_or(1));
        let (begin, start) = watch::channel(None);
        let payload = plan.load.payload();
        let all: Vec<_> = (0..).zip(plan.load.operations(plan.connections)).collect();
        for thread in 0..threads {
            let ours = all.iter().filter(|(number, _)| number % threads == thread);
            let worker = Worker {
                plan: Arc::clone(&plan),
                control: Arc::clone(&control),
                payload: payload.clone(),
                connections: ours.cloned().collect(),
                events: sender.clone(),
                begun: start.clone(),
            };
            worker.spawn(thread).map_err(|error| cannot_start(&error))?;
        }
        let live = Live::start();
        Ok(Self { plan, control, events, begin, live, interrupts, interrupted: false })
    }

    /// Waits until all connections are open and all keys are filled in.
    async fn prepare(&mut self) -> Result<Option<Fill>, Failure> {
        let (started, mut refused) = (Stopwatch::start(), Errors::default());
        for _thread in 0..self.plan.threads.min(self.plan.connections) {
            match self.next(|live, control| live.filling(control.counts().0)).await? {
                Event::Ready(errors) => refused.merge(&errors),
                Event::Failed(message) => return Err(self.unreachable(&message)),
                Event::Done(_) => {}
            }
        }
        if self.interrupted {
            return Err(Failure::Broken("interrupted before the run had begun".to_owned()));
        }
        Ok(self.plan.fill.then(|| Fill { refused, elapsed: started.elapsed() }))
    }

    /// Lets the load loose.
    fn begin(&mut self, since: Stopwatch) -> Result<(), Failure> {
        self.live.begin(since, self.control.counts().0);
        if let Some(rate) = self.plan.rate {
            let all = Schedule::all(rate);
            let due = all.due_before(self.plan.pace(0).end);
            let operations = due.min(self.plan.requests.unwrap_or(u64::MAX));
            let control = Arc::clone(&self.control);
            pacer::spawn(control, all, operations, since).map_err(|error| cannot_start(&error))?;
        }
        self.begin.send_replace(Some(since));
        Ok(())
    }

    /// Waits until all connections are done.
    async fn gather(&mut self) -> Result<Tally, Failure> {
        let mut tally = Tally::new();
        for _thread in 0..self.plan.threads.min(self.plan.connections) {
            match self.next(|live, control| live.running(control.counts())).await? {
                Event::Done(part) => tally.merge(&part),
                Event::Failed(message) => return Err(self.unreachable(&message)),
                Event::Ready(_) => {}
            }
        }
        Ok(tally)
    }

    /// The next event. Until then the live line is kept up; the first interrupt stops the load, the second
    /// one does not wait for what is under way.
    async fn next(&mut self, show: impl Fn(&mut Live, &Control)) -> Result<Event, Failure> {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                event = self.events.recv() => {
                    let ended = || Failure::Broken("a thread of the benchmark has ended".to_owned());
                    return event.ok_or_else(ended);
                }
                _ = ticks.tick() => show(&mut self.live, &self.control),
                signal = self.interrupts.recv() => {
                    if self.interrupted || signal.is_none() {
                        return Err(Failure::Broken("interrupted".to_owned()));
                    }
                    self.interrupted = true;
                    self.control.stop();
                }
            }
        }
    }

    /// How long operations were counted. A run that was not cut short lasted as long as it was to, also if
    /// its last answer came before its end.
    fn counted(&self, tally: &Tally, elapsed: Duration) -> Duration {
        let planned = match (self.plan.duration, self.plan.rate, self.plan.requests) {
            (Some(duration), ..) => self.plan.warmup + duration,
            (None, Some(rate), Some(requests)) => Schedule::all(rate).intended(requests),
            _ => Duration::ZERO,
        };
        let cut_short =
            self.interrupted || tally.connections_lost > 0 || self.plan.requests.is_some();
        let end = if cut_short { planned.min(elapsed) } else { planned };
        tally.last.max(end).saturating_sub(self.plan.warmup)
    }

    fn unreachable(&self, message: &str) -> Failure {
        let (name, target) = (self.plan.protocol.name(), &self.plan.target);
        Failure::Broken(format!(
            "cannot reach a server at {target} ({name}): {message}; --target names another address"
        ))
    }
}

fn cannot_listen(error: &std::io::Error) -> Failure {
    Failure::Usage(format!("cannot catch interrupts: {error}"))
}

fn cannot_start(error: &std::io::Error) -> Failure {
    Failure::Usage(format!("cannot start a thread: {error}"))
}
