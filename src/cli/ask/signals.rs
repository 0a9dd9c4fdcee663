//! `signals`: what a group's signals say.

use super::path;
use crate::api::types::{SignalItem, Signals};
use crate::cli::args;
use crate::cli::client::Client;
use crate::cli::exit::{Done, Failure};
use crate::cli::io::Io;
use crate::cli::text::{Align, Table};

pub async fn run(args: &args::Signals, client: &Client, json: bool, io: &Io) -> Result<Done, Failure> {
    let document = client.get(&format!("{}/signals", path("/v1/groups", &args.group))).await?;
    if json {
        io.line(&document.line()?)?;
        return Ok(Done::Well);
    }
    let shown: Signals = document.read()?;
    io.data(&format!("together  {}\n", shown.agreement))?;
    if let Some(why) = &shown.valve_shut {
        io.data(&format!("valve     shut: {why}\n"))?;
    }
    io.data(&table(&shown.signals))?;
    Ok(Done::Well)
}

fn table(signals: &[SignalItem]) -> String {
    let mut table = Table::new(&[
        ("SIGNAL", Align::Left),
        ("TELLS", Align::Left),
        ("SAYS", Align::Left),
        ("VALUE", Align::Right),
        ("AGE", Align::Right),
        ("IDLE AT", Align::Right),
        ("BUSY AT", Align::Right),
    ]);
    for s in signals {
        table.row([
            s.name.clone(),
            s.tells.to_string(),
            s.says.to_string(),
            s.value.map(|v| v.to_string()).unwrap_or_default(),
            s.age_s.map(|age| format!("{age} s")).unwrap_or_default(),
            s.idle.to_string(),
            s.busy.to_string(),
        ]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::cli::testing::{Fake, Reply, run};

    #[tokio::test]
    async fn signals_make_a_table() {
        let fake = Fake::start(|request| {
            assert_eq!(request.path, "/v1/groups/web/signals");
            Reply::json(
                200,
                &json!({ "group": "web", "agreement": "disagree", "signals": [
                    { "name": "cpu", "tells": "cpu", "says": "idle", "value": 24, "age_s": 65,
                      "at": "2026-01-04T15:00:00.000Z", "idle": 30, "busy": 70 },
                    { "name": "latency", "tells": "latency", "says": "stale", "idle": 130, "busy": 170 },
                ] }),
            )
        })
        .await;
        let (code, out, err) = run(&fake, &["signals", "web"]).await;
        assert_eq!((code, err.as_str()), (0, ""));
        assert_eq!(
            out,
            "together  disagree\n\
             SIGNAL   TELLS    SAYS   VALUE   AGE  IDLE AT  BUSY AT\n\
             cpu      cpu      idle      24  65 s       30       70\n\
             latency  latency  stale      -     -      130      170\n"
        );
    }
}
