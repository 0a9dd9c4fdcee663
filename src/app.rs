//! Wiring: what is started in which order, and stopped in which.
//!
//! 1. descriptors are budgeted, before anything that counts against them is opened
//! 2. the listener: `/healthz` answers, `/readyz` says "starting"
//! 3. the store, then the engine: it takes ownership, restores, decides
//!
//! 4. the pollers of queues
//!
//! Stopping goes backwards: the engine after its current commit, the pollers, then open requests, then the
//! store.

mod doors;

use std::ffi::OsStr;
use std::future::Future;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use futures_util::future::join_all;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::api::{self, ApiState, Auth, Descriptors, FOLLOWERS, Metrics};
use crate::cloud::account::{Account, AwsKeys, AwsSettings};
use crate::cloud::autoscaling::AwsAutoScaling;
use crate::cloud::cloudwatch::{AwsCloudWatch, Protocol};
use crate::cloud::ec2::AwsEc2;
use crate::cloud::gateways::AwsGateways;
use crate::cloud::looks::AwsLooks;
use crate::cloud::sqs::{AwsSqs, Sqs};
use crate::config::{self, CloudWatchProtocol, Config, LogFormat};
use crate::contact::HttpContacts;
use crate::decide::budget::api::ApiLimits;
use crate::decide::budget::bucket::Rate;
use crate::decide::event::Contact;
use crate::decide::words::{Api, ErrorClass};
use crate::decide::{Settings, group::Group};
use crate::engine::crash::Crasher;
use crate::engine::{Engine, EngineError, Gauges, Handle, Parts};
use crate::hooks::inlet::Inlet;
use crate::ids;
use crate::net::fds::{FdClass, FdLimits, Fds};
use crate::net::listen;
use crate::store::Store;
use crate::time::{Clock, timeout_on_the_wall};

/// Environment variable that makes the process abort at a step of the protocol (see
/// [`crate::engine::crash`]); for tests.
const CRASH: &str = "MUSTER_DEV_CRASH";

/// How long giving messages back may hold up the end of the service, on the wall: a call to SQS takes some
/// 20 ms, and whoever restarts services waits 10 s or more before the kill.
const GIVING_BACK: Duration = Duration::from_secs(3);

/// A running service.
pub struct Service {
    /// Where it listens.
    pub address: SocketAddr,
    pub store: Store,
    pub fds: Arc<Fds>,
    pub handle: Handle,
    stop: watch::Sender<bool>,
    engine: JoinHandle<Result<(), EngineError>>,
    polling: Vec<JoinHandle<()>>,
    http: JoinHandle<()>,
}

impl Service {
    /// Starts everything.
    ///
    /// # Errors
    /// If a part cannot be started; nothing keeps running then.
    pub async fn start(config: &Config) -> anyhow::Result<Service> {
        let clock = Clock::scaled(config.time.scale, config.time.origin);
        let fds = Fds::at_start(&fd_limits(config))?;
        let auth = config.server.token_sha256.map_or(Auth::Open, Auth::Token);
        api::check_bind(config.server.listen, &auth).map_err(|e| anyhow!(e))?;
        let listener = TcpListener::bind(config.server.listen)
            .await
            .with_context(|| format!("cannot listen on {} (server.listen)", config.server.listen))?;
        let address = listener.local_addr()?;
        let store = Store::open(&config.store.url).await?;
        let account = Account::new(&aws_settings(config), fds.clone(), clock).await?;

        let metrics = Metrics::default();
        let (handle, ends) = Handle::new(config.limits.inbox as usize, clock);
        let inlet = Inlet::new(handle.clone());
        let (stop, stopped) = watch::channel(false);
        let asked = fds.clone();
        let state = ApiState::new(
            handle.clone(),
            store.clone(),
            auth,
            metrics.clone(),
            move || descriptors(&asked),
            followers(&fds),
            doors::http(config, inlet.clone(), &fds, clock)?,
        );
        let http =
            tokio::spawn(listen::serve(listener, api::router(state), fds.clone(), until(stopped.clone())));

        let parts = Parts {
            store: store.clone(),
            ec2: Arc::new(AwsEc2::of(&account)),
            auto_scaling: Arc::new(AwsAutoScaling::of(&account)),
            cloudwatch: Arc::new(AwsCloudWatch::of(&account)),
            looks: Arc::new(AwsLooks::of(&account)),
            gateways: Arc::new(AwsGateways::of(&account)),
            contacts: Arc::new(HttpContacts::new(fds.clone(), clock)),
            clock,
            settings: settings(config, &fds),
            groups: config.groups.values().cloned().collect::<Vec<Arc<Group>>>(),
            holder: holder(address),
            gauges: Arc::new(metrics),
            crasher: crasher()?,
        };
        let sqs: Arc<dyn Sqs> = Arc::new(AwsSqs::of(&account));
        let pollers = doors::pollers(&config.hooks.sqs, &sqs, &inlet, fds.share(FdClass::Cloud), clock);
        let mut polling = Vec::new();
        let engine = match Engine::start(parts, ends).await {
            Ok(engine) => {
                for poller in pollers {
                    polling.push(tokio::spawn(poller.run(stopped.clone())));
                }
                tokio::spawn(engine.run(until(stopped)))
            }
            Err(error) => {
                http.abort();
                store.close().await;
                return Err(error.into());
            }
        };
        Ok(Service { address, store, fds, handle, stop, engine, polling, http })
    }

