//! What a store must do, told once and run on SQLite and on a real PostgreSQL server.
//!
//! PostgreSQL is found through `MUSTER_TEST_POSTGRES`, the URL of a database whose user may create
//! others; every story gets a new one.
#![allow(clippy::large_enum_variant, clippy::cast_possible_truncation)] // a few of each

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use muster::decide::rows::{
    BudgetRow, Changes, InstanceRow, JournalRow, LaunchRow, Restored, ScaleUpRow, VersionRow,
};
use muster::decide::words::{
    ErrorClass, InstanceRef, LaunchSeq, LaunchState, Phase, ScaleUpSeq, ScaleUpState, SlotId, Time,
};
use muster::store::{
    CommitError, Epoch, InstanceFilter, JournalFilter, ScaleUpFilter, Store, StoreError, Trouble,
};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

/// Where a story's database lives.
enum Place {
    Sqlite(tempfile::TempDir),
    Postgres { server: sqlx::postgres::PgConnectOptions, url: url::Url, name: String },
}

impl Place {
    fn sqlite() -> Place {
        Place::Sqlite(tempfile::tempdir().unwrap())
    }

    async fn postgres() -> Place {
        let server = std::env::var("MUSTER_TEST_POSTGRES").expect(
            "MUSTER_TEST_POSTGRES is not set: run ./test, which starts a PostgreSQL server and sets it, \
             or set it to the URL of a database whose user may create databases",
        );
        let name = format!("muster_{}", muster::ids::uuid(Time(0)).replace('-', ""));
        let mut url = url::Url::parse(&server).unwrap();
        let server = sqlx::postgres::PgConnectOptions::from_url(&url).unwrap();
        url.set_path(&name);
        let place = Place::Postgres { server, url, name };
        place.at_server("CREATE DATABASE").await;
        place
    }

    async fn at_server(&self, statement: &str) {
        if let Place::Postgres { server, name, .. } = self {
            let mut connection = server.connect().await.unwrap();
            connection.execute(AssertSqlSafe(format!("{statement} {name}"))).await.unwrap();
            connection.close().await.unwrap();
        }
    }

    async fn remove(self) {
        if let Place::Postgres { name, .. } = &self {
            self.at_server(&format!("DROP DATABASE {name} WITH (FORCE) --")).await;
        }
    }

    fn url(&self) -> String {
        match self {
            Place::Sqlite(directory) => format!("sqlite:{}", directory.path().join("muster.db").display()),
            Place::Postgres { url, .. } => url.to_string(),
        }
    }

    async fn open(&self) -> Store {
        Store::open(&self.url()).await.unwrap()
    }

    /// A store and the right to write to it.
    async fn owned(&self) -> (Store, Epoch) {
        let store = self.open().await;
        let epoch = store.take_ownership("story", Time(1)).await.unwrap();
        (store, epoch)
    }

    /// Runs SQL behind the store's back.
    async fn tamper(&self, sql: &'static str) {
        match self {
            Place::Sqlite(_) => {
                let mut c = sqlx::SqliteConnection::connect(&self.url()).await.unwrap();
                c.execute(sql).await.unwrap();
                c.close().await.unwrap();
            }
            Place::Postgres { .. } => {
                let mut c = sqlx::PgConnection::connect(&self.url()).await.unwrap();
                c.execute(sql).await.unwrap();
                c.close().await.unwrap();
            }
        }
    }
}

macro_rules! stories {
    ($($story:ident),+ $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    super::$story(&super::Place::sqlite()).await;
                }
            )+
        }
        mod on_postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    let place = super::Place::postgres().await;
                    super::$story(&place).await;
                    place.remove().await;
                }
            )+
        }
    };
}

stories!(
    a_scale_up_lives_from_accepted_to_done,
    a_reason_stays_once_it_is_set,
    the_journal_keeps_its_order_and_pages,
    lists_filter_and_page,
    restore_gives_exactly_what_is_unfinished_or_holds_a_place,
    an_old_owner_changes_nothing,
    a_commit_races_a_change_of_hands,
    every_taker_gets_an_epoch_of_its_own,
    without_an_owner_nothing_is_written,
    writing_the_same_again_changes_nothing,
    the_later_of_two_rows_with_one_key_counts,
    a_commit_of_twenty_thousand_instances_is_one,
    what_must_be_unique_is,
    an_instance_needs_its_launch,
    any_text_survives_but_nul,
    the_ends_of_every_range_survive,
    a_reader_sees_whole_commits,
    two_may_open_a_new_database_at_once,
    a_schema_from_elsewhere_is_refused,
    a_row_that_cannot_be_read_is_named,
);

#[tokio::test]
async fn a_database_the_server_does_not_have_is_named() {
    let place = Place::postgres().await;
    let url = place.url();
    place.remove().await;
    let error = Store::open(&url).await.unwrap_err().to_string();
    assert!(error.contains("no database of this name") && error.contains("/muster_"), "{error}");
}

// --- rows -------------------------------------------------------------------------------------

