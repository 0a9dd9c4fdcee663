//! How far a removal or a scale-in has come.

use crate::decide::words::named;

named! {
    /// Why an instance in service is taken out of it.
    pub enum RemovalCause {
        /// Fewer are wanted, and every signal says that fewer will do.
        ScaleIn = "scale_in",
        /// Its group and muster's own probes agree that it does not serve.
        Dead = "dead",
    }
}

named! {
    /// How far a removal has come.
    pub enum RemovalState {
        /// Its replacement is on its way.
        Waits = "waits",
        /// Its replacement serves.
        Replaced = "replaced",
        /// A terminate call that names it is committed.
        Leaving = "leaving",
        Gone = "gone",
        /// Not ended, but kept in quarantine.
        Quarantined = "quarantined",
        /// It stays: it serves again, or what spoke for its removal does no longer.
        Kept = "kept",
    }
}

impl RemovalState {
    #[must_use]
    pub fn is_over(self) -> bool {
        match self {
            RemovalState::Gone | RemovalState::Quarantined | RemovalState::Kept => true,
            RemovalState::Waits | RemovalState::Replaced | RemovalState::Leaving => false,
        }
    }
}

named! {
    /// How far a scale-in has come.
    pub enum ScaleInState {
        Open = "open",
        /// As many are gone as were to go.
        Done = "done",
        /// It was given up before that; the note says why.
        Stopped = "stopped",
    }
}
