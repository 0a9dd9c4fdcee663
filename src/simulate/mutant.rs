//! Wrong engines: the protocol broken on purpose, each in one place. The simulator has to find
//! every one of them, or it proves nothing (`tests` hold the seed that finds each).
//!
//! They are broken where the protocol is carried out and not in the core, so that what runs in
//! production has no switch that could break it.

use crate::decide::words::named;

named! {
    /// One wrong engine.
    pub enum Mutant {
        /// Every fifth commit is not written, and performed all the same.
        SkipsCommits = "skips-commits",
        /// Actions are performed before their changes are committed.
        PerformsFirst = "performs-first",
        /// Requests are answered before they are committed.
        AnswersFirst = "answers-first",
        /// A launch that is sent again gets a new client token.
        MintsTokens = "mints-tokens",
        /// A launch that is sent again asks for one instance more under the same token.
        ChangesBodies = "changes-bodies",
        /// A launch whose answer was lost counts as refused.
        LostIsRefused = "lost-is-refused",
        /// Whoever commits is believed, whatever its epoch.
        DropsTheFence = "drops-the-fence",
        /// A restart forgets launches that are not settled: their slots are queued again.
        ForgetsLaunches = "forgets-launches",
        /// A restart forgets what is ordered of zones.
        ForgetsZones = "forgets-zones",
        /// A restart forgets who is kept in quarantine.
        ForgetsQuarantine = "forgets-quarantine",
        /// A restart believes every token bucket full.
        ForgetsBudgets = "forgets-budgets",
        /// Broken instances are taken for gone without being terminated.
        AssumesGone = "assumes-gone",
        /// What is in flight does not count against a group's maximum until it is there.
        CountsAfter = "counts-after",
        /// Sends ten times as many calls as the buckets hold.
        IgnoresBudgets = "ignores-budgets",
        /// Four times as many contacts at once as there are descriptors for.
        IgnoresDescriptors = "ignores-descriptors",
        /// One describe in three is forgotten and never asked again.
        ForgetsToLook = "forgets-to-look",
        /// Any answer to a probe counts as healthy.
        BelievesAnyAnswer = "believes-any-answer",
        /// Heartbeats of lifecycle actions are taken for sent.
        ForgetsHeartbeats = "forgets-heartbeats",
        /// Groups are never looked at: what notifications do not tell is not known.
        NeverSweeps = "never-sweeps",
        /// Whoever is verified is let in before the answer is written down.
        AdmitsFirst = "admits-first",
        /// Takes a group's word alone for who is dead.
        BelievesOneSignal = "believes-one-signal",
        /// Protection from scale-in is taken for set.
        ForgetsToMark = "forgets-to-mark",
        /// Processes of a group are taken for suspended without asking.
        NeverHalts = "never-halts",
        /// Whoever waits to be let in is taken for serving without asking.
        LetsTheDeadIn = "lets-the-dead-in",
        /// Whoever comes out of the reserve is taken for serving without asking.
        TrustsTheReserve = "trusts-the-reserve",
        /// Launches whatever gateways carry.
        IgnoresGates = "ignores-gates",
        /// Terminates an instance in service for each broken one it finds.
        RemovesTheWrongOne = "removes-the-wrong-one",
    }
}
