//! Databases that are new, newer, or not as muster left them.

use muster::decide::rows::{Changes, Restored};
use muster::decide::words::{Phase, Time};
use muster::store::{InstanceFilter, Store};

use super::Place;
use super::rows::{at, instance};

stories!(
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
                  SELECT 9999, 'from the future', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1",
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