    /// Runs until `order` resolves or the engine ends by itself, then stops everything.
    ///
    /// # Errors
    /// Why the engine ended, if it was not told to.
    pub async fn run_until(mut self, order: impl Future<Output = ()>) -> anyhow::Result<()> {
        let ended = tokio::select! {
            () = order => None,
            ended = &mut self.engine => Some(ended),
        };
        self.stop.send_replace(true);
        let result = match ended {
            Some(ended) => ended,
            None => self.engine.await,
        };
        // Messages in hand are given back, if AWS answers soon; if not, they come again by themselves.
        let _ = timeout_on_the_wall(GIVING_BACK, join_all(self.polling)).await;
        // Requests that are open get their answer; a stream ends with the service.
        let _ = self.http.await;
        self.store.close().await;
        result.map_err(|e| anyhow!("the engine died: {e}"))?.map_err(Into::into)
    }
}

/// `muster serve`: runs until told to stop by SIGTERM or SIGINT.
///
/// # Errors
/// If it cannot start, or another process takes its database over, or a commit fails.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    log_to_stderr(&config);
    let service = Box::pin(Service::start(&config)).await?;
    tracing::info!(address = %service.address, groups = config.groups.len(), "muster serves");
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    service
        .run_until(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("told to stop");
        })
        .await
}

/// Logs go to standard error, in the configured form; `MUSTER_LOG` overrides the level.
fn log_to_stderr(config: &Config) {
    use tracing_subscriber::EnvFilter;
    let filter = std::env::var("MUSTER_LOG")
        .ok()
        .and_then(|f| f.parse::<EnvFilter>().ok())
        .unwrap_or_else(|| EnvFilter::new(config.log.level.as_str()));
    let colours = coloured(std::io::stderr().is_terminal(), std::env::var_os("NO_COLOR").as_deref());
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    // A second start in one process keeps the first one's log.
    let _ = match config.log.format {
        LogFormat::Json => builder.json().try_init(),
        LogFormat::Text => builder.try_init(),
    };
}

/// Colours are for people at a terminal who have not asked for none (no-color.org: set, and not
/// empty). In a file or a journal they are noise.
fn coloured(terminal: bool, no_color: Option<&OsStr>) -> bool {
    terminal && no_color.is_none_or(OsStr::is_empty)
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // An error means that the service is gone, which is a stop as well.
    let _ = stopped.wait_for(|s| *s).await;
}

fn crasher() -> anyhow::Result<Crasher> {
    match std::env::var(CRASH) {
        Ok(text) => text.parse().map_err(|e| anyhow!("{CRASH}: {e}")),
        Err(_) => Ok(Crasher::default()),
    }
}

/// What the configuration lets be open at once.
#[must_use]
pub fn fd_limits(config: &Config) -> FdLimits {
    let d = &config.limits.descriptors;
    FdLimits {
        limit: d.most.into(),
        api: d.api,
        cloud: d.cloud,
        contacts: config.limits.contacts,
        store: Store::most_descriptors(&config.store.url),
        ..FdLimits::default()
    }
}

