//! `muster sim`: the model, its fronts and its agents as one process.

use std::io::{Read, Write};
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::decide::words::Time;
use crate::time::Clock;

use super::agents::{AgentLimits, Agents};
use super::deliver::Deliverer;
use super::model::Model;
use super::options::SimOptions;
use super::settings::{Settings, SubnetSettings};
use super::shared::Shared;
use super::sockets::raise_descriptors;
use super::wire::{Front, FrontLimits};

/// What the one line on standard output says: where everything is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// URL of the EC2 API, and of `/_sim/`.
    pub ec2: String,
    /// Port of every instance's agent.
    pub agent_port: u16,
    pub subnets: Vec<SubnetSettings>,
    pub seed: u64,
}

/// A simulated EC2 whose sockets are bound.
pub struct Sim {
    front: Front,
    agents: Agents,
    deliverer: Deliverer,
    shared: Shared,
    announcement: Announcement,
}

impl Sim {
    /// Binds everything; nothing is accepted before [`Sim::serve`].
    ///
    /// # Errors
    /// If a socket cannot be bound or the settings make no sense.
    pub async fn bind(options: &SimOptions, settings: Settings) -> anyhow::Result<Sim> {
        /// Thousands of contacts at once, and no more memory than that takes.
        const DESCRIPTORS: u64 = 65_536;
        let descriptors = raise_descriptors(DESCRIPTORS).context("cannot read the limit of open files")?;
        let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
        let seed = options.seed.unwrap_or_else(crate::ids::seed);
        let clock = Clock::scaled(options.time_scale, options.origin_ms.map(Time));
        let subnets = settings.subnets.clone();
        let shared = Shared::new(Model::new(settings, seed)?, clock);
        shared.with(Model::begin);

        // Half of the descriptors for contacts, half of those for silent ones at most; an eighth
        // for API connections, of which each client keeps a few.
        let limits = FrontLimits { connections: (descriptors / 8).clamp(1, 1_024), batch: options.batch };
        let front = Front::bind(options.listen, limits, shared.clone())
            .await
            .with_context(|| format!("cannot listen on {}", options.listen))?;
        let limits = AgentLimits { connections: (descriptors / 2).max(2), silent: (descriptors / 4).max(1) };
        let agents = Agents::bind(options.agent_port, &options.configure_path, limits, shared.clone())
            .with_context(|| format!("cannot listen on port {} for the agents", options.agent_port))?;

        let deliverer = Deliverer::new(shared.clone(), (descriptors / 16).clamp(1, 256))
            .context("endpoint_authorities are no certificates")?;

        let ec2 = format!("http://{}", front.address()?);
        shared.with(|model, _| model.listens_at(&ec2));
        let announcement = Announcement { ec2, agent_port: agents.port()?, subnets, seed };
        Ok(Sim { front, agents, deliverer, shared, announcement })
    }

    #[must_use]
    pub fn announcement(&self) -> &Announcement {
        &self.announcement
    }

    /// The model, for those in the same process.
    #[must_use]
    pub fn shared(&self) -> Shared {
        self.shared.clone()
    }

    /// Serves for ever.
    pub async fn serve(self) {
        tokio::join!(self.front.serve(), self.agents.serve(), happen(&self.shared), self.deliverer.serve());
    }
}

/// Lets what is due by itself happen when it is due, though nobody calls.
async fn happen(shared: &Shared) {
    /// A call may bring forward what is due next: looked for again after so long on the wall. Half
    /// of what a person notices; ten looks a second cost nothing.
    const AGAIN: Duration = Duration::from_millis(100);
    loop {
        let due = shared.with(|model, now| {
            model.settle(now);
            model.due()
        });
        let clock = shared.clock();
        let wait = due.map_or(AGAIN, |at| clock.on_the_wall(Time(at).since(clock.now())).min(AGAIN));
        // Not less than the system can sleep: a model that is always due must not spin.
        crate::time::sleep_on_the_wall(wait.max(Duration::from_millis(1))).await;
    }
}

/// Runs until SIGTERM, Ctrl-C or (if asked to) the end of standard input.
///
/// # Errors
/// If it cannot start, or cannot say where it listens.
pub async fn run(options: SimOptions) -> anyhow::Result<()> {
    let sim = Sim::bind(&options, options.load_settings()?).await?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let line = serde_json::to_string(sim.announcement())?;
    writeln!(std::io::stdout(), "{line}").context("cannot write to standard output")?;
    std::io::stdout().flush()?;
    tokio::select! {
        () = sim.serve() => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = parent_gone(options.exit_with_parent) => {}
    }
    Ok(())
}

/// Resolves when standard input ends; never if nobody cares.
async fn parent_gone(watched: bool) {
    if !watched {
        return std::future::pending().await;
    }
    let (gone, told) = oneshot::channel();
    // A thread of its own, and not one of the runtime's: nothing can wake it from its read, and
    // the runtime would wait for it at the end.
    std::thread::spawn(move || {
        let mut buffer = [0; 256];
        let mut stdin = std::io::stdin();
        while matches!(stdin.read(&mut buffer), Ok(1..)) {}
        let _ = gone.send(());
    });
    let _ = told.await;
}
