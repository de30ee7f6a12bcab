//! Ways to be wrong, each as somebody would come to it.

use approvals_core::state::Phase;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// None at all.
    None,
    /// Says something else of itself after a restart.
    ChangesItsAssurance,
    /// Has no button to approve with.
    OffersDenialsAlone,
    /// Leaves a fact out and says that everything is shown.
    DropsTheResource,
    /// Does not look whether a card stands.
    PostsAgain,
    /// The same, but for the first message of each process.
    PostsAgainInOneProcess,
    /// Knows what it placed for as long as it lives.
    RemembersInThisProcessAlone,
    /// Cleans up at the start, although it says that its cards stay.
    LosesCardsWithTheProcess,
    UpdatesOwnCardsAlone,
    AnswersOwnCardsAlone,
    /// A card in this phase can still be clicked.
    LeavesTheButtons(Phase),
    NeverSaysHowItEnded,
    /// As if one were always enough.
    StopsAskingAtTheFirstAnswer,
    /// Takes the one for the other.
    MistakesPeople,
    DropsDenials,
    DropsComments,
    AnswersTheNewestCard,
    /// What comes too late is not worth a record.
    DropsLateClicks,
    /// The same click cannot come from the same person.
    GivesReplaysToSomebodyElse,
    TakesUnsignedClicks,
    /// Every stranger of the network writes a record.
    RecordsUnsignedClicks,
    /// Has a list of its own of those who may answer.
    DropsStrangers,
    /// A user's id is enough to know them.
    TakesEveryWorkspace,
    /// Answers for what it placed, whatever was clicked.
    BelievesItsOwnDigest,
    OffersApprovalOfParts,
    OffersNoDenialOfParts,
    /// What does not fit is left out, and nobody is told.
    CutsInSilence,
    /// Escapes nothing.
    PassesMarkupThrough,
    /// Adds a text as it came.
    PassesTextThrough,
    TriesRefusalsAgain,
    GivesUpInAnOutage,
    PrintsItsToken,
    LogsItsToken,
    NamesItsTokenInErrors,
}