fn scale_up(seq: u32, wanted: u32) -> ScaleUpRow {
    ScaleUpRow {
        seq: ScaleUpSeq(seq),
        id: format!("0191-{seq}"),
        group: "web".into(),
        wanted,
        planned: 0,
        by: None,
        reason: "Monday".into(),
        idempotency_key: None,
        state: ScaleUpState::Open,
        accepted_at: Time(1_000 + i64::from(seq)),
        done_at: None,
        in_service: 0,
        withdrawn: 0,
        eta_ms: 90_000,
        cancel_reason: None,
    }
}

fn launch(seq: u64, count: u32) -> LaunchRow {
    LaunchRow {
        seq: LaunchSeq(seq),
        group: "web".into(),
        version: "00ff00ff00ff00ff".into(),
        token: format!("muster-{seq}"),
        body: format!(r#"{{"token":"muster-{seq}","max_count":{count}}}"#),
        count,
        state: LaunchState::Unsettled,
        sends: 0,
        created_at: Time(2_000),
        not_before: Time(2_000),
        settled_at: None,
        launched: 0,
        error_class: None,
        error: None,
    }
}

fn at(scale_up: u32, ordinal: u32, attempt: u16) -> InstanceRef {
    InstanceRef { slot: SlotId { scale_up: ScaleUpSeq(scale_up), ordinal }, attempt }
}

fn instance(instance: InstanceRef, phase: Phase) -> InstanceRow {
    InstanceRow {
        instance,
        group: "web".into(),
        phase,
        since: Time(3_000),
        launch: None,
        id: None,
        address: None,
        zone: None,
        reason: None,
    }
}

fn line(instance: InstanceRef, kind: &str) -> JournalRow {
    JournalRow {
        at: Time(4_000),
        scale_up: Some(instance.slot.scale_up),
        instance: Some(instance),
        kind: kind.into(),
        text: format!("{instance} is {kind}"),
    }
}

async fn every_instance(store: &Store) -> Vec<InstanceRow> {
    store.instances(&InstanceFilter::default(), None, 1_000_000).await.unwrap()
}

async fn every_line(store: &Store) -> Vec<(i64, JournalRow)> {
    store.journal(&JournalFilter::default(), 0, 1_000_000).await.unwrap()
}

/// Everything there is, to compare before and after.
async fn everything(store: &Store) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        store.scale_ups(&ScaleUpFilter::default(), None, 1_000_000).await.unwrap(),
        store.launches(None, 1_000_000).await.unwrap(),
        every_instance(store).await,
        every_line(store).await,
        store.restore(Time(0)).await.unwrap(),
    )
}

// --- stories ----------------------------------------------------------------------------------

