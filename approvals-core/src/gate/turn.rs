//! The half of the gate that stands in the gated function, next to the live arguments.

use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll, ready};

use tracing::{Instrument as _, Span};

use super::{Asking, Held, Passed, Passing, Permit, Reached, chain, claim, pass};
use crate::action::{ActionSite, Risk, Site};
use crate::authority::{Authority, End, Panicked, Waited, caught_poll};
use crate::call::live::{Capture, Text};
use crate::call::{Call, Context, LiveError, Reader, read};
use crate::error::{ApprovalError, ErrorKind};
use crate::handle::{Approvals, current};
use crate::ledger::NotRunWhy;
use crate::policy::SiteRuling;

/// The gate before one call of an action. Expansions of `#[requires_approval]` use it; the flow is
/// `turn → wait → turn → run`.
///
/// A turn gives out only what borrows this: whatever has a destructor stands here, where it is compiled once and not for
/// each gated function.
pub struct Gate {
    site: Site,
    stage: Stage,
    /// What the permit covers, until the body has ended.
    held: Option<Held>,
}

/// No larger than a pointer and which it is: it stands in the future of each call that waits.
enum Stage {
    /// By the handle, if it is said which.
    Fresh(Option<Approvals>),
    Waits(Advance),
    Refused(Box<ApprovalError>),
    /// Let through by its site at risk low, once there was room to record it.
    FreeSite,
    /// Let through by policy, as policy saw it.
    Free(Box<(Entry, Box<Call>)>),
    /// Woken by a verdict that may be claimed.
    Woken(Box<Woken>),
    /// Claimed.
    Claimed(Box<(Entry, Held)>),
}

/// Gives the stage after a wait.
type Advance = Pin<Box<dyn Future<Output = Result<Stage, ApprovalError>> + Send>>;

/// What a turn comes to, unless it is refused.
enum Next {
    Run(Option<Held>),
    Wait(Advance),
}

struct Woken {
    entry: Entry,
    asking: Asking,
    waited: Waited,
    span: Span,
}

/// By whom a call is made, fixed at its first turn.
#[derive(Clone)]
struct Entry {
    approvals: Approvals,
    context: Context,
}

/// What the gated function does next.
pub enum Turn<'g> {
    /// Run the body, now.
    Run(Permit<'g>),
    /// Wait, then take another turn.
    Wait(Step<'g>),
    /// Return the refusal.
    Stop(ApprovalError),
}

/// What stands between two turns. A refusal that comes of it is the next turn's.
#[must_use = "a call waits only while this is polled"]
pub struct Step<'g>(&'g mut Gate);

impl Future for Step<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()> {
        let stage = &mut self.get_mut().0.stage;
        if let Stage::Waits(advance) = stage {
            *stage =
                ready!(advance.as_mut().poll(cx)).unwrap_or_else(|refusal| Stage::Refused(Box::new(refusal)));
        }
        Poll::Ready(())
    }
}

impl Gate {
    /// The gate before one call of this action.
    pub const fn at(site: &'static ActionSite) -> Self {
        Self { site: Site::Code(site), stage: Stage::Fresh(None), held: None }
    }

    /// The gate before one call without the attribute.
    pub(super) const fn of(site: Site, approvals: Approvals) -> Self {
        Self { site, stage: Stage::Fresh(Some(approvals)), held: None }
    }

    /// Uses this handle, whatever is in force. The context is still that of the scope.
    #[must_use]
    pub fn by(mut self, approvals: Approvals) -> Self {
        self.stage = Stage::Fresh(Some(approvals));
        self
    }

