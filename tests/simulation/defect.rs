//! Defects, each a wrapper around the seam, the store, the backend or the router that behaves as if production code
//! were wrong there. A simulation that lets one pass proves nothing.

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    /// Each attempt to deliver a message has an id of its own.
    FreshIdPerAttempt,
    /// `Retry-After` is not read.
    RetryAfterIsIgnored,
    /// A message that did not arrive is sent on and on, whatever the deadline of its request.
    RetriesOutliveTheDeadline,
    /// A callback counts without a signature.
    SignatureIsNotVerified,
    /// A callback counts for whatever digest the request has.
    DigestIsNotCompared,
    /// A callback counts with any nonce.
    NonceIsNotCompared,
    /// A callback counts however old it is.
    AgeIsNotChecked,
    /// A callback is answered `counted` before it is durable.
    AcknowledgedBeforeDurable,
    /// The cursor of the poll is taken, and kept over restarts, before what it covers is durable.
    CursorBeforeDurable,
    /// The claim is no compare-and-set.
    ClaimIsNotCompared,
    /// Every stranger is a record.
    StrangersAreRecordedOneByOne,
    /// A stranger is told how far they came.
    StrangersAreTold,
}

impl Defect {
    pub(crate) const ALL: [Self; 12] = [
        Self::FreshIdPerAttempt,
        Self::RetryAfterIsIgnored,
        Self::RetriesOutliveTheDeadline,
        Self::SignatureIsNotVerified,
        Self::DigestIsNotCompared,
        Self::NonceIsNotCompared,
        Self::AgeIsNotChecked,
        Self::AcknowledgedBeforeDurable,
        Self::CursorBeforeDurable,
        Self::ClaimIsNotCompared,
        Self::StrangersAreRecordedOneByOne,
        Self::StrangersAreTold,
    ];
}