async fn a_scale_up_lives_from_accepted_to_done(place: &Place) {
    let (store, epoch) = place.owned().await;
    assert_eq!(store.restore(Time(0)).await.unwrap(), Restored::default());

    let mut asked =
        ScaleUpRow { idempotency_key: Some("monday".into()), by: Some(Time(600_000)), ..scale_up(1, 2) };
    let accepted = Changes { scale_ups: vec![asked.clone()], ..Changes::default() };
    store.commit(epoch, &accepted).await.unwrap();
    assert_eq!(store.scale_up("0191-1").await.unwrap().as_ref(), Some(&asked));
    assert_eq!(store.scale_up("0191-2").await.unwrap(), None);

    asked.planned = 2;
    let mut call = launch(1, 2);
    let mut first = InstanceRow { launch: Some(LaunchSeq(1)), ..instance(at(1, 0, 1), Phase::Launching) };
    let second = InstanceRow { launch: Some(LaunchSeq(1)), ..instance(at(1, 1, 1), Phase::Launching) };
    let version = VersionRow {
        group: "web".into(),
        version: call.version.clone(),
        proven_at: None,
        open_until: None,
        opened: 0,
    };
    let budget = BudgetRow { name: "RunInstances requests".into(), full_at_ns: 1_700_000_000_123_456_789 };
    let intent = Changes {
        scale_ups: vec![asked.clone()],
        launches: vec![call.clone()],
        instances: vec![first.clone(), second.clone()],
        versions: vec![version.clone()],
        budgets: vec![budget.clone()],
        journal: vec![line(at(1, 0, 1), "launching"), line(at(1, 1, 1), "launching")],
    };
    store.commit(epoch, &intent).await.unwrap();
    let mut known = Restored {
        scale_ups: vec![asked.clone()],
        launches: vec![call.clone()],
        instances: vec![first.clone(), second.clone()],
        versions: vec![version.clone()],
        budgets: vec![budget],
        last_scale_up: 1,
        last_launch: 1,
    };
    assert_eq!(store.restore(Time(0)).await.unwrap(), known);

    // Fewer than asked came; the other slot is withdrawn with a reason.
    call.state = LaunchState::Settled;
    call.settled_at = Some(Time(5_000));
    (call.sends, call.launched) = (2, 1);
    (call.error_class, call.error) =
        (Some(ErrorClass::Throttle), Some("RequestLimitExceeded: slow down".into()));
    first.phase = Phase::Booting;
    first.id = Some("i-0123456789abcdef0".parse().unwrap());
    first.address = Some(IpAddr::V4(Ipv4Addr::new(127, 1, 0, 1)));
    first.zone = Some("us-east-1a".into());
    let withdrawn = InstanceRow {
        reason: Some("InsufficientInstanceCapacity".into()),
        phase: Phase::Withdrawn,
        ..second
    };
    let settled = Changes {
        launches: vec![call.clone()],
        instances: vec![first.clone(), withdrawn.clone()],
        ..Changes::default()
    };
    store.commit(epoch, &settled).await.unwrap();
    known.launches.clear();
    known.instances = vec![first.clone(), withdrawn.clone()];
    assert_eq!(store.restore(Time(0)).await.unwrap(), known);
    assert_eq!(store.launches(None, 10).await.unwrap(), [call]);

    for phase in [Phase::Configuring, Phase::Verifying, Phase::InService] {
        first.phase = phase;
        first.since = first.since.plus(std::time::Duration::from_secs(1));
        let step = Changes {
            instances: vec![first.clone()],
            journal: vec![line(at(1, 0, 1), phase.as_str())],
            ..Changes::default()
        };
        store.commit(epoch, &step).await.unwrap();
        assert_eq!(store.attempts(at(1, 0, 1).slot).await.unwrap(), [first.clone()]);
    }

    (asked.state, asked.done_at, asked.in_service, asked.withdrawn) =
        (ScaleUpState::Done, Some(Time(9_000)), 1, 1);
    let proven = VersionRow { proven_at: Some(Time(8_000)), ..version };
    let done =
        Changes { scale_ups: vec![asked.clone()], versions: vec![proven.clone()], ..Changes::default() };
    store.commit(epoch, &done).await.unwrap();
    (known.scale_ups, known.instances, known.versions) =
        (vec![asked.clone()], vec![first.clone()], vec![proven]);
    assert_eq!(store.restore(Time(1_001)).await.unwrap(), known, "its key is still remembered");
    known.scale_ups.clear();
    assert_eq!(store.restore(Time(1_002)).await.unwrap(), known, "its key is forgotten, its instance counts");
    assert_eq!(every_instance(&store).await, [first, withdrawn], "nothing is ever deleted");

    let kinds: Vec<String> = every_line(&store).await.into_iter().map(|(_, l)| l.kind).collect();
    assert_eq!(kinds, ["launching", "launching", "configuring", "verifying", "in_service"]);

    // What was written is there for the next process.
    store.close().await;
    assert_eq!(place.open().await.scale_up("0191-1").await.unwrap(), Some(asked));
}

async fn a_reason_stays_once_it_is_set(place: &Place) {
    let (store, epoch) = place.owned().await;
    let mut row =
        InstanceRow { reason: Some("no answer within 240 s".into()), ..instance(at(1, 0, 1), Phase::Broken) };
    let write = async |row: &InstanceRow| {
        store.commit(epoch, &Changes { instances: vec![row.clone()], ..Changes::default() }).await.unwrap();
        store.attempts(row.slot()).await.unwrap().remove(0)
    };
    write(&row).await;
    let gone = InstanceRow { reason: None, ..instance(at(1, 0, 1), Phase::Gone) };
    let stored = write(&gone).await;
    assert_eq!((stored.phase, stored.reason.as_deref()), (Phase::Gone, Some("no answer within 240 s")));
    row.reason = Some("a newer reason".into());
    assert_eq!(write(&row).await.reason.as_deref(), Some("a newer reason"));
}

async fn the_journal_keeps_its_order_and_pages(place: &Place) {
    let (store, epoch) = place.owned().await;
    let mut written = Vec::new();
    for commit in 0..10 {
        let journal: Vec<JournalRow> = (0..37)
            .map(|i| match i % 3 {
                0 => JournalRow { scale_up: None, instance: None, ..line(at(1, 0, 1), "breaker_open") },
                1 => JournalRow { instance: None, ..line(at(1 + i % 2, 0, 1), "accepted") },
                _ => line(at(1 + i % 2, i % 5, 1), &format!("step{commit}-{i}")),
            })
            .collect();
        written.extend(journal.clone());
        store.commit(epoch, &Changes { journal, ..Changes::default() }).await.unwrap();
    }
    let paged = async |filter: JournalFilter| {
        let (mut after, mut lines) = (0, Vec::new());
        loop {
            let page = store.journal(&filter, after, 7).await.unwrap();
            let Some((last, _)) = page.last() else { return lines };
            assert!(page.len() <= 7);
            assert!(page.is_sorted_by_key(|(number, _)| *number) && page[0].0 > after);
            after = *last;
            lines.extend(page.into_iter().map(|(_, line)| line));
        }
    };
    assert_eq!(paged(JournalFilter::default()).await, written);
    let of_scale_up = |l: &JournalRow| l.scale_up == Some(ScaleUpSeq(2));
    assert_eq!(
        paged(JournalFilter { scale_up: Some(ScaleUpSeq(2)), slot: None }).await,
        written.iter().filter(|l| of_scale_up(l)).cloned().collect::<Vec<_>>()
    );
    let slot = at(2, 1, 1).slot;
    let of_slot: Vec<_> =
        written.iter().filter(|l| l.instance.is_some_and(|i| i.slot == slot)).cloned().collect();
    assert!(!of_slot.is_empty());
    assert_eq!(paged(JournalFilter { scale_up: None, slot: Some(slot) }).await, of_slot);
    assert_eq!(paged(JournalFilter { scale_up: Some(ScaleUpSeq(2)), slot: Some(slot) }).await, of_slot);
    assert_eq!(paged(JournalFilter { scale_up: Some(ScaleUpSeq(1)), slot: Some(slot) }).await, []);
    assert_eq!(store.journal(&JournalFilter::default(), 0, 0).await.unwrap(), []);
}

