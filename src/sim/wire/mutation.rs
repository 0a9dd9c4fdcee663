//! Spoiling documents by chance, for the tests that feed them to parsers.

use crate::decide::rng::Rng;
use crate::time::Stopwatch;

/// How long each of these tests goes on in `./test`, seconds on the wall; `MUSTER_FUZZ_SECONDS` says
/// otherwise.
const SECONDS: u64 = 3;

/// Runs `once` over and over, for so long, with its own chance each time. Says how often.
pub(crate) fn for_seconds(seed: u64, mut once: impl FnMut(&mut Rng)) -> u64 {
    let (mut runs, until) = (0, Until::told());
    while !until.is_over() {
        once(&mut Rng::new(seed.wrapping_add(runs)));
        runs += 1;
    }
    runs
}

/// A stretch of time on the wall.
pub(crate) struct Until {
    begun: Stopwatch,
    seconds: u64,
}

impl Until {
    pub(crate) fn told() -> Until {
        let told = std::env::var("MUSTER_FUZZ_SECONDS").ok().and_then(|s| s.parse().ok());
        Until { begun: Stopwatch::start(), seconds: told.unwrap_or(SECONDS) }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.begun.elapsed().as_secs() >= self.seconds
    }
}

/// A document made of these, spoiled in one to eight places.
pub(crate) fn spoiled(corpus: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut document = one(corpus, rng).clone();
    for _ in 0..=below(rng, 8) {
        spoil(&mut document, corpus, rng);
    }
    document
}

fn spoil(document: &mut Vec<u8>, corpus: &[Vec<u8>], rng: &mut Rng) {
    /// What parsers stumble over.
    const NASTY: [&[u8]; 16] = [
        b"",
        b"\0",
        b"&",
        b"=",
        b"%",
        b"%zz",
        b"<",
        b"</",
        b"]]>",
        b"&#0;",
        b"-1",
        b"99999999999999999999",
        b"\xff\xfe",
        b"{",
        b"[[[[[[[[",
        b".1.1.1.1.1.1.1.1.1.1.1",
    ];
    let (at, to) = (below(rng, document.len() + 1), below(rng, document.len() + 1));
    let (from, to) = (at.min(to), at.max(to));
    match below(rng, 7) {
        0 => document.truncate(from),
        1 => drop(document.drain(from..to.min(from + 32))),
        2 => drop(document.splice(from..from, one(&NASTY, rng).iter().copied())),
        3 => {
            if let Some(byte) = document.get_mut(from) {
                *byte ^= 1 << below(rng, 8);
            }
        }
        4 => {
            let again = document[from..to.min(from + 64)].to_vec();
            document.splice(from..from, again);
        }
        5 => {
            let other = one(corpus, rng);
            let cut = below(rng, other.len() + 1);
            document.truncate(from);
            document.extend_from_slice(&other[cut..]);
        }
        _ => {
            if let Some(byte) = document.get_mut(from) {
                *byte = u8::try_from(below(rng, 256)).unwrap_or(0);
            }
        }
    }
}

fn one<'a, T>(of: &'a [T], rng: &mut Rng) -> &'a T {
    &of[below(rng, of.len())]
}

fn below(rng: &mut Rng, n: usize) -> usize {
    usize::try_from(rng.next_u64() % n.max(1) as u64).unwrap_or(0)
}
