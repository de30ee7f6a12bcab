//! The half of the gate that stands in the gated function, next to the live arguments.

use std::future::{self, Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};

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
pub struct Gate {
    site: Site,
    stage: Stage,
}

/// No larger than a pointer and which it is: it stands in the future of each call that waits.
enum Stage {
    /// By the handle, if it is said which.
    Fresh(Option<Approvals>),
    /// Let through by its site at risk low, once there was room to record it.
    FreeSite,
    /// Let through by policy, as policy saw it.
    Free(Box<(Entry, Box<Call>)>),
    /// Woken by a verdict that may be claimed.
    Woken(Box<Woken>),
    /// Claimed.
    Claimed(Box<(Entry, Held)>),
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
    Run(Permit),
    /// Wait, then take another turn.
    Wait(Pin<Box<dyn Future<Output = Result<(), ApprovalError>> + Send + 'g>>),
    /// Return the refusal.
    Stop(ApprovalError),
}

impl<'g> Turn<'g> {
    /// What is left to wait for; a refusal is at hand at once.
    pub fn step(self) -> Pin<Box<dyn Future<Output = Result<(), ApprovalError>> + Send + 'g>> {
        match self {
            Self::Run(_) => Box::pin(future::ready(Ok(()))),
            Self::Wait(step) => step,
            Self::Stop(refusal) => Box::pin(future::ready(Err(refusal))),
        }
    }
}

impl Gate {
    /// The gate before one call of this action.
    pub const fn at(site: &'static ActionSite) -> Self {
        Self { site: Site::Code(site), stage: Stage::Fresh(None) }
    }

    /// The gate before one call without the attribute.
    pub(super) const fn of(site: Site, approvals: Approvals) -> Self {
        Self { site, stage: Stage::Fresh(Some(approvals)) }
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
        let site = self.site.clone();
        let turn = match mem::replace(&mut self.stage, Stage::Fresh(None)) {
            Stage::Fresh(by) => self.begin(by, risk(), arguments, texts),
            // It has waited since, and what it depends on may have changed.
            Stage::FreeSite if risk() == Risk::Low => Turn::Run(self.permit(None)),
            Stage::FreeSite => Turn::Stop(self.changed("that policy let run", None)),
            Stage::Free(ruled) => self.enter_freely(&ruled.0, &ruled.1, risk(), arguments, texts),
            Stage::Woken(woken) => self.wake(*woken, risk(), arguments, texts),
            Stage::Claimed(claimed) => {
                let (entry, held) = *claimed;
                self.enter(&entry, held, risk(), arguments, texts)
            }
        };
        if let Turn::Stop(refusal) = &turn {
            tracing::info!(action = site.name(), kind = %refusal.kind(), "the call does not run");
        }
        turn
    }

    fn begin<'g>(
        &'g mut self,
        by: Option<Approvals>,
        risk: Risk,
        arguments: &[&dyn Capture],
        texts: &[Text<'_>],
    ) -> Turn<'g> {
        let entry = match self.entry(by) {
            Ok(entry) => entry,
            Err(error) => return Turn::Stop(error),
        };
        if self.runs_by_site(&entry, risk) {
            return match entry.approvals.note_allowed(&self.site, risk, &entry.context) {
                Ok(()) => Turn::Run(self.permit(None)),
                Err(room) => Turn::Wait(Box::pin(async move {
                    room.await?;
                    self.stage = Stage::FreeSite;
                    Ok(())
                })),
            };
        }
        let call = match self.read(&entry, risk, arguments, texts, true) {
            Ok(call) => Box::new(Call { inside: chain::around(), ..call }),
            Err(error) => return Turn::Stop(error),
        };
        let authority: Arc<dyn Authority> = entry.approvals.authority();
        let span = tracing::info_span!("approval", action = self.site.name(), %risk);
        self.step(entry, span, pass(authority, call))
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
    pub(crate) fn unrecorded(&mut self, risk: &dyn Fn() -> Risk) -> Option<Permit> {
        let Stage::Fresh(by) = mem::replace(&mut self.stage, Stage::Fresh(None)) else { return None };
        let entry = self.entry(by).ok()?;
        self.runs_by_site(&entry, risk()).then(|| self.permit(None))
    }

    /// What was asked for is claimed for the call as it is now: whether it is still the same is told right before the
    /// body, and recorded then.
    fn wake<'g>(
        &'g mut self,
        woken: Woken,
        risk: Risk,
        arguments: &[&dyn Capture],
        texts: &[Text<'_>],
    ) -> Turn<'g> {
        let Woken { entry, asking, waited, span } = woken;
        match self.read(&entry, risk, arguments, texts, false) {
            Ok(call) => {
                let call = Box::new(Call { inside: chain::around(), ..call });
                self.step(entry, span, claim(asking, waited, call))
            }
            Err(error) => Turn::Stop(self.changed("that were approved", Some(error)).of(asking.request())),
        }
    }

    fn step<'g>(
        &'g mut self,
        entry: Entry,
        span: Span,
        asks: impl Future<Output = Result<Reached, ApprovalError>> + Send + 'g,
    ) -> Turn<'g> {
        // By hand: a block would keep what it awaits in more than one place, and so would each of a hundred thousand
        // that wait.
        let mut passing = Passing::Asks(Box::pin(asks)).instrument(span);
        Turn::Wait(Box::pin(poll_fn(move |cx| {
            let passed = ready!(caught_poll(Pin::new(&mut passing), cx)).unwrap_or_else(|Panicked| {
                let message = "the policy or the store panicked; the panic is in the log";
                Err(ApprovalError::new(ErrorKind::Unavailable, &self.site.name, message))
            });
            let span = passing.span().clone();
            let passed = span.in_scope(|| {
                passed.inspect_err(|refusal| {
                    tracing::info!(kind = %refusal.kind(), "the call does not run");
                })
            })?;
            let entry = entry.clone();
            self.stage = match passed {
                Passed::Free(call) => Stage::Free(Box::new((entry, call))),
                Passed::Woken(asking, waited) => {
                    Stage::Woken(Box::new(Woken { entry, asking, waited, span }))
                }
                Passed::Claimed(held) => Stage::Claimed(Box::new((entry, held))),
            };
            Poll::Ready(Ok(()))
        })))
    }

    /// What runs is what policy saw, although nobody was asked (law 5).
    fn enter_freely<'g>(
        &'g mut self,
        entry: &Entry,
        ruled: &Call,
        risk: Risk,
        arguments: &[&dyn Capture],
        texts: &[Text<'_>],
    ) -> Turn<'g> {
        match self.read(entry, risk, arguments, texts, false) {
            Ok(call) if call.is_same_as(ruled) => Turn::Run(self.permit(None)),
            changed => Turn::Stop(self.changed("that policy let run", changed.err())),
        }
    }

    /// Between this comparison and the body there is no await (law 5).
    fn enter<'g>(
        &'g mut self,
        entry: &Entry,
        mut held: Held,
        risk: Risk,
        arguments: &[&dyn Capture],
        texts: &[Text<'_>],
    ) -> Turn<'g> {
        let request = held.ticket().request;
        match self.read(entry, risk, arguments, texts, false) {
            Ok(call) if held.is_for(&call) => {
                held.enter();
                tracing::info!(action = self.site.name(), %request, "body starts");
                Turn::Run(self.permit(Some(held)))
            }
            changed => {
                held.end(End::not_run(NotRunWhy::ArgumentsChanged));
                Turn::Stop(self.changed("that were approved", changed.err()).of(request))
            }
        }
    }

    fn permit(&self, held: Option<Held>) -> Permit {
        Permit::new(self.site.clone(), held)
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