async fn lists_filter_and_page(place: &Place) {
    let (store, epoch) = place.owned().await;
    let mut rows = Vec::new();
    for seq in 1..=6 {
        let mut row = scale_up(seq, 5);
        row.group = if seq % 2 == 0 { "web" } else { "db" }.into();
        row.state = ScaleUpState::ALL[seq as usize % ScaleUpState::ALL.len()];
        rows.push(row);
    }
    let launches: Vec<LaunchRow> =
        (1..=6).map(|n| LaunchRow { state: LaunchState::ALL[n as usize % 3], ..launch(n, 1) }).collect();
    let instances: Vec<InstanceRow> = (0..60)
        .map(|n: u32| {
            let mut row = instance(
                at(1 + n / 20, (n % 20) / 2, 1 + u16::from(n % 2 == 1)),
                Phase::ALL[n as usize % 10],
            );
            row.group = if n.is_multiple_of(4) { "db" } else { "web" }.into();
            row.id = n.is_multiple_of(3).then(|| format!("i-{:08x}", n / 2).parse().unwrap());
            row
        })
        .collect();
    let changes = Changes {
        scale_ups: rows.clone(),
        launches: launches.clone(),
        instances: instances.clone(),
        ..Changes::default()
    };
    store.commit(epoch, &changes).await.unwrap();

    // Scale-ups: newest first, every filter against the same filter in Rust, in pages of two.
    rows.reverse();
    for state in [None, Some(ScaleUpState::Open), Some(ScaleUpState::Cancelling), Some(ScaleUpState::Done)] {
        for group in [None, Some("web".to_string()), Some("nobody".to_string())] {
            let filter = ScaleUpFilter { state, group: group.clone() };
            let expected: Vec<ScaleUpRow> = rows
                .iter()
                .filter(|r| {
                    state.is_none_or(|s| r.state == s) && group.as_ref().is_none_or(|g| r.group == *g)
                })
                .cloned()
                .collect();
            let (mut before, mut listed) = (None, Vec::new());
            loop {
                let page = store.scale_ups(&filter, before, 2).await.unwrap();
                let Some(last) = page.last() else { break };
                before = Some(last.seq);
                listed.extend(page);
            }
            assert_eq!(listed, expected, "{filter:?}");
        }
    }

    for state in [None, Some(LaunchState::Unsettled), Some(LaunchState::Settled), Some(LaunchState::Refused)]
    {
        let mut expected: Vec<LaunchRow> =
            launches.iter().filter(|l| state.is_none_or(|s| l.state == s)).cloned().collect();
        expected.reverse();
        assert_eq!(store.launches(state, 100).await.unwrap(), expected);
        assert_eq!(store.launches(state, 1).await.unwrap(), expected[..1]);
    }

    let filters = [
        InstanceFilter::default(),
        InstanceFilter { scale_up: Some(ScaleUpSeq(2)), ..InstanceFilter::default() },
        InstanceFilter { group: Some("db".into()), ..InstanceFilter::default() },
        InstanceFilter { phase: Some(Phase::Booting), ..InstanceFilter::default() },
        InstanceFilter { id: Some("i-00000006".parse().unwrap()), ..InstanceFilter::default() },
        InstanceFilter { id: Some("i-ffffffff".parse().unwrap()), ..InstanceFilter::default() },
        InstanceFilter {
            scale_up: Some(ScaleUpSeq(3)),
            group: Some("web".into()),
            phase: Some(Phase::Gone),
            ..InstanceFilter::default()
        },
    ];
    for filter in filters {
        let expected: Vec<InstanceRow> = instances
            .iter()
            .filter(|r| {
                filter.scale_up.is_none_or(|s| r.slot().scale_up == s)
                    && filter.group.as_ref().is_none_or(|g| r.group == *g)
                    && filter.phase.is_none_or(|p| r.phase == p)
                    && filter.id.is_none_or(|id| r.id == Some(id))
            })
            .cloned()
            .collect();
        let (mut after, mut listed) = (None, Vec::new());
        loop {
            let page = store.instances(&filter, after, 7).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.instance);
            listed.extend(page);
        }
        assert_eq!(listed, expected, "{filter:?}");
    }
}

