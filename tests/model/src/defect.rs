//! One rule taken away. Each has to be caught, or the model proves nothing.

macro_rules! defects {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// A rule of the protocol that the model leaves out, or breaks around the production function that keeps it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Defect {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Defect {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name),+];
        }
    };
}

defects! {
    // The key.
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
    /// A keyed call that is dropped takes its request back.
    KeyedWithdraws,

    // The claim and its end.
    /// `append` does not compare versions.
    NoCompareAndSet,
    /// A claim whose reply was lost is not read back.
    NoReadBack,
    /// A claim that could not be written is taken for one that was.
    FailedClaimHolds,
    /// The call is not rebuilt and compared before the body.
    NotRebuilt,
    /// There is no event for "claimed, body not entered".
    NoNotRun,
    /// A claim whose body was not entered goes back to the approval as it was.
    Released,
    /// Any node may say that an attempt was lost.
    LostByAnybody,
    /// The end of an attempt is written again when its reply was lost.
    SecondEnd,
    /// A body that was cut off may run again although its action does not say so.
    RerunUndeclared,
    /// The requester takes back what has been claimed.
    CancelledWhileRunning,
    /// An approved request cannot be called off.
    ApprovedCannotBeCancelled,

    // What is asked once more at the claim.
    /// Policy is not asked again at the claim.
    PolicyNotAskedAgain,
    /// The directory is not asked again at the claim.
    DirectoryNotAskedAgain,
    /// A policy that fails lets the call run.
    FailedPolicyRuns,

    // Verdict and claim in one append.
    /// A waiter that is gone before the body leaves the claim of a fused append as it is.
    FusedWithoutGuard,
    /// Policy is not asked before a fused append.
    FusedWithoutPolicy,
    /// A fused append is judged as if one person were enough.
    FusedShortOfQuorum,
    /// The desk claims for a waiter that lives in another process.
    FusedForAWaiterElsewhere,
    /// A review whose fused append is refused is not judged anew.
    FusedReviewForgotten,

    // Denials.
    /// A denial after the claim is not kept.
    LateDenialIgnored,
    /// A denial after the approval is not kept.
    DenialOfApprovedIgnored,

    // Clocks.
    /// The time of a record is not checked.
    TimeUnchecked,
    /// A rerun is not bound by the life of the permit.
    RerunUnbounded,
    /// Records carry the time of the node that wrote them.
    TimeOfTheNode,
    /// A yes counts at the very deadline.
    YesAtTheDeadline,
    /// A yes counts however late it comes.
    LateYesCounts,
    /// A claim passes at the very deadline.
    ClaimAtTheDeadline,
    /// A request expires before its deadline.
    EarlyExpiry,
    /// An expired request is taken up again.
    ExpiryTakenBack,

    // People.
    /// The requester is somebody like anybody else.
    RequesterCounts,
    /// The directory does not know the alias by which the request names its human.
    RequesterAliasUnknown,
    /// The requester may break the glass.
    RequesterOverrides,
    /// The requester may say what became of a lost attempt.
    RequesterReconciles,
    /// Every identity is a person of its own.
    AliasesAreDistinct,
    /// Each slot is filled by itself: somebody of two groups fills both.
    SlotsNotMatched,
    /// Two people of one group fill the slots of two groups.
    GroupCountedTwice,
    /// So many people are asked for with `==`, and one more is not enough.
    QuorumByEquality,
    /// One person is enough where two are asked for.
    OneIsEnough,
    /// A no counts from somebody who could not approve.
    AnyoneDenies,
    /// Somebody who could not approve says what became of a lost attempt.
    AnyoneReconciles,

    // What comes to the desk.
    /// An identity that nobody has, or that the way in cannot vouch for, counts as a person.
    StrangerCounts,
    /// A yes counts that came through a presentation of a part.
    PartIsEnough,
    /// An answer counts for another digest than the request's.
    OtherDigestCounts,
    /// What does not count is not recorded.
    IgnoredUnrecorded,
    /// What does not count moves the version.
    IgnoredMovesTheVersion,
}
