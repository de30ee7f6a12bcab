//! One rule taken away. Each has to be caught, or the model proves nothing.

/// A rule of the protocol that the model leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Defect {
    /// Policy is asked before the key is looked up.
    PolicyBeforeKey,
    /// The key is looked up once, before the ruling `Run`, and not again after it.
    KeyLookedUpOnce,
    /// A late denial is forgotten when the key goes into its next round.
    DenialForgottenByKey,
    /// The id of a keyed request is not derived: `append` cannot see that the key is taken.
    KeyOutsideAppend,
    /// The nonce stands in the digest that the live call is compared by.
    NonceInLiveDigest,
    /// There is no event for "claimed, body not entered".
    NoNotRun,
    /// A claim whose reply was lost is not read back.
    NoReadBack,
    /// Any node may say that an attempt was lost.
    LostByAnybody,
    /// A denial after the claim is not kept.
    LateDenialIgnored,
    /// A claim whose body was not entered goes back to the approval as it was.
    Released,
    /// A keyed call that is dropped takes its request back.
    KeyedWithdraws,
    /// An approved request cannot be called off.
    ApprovedCannotBeCancelled,
    /// The time of a record is not checked.
    TimeUnchecked,
    /// A rerun is not bound by the life of the permit.
    RerunUnbounded,
    /// Policy is not asked again at the claim.
    PolicyNotAskedAgain,
    /// `append` does not compare versions.
    NoCompareAndSet,
    /// The call is not rebuilt and compared before the body.
    NotRebuilt,
    /// The requester is somebody like anybody else.
    RequesterCounts,
    /// Every identity is a person of its own.
    AliasesAreDistinct,
    /// Each slot is filled by itself: somebody of two groups fills both.
    SlotsNotMatched,
    /// The requester may break the glass.
    RequesterOverrides,
    /// The requester may say what became of a lost attempt.
    RequesterReconciles,
    /// A claim that comes with the verdict has no guard: its call may be gone.
    FusedWithoutGuard,
    /// Policy is not asked before the verdict brings the claim along.
    FusedWithoutPolicy,
}

impl Defect {
    /// Every one.
    pub const ALL: [Self; 24] = [
        Self::PolicyBeforeKey,
        Self::KeyLookedUpOnce,
        Self::DenialForgottenByKey,
        Self::KeyOutsideAppend,
        Self::NonceInLiveDigest,
        Self::NoNotRun,
        Self::NoReadBack,
        Self::LostByAnybody,
        Self::LateDenialIgnored,
        Self::Released,
        Self::KeyedWithdraws,
        Self::ApprovedCannotBeCancelled,
        Self::TimeUnchecked,
        Self::RerunUnbounded,
        Self::PolicyNotAskedAgain,
        Self::NoCompareAndSet,
        Self::NotRebuilt,
        Self::RequesterCounts,
        Self::AliasesAreDistinct,
        Self::SlotsNotMatched,
        Self::RequesterOverrides,
        Self::RequesterReconciles,
        Self::FusedWithoutGuard,
        Self::FusedWithoutPolicy,
    ];
}