/// Every state of a scale-up, every phase, one to three attempts: compared with the rule in words.
async fn restore_gives_exactly_what_is_unfinished_or_holds_a_place(place: &Place) {
    let (store, epoch) = place.owned().await;
    let mut all = Changes::default();
    // Done are 1 (its key is too old), 4 (its key is just remembered) and 7 (it has none), so that
    // finished ones lie before, between and behind the others.
    for seq in 1..=7_u32 {
        let state = ScaleUpState::ALL[(seq as usize + 1) % 3];
        all.scale_ups.push(ScaleUpRow {
            state,
            idempotency_key: (seq != 7).then(|| format!("key-{seq}")),
            ..scale_up(seq, 30)
        });
        for (ordinal, phase) in (0..).zip(Phase::ALL) {
            for attempts in 1..=3_u16 {
                let slot = ordinal * 3 + u32::from(attempts) - 1;
                for attempt in 1..attempts {
                    all.instances.push(instance(
                        at(seq, slot, attempt),
                        Phase::ALL[(slot as usize + attempt as usize) % 10],
                    ));
                }
                all.instances.push(instance(at(seq, slot, attempts), *phase));
            }
        }
    }
    for n in 1..=5 {
        all.launches.push(LaunchRow { state: LaunchState::ALL[n as usize % 3], ..launch(n, 10) });
    }
    store.commit(epoch, &all).await.unwrap();

    let states: BTreeMap<ScaleUpSeq, ScaleUpState> = all.scale_ups.iter().map(|s| (s.seq, s.state)).collect();
    let mut newest: BTreeMap<SlotId, u16> = BTreeMap::new();
    for row in &all.instances {
        let attempt = newest.entry(row.slot()).or_default();
        *attempt = row.instance.attempt.max(*attempt);
    }
    let mut expected: Vec<InstanceRow> = all
        .instances
        .iter()
        .filter(|row| {
            let unfinished = states[&row.slot().scale_up] != ScaleUpState::Done;
            let holds = [Phase::InService, Phase::Broken, Phase::Terminating].contains(&row.phase);
            holds || (unfinished && newest[&row.slot()] == row.instance.attempt)
        })
        .cloned()
        .collect();
    expected.sort_by_key(|row| row.instance);

    let restored = store.restore(Time(1_004)).await.unwrap();
    assert_eq!(restored.instances, expected);
    let kept: Vec<ScaleUpRow> = all
        .scale_ups
        .iter()
        .filter(|s| {
            s.state != ScaleUpState::Done || (s.idempotency_key.is_some() && s.accepted_at >= Time(1_004))
        })
        .cloned()
        .collect();
    assert!(kept.iter().any(|s| s.state == ScaleUpState::Done) && kept.len() < all.scale_ups.len());
    assert_eq!(restored.scale_ups, kept);
    let unsettled: Vec<LaunchRow> =
        all.launches.iter().filter(|l| l.state == LaunchState::Unsettled).cloned().collect();
    assert!(!unsettled.is_empty());
    assert_eq!(restored.launches, unsettled);
    assert_eq!((restored.last_scale_up, restored.last_launch), (7, 5));
}

async fn an_old_owner_changes_nothing(place: &Place) {
    let (old, first) = place.owned().await;
    let row = instance(at(1, 0, 1), Phase::Booting);
    let changes = Changes {
        instances: vec![row.clone()],
        journal: vec![line(at(1, 0, 1), "booting")],
        ..Changes::default()
    };
    old.commit(first, &changes).await.unwrap();

    let new = place.open().await;
    let second = new.take_ownership("the new one", Time(2)).await.unwrap();
    assert!(second > first);
    let before = everything(&new).await;
    let changes = Changes {
        scale_ups: vec![scale_up(1, 1)],
        launches: vec![launch(1, 1)],
        instances: vec![InstanceRow { phase: Phase::Gone, ..row }],
        journal: vec![line(at(1, 0, 1), "gone")],
        ..Changes::default()
    };
    for refused in [&changes, &Changes::default()] {
        let error = old.commit(first, refused).await.unwrap_err();
        assert!(matches!(&error, CommitError::Fenced { by } if by == "the new one"), "{error}");
    }
    assert!(
        error_of(old.commit(Epoch(second.0 + 1), &changes).await).contains("the new one"),
        "an epoch nobody was given"
    );
    assert_eq!(everything(&new).await, before);
    assert_eq!(everything(&old).await, before, "an old owner may still read");
    new.commit(second, &changes).await.unwrap();
    assert_ne!(everything(&new).await, before);
}

fn error_of<T>(outcome: Result<T, CommitError>) -> String {
    outcome.err().map(|e| e.to_string()).unwrap_or_default()
}