/// Event streams that may be open at once: at most half of the API's descriptors, so that requests
/// get through.
fn followers(fds: &Fds) -> usize {
    FOLLOWERS.min(fds.share(FdClass::Api) as usize / 2).max(1)
}

fn descriptors(fds: &Fds) -> Descriptors {
    let usage = fds.usage();
    Descriptors {
        limit: u32::try_from(usage.limit).unwrap_or(u32::MAX),
        budget: usage.budget,
        in_use: usage.in_use,
        peak: usage.peak,
        open: usage.open_now.unwrap_or(0),
    }
}

/// How the ownership row names this process.
fn holder(address: SocketAddr) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{} pid {} at {address} ({:08x})", host.trim(), std::process::id(), ids::seed() >> 32)
}

/// Where AWS is for this configuration, and who we are there.
#[must_use]
pub fn aws_settings(config: &Config) -> AwsSettings {
    AwsSettings {
        region: config.aws.region.clone(),
        endpoint: config.aws.endpoint.clone(),
        call_timeout: config.aws.call_timeout,
        metrics: match config.aws.cloudwatch_protocol {
            CloudWatchProtocol::Json => Protocol::Json,
            CloudWatchProtocol::Query => Protocol::Query,
        },
        keys: stand_in_keys(config.aws.endpoint.as_deref()),
    }
}

/// A stand-in for EC2 on this machine takes any keys. Without any, the SDK would go looking for
/// some on the network.
fn stand_in_keys(endpoint: Option<&str>) -> Option<AwsKeys> {
    let url = url::Url::parse(endpoint?).ok()?;
    let here = match url.host()? {
        url::Host::Domain(name) => name == "localhost",
        url::Host::Ipv4(ip) => ip.is_loopback(),
        url::Host::Ipv6(ip) => ip.is_loopback(),
    };
    let none = std::env::var_os("AWS_ACCESS_KEY_ID").is_none() && std::env::var_os("AWS_PROFILE").is_none();
    (here && none).then(|| AwsKeys { id: "muster".into(), secret: "muster".into() })
}

fn settings(config: &Config, fds: &Fds) -> Settings {
    let limits = |l: &config::ApiLimits| ApiLimits {
        requests: Rate { burst: l.burst, refill: l.refill },
        instances: l.resource.map(|(burst, refill)| Rate { burst, refill }),
        in_flight: l.in_flight,
    };
    Settings {
        most_per_scale_up: config.limits.count,
        most_open: config.limits.open_scale_ups,
        run_instances: limits(&config.aws.run_instances),
        describe_instances: limits(&config.aws.describe_instances),
        terminate_instances: limits(&config.aws.terminate_instances),
        auto_scaling: limits(&config.aws.auto_scaling),
        // Where descriptors are few, the lane is as wide as the share of them.
        contacts: config.limits.contacts.min(fds.share(FdClass::Contact)),
        describe_every: config.limits.describe_every,
        repeats_pay: config.aws.repeats_spend_tokens,
        look_every: Some(config.limits.look_every),
        gateways: config.gateways.values().cloned().collect(),
        ..Settings::default()
    }
}

impl Gauges for Metrics {
    fn decision(&self, took: Duration) {
        Metrics::decision(self, took);
    }
    fn commit(&self, took: Duration) {
        Metrics::commit(self, took);
    }
    fn call(&self, api: Api, outcome: Result<(), ErrorClass>) {
        Metrics::call(self, api, outcome);
    }
    fn configure(&self, outcome: &Contact) {
        Metrics::configure(self, outcome);
    }
    fn probe(&self, outcome: &Contact) {
        Metrics::probe(self, outcome);
    }
}

/// Where a SQLite database of this name would be, as a URL.
#[must_use]
pub fn sqlite_url(path: &std::path::Path) -> String {
    format!("sqlite:{}", PathBuf::from(path).display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_terminal_gets_colours_and_only_if_nobody_objects() {
        let cases = [
            (true, None, true),
            (true, Some(""), true),
            (true, Some("1"), false),
            (false, None, false),
            (false, Some("1"), false),
        ];
        for (terminal, no_color, colours) in cases {
            assert_eq!(coloured(terminal, no_color.map(OsStr::new)), colours, "{terminal} {no_color:?}");
        }
    }
}