    /// Looks at the live call and says what to do next. Captures the arguments unless the site alone lets the call
    /// run; borrows none of them beyond its return.
    pub fn turn<'g>(
        &'g mut self,
        risk: &dyn Fn() -> Risk,
        arguments: &[&dyn Capture],
        texts: &[Text<'_>],
    ) -> Turn<'g> {
        let next = match mem::replace(&mut self.stage, Stage::Fresh(None)) {
            Stage::Fresh(by) => self.begin(by, risk(), arguments, texts),
            Stage::Waits(advance) => Ok(Next::Wait(advance)),
            // Told where it came up.
            Stage::Refused(refusal) => return Turn::Stop(*refusal),
            // It has waited since, and what it depends on may have changed.
            Stage::FreeSite if risk() == Risk::Low => Ok(Next::Run(None)),
            Stage::FreeSite => Err(self.changed("that policy let run", None)),
            Stage::Free(ruled) => self.enter_freely(&ruled.0, &ruled.1, risk(), arguments, texts),
            Stage::Woken(woken) => self.wake(*woken, risk(), arguments, texts),
            Stage::Claimed(claimed) => {
                let (entry, held) = *claimed;
                self.enter(&entry, held, risk(), arguments, texts)
            }
        };
        match next {
            Ok(Next::Run(held)) => {
                self.held = held;
                Turn::Run(Permit::new(&self.site, &mut self.held))
            }
            Ok(Next::Wait(advance)) => {
                self.stage = Stage::Waits(advance);
                Turn::Wait(Step(self))
            }
            Err(refusal) => {
                tracing::info!(action = self.site.name(), kind = %refusal.kind(), "the call does not run");
                Turn::Stop(refusal)
            }
        }
    }

    fn begin(
        &self,
        by: Option<Approvals>,
        risk: Risk,
        arguments: &[&dyn Capture],
        texts: &[Text<'_>],
    ) -> Result<Next, ApprovalError> {
        let entry = self.entry(by)?;
        if self.runs_by_site(&entry, risk) {
            return Ok(match entry.approvals.note_allowed(&self.site, risk, &entry.context) {
                Ok(()) => Next::Run(None),
                Err(room) => Next::Wait(Box::pin(async move { room.await.map(|()| Stage::FreeSite) })),
            });
        }
        let call = self.read(&entry, risk, arguments, texts, true)?;
        let call = Box::new(Call { inside: chain::around(), ..call });
        let authority: Arc<dyn Authority> = entry.approvals.authority();
        let span = tracing::info_span!("approval", action = self.site.name(), %risk);
        Ok(Next::Wait(self.advance(entry, span, pass(authority, call))))
    }

    fn entry(&self, by: Option<Approvals>) -> Result<Entry, ApprovalError> {
        let entry = match (by, current()) {
            (Some(approvals), around) => {
                Entry { approvals, context: around.map(|(_, context)| context).unwrap_or_default() }
            }
            (None, Some((approvals, context))) => Entry { approvals, context },
            (None, None) => return Err(self.not_installed()),
        };
        entry.approvals.admit(&self.site, &entry.context)?;
        Ok(entry)
    }

    /// The fast path: nothing is captured. A keyed call never takes it, or a call that was denied under its key would
    /// run once policy lets such calls run freely. Neither does one whose code asks for reviewers.
    fn runs_by_site(&self, entry: &Entry, risk: Risk) -> bool {
        risk == Risk::Low
            && !self.site.is_keyed()
            && !self.site.declares_quorum()
            && entry.approvals.rule_site(&self.site, risk) == SiteRuling::Run
    }

    /// The fast path but for its record, which only a measurement may leave out.
    #[cfg(feature = "testing")]
    pub(crate) fn unrecorded(&mut self, risk: &dyn Fn() -> Risk) -> Option<Permit<'_>> {
        let Stage::Fresh(by) = mem::replace(&mut self.stage, Stage::Fresh(None)) else { return None };
        let entry = self.entry(by).ok()?;
        self.runs_by_site(&entry, risk()).then(|| Permit::new(&self.site, &mut self.held))
    }

    /// What was asked for is claimed for the call as it is now: whether it is still the same is told right before the
    /// body, and recorded then.
    fn wake(
        &self,
        woken: Woken,
        risk: Risk,
        arguments: &[&dyn Capture],
        texts: &[Text<'_>],
    ) -> Result<Next, ApprovalError> {
        let Woken { entry, asking, waited, span } = woken;
        match self.read(&entry, risk, arguments, texts, false) {
            Ok(call) => {
                let call = Box::new(Call { inside: chain::around(), ..call });
                Ok(Next::Wait(self.advance(entry, span, claim(asking, waited, call))))
            }
            Err(error) => Err(self.changed("that were approved", Some(error)).of(asking.request())),
        }
    }

    fn advance(
        &self,
        entry: Entry,
        span: Span,
        asks: impl Future<Output = Result<Reached, ApprovalError>> + Send + 'static,
    ) -> Advance {
        let site = self.site.clone();
        // By hand: a block would keep what it awaits in more than one place, and so would each of a hundred thousand
        // that wait.
        let mut passing = Passing::Asks(Box::pin(asks)).instrument(span);
        Box::pin(poll_fn(move |cx| {
            let passed = ready!(caught_poll(Pin::new(&mut passing), cx)).unwrap_or_else(|Panicked| {
                let message = "the policy or the store panicked; the panic is in the log";
                Err(ApprovalError::new(ErrorKind::Unavailable, &site.name, message))
            });
            let span = passing.span().clone();
            let passed = span.in_scope(|| {
                passed.inspect_err(|refusal| {
                    tracing::info!(kind = %refusal.kind(), "the call does not run");
                })
            })?;
            let entry = entry.clone();
            Poll::Ready(Ok(match passed {
                Passed::Free(call) => Stage::Free(Box::new((entry, call))),
                Passed::Woken(asking, waited) => {
                    Stage::Woken(Box::new(Woken { entry, asking, waited, span }))
                }
                Passed::Claimed(held) => Stage::Claimed(Box::new((entry, held))),
            }))
        }))
    }

    /// What runs is what policy saw, although nobody was asked (law 5).
    fn enter_freely(
        &self,
        entry: &Entry,
        ruled: &Call,
        risk: Risk,
        arguments: &[&dyn Capture],
        texts: &[Text<'_>],
    ) -> Result<Next, ApprovalError> {
        match self.read(entry, risk, arguments, texts, false) {
            Ok(call) if call.is_same_as(ruled) => Ok(Next::Run(None)),
            changed => Err(self.changed("that policy let run", changed.err())),
        }
    }

    /// Between this comparison and the body there is no await (law 5).
    fn enter(
        &self,
        entry: &Entry,
        mut held: Held,
        risk: Risk,
        arguments: &[&dyn Capture],
        texts: &[Text<'_>],
    ) -> Result<Next, ApprovalError> {
        let request = held.ticket().request;
        match self.read(entry, risk, arguments, texts, false) {
            Ok(call) if held.is_for(&call) => {
                held.enter();
                tracing::info!(action = self.site.name(), %request, "body starts");
                Ok(Next::Run(Some(held)))
            }
            changed => {
                held.end(End::not_run(NotRunWhy::ArgumentsChanged));
                Err(self.changed("that were approved", changed.err()).of(request))
            }
        }
    }

    fn changed(&self, those: &str, error: Option<ApprovalError>) -> ApprovalError {
        let why = error.map_or_else(String::new, |error| format!(" ({error})"));
        let message = format!("the live arguments are not those {those}{why}; ask anew");
        ApprovalError::new(ErrorKind::ArgumentsChanged, &self.site.name, message)
    }

    fn read(
        &self,
        entry: &Entry,
        risk: Risk,
        arguments: &[&dyn Capture],
        texts: &[Text<'_>],
        twice: bool,
    ) -> Result<Call, ApprovalError> {
        let authority = entry.approvals.authority();
        let (caps, key) = authority.reading();
        let reader = Reader { site: &self.site, caps, key };
        let requester = entry.approvals.requester(&entry.context);
        read(&reader, risk, arguments, texts, requester, entry.context.clone(), twice).map_err(|error| {
            let kind = match &error {
                LiveError::Unstable { .. } => ErrorKind::Unstable,
                _ => ErrorKind::Invalid,
            };
            ApprovalError::new(kind, &self.site.name, error.to_string())
        })
    }

    /// Handles are kept per version of this crate, so what another version installed is not seen from here.
    fn not_installed(&self) -> ApprovalError {
        const MESSAGE: &str = concat!(
            "no approvals of version ",
            env!("CARGO_PKG_VERSION"),
            " are installed; call `approvals.install()` once at the start, or run inside `approvals.scope(…)` \
             (`tokio::spawn` leaves a scope: use `approvals.spawn`); if the program does, it does so with another \
             version of the crate, and `cargo tree -i action-approvals@",
            env!("CARGO_PKG_VERSION"),
            "` says who brings this one"
        );
        ApprovalError::new(ErrorKind::NotInstalled, &self.site.name, MESSAGE)
    }
}

/// What a body may end with: a `Result`.
#[diagnostic::on_unimplemented(
    message = "a refusal cannot leave through `{Self}`",
    label = "this needs `Result<T, E>`"
)]
pub trait Ending {
    /// The name of the error's type, if it is one.
    fn error(&self) -> Option<&'static str>;
}

impl<T, E> Ending for Result<T, E> {
    fn error(&self) -> Option<&'static str> {
        self.as_ref().err().map(|_| std::any::type_name::<E>())
    }
}

/// What a gated function may return: a `Result` whose error can be made of an [`ApprovalError`].
#[diagnostic::on_unimplemented(
    message = "a refusal cannot leave through `{Self}`",
    label = "this needs `Result<T, E>` with `E: From<ApprovalError>`",
    note = "implement `From<ApprovalError>` for the error, or add the option `error = …`"
)]
pub trait Outcome: Ending {
    /// The refusal as this type.
    fn refused(error: ApprovalError) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T, E: From<ApprovalError>> Outcome for Result<T, E> {
    fn refused(error: ApprovalError) -> Self {
        Err(error.into())
    }
}

/// The refusal as whatever the gated function returns.
pub fn refuse<R: Outcome>(error: ApprovalError) -> R {
    R::refused(error)
}

/// Stands where nothing comes by: a `return` of it tells the type of a body before its statements do.
pub fn never<R>() -> R {
    std::process::abort()
}

/// The refusal as an error made by the author's own function, which comes out of a closure that nothing can leave.
///
/// # Errors
/// Always: the refusal.
pub fn refuse_by<T, E, F>(error: ApprovalError, by: impl Fn() -> F) -> Result<T, E>
where
    F: FnOnce(ApprovalError) -> E,
{
    Err(by()(error))
}