/// The old owner commits as fast as it can while the new one takes over: each commit that was
/// confirmed is there, and nothing of it comes after the change of hands.
async fn a_commit_races_a_change_of_hands(place: &Place) {
    let (old, epoch) = place.owned().await;
    let new = place.open().await;
    let writer = tokio::spawn(async move {
        for confirmed in 0_u32.. {
            let changes =
                Changes { journal: vec![line(at(1, confirmed, 1), "booting")], ..Changes::default() };
            match old.commit(epoch, &changes).await {
                Ok(()) => {}
                Err(CommitError::Fenced { by }) => return (confirmed as usize, by),
                Err(CommitError::Storage(e)) => panic!("{e:?}"),
            }
        }
        unreachable!("the ownership changes hands before the numbers end")
    });
    while every_line(&new).await.len() < 5 {
        tokio::task::yield_now().await;
    }
    new.take_ownership("the new one", Time(2)).await.unwrap();
    let at_once = every_line(&new).await.len();
    let (confirmed, by) = writer.await.unwrap();
    assert_eq!(by, "the new one");
    assert_eq!(at_once, confirmed);
    assert_eq!(every_line(&new).await.len(), confirmed);
}

async fn every_taker_gets_an_epoch_of_its_own(place: &Place) {
    let mut takers = Vec::new();
    for taker in 0..4 {
        let store = place.open().await;
        takers.push(tokio::spawn(async move {
            let mut epochs = Vec::new();
            for _ in 0..10 {
                epochs.push(store.take_ownership(&format!("taker {taker}"), Time(taker)).await.unwrap());
            }
            epochs
        }));
    }
    let mut all = Vec::new();
    for taker in takers {
        let epochs = taker.await.unwrap();
        assert!(epochs.is_sorted());
        all.extend(epochs);
    }
    all.sort();
    assert_eq!(all, (1..=40).map(Epoch).collect::<Vec<_>>());
}

async fn without_an_owner_nothing_is_written(place: &Place) {
    let store = place.open().await;
    let changes = Changes { journal: vec![line(at(1, 0, 1), "booting")], ..Changes::default() };
    let error = store.commit(Epoch(0), &changes).await.unwrap_err();
    assert!(matches!(error, CommitError::Fenced { .. }), "{error}");
    assert_eq!(every_line(&store).await, []);
}

async fn writing_the_same_again_changes_nothing(place: &Place) {
    let (store, epoch) = place.owned().await;
    let changes = Changes {
        scale_ups: vec![ScaleUpRow { idempotency_key: Some("k".into()), ..scale_up(1, 3) }, scale_up(2, 3)],
        launches: vec![launch(1, 3)],
        instances: (0..3)
            .map(|o| InstanceRow { launch: Some(LaunchSeq(1)), ..instance(at(1, o, 1), Phase::Launching) })
            .collect(),
        versions: vec![VersionRow {
            group: "web".into(),
            version: "1".into(),
            proven_at: None,
            open_until: Some(Time(9)),
            opened: 2,
        }],
        budgets: vec![BudgetRow { name: "calls".into(), full_at_ns: 7 }],
        journal: vec![],
    };
    store.commit(epoch, &changes).await.unwrap();
    let once = everything(&store).await;
    for _ in 0..3 {
        store.commit(epoch, &changes).await.unwrap();
        assert_eq!(everything(&store).await, once);
    }
}

async fn the_later_of_two_rows_with_one_key_counts(place: &Place) {
    let (store, epoch) = place.owned().await;
    let broken = InstanceRow { reason: Some("hangs".into()), ..instance(at(1, 0, 1), Phase::Broken) };
    let changes = Changes {
        scale_ups: vec![scale_up(1, 5), scale_up(2, 7), ScaleUpRow { planned: 5, ..scale_up(1, 5) }],
        launches: vec![launch(1, 5), LaunchRow { sends: 1, ..launch(1, 5) }],
        instances: vec![
            broken,
            instance(at(1, 1, 1), Phase::Booting),
            instance(at(1, 0, 1), Phase::Terminating),
            instance(at(1, 0, 1), Phase::Gone),
        ],
        versions: (0..3)
            .map(|opened| VersionRow {
                group: "web".into(),
                version: "1".into(),
                proven_at: None,
                open_until: None,
                opened,
            })
            .collect(),
        budgets: (0..3).map(|full_at_ns| BudgetRow { name: "calls".into(), full_at_ns }).collect(),
        journal: vec![line(at(1, 0, 1), "same"), line(at(1, 0, 1), "same")],
    };
    store.commit(epoch, &changes).await.unwrap();
    assert_eq!(store.scale_up("0191-1").await.unwrap().unwrap().planned, 5);
    let restored = store.restore(Time(0)).await.unwrap();
    assert_eq!(restored.launches[0].sends, 1);
    assert_eq!((restored.versions[0].opened, restored.budgets[0].full_at_ns), (2, 2));
    let rows = every_instance(&store).await;
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (rows[0].phase, rows[0].reason.as_deref()),
        (Phase::Gone, Some("hangs")),
        "its reason is kept"
    );
    assert_eq!(every_line(&store).await.len(), 2, "the journal repeats what it is told twice");
}

async fn a_commit_of_twenty_thousand_instances_is_one(place: &Place) {
    let (store, epoch) = place.owned().await;
    // Not a multiple of any batch size.
    let rows: Vec<InstanceRow> = (0..20_011).map(|o| instance(at(1, o, 1), Phase::Booting)).collect();
    let journal: Vec<JournalRow> = rows.iter().map(|r| line(r.instance, "booting")).collect();
    let changes = Changes {
        scale_ups: vec![scale_up(1, 20_011)],
        instances: rows.clone(),
        journal: journal.clone(),
        ..Changes::default()
    };
    store.commit(epoch, &changes).await.unwrap();
    assert_eq!(every_instance(&store).await, rows);
    assert_eq!(every_line(&store).await.into_iter().map(|(_, l)| l).collect::<Vec<_>>(), journal);
    assert_eq!(store.restore(Time(0)).await.unwrap().instances, rows);
}

async fn what_must_be_unique_is(place: &Place) {
    let (store, epoch) = place.owned().await;
    let keyed = |seq| ScaleUpRow { idempotency_key: Some("monday".into()), ..scale_up(seq, 5) };
    let first = Changes { scale_ups: vec![keyed(1)], launches: vec![launch(1, 5)], ..Changes::default() };
    store.commit(epoch, &first).await.unwrap();
    let before = everything(&store).await;

    let beside = vec![instance(at(9, 0, 1), Phase::Booting)];
    let same_key = Changes { scale_ups: vec![keyed(2)], ..Changes::default() };
    let same_id = Changes {
        scale_ups: vec![ScaleUpRow { id: "0191-1".into(), ..scale_up(2, 5) }],
        ..Changes::default()
    };
    let same_token = Changes {
        launches: vec![LaunchRow { token: "muster-1".into(), ..launch(2, 5) }],
        ..Changes::default()
    };
    for twice in [same_key.clone(), same_id, same_token] {
        let refused =
            Changes { instances: beside.clone(), journal: vec![line(at(9, 0, 1), "booting")], ..twice };
        assert_conflict(store.commit(epoch, &refused).await);
        assert_eq!(everything(&store).await, before, "all or nothing");
    }

    // A key whose scale-up is done and forgotten may come again: one old request must not stop the rest.
    let done = Changes {
        scale_ups: vec![ScaleUpRow { state: ScaleUpState::Done, ..keyed(1) }],
        ..Changes::default()
    };
    store.commit(epoch, &done).await.unwrap();
    store.commit(epoch, &same_key).await.unwrap();
    assert_eq!(store.scale_up("0191-2").await.unwrap(), Some(keyed(2)));
}

fn assert_conflict(outcome: Result<(), CommitError>) {
    match outcome {
        Err(CommitError::Storage(StoreError::Database { trouble: Trouble::Conflict, .. })) => {}
        other => panic!("expected a conflict, got {other:?}"),
    }
}

async fn an_instance_needs_its_launch(place: &Place) {
    let (store, epoch) = place.owned().await;
    let row = InstanceRow { launch: Some(LaunchSeq(1)), ..instance(at(1, 0, 1), Phase::Launching) };
    let without = Changes { instances: vec![row], ..Changes::default() };
    assert_conflict(store.commit(epoch, &without).await);
    assert_eq!(every_instance(&store).await, []);
    store.commit(epoch, &Changes { launches: vec![launch(1, 1)], ..without }).await.unwrap();
    assert_eq!(every_instance(&store).await.len(), 1);
}

async fn any_text_survives_but_nul(place: &Place) {
    let (store, epoch) = place.owned().await;
    let odd = "caf\u{e9} \u{1F980} \u{202e}rtl \"quoted\" 'single' \\n \r\n\t \u{1} $1 ? %s {\"json\":[1]} ; DROP TABLE instance";
    let row = InstanceRow {
        reason: Some(format!("{odd}\0end")),
        group: odd.into(),
        zone: Some(String::new()),
        ..instance(at(1, 0, 1), Phase::Broken)
    };
    let changes = Changes {
        scale_ups: vec![ScaleUpRow {
            reason: odd.into(),
            idempotency_key: Some(odd.into()),
            ..scale_up(1, 1)
        }],
        instances: vec![row.clone()],
        journal: vec![JournalRow { text: "\0\0".into(), ..line(at(1, 0, 1), "broken") }],
        ..Changes::default()
    };
    store.commit(epoch, &changes).await.unwrap();
    let stored = InstanceRow { reason: Some(format!("{odd}\u{fffd}end")), ..row };
    assert_eq!(every_instance(&store).await, std::slice::from_ref(&stored));
    let restored = store.restore(Time(0)).await.unwrap();
    assert_eq!(restored.instances, std::slice::from_ref(&stored));
    assert_eq!(restored.scale_ups, changes.scale_ups);
    assert_eq!(every_line(&store).await[0].1.text, "\u{fffd}\u{fffd}");
    let by_group = InstanceFilter { group: Some(odd.into()), ..InstanceFilter::default() };
    assert_eq!(store.instances(&by_group, None, 9).await.unwrap(), [stored]);
}

async fn the_ends_of_every_range_survive(place: &Place) {
    let (store, epoch) = place.owned().await;
    // Scale-ups are counted from 1 and their slots fit 64 signed bits: up to 2^31 - 1.
    let last = u32::MAX >> 1;
    let changes = Changes {
        scale_ups: vec![ScaleUpRow {
            wanted: u32::MAX,
            planned: u32::MAX,
            by: Some(Time(i64::MAX)),
            accepted_at: Time(i64::MIN),
            eta_ms: i64::MIN,
            cancel_reason: Some(String::new()),
            ..scale_up(last, 0)
        }],
        launches: vec![LaunchRow {
            sends: u32::MAX,
            body: "x".repeat(100_000),
            ..launch(i64::MAX.unsigned_abs(), u32::MAX)
        }],
        instances: vec![InstanceRow {
            launch: Some(LaunchSeq(i64::MAX.unsigned_abs())),
            address: Some(IpAddr::V6(Ipv6Addr::LOCALHOST)),
            since: Time(-1),
            ..instance(at(last, u32::MAX, u16::MAX), Phase::Queued)
        }],
        budgets: vec![BudgetRow { name: String::new(), full_at_ns: i64::MIN }],
        ..Changes::default()
    };
    store.commit(epoch, &changes).await.unwrap();
    let restored = store.restore(Time(0)).await.unwrap();
    assert_eq!(restored.scale_ups, changes.scale_ups);
    assert_eq!(restored.launches, changes.launches);
    assert_eq!(restored.instances, changes.instances);
    assert_eq!(restored.budgets, changes.budgets);
    assert_eq!((restored.last_scale_up, restored.last_launch), (last, i64::MAX.unsigned_abs()));
    let of_last = InstanceFilter { scale_up: Some(ScaleUpSeq(last)), ..InstanceFilter::default() };
    assert_eq!(store.instances(&of_last, None, 9).await.unwrap(), changes.instances);
}

/// Every commit adds one instance in service and counts it in the scale-up; whoever restores
/// meanwhile finds the two equal.
async fn a_reader_sees_whole_commits(place: &Place) {
    let (store, epoch) = place.owned().await;
    let writer = {
        let store = store.clone();
        tokio::spawn(async move {
            for n in 1..=50 {
                let changes = Changes {
                    scale_ups: vec![ScaleUpRow { in_service: n, ..scale_up(1, 50) }],
                    instances: vec![instance(at(1, n, 1), Phase::InService)],
                    ..Changes::default()
                };
                store.commit(epoch, &changes).await.unwrap();
            }
        })
    };
    loop {
        let restored = store.restore(Time(0)).await.unwrap();
        let counted = restored.scale_ups.first().map_or(0, |s| s.in_service);
        assert_eq!(restored.instances.len(), counted as usize);
        if counted == 50 {
            break;
        }
        assert!(!writer.is_finished() || store.restore(Time(0)).await.unwrap().instances.len() == 50);
    }
    writer.await.unwrap();
}

async fn two_may_open_a_new_database_at_once(place: &Place) {
    let url = place.url();
    let openers: Vec<_> = (0..4)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { Store::open(&url).await })
        })
        .collect();
    for opener in openers {
        let store = opener.await.unwrap().unwrap();
        assert_eq!(store.restore(Time(0)).await.unwrap(), Restored::default());
    }
}

async fn a_schema_from_elsewhere_is_refused(place: &Place) {
    place.open().await.close().await;
    let open = async || Store::open(&place.url()).await.unwrap_err().to_string();

    place
        .tamper(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                  SELECT 9999, 'from the future', success, checksum, 0 FROM _sqlx_migrations",
        )
        .await;
    let newer = open().await;
    assert!(newer.contains("step 9999") && newer.contains("newer muster"), "{newer}");

    place.tamper("DELETE FROM _sqlx_migrations WHERE version = 9999").await;
    place.open().await.close().await;

    match place {
        Place::Sqlite(_) => {
            place.tamper("UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 1").await;
        }
        Place::Postgres { .. } => {
            place.tamper("UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 1").await;
        }
    }
    let changed = open().await;
    assert!(changed.contains("step 1 ") && changed.contains("backup"), "{changed}");

    place.tamper("UPDATE _sqlx_migrations SET success = FALSE WHERE version = 1").await;
    let dirty = open().await;
    assert!(dirty.contains("half done"), "{dirty}");
}

async fn a_row_that_cannot_be_read_is_named(place: &Place) {
    let (store, epoch) = place.owned().await;
    let changes = Changes { instances: vec![instance(at(1, 0, 1), Phase::Broken)], ..Changes::default() };
    store.commit(epoch, &changes).await.unwrap();
    place.tamper("UPDATE instance SET phase = 'terminating', attempt = 70000").await;
    let error = store.restore(Time(0)).await.unwrap_err().to_string();
    assert!(error.contains("instance.attempt holds 70000"), "{error}");
    place.tamper("UPDATE instance SET phase = 'undead', attempt = 1").await;
    let error = store.attempts(at(1, 0, 1).slot).await.unwrap_err().to_string();
    assert!(error.contains("instance.phase holds undead") && error.contains("in_service"), "{error}");
    place.tamper("UPDATE instance SET phase = 'booting', slot = -1").await;
    let error = every_instance_error(&store).await;
    assert!(error.contains("instance.slot holds -1"), "{error}");
}

async fn every_instance_error(store: &Store) -> String {
    store.instances(&InstanceFilter::default(), None, 9).await.unwrap_err().to_string()
}
